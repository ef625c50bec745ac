package collect_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/risk"
)

// What a page says counts whatever its status is; what a server says of itself does not ask for a log-in.
func TestRefusalsSayWhy(t *testing.T) {
	const message = `<html><body id="phpbb"><div id="page-body"><div class="panel" id="message"><div class="inner"><p>%s</p></div></div></div></body></html>`
	box := func(said string) string { return strings.Replace(message, "%s", said, 1) }
	for _, c := range []struct {
		name   string
		status int
		page   string
		kind   risk.FailureKind
	}{
		{"401 without a word", 401, "", risk.FailLogin},
		{"401 of a server", 401, "<h1>Authorization required</h1>", risk.FailLogin},
		{"403 with a form", 403, `<form><input name=u><input type="password" name=p></form>`, risk.FailLogin},
		{"403 of a board", 403, box("You are not authorised to read this forum."), risk.FailLogin},
		{"403 of a server", 403, "<h1>Forbidden</h1><p>You don't have permission to access this resource.</p>", risk.FailStatus},
		{"403, banned", 403, box("You have been <strong>permanently</strong> banned from this board."), risk.FailBanned},
		{"403 with a challenge", 403, "<title>Just a moment...</title>", risk.FailCaptcha},
		{"503, closed", 503, box("Sorry but this board is currently unavailable."), risk.FailSlow},
		{"503, closed for now", 503, `<html id="XF" data-app="public"><body data-template="error"><div class="blockMessage">We're mending things. Please check back later.</div></body></html>`, risk.FailSlow},
		{"503 of a server", 503, "<h1>Service Unavailable</h1>", risk.FailStatus},
		{"404 of a board", 404, box("The requested topic does not exist."), risk.FailStatus},
		{"429", 429, "slow down", risk.FailStatus},
		{"403 that no parser takes", 403, strings.Repeat("<div>", 5000), risk.FailStatus},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "text/html; charset=utf-8")
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.page))
			}))
			defer server.Close()
			m := newMemory()
			_, err := newCollector(t, server.URL).Crawl(t.Context(), engineSource(server.URL+"/", "auto"), m.known, m.visit)
			fetch := wantKind(t, err, c.kind)
			if c.kind == risk.FailCaptcha {
				return
			}
			if fetch.Status != c.status || fetch.RetryAfter != time.Minute {
				t.Errorf("status %d, retry after %v", fetch.Status, fetch.RetryAfter)
			}
		})
	}
}

// Each of these stands alone on a page of a web server, or of a guard before it, with status 200.
func TestPagesThatSayWhy(t *testing.T) {
	for said, kind := range map[string]risk.FailureKind{
		"Too many requests. Please wait 10 seconds.":                             risk.FailSlow,
		"Anti-flood: Bitte warten Sie. Zu viele Anfragen.":                       risk.FailSlow,
		"Слишком много запросов. Попробуйте позже.":                              risk.FailSlow,
		"Trop de requêtes. Veuillez patienter.":                                  risk.FailSlow,
		"Demasiadas solicitudes, por favor espere.":                              risk.FailSlow,
		"Muitas solicitações. Tente novamente mais tarde.":                       risk.FailSlow,
		"Troppe richieste, riprova più tardi.":                                   risk.FailSlow,
		"Proszę czekać. Zbyt wiele żądań.":                                       risk.FailSlow,
		"Çok fazla istek. Lütfen bekleyin.":                                      risk.FailSlow,
		"请求过于频繁,请稍后再试。":                                                          risk.FailSlow,
		"Das Forum ist zurzeit wegen Wartungsarbeiten geschlossen.":              risk.FailSlow,
		"Le forum est en maintenance.":                                           risk.FailSlow,
		"На сайте ведутся технические работы.":                                   risk.FailSlow,
		"You’re banned. Your IP address has been banned.":                        risk.FailBanned,
		"Has sido baneado.":                                                      risk.FailBanned,
		"Sei stato bannato dal forum.":                                           risk.FailBanned,
		"Você foi banido deste fórum.":                                           risk.FailBanned,
		"You must be logged in to view this forum.":                              risk.FailLogin,
		"Du musst angemeldet sein, um dieses Forum zu lesen.":                    risk.FailLogin,
		"您需要登录后才可以查看。":                                                           risk.FailLogin,
		"Yetkiniz yok.":                                                          risk.FailLogin,
		"A shop for anchors and ropes.":                                          risk.FailLayout,
		"":                                                                       risk.FailLayout,
		"You have been banned" + strings.Repeat(" from many a harbour.", 100):    risk.FailLayout, // too long for a notice
		`</p><form><input type=password name=p></form><p>Maintenance mode`:       risk.FailSlow,
		`</p><form><input type=password name=p></form><p>Welcome to the forum`:   risk.FailLogin,
		`<span>You have been <b>permanently</b></span> <i>banned</i> from this `: risk.FailBanned,
	} {
		_, err := collect.Inspect(engineSource("http://board.test/", "auto"), "text/html; charset=utf-8", []byte("<html><body><p>"+said+"</p></body></html>"))
		var fetch *risk.FetchError
		if !errors.As(err, &fetch) || fetch.Kind != kind {
			t.Errorf("%.60q: %v, want %s", said, err, kind)
		}
	}
}
