package portal_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/portal"
	"github.com/wardline/wardline/internal/risk"
)

// access is who gets past which route, written out: a analyst, p procurement, c CISO, u auditor, i IT admin,
// r supplier respondent, n nobody signed in.
var access = map[string]string{
	"GET /healthz":               "apcuirn",
	"GET /readyz":                "apcuirn",
	"GET /static/*name":          "apcuirn",
	"POST /csp-report":           "apcuirn",
	"GET /login":                 "apcuirn",
	"POST /login":                "apcuirn",
	"POST /theme":                "apcuirn",
	"GET /demo/:token":           "apcuirn",
	"POST /logout":               "apcuir",
	"GET /profile":               "apcuir",
	"POST /profile":              "apcuir",
	"GET /demo/mailbox":          "apcuir",
	"GET /":                      "apcui",
	"GET /search":                "apcu",
	"GET /inbox":                 "acu",
	"POST /inbox/bulk":           "ac",
	"GET /exposures/:id":         "acu",
	"POST /exposures/:id/change": "ac",
	"GET /suppliers":             "apcu",
	"GET /suppliers/export":      "apcu",
	"GET /suppliers/import":      "apc",
	"POST /suppliers/import":     "apc",
	"GET /suppliers/new":         "apc",
	"POST /suppliers/new":        "apc",
	"GET /suppliers/:id":         "apcu",
	"GET /suppliers/:id/edit":    "apc",
	"POST /suppliers/:id/edit":   "apc",
	"GET /sources":               "aui",
	"GET /sources/:key":          "aui",
	"POST /sources/:key/cookies": "ai",
	"POST /sources/:key/forget":  "ai",
	"POST /sources/:key/pause":   "ai",
	"POST /sources/:key/resume":  "ai",
	"POST /sources/:key/run":     "ai",
	"GET /dumps":                 "aui",
	"GET /dumps/:id":             "aui",
	"POST /dumps/:id/cancel":     "ai",
	"POST /dumps/:id/resume":     "ai",

	// by token; see TestAccessOfEveryTokenToEveryRoute
	"POST /api/v1/watchlist":          "apc",
	"GET /api/v1/suppliers":           "apcu",
	"GET /api/v1/suppliers/:id/score": "apcu",
	"GET /api/v1/exposures":           "acu",
	"GET /api/v1/exposures/:id":       "acu",
	"GET /api/v1/sources":             "aui",
	"GET /api/v1/dumps":               "aui",
	"GET /api/v1/openapi.json":        "apcuir",
}

var letters = map[string]risk.Role{"a": risk.RoleAnalyst, "p": risk.RoleProcurement, "c": risk.RoleCISO, "u": risk.RoleAuditor, "i": risk.RoleAdmin, "r": risk.RoleRespondent, "n": ""}

func TestEveryRouteDeclaresWhoMayUseIt(t *testing.T) {
	declared, served := portal.Routes(newSite(t).h)
	var names []string
	for _, r := range declared {
		name := r.Method + " " + r.Path
		names = append(names, name)
		if len(r.May) == 0 {
			t.Errorf("%s declares no policy", name)
		}
		if _, ok := access[name]; !ok {
			t.Errorf("%s is missing in the access table", name)
		}
		if r.Page != slices.Contains(portal.Pages(), r.Path) && r.Method == http.MethodGet {
			t.Errorf("%s: Pages() and the routes disagree", name)
		}
	}
	slices.Sort(names)
	slices.Sort(served)
	if !slices.Equal(names, served) {
		t.Errorf("declared %v\nserved   %v", names, served)
	}
	if len(access) != len(names) {
		t.Errorf("the access table has %d rows, the router %d", len(access), len(names))
	}
}

func TestAccessOfEveryRoleToEveryRoute(t *testing.T) {
	for letter, role := range letters {
		s := newSite(t)
		b := s.browser()
		if role != "" {
			b = s.as(role)
		}
		for name, allowed := range access {
			method, pattern, _ := strings.Cut(name, " ")
			if strings.HasPrefix(pattern, "/api/") {
				continue
			}
			if name == "POST /logout" && role != "" {
				continue // would end the session that the others need; tested below
			}
			path := strings.NewReplacer(":token", "wrong-token", "*name", "app.css").Replace(filled(pattern))
			var r *httptest.ResponseRecorder
			if method == http.MethodGet {
				r = b.get(path)
			} else {
				r = b.post(path, "no-such-field", "1")
			}
			may := strings.Contains(allowed, letter)
			turnedAway := r.Code == http.StatusNotFound
			if role == "" {
				turnedAway = r.Code == http.StatusSeeOther && strings.HasPrefix(r.Header().Get("Location"), "/login")
			}
			if pattern == "/demo/:token" {
				turnedAway = !turnedAway && r.Code != http.StatusNotFound // a wrong token is not here, for everybody
			}
			if may == turnedAway {
				t.Errorf("%s as %q: status %d, allowed %v", name, role, r.Code, may)
			}
		}
	}
}

func TestAnswersTellTheBrowserWhatToRefuse(t *testing.T) {
	s := newSite(t)
	for _, path := range []string{"/login", "/nowhere", "/healthz", "/static/app.css"} {
		h := s.browser().get(path).Header()
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; form-action 'self'; " +
				"frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'; trusted-types app-fragment; report-uri /csp-report; report-to csp",
			"X-Content-Type-Options":     "nosniff",
			"Referrer-Policy":            "no-referrer",
			"Cross-Origin-Opener-Policy": "same-origin",
			"Reporting-Endpoints":        `csp="/csp-report"`,
		} {
			if got := h.Get(name); got != want {
				t.Errorf("GET %s: %s: %q", path, name, got)
			}
		}
	}
	if got := s.browser().get("/login").Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("a page may be kept: %q", got)
	}
}

func TestPolicyReportsAreCounted(t *testing.T) {
	s := newSite(t)
	for _, body := range []string{`{"csp-report":{"effective-directive":"script-src"}}`, `[{"type":"csp-violation","body":{"effectiveDirective":"img-src"}},{"type":"other"}]`, `nonsense`} {
		r := httptest.NewRequest(http.MethodPost, "http://localhost:8080/csp-report", strings.NewReader(body))
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		if w := s.browser().do(r); w.Code != http.StatusNoContent {
			t.Errorf("report %s: %d", body, w.Code)
		}
	}
	if got := portal.PolicyReports(s.h); got != 2 {
		t.Errorf("%d reports counted, want 2", got)
	}
	if !strings.Contains(s.log.String(), "directive=script-src") {
		t.Error("the log does not name the directive")
	}
}

func TestCrossOriginPostsChangeNothing(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	before := s.store.exposures[0].Version
	declared, _ := portal.Routes(s.h)
	for _, headers := range []map[string]string{
		{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"},
		{"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost:8080"}, {"Origin": "http://localhost:8081"},
	} {
		for _, route := range declared {
			if route.Method != http.MethodPost || route.Path == "/csp-report" {
				continue
			}
			r := httptest.NewRequest(http.MethodPost, "http://localhost:8080"+filled(route.Path), strings.NewReader("do=confirm&version=1"))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			for k, v := range headers {
				r.Header.Set(k, v)
			}
			if w := b.do(r); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "came from another site") {
				t.Errorf("POST %s with %v: %d", route.Path, headers, w.Code)
			}
		}
	}
	if got := s.store.exposures[0].Version; got != before {
		t.Error("an exposure was changed")
	}
}

func TestSessionCookie(t *testing.T) {
	s := newSite(t)
	r := s.browser().post("/login", "email", "s.quinn@st-aldhelm.example", "password", password)
	got := r.Header().Get("Set-Cookie")
	if !strings.HasPrefix(got, "wardline_session=") || !strings.Contains(got, "HttpOnly") || !strings.Contains(got, "SameSite=Strict") || strings.Contains(got, "Expires") {
		t.Errorf("cookie on loopback: %s", got)
	}
	s = newSite(t, func(c *portal.Config, _ *portal.Deps) { c.PublicURL, c.Secure = "https://wardline.example", true })
	r = s.browser().post("/login", "email", "s.quinn@st-aldhelm.example", "password", password)
	got = r.Header().Get("Set-Cookie")
	if !strings.HasPrefix(got, "__Host-wardline=") || !strings.Contains(got, "; Secure") || !strings.Contains(got, "Path=/;") || strings.Contains(got, "Domain") {
		t.Errorf("cookie over https: %s", got)
	}
}

func TestSignInTakesANewTokenAndStoresOnlyItsDigest(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	b.cookies["wardline_session"] = "chosen-by-somebody-else"
	b.post("/login", "email", "S.Quinn@st-aldhelm.example ", "password", password)
	token := b.cookies["wardline_session"]
	if token == "chosen-by-somebody-else" || len(token) < 40 {
		t.Fatalf("token after sign-in: %q", token)
	}
	if _, kept := s.store.sessions[token]; kept || len(s.store.sessions) != 1 {
		t.Errorf("sessions kept: %v", len(s.store.sessions))
	}
	fixed := s.browser()
	fixed.cookies["wardline_session"] = "chosen-by-somebody-else"
	if r := fixed.get("/"); r.Code != http.StatusSeeOther {
		t.Errorf("the fixed token is signed in: %d", r.Code)
	}
	b.post("/login", "email", "s.quinn@st-aldhelm.example", "password", password)
	if b.cookies["wardline_session"] == token {
		t.Error("a second sign-in kept the token")
	}
	old := s.browser()
	old.cookies["wardline_session"] = token
	if r := old.get("/"); r.Code != http.StatusSeeOther {
		t.Errorf("the first token still works: %d", r.Code)
	}
}

func TestSessionEnds(t *testing.T) {
	for name, end := range map[string]func(*site, *browser){
		"signed out":          func(s *site, b *browser) { b.post("/logout") },
		"idle for 16 minutes": func(s *site, b *browser) { s.clock.move(16 * time.Minute) },
		"eight hours, busy": func(s *site, b *browser) {
			for range 49 {
				s.clock.move(10 * time.Minute)
				b.get("/profile")
			}
		},
		"disabled": func(s *site, b *browser) { s.store.changeUser(1, func(u *risk.User) { u.Disabled = true }) },
		"new password": func(s *site, b *browser) {
			s.store.changeUser(1, func(u *risk.User) { u.PasswordHash = portal.CheapHash("another long password") })
		},
		"user removed": func(s *site, b *browser) { s.store.users = s.store.users[1:] },
	} {
		s := newSite(t)
		b := s.as(risk.RoleAnalyst)
		token := b.cookies["wardline_session"]
		if r := b.get("/"); r.Code != http.StatusOK {
			t.Fatalf("%s: signed in, but %d", name, r.Code)
		}
		end(s, b)
		b.cookies["wardline_session"] = token
		if r := b.get("/"); r.Code != http.StatusSeeOther || r.Header().Get("Location") != "/login" {
			t.Errorf("%s: %d, want the sign-in page", name, r.Code)
		}
	}
}

func TestSessionStaysWhileUsedAndAllDayInTheDemo(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	for range 10 {
		s.clock.move(14 * time.Minute)
		if r := b.get("/"); r.Code != http.StatusOK {
			t.Fatalf("used every 14 minutes: %d", r.Code)
		}
	}
	s = newSite(t, func(c *portal.Config, _ *portal.Deps) { c.Demo = true })
	b = s.as(risk.RoleAnalyst)
	s.clock.move(7 * time.Hour)
	if r := b.get("/"); r.Code != http.StatusOK {
		t.Errorf("demo after 7 hours: %d", r.Code)
	}
}

func TestRoleChangeCountsAtOnce(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	s.store.changeUser(1, func(u *risk.User) { u.Role = risk.RoleProcurement })
	if r := b.get("/inbox"); r.Code != http.StatusNotFound {
		t.Errorf("after the change: %d", r.Code)
	}
}

func TestReadingPagesWritesNoSession(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	b.get("/")
	before := map[string]risk.Session{}
	for k, v := range s.store.sessions {
		before[k] = v
	}
	s.clock.move(30 * time.Second)
	b.get("/")
	b.get("/inbox")
	for k, v := range s.store.sessions {
		if !bytes.Equal(before[k].Data, v.Data) {
			t.Error("a page that was only read wrote the session")
		}
	}
}

func TestSignInAnswersEveryCauseAlike(t *testing.T) {
	s := newSite(t)
	var hashed []bool
	portal.CountHashes(s.h, func(dummy bool) { hashed = append(hashed, dummy) })
	s.store.changeUser(2, func(u *risk.User) { u.Disabled = true })
	s.store.changeUser(3, func(u *risk.User) { u.PasswordHash = "" })
	var bodies []string
	for i, email := range []string{"s.quinn@st-aldhelm.example", "nobody@st-aldhelm.example", "p.lund@st-aldhelm.example", "c.imani@st-aldhelm.example"} {
		given := "wrong password"
		if i > 1 {
			given = password
		}
		start := time.Now()
		r := s.browser().post("/login", "email", email, "password", given)
		if took := time.Since(start); took < portal.Floor(s.h) {
			t.Errorf("%s: refused after %v, before the floor of %v", email, took, portal.Floor(s.h))
		}
		if r.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d", email, r.Code)
		}
		bodies = append(bodies, strings.ReplaceAll(r.Body.String(), email, "E"))
	}
	for _, body := range bodies[1:] {
		if body != bodies[0] {
			t.Error("two causes have different answers")
		}
	}
	if want := []bool{false, true, true, true}; !slices.Equal(hashed, want) {
		t.Errorf("hashes with the stand-in: %v, want %v", hashed, want)
	}
}

func TestRepeatedFailuresWaitButNeverForGood(t *testing.T) {
	s := newSite(t)
	checked := 0
	portal.CountHashes(s.h, func(bool) { checked++ })
	try := func(from, pass string) int {
		b := s.browser()
		b.from = from + ":1"
		return b.post("/login", "email", "s.quinn@st-aldhelm.example", "password", pass).Code
	}
	for i := range 30 {
		try(netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}).String(), "wrong password")
	}
	if checked != 5 {
		t.Errorf("%d of 30 tries from 30 addresses were checked, want 5", checked)
	}
	if code := try("198.51.100.1", password); code != http.StatusUnauthorized {
		t.Errorf("the right password within the delay: %d", code)
	}
	s.clock.move(2 * time.Second)
	if code := try("198.51.100.1", password); code != http.StatusSeeOther {
		t.Errorf("the right password after the delay: %d", code)
	}
}

func TestForgedAddressDoesNotEscapeTheDelay(t *testing.T) {
	s := newSite(t)
	checked := 0
	portal.CountHashes(s.h, func(bool) { checked++ })
	for i := range 40 {
		b := s.browser()
		r := httptest.NewRequest(http.MethodPost, "http://localhost:8080/login", strings.NewReader("email=user"+string(rune('a'+i%26))+string(rune('a'+i/26))+"@x.example&password=wrong"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Forwarded-For", netip.AddrFrom4([4]byte{203, 0, 113, byte(i)}).String())
		r.Header.Set("X-Real-Ip", "203.0.113.7")
		b.do(r)
	}
	if checked != 20 {
		t.Errorf("%d of 40 tries from one address were checked, want 20", checked)
	}
}

func TestThrottleDelays(t *testing.T) {
	th := portal.NewThrottle(2)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	step := func(after time.Duration, want bool) {
		t.Helper()
		now = now.Add(after)
		if got := th.Try("k", now); got != want {
			t.Errorf("try at %s: %v, want %v", now.Format(time.TimeOnly), got, want)
		}
	}
	step(0, true)
	step(0, true)
	step(0, false)
	step(999*time.Millisecond, false)
	step(time.Millisecond, true) // one second after the second failure
	step(time.Second, false)
	step(time.Second, true) // two seconds after the third
	for range 30 {
		step(15*time.Minute, true) // the longest delay
	}
	step(14*time.Minute, false)
	th.Succeed("k")
	step(0, true)
	if got := portal.AddressKey("2001:db8:1:2:3::4"); got != "2001:db8:1:2::/64" {
		t.Errorf("IPv6 key %s", got)
	}
}

func TestNextLeadsOnlyHere(t *testing.T) {
	s := newSite(t)
	r := s.browser().get("/exposures/2041?x=1")
	if got := r.Header().Get("Location"); got != "/login?next=%2Fexposures%2F2041%3Fx%3D1" {
		t.Errorf("sent to %s", got)
	}
	for next, want := range map[string]string{"/inbox?v=open": "/inbox?v=open", "//evil.example": "/", "https://evil.example": "/", `/\evil.example`: "/", "javascript:alert(1)": "/"} {
		r := s.browser().post("/login", "email", "s.quinn@st-aldhelm.example", "password", password, "next", next)
		if got := r.Header().Get("Location"); got != want {
			t.Errorf("next %s led to %s", next, got)
		}
	}
}

func TestDemoLinkSignsInOnceFromThisMachine(t *testing.T) {
	s := newSite(t)
	far := s.browser()
	far.from = "192.0.2.9:1"
	if r := far.get("/demo/one-time-token"); r.Code != http.StatusNotFound {
		t.Errorf("from elsewhere: %d", r.Code)
	}
	rebound := httptest.NewRequest(http.MethodGet, "http://rebound.example/demo/one-time-token", nil)
	if r := s.browser().do(rebound); r.Code != http.StatusNotFound {
		t.Errorf("under another name: %d", r.Code)
	}
	if r := s.browser().get("/demo/one-time-tokem"); r.Code != http.StatusNotFound {
		t.Errorf("wrong token: %d", r.Code)
	}
	look := httptest.NewRequest(http.MethodHead, "http://localhost:8080/demo/one-time-token", nil)
	if r := s.browser().do(look); r.Code != http.StatusMethodNotAllowed {
		t.Errorf("a look at the link: %d", r.Code)
	}
	b := s.browser()
	if r := b.get("/demo/one-time-token"); r.Code != http.StatusSeeOther || r.Header().Get("Location") != "/" {
		t.Fatalf("first use: %d", r.Code)
	}
	wantText(t, b.page("/"), ".who", "S. Quinn")
	r := s.browser().get("/demo/one-time-token")
	if r.Code != http.StatusGone {
		t.Errorf("second use: %d", r.Code)
	}
	wantText(t, parse(t, r), "h1", "This link has been used")
	s = newSite(t, func(c *portal.Config, _ *portal.Deps) { c.DemoToken = "" })
	if r := s.browser().get("/demo/"); r.Code == http.StatusSeeOther {
		t.Error("an empty token signs in")
	}
}

func TestPasswordHash(t *testing.T) {
	if _, err := portal.HashPassword("too short"); err == nil {
		t.Error("nine characters were taken")
	}
	got, err := portal.HashPassword(password)
	if err != nil || !strings.HasPrefix(got, "$argon2id$v=19$m=65536,t=3,p=2$") {
		t.Fatalf("%s, %v", got, err)
	}
	for phc, want := range map[string]bool{got: true, got[:len(got)-2] + "AA": false, "": false, "$2a$10$x": false, "$argon2id$v=19$m=4294967295,t=3,p=2$AAAA$AAAA": false} {
		if portal.Matches(phc, password) != want {
			t.Errorf("%.40s matches: %v", phc, !want)
		}
	}
}

func upload(b *browser, text string) *httptest.ResponseRecorder {
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, _ := w.CreateFormFile("file", "watch.csv")
	part.Write([]byte(text))
	w.Close()
	r := httptest.NewRequest(http.MethodPost, "http://localhost:8080/suppliers/import", &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return b.do(r)
}

func TestImportChangesNothingBeforeItIsConfirmed(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleProcurement)
	r := upload(b, "supplier,kind,value\nMeridian Lab Services,domain,meridian-lab.example\nMeridian Lab Services,host,vpn.meridian.example\nVantor Linen,domain,vantor.example\nVantor Linen,domain,VANTOR.example\nbroken line\n")
	doc := parse(t, r)
	wantText(t, doc, `section[aria-label="New"] .badge`, "2")
	wantText(t, doc, `section[aria-label="New"] tbody`, "new supplier")
	wantText(t, doc, `section[aria-label="Known already"] .badge`, "2")
	wantText(t, doc, `section[aria-label="Rejected"] tbody`, "watch.csv: line 6: three columns are needed.")
	wantText(t, doc, "form button.main", "Import 2 new rows")
	if len(s.store.suppliers) != 9 {
		t.Fatal("the dry run changed the store")
	}
	list, _ := doc.Find(`input[name="watchlist"]`).Attr("value")
	if want := "supplier,kind,value\nMeridian Lab Services,host,vpn.meridian.example\nVantor Linen,domain,vantor.example\n"; list != want {
		t.Errorf("to be imported:\n%s", list)
	}
	b.post("/suppliers/import", "sure", "yes", "watchlist", list)
	wantText(t, b.page("/suppliers"), `[role="status"]`, "Imported: 1 new supplier, 2 new watch terms.")
	if len(s.store.suppliers) != 10 || len(s.store.suppliers[0].Terms) != 4 {
		t.Errorf("%d suppliers, first with %d terms", len(s.store.suppliers), len(s.store.suppliers[0].Terms))
	}
}

func TestImportRefusesWhatIsTooLarge(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	if r := upload(b, strings.Repeat("x", 11<<20)); r.Code != http.StatusBadRequest {
		t.Errorf("11 MiB: %d", r.Code)
	}
	if r := upload(b, strings.Repeat("x", 5<<20+10)); r.Code != http.StatusUnprocessableEntity {
		t.Errorf("just over 5 MiB: %d", r.Code)
	}
	if r := b.post("/suppliers/import"); r.Code != http.StatusUnprocessableEntity {
		t.Errorf("no file: %d", r.Code)
	}
}
