package collect_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/risk"
)

// club is a site that shows its archive to those who are logged in; to others its form, with status 200.
type club struct {
	*httptest.Server
	action   string // where the form says that it leads
	extra    string // in the form
	refusal  string // what a wrong account is answered with
	password string
	posts    []string // form bodies that came, and where
	met      []string // cookies that came with each request for the archive
}

func newClub(tb testing.TB) *club {
	c := &club{action: "/enter", password: "right", refusal: "The account or the password is wrong."}
	c.Server = httptest.NewServer(c)
	tb.Cleanup(c.Close)
	return c
}

func (c *club) form() string {
	return `<html><body><p>Please log in.</p><form action="` + c.action + `" method="post"><input name="who"><input type="password" name="word">
		<input type="hidden" name="token" value="t-17"><input type="checkbox" name="stay" checked>` + c.extra + `<button name="go" type="submit" value="1">Enter</button></form></body></html>`
}

func (c *club) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	session, err := r.Cookie("member")
	in := err == nil && session.Value == "m-1"
	switch {
	case r.Method == http.MethodPost:
		body := make([]byte, 1000)
		n, _ := r.Body.Read(body)
		c.posts = append(c.posts, r.URL.Path+" "+string(body[:n]))
		if !strings.Contains(string(body[:n]), "word="+c.password+"&") && !strings.HasSuffix(string(body[:n]), "word="+c.password) {
			fmt.Fprint(w, strings.Replace(c.form(), "Please log in.", c.refusal, 1))
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "member", Value: "m-1", Path: "/", MaxAge: 30 * 24 * 3600})
		http.Redirect(w, r, "/archive", http.StatusFound)
	case r.URL.Path == "/archive" && in:
		c.met = append(c.met, r.Header.Get("Cookie"))
		fmt.Fprint(w, archive(pasteRow("aa", "1")))
	case strings.HasPrefix(r.URL.Path, "/raw/") && in:
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, "text of the paste")
	default:
		c.met = append(c.met, r.Header.Get("Cookie"))
		fmt.Fprint(w, c.form())
	}
}

func (c *club) source() risk.Source {
	src := pasteSource(c.URL)
	src.Politeness, src.Approval = risk.Politeness{}, "SEC-2026-014"
	return src
}

func (c *club) crawl(tb testing.TB, src risk.Source) (*memory, risk.CrawlReport, error) {
	tb.Helper()
	m := newMemory()
	report, err := collectorWith(tb, collect.Config{AllowLoopback: []netip.AddrPort{addrOf(tb, c.URL)}, Account: func(key string) (risk.Account, bool) {
		return risk.Account{User: "reader", Password: risk.NewSecret(risk.SecretPlain, "right")}, key == src.Key
	}}).Crawl(tb.Context(), src, m.known, m.visit)
	return m, report, err
}

func collectorWith(tb testing.TB, c collect.Config) *collect.Collector {
	tb.Helper()
	c.Now = func() time.Time { return today }
	made, err := collect.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return made
}

func kindOf(err error) risk.FailureKind {
	var fetch *risk.FetchError
	if errors.As(err, &fetch) {
		return fetch.Kind
	}
	return ""
}

func TestAPersonsCookiesAreSentToTheirSourceOnly(t *testing.T) {
	c := newClub(t)
	src := c.source()
	if _, _, err := c.crawl(t, src); kindOf(err) != risk.FailLogin {
		t.Errorf("a form instead of the archive: %v, want a log-in failure", err)
	}
	member := risk.Cookie{Host: "127.0.0.1", Path: "/", Name: "member", Value: risk.NewSecret(risk.SecretCookieValue, "m-1")}
	elsewhere := member
	elsewhere.Host, elsewhere.Name = "other.example", "spy"
	src.Session = risk.SourceSession{Cookies: []risk.Cookie{member, elsewhere}}
	c.met = nil
	m, report, err := c.crawl(t, src)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "read with the cookie", titles(m.take()), []string{"Paste aa|aa|text of the paste"})
	equal(t, "cookies sent", c.met, []string{"member=m-1"})
	if report.Session != nil {
		t.Errorf("nothing changed, and this is to be remembered: %+v", report.Session)
	}
}

func TestTheDeclaredFormIsFilledInOnce(t *testing.T) {
	c := newClub(t)
	src := c.source()
	src.Login = risk.Login{Address: c.URL + "/enter", Page: c.URL + "/archive"}
	m, report, err := c.crawl(t, src)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "read after the log-in", titles(m.take()), []string{"Paste aa|aa|text of the paste"})
	equal(t, "sent", c.posts, []string{"/enter go=1&stay=on&token=t-17&who=reader&word=right"})
	if report.Session == nil || len(report.Session.Cookies) != 1 {
		t.Fatalf("the session is %+v", report.Session)
	}
	if got := report.Session.Cookies[0]; got.Host != "127.0.0.1" || got.Name != "member" || got.Value.Reveal() != "m-1" || !got.Expires.Equal(today.AddDate(0, 0, 30)) {
		t.Errorf("the cookie is %+v", got)
	}

	src.Session = *report.Session
	c.posts = nil
	if _, _, err := c.crawl(t, src); err != nil || len(c.posts) > 0 {
		t.Errorf("with the session of the run before: %v, sent %q", err, c.posts)
	}
}

func TestARefusedAccountIsNotTriedAgain(t *testing.T) {
	c := newClub(t)
	c.password = "another"
	src := c.source()
	src.Login = risk.Login{Address: c.URL + "/enter", Page: c.URL + "/archive", User: "who", Password: "word", Expect: "a.logout"}
	_, report, err := c.crawl(t, src)
	if kindOf(err) != risk.FailLogin || len(c.posts) != 1 || report.Session == nil || report.Session.Refused == "" {
		t.Fatalf("%v after %d attempts, to be remembered: %+v", err, len(c.posts), report.Session)
	}
	src.Session = *report.Session
	if _, _, err = c.crawl(t, src); kindOf(err) != risk.FailLogin || len(c.posts) != 1 {
		t.Errorf("%v after %d attempts in all, want no second one", err, len(c.posts))
	}

	c.posts, c.refusal, src.Session = nil, "You have exceeded the maximum number of log-ins. Please wait.", risk.SourceSession{}
	if _, report, err = c.crawl(t, src); kindOf(err) != risk.FailSlow || report.Session != nil {
		t.Errorf("asked to wait: %v, to be remembered: %+v", err, report.Session)
	}
}

func TestNothingIsSentToAnotherAddressThanDeclared(t *testing.T) {
	for name, set := range map[string]func(c *club, src *risk.Source){
		"a form that leads elsewhere on the site": func(c *club, _ *risk.Source) { c.action = "/reply" },
		"a form that leads to another site":       func(c *club, _ *risk.Source) { c.action = "https://evil.example/enter" },
		"a form with a captcha":                   func(c *club, _ *risk.Source) { c.extra = `<img src="/captcha.png"><input name="captcha">` },
		"no such field":                           func(_ *club, src *risk.Source) { src.Login.User = "nick" },
		"no account":                              func(_ *club, src *risk.Source) { src.Key = "somebody-else" },
		"no declared form":                        func(_ *club, src *risk.Source) { src.Login = risk.Login{} },
	} {
		c := newClub(t)
		src := c.source()
		src.Login = risk.Login{Address: c.URL + "/enter", Page: c.URL + "/archive"}
		key := src.Key
		set(c, &src)
		m := newMemory()
		_, err := collectorWith(t, collect.Config{AllowLoopback: []netip.AddrPort{addrOf(t, c.URL)}, Account: func(k string) (risk.Account, bool) {
			return risk.Account{User: "reader", Password: risk.NewSecret(risk.SecretPlain, "right")}, k == key
		}}).Crawl(t.Context(), src, m.known, m.visit)
		if kind := kindOf(err); kind != risk.FailLogin && kind != risk.FailCaptcha || len(c.posts) > 0 {
			t.Errorf("%s: %v, sent %q", name, err, c.posts)
		}
	}
}

func TestQueuesAreWaitedThrough(t *testing.T) {
	for name, queue := range map[string]func(w http.ResponseWriter, number int){
		"by the page": func(w http.ResponseWriter, n int) {
			fmt.Fprintf(w, `<html><head><meta http-equiv="Refresh" content="0; url=/archive"></head><body>You are number %d</body></html>`, 4-n)
		},
		"by the header": func(w http.ResponseWriter, n int) {
			w.Header().Set("Refresh", "0")
			fmt.Fprintf(w, "<html><body>You are number %d</body></html>", 4-n)
		},
	} {
		var met []string
		s, src := answering(t, func(w http.ResponseWriter, r *http.Request) {
			met = append(met, r.URL.Path+" "+r.Header.Get("Cookie"))
			w.Header().Set("Content-Type", "text/html")
			switch place, err := r.Cookie("place"); {
			case err != nil:
				http.SetCookie(w, &http.Cookie{Name: "place", Value: "1", Path: "/"})
				queue(w, 1)
			case place.Value == "1":
				http.SetCookie(w, &http.Cookie{Name: "place", Value: "2", Path: "/"})
				queue(w, 2)
			case r.URL.Path == "/archive":
				fmt.Fprint(w, archive(pasteRow("aa", "1")))
			default:
				w.Header().Set("Content-Type", "text/plain")
				fmt.Fprint(w, "text of the paste")
			}
		})
		m, report, err := crawl(t, src, s.URL)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		equal(t, name, titles(m.take()), []string{"Paste aa|aa|text of the paste"})
		if want := []string{"/archive ", "/archive place=1", "/archive place=2"}; !slices.Equal(met[:3], want) || report.Session != nil {
			t.Errorf("%s: %q, want %q; to be remembered: %+v", name, met, want, report.Session)
		}
	}
}

// A site that sets ever new cookies, or some for others, fills nothing.
func TestHostileCookies(t *testing.T) {
	c := newClub(t)
	n := 0
	src := c.source()
	src.Session.Cookies = []risk.Cookie{{Host: "127.0.0.1", Path: "/", Name: "member", Value: risk.NewSecret(risk.SecretCookieValue, "m-1")}}
	inner := c.Config.Handler
	c.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for range 300 {
			n++
			http.SetCookie(w, &http.Cookie{Name: fmt.Sprint("c", n), Value: "x"})
		}
		w.Header().Add("Set-Cookie", "other=1; Domain=other.example")
		w.Header().Add("Set-Cookie", "huge="+strings.Repeat("x", 5000))
		inner.ServeHTTP(w, r)
	})
	_, report, err := c.crawl(t, src)
	if err != nil || report.Session == nil || len(report.Session.Cookies) > 200 {
		t.Fatalf("%v, %d cookies", err, len(report.Session.Cookies))
	}
	for _, k := range report.Session.Cookies {
		if k.Host != "127.0.0.1" || len(k.Value.Reveal()) > 4096 {
			t.Errorf("kept %s of %s", k.Name, k.Host)
		}
	}
}

// What was sent is not sent on: a redirect that asks for it again, elsewhere, is refused.
func TestALoginIsNotSentOn(t *testing.T) {
	c := newClub(t)
	inner := c.Config.Handler
	c.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/enter" {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			return
		}
		inner.ServeHTTP(w, r)
	})
	src := c.source()
	src.Login = risk.Login{Address: c.URL + "/enter", Page: c.URL + "/archive"}
	if _, _, err := c.crawl(t, src); kindOf(err) != risk.FailRefused || len(c.posts) > 0 {
		t.Errorf("%v, sent on: %q", err, c.posts)
	}
}
