package portal_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/wardline/wardline/internal/portal"
	"github.com/wardline/wardline/internal/risk"
)

const password = "correct horse battery"

// clock is moved by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.at }

func (c *clock) move(d time.Duration) { c.mu.Lock(); c.at = c.at.Add(d); c.mu.Unlock() }

// site is a portal over the sample hospital.
type site struct {
	t      *testing.T
	h      http.Handler
	store  *fakeStore
	clock  *clock
	jobs   []risk.Job
	opened int      // whole accounts decrypted
	given  []string // cookies, with their source and who gave them
	log    *bytes.Buffer
	unfit  error
}

func newSite(t *testing.T, change ...func(*portal.Config, *portal.Deps)) *site {
	t.Helper()
	s := &site{t: t, clock: &clock{at: time.Now().UTC()}, log: &bytes.Buffer{}}
	s.store = sampleStore(s.clock.now())
	for i := range s.store.users {
		s.store.users[i].PasswordHash = portal.CheapHash(password)
	}
	cfg := portal.Config{PublicURL: "http://localhost:8080", DemoToken: "one-time-token", Now: s.clock.now, Log: slog.New(slog.NewTextHandler(s.log, nil))}
	deps := portal.Deps{
		Store:       s.store,
		OpenAccount: func([]byte) (string, error) { s.opened++; return "lena.hart@meridian-lab.example", nil },
		Enqueue:     func(_ context.Context, jobs ...risk.Job) error { s.jobs = append(s.jobs, jobs...); return nil },
		ParseWatchlist: func(name string, r io.Reader) ([]risk.Supplier, []error) {
			b, _ := io.ReadAll(r)
			return parseLines(name, string(b))
		},
		ReadWatchlist: readLines,
		GiveCookies: func(_ context.Context, key, text, by string) (int, int, error) {
			if !strings.Contains(text, "=") {
				return 0, 0, risk.Invalid("cookies", "No cookies in <b>it</b>.")
			}
			s.given = append(s.given, key+" "+text+" "+by)
			return 2, 1, nil
		},
		Mailbox: func() []portal.Mail {
			return []portal.Mail{{ID: "m1", At: s.clock.now(), From: "wardline@st-aldhelm.example", To: "a.osei@st-aldhelm.example", Subject: "Critical " + hostile, Text: "EX-2041", HTML: "<b>EX-2041</b>"}}
		},
		Ready: func(context.Context) error { return s.unfit },
	}
	for _, do := range change {
		do(&cfg, &deps)
	}
	h, err := portal.NewCheap(cfg, deps)
	if err != nil {
		t.Fatal(err)
	}
	s.h = h
	return s
}

// browser keeps cookies as a browser on this machine does.
type browser struct {
	s       *site
	cookies map[string]string
	from    string
}

func (s *site) browser() *browser {
	return &browser{s: s, cookies: map[string]string{}, from: "127.0.0.1:40000"}
}

// as is a browser in which a user of that role has signed in.
func (s *site) as(role risk.Role) *browser {
	s.t.Helper()
	b := s.browser()
	for _, u := range s.store.users {
		if u.Role == role {
			if r := b.post("/login", "email", u.Email, "password", password); r.Code != http.StatusSeeOther {
				s.t.Fatalf("sign in as %s: %d", role, r.Code)
			}
			return b
		}
	}
	s.t.Fatalf("no user is a %s", role)
	return nil
}

func (b *browser) do(r *http.Request) *httptest.ResponseRecorder {
	r.RemoteAddr = b.from
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	b.s.h.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		if c.MaxAge < 0 {
			delete(b.cookies, c.Name)
			continue
		}
		b.cookies[c.Name] = c.Value
	}
	return w
}

func (b *browser) get(path string) *httptest.ResponseRecorder {
	return b.do(httptest.NewRequest(http.MethodGet, "http://localhost:8080"+path, nil))
}

func (b *browser) post(path string, pairs ...string) *httptest.ResponseRecorder {
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Add(pairs[i], pairs[i+1])
	}
	r := httptest.NewRequest(http.MethodPost, "http://localhost:8080"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	return b.do(r)
}

// page opens a page that must answer 200 and reads it.
func (b *browser) page(path string) *goquery.Document {
	b.s.t.Helper()
	r := b.get(path)
	if r.Code != http.StatusOK {
		b.s.t.Fatalf("GET %s: %d\n%s", path, r.Code, b.s.log)
	}
	return parse(b.s.t, r)
}

func parse(t *testing.T, r *httptest.ResponseRecorder) *goquery.Document {
	t.Helper()
	doc, err := goquery.NewDocumentFromReader(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func wantText(t *testing.T, doc *goquery.Document, selector, want string) {
	t.Helper()
	if got := doc.Find(selector).Text(); !strings.Contains(got, want) {
		t.Errorf("%s: got %q, want it to hold %q", selector, strings.Join(strings.Fields(got), " "), want)
	}
}

func wantCount(t *testing.T, doc *goquery.Document, selector string, want int) {
	t.Helper()
	if got := doc.Find(selector).Length(); got != want {
		t.Errorf("%s: %d elements, want %d", selector, got, want)
	}
}

// filled puts values into a page's pattern.
func filled(pattern string) string {
	path := strings.NewReplacer("/suppliers/:id", "/suppliers/1", "/exposures/:id", "/exposures/2041", "/dumps/:id", "/dumps/1", ":key", "paste-p01").Replace(pattern)
	return path
}

func TestEveryPageRendersWithItsFrame(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	for _, pattern := range portal.Pages() {
		if pattern == "/login" {
			continue // nobody who is signed in sees it
		}
		doc := b.page(filled(pattern))
		wantCount(t, doc, "main h1", 1)
		wantCount(t, doc, `script:not([src]), [style], style, [onclick], [onload]`, 0)
		wantCount(t, doc, `.nav a[aria-current="page"]`, map[string]int{"/profile": 0, "/search": 0}[pattern]+boolInt(pattern != "/profile" && pattern != "/search"))
		wantText(t, doc, ".who", "S. Quinn · Security analyst")
	}
}

func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

func TestOverview(t *testing.T) {
	s := newSite(t)
	doc := s.as(risk.RoleAnalyst).page("/")
	wantText(t, doc, `[aria-label="What we cannot see now"]`, "2 of 5 sources (Forum F-02: silent for 31 h; Leak site L-09: refused or failing for 26 h)")
	wantText(t, doc, `[aria-label="Trouble"]`, "1 alert mail has not been delivered")
	wantCount(t, doc, ".decision", 7)
	wantText(t, doc, ".decision:first-of-type", "overdue 5 h")
	wantText(t, doc, `a.card[href="/inbox?v=open"]`, "5 critical or high · −4 in 7 d")
	wantText(t, doc, ".cards", "90th percentile 3 h · 41 exposures in 90 d")
	wantText(t, doc, `a.card[href="/suppliers?tier=1&grade=F"]`, "3 / 6")
	wantCount(t, doc, `.matrix a[href="/suppliers?tier=1&grade=F"]`, 1)
	wantCount(t, doc, `section[aria-labelledby="weeks"] tbody tr`, 12)
	wantText(t, doc, ".foot", "Cannot be seen now: Forum F-02")
}

func TestOverviewShowsNoNumberThatIsNotKnown(t *testing.T) {
	s := newSite(t)
	s.store.overview = risk.Overview{OpenWeekAgo: -1}
	doc := s.as(risk.RoleAnalyst).page("/")
	text := doc.Find(".cards").Text()
	for _, absent := range []string{"first look", "Tier 1", "in 7 d"} {
		if strings.Contains(text, absent) {
			t.Errorf("cards hold %q, which nothing was counted for: %s", absent, text)
		}
	}
	wantText(t, doc, `section[aria-labelledby="weeks"]`, "Nothing has been found yet.")
	wantText(t, doc, `section[aria-labelledby="matrix"]`, "No score has been computed yet.")
}

func TestEmptyHospital(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	s.store.suppliers, s.store.exposures, s.store.sources, s.store.overview, s.store.scores = nil, nil, nil, risk.Overview{OpenWeekAgo: -1}, nil
	for path, want := range map[string]string{"/": "No supplier yet", "/inbox": "Nothing waits for triage.", "/suppliers": "No supplier yet.", "/sources": "No source is set up."} {
		wantText(t, b.page(path), "main", want)
	}
	wantText(t, b.page("/"), `[aria-label="What we cannot see now"]`, "everything")
}

func TestInboxListsByDueTimeAndOpensTheChosen(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	doc := b.page("/inbox")
	wantCount(t, doc, ".item", 6)
	wantText(t, doc, ".item:first-child", "Account of st-aldhelm.example in a combined list")
	wantText(t, doc, `.chips a[aria-current="page"]`, "To triage 6")
	doc = b.page("/inbox?id=2041")
	wantText(t, doc, "#detail h2", "Password for results.meridian-lab.example")
	wantText(t, doc, "#detail .mono", "l•••••@meridian-lab.example")
	wantText(t, doc, "#detail .sealed", "12–15 characters · plain text · not kept")
	wantText(t, doc, "#detail mark", "results.meridian-lab.example")
	wantText(t, b.page("/inbox?v=mine"), ".chips [aria-current]", "Mine 2")
	wantCount(t, b.page("/inbox?sev=critical"), ".item", 2)
	wantText(t, b.page("/inbox?q=nothing-like-it"), ".empty", "The filter hides everything here.")
	for _, bad := range []string{"/inbox?v=x", "/inbox?sev=x"} {
		if r := b.get(bad); r.Code != http.StatusBadRequest {
			t.Errorf("GET %s: %d, want 400", bad, r.Code)
		}
	}
	if r := b.get("/inbox?page=9"); r.Code != http.StatusNotFound {
		t.Errorf("past the end: %d, want 404", r.Code)
	}
	if r := b.get("/inbox?id=1"); r.Code != http.StatusNotFound {
		t.Errorf("unknown exposure: %d, want 404", r.Code)
	}
}

func TestWholeAccountOnlyForThoseWhoMustActAndOnlyOnItsPage(t *testing.T) {
	s := newSite(t)
	const whole = "lena.hart@meridian-lab.example"
	wantText(t, s.as(risk.RoleAnalyst).page("/exposures/2041"), "#whole", whole)
	for role, path := range map[risk.Role]string{risk.RoleAuditor: "/exposures/2041", risk.RoleCISO: "/inbox?id=2041"} {
		s.opened = 0
		if r := s.as(role).get(path); r.Code != http.StatusOK || strings.Contains(r.Body.String(), whole) || s.opened != 0 {
			t.Errorf("%s at %s: status %d, opened %d accounts", role, path, r.Code, s.opened)
		}
	}
}

func TestAccountUnderAnotherKey(t *testing.T) {
	s := newSite(t, func(_ *portal.Config, d *portal.Deps) {
		d.OpenAccount = func([]byte) (string, error) { return "", errors.New("key k0 is unknown") }
	})
	doc := s.as(risk.RoleAnalyst).page("/exposures/2041")
	wantText(t, doc, ".sealed", "a key that this server does not hold")
}

func TestExposurePage(t *testing.T) {
	s := newSite(t)
	doc := s.as(risk.RoleAnalyst).page("/exposures/2041")
	wantText(t, doc, `section[aria-labelledby="timeline"] li:first-child`, "Mailed")
	wantText(t, doc, `section[aria-labelledby="seen"] td.mono`, "http://forum.example/t/81 › line 12")
	wantCount(t, doc, `section[aria-labelledby="seen"] a`, 0)
	wantText(t, doc, `section[aria-labelledby="effect"]`, "Show that the password was reset after the capture.")
	wantText(t, doc, ".facts", "Tier 1 · patient data")
	wantText(t, doc, ".facts", "Stealer log")
	wantCount(t, s.as(risk.RoleAuditor).page("/exposures/2041"), ".deeds", 0)
}

func TestHostileTextStaysText(t *testing.T) {
	s := newSite(t)
	s.store.suppliers[5].Name = "MedPay " + hostile
	b := s.as(risk.RoleAnalyst)
	for _, path := range []string{"/", "/inbox?id=2048", "/exposures/2048", "/suppliers", "/suppliers/6", "/suppliers/6?tab=exposures", "/suppliers/6/edit",
		"/search?q=" + url.QueryEscape(hostile), "/suppliers?q=" + url.QueryEscape(hostile), "/inbox?q=" + url.QueryEscape(hostile), "/demo/mailbox"} {
		doc := b.page(path)
		wantCount(t, doc, "img, [onerror]", 0)
		if html, _ := doc.Html(); !strings.Contains(html, "onerror") {
			t.Errorf("GET %s does not show the hostile text at all", path)
		}
	}
	wantText(t, b.page("/exposures/2048"), ".excerpt", "⟨U+202E⟩evil")
}

func TestChangeAnExposure(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	at := func(id int64) risk.Exposure { e, _ := s.store.FindExposure(t.Context(), id); return e }
	if r := b.post("/exposures/2041/change", "do", "confirm", "version", "1", "back", "/inbox?v=open"); r.Code != http.StatusSeeOther || r.Header().Get("Location") != "/inbox?v=open" {
		t.Fatalf("confirm: %d to %q", r.Code, r.Header().Get("Location"))
	}
	if got := at(2041).State; got != risk.ExposureConfirmed {
		t.Errorf("after confirm: %s", got)
	}
	if r := b.post("/exposures/2041/change", "do", "fixed", "version", "1"); r.Code != http.StatusConflict {
		t.Errorf("with an old version: %d, want 409", r.Code)
	}
	wantText(t, parse(t, b.post("/exposures/2042/change", "do", "dismiss", "version", "1")), `[role="alert"]`, "EX-2042 was not changed. Say why")
	r := b.post("/exposures/2042/change", "do", "duplicate", "version", "1", "duplicate_of", "2041")
	wantText(t, parse(t, r), `[role="alert"]`, "Name the exposure that this one repeats")
	b.post("/exposures/2042/change", "do", "duplicate", "version", "1", "duplicate_of", "ex-2041")
	if got := at(2042); got.State != risk.ExposureDuplicate || got.DuplicateOf != 2041 {
		t.Errorf("after duplicate: %s of %d", got.State, got.DuplicateOf)
	}
	b.post("/exposures/2047/change", "do", "assign", "version", "1", "owner", "3")
	if got := at(2047).OwnerID; got != 3 {
		t.Errorf("owner %d, want 3", got)
	}
	b.post("/exposures/2047/change", "do", "assign", "version", "2", "owner", "4")
	if got := at(2047).OwnerID; got != 3 {
		t.Errorf("assigned to an auditor, who cannot act: owner %d", got)
	}
	if r := b.post("/exposures/2047/change", "do", "confirm", "version", "2", "state", "closed"); r.Code != http.StatusBadRequest {
		t.Errorf("unknown field: %d, want 400", r.Code)
	}
	if r := b.post("/exposures/2047/change", "do", "take", "version", "2", "back", "//evil.example/"); r.Header().Get("Location") != "/exposures/2047" {
		t.Errorf("led away to %q", r.Header().Get("Location"))
	}
}

func TestBulkNamesTheCountAsksAndCanBeUndone(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	state := func(id int64) risk.ExposureState { e, _ := s.store.FindExposure(t.Context(), id); return e.State }
	r := b.post("/inbox/bulk", "do", "dismiss", "id", "2047", "id", "2048", "back", "/inbox")
	doc := parse(t, r)
	wantText(t, doc, "h1", "Dismiss 2 exposures?")
	wantCount(t, doc, `input[name="id"]`, 2)
	if r.Code != http.StatusOK || state(2047) != risk.ExposureNew {
		t.Fatalf("asking changed something: %d, %s", r.Code, state(2047))
	}
	wantText(t, parse(t, b.post("/inbox/bulk", "do", "dismiss", "sure", "yes", "id", "2047")), ".wrong", "Say why")
	b.post("/inbox/bulk", "do", "dismiss", "sure", "yes", "reason", "not ours", "id", "2047", "id", "2048", "id", "2049", "back", "/inbox")
	doc = b.page("/inbox")
	wantText(t, doc, `[role="status"]`, "2 exposures dismissed. Not changed: EX-2049")
	wantCount(t, doc, `.banner input[name="id"]`, 2)
	b.post("/inbox/bulk", "do", "reopen", "id", "2047", "id", "2048", "back", "/inbox")
	if state(2047) != risk.ExposureNew || state(2048) != risk.ExposureNew {
		t.Errorf("after undo: %s, %s", state(2047), state(2048))
	}
	b.post("/inbox/bulk", "do", "take", "id", "2047", "id", "1", "back", "/inbox")
	wantText(t, b.page("/inbox"), `[role="status"]`, "1 exposure taken. Not changed: EX-1 (it is no longer there.)")
	b.post("/inbox/bulk", "do", "take", "back", "/inbox")
	wantText(t, b.page("/inbox"), `[role="status"]`, "Nothing was selected")
}

func TestSupplierPages(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	doc := b.page("/suppliers?sort=score")
	wantCount(t, doc, "main tbody tr", 9)
	wantText(t, doc, "tbody tr:first-child", "Meridian Lab Services")
	wantText(t, doc, `th[aria-sort="ascending"]`, "Score")
	wantText(t, doc, "tbody", "Insufficient evidence")
	wantCount(t, b.page("/suppliers?tier=1&grade=F"), "main tbody tr", 3)
	wantText(t, b.page("/suppliers?q=no-such"), ".empty", "The filter hides all 9 suppliers.")

	doc = b.page("/suppliers/1")
	wantText(t, doc, ".bignum", "34")
	wantText(t, doc, ".tags", "BAA signed 11 Feb 2025")
	wantText(t, doc, ".tags", "meridian-lab.example +1")
	wantText(t, doc, ".factor:first-child summary", "Leaked credentials")
	wantText(t, doc, ".factor:first-child", "Show that the password was reset")
	wantText(t, doc, ".factor:nth-of-type(6)", "unknown")
	wantText(t, doc, `section[aria-labelledby="why"] p.small:last-child`, "85 for the average supplier − 50.8 for what follows = 34.2")
	wantText(t, b.page("/suppliers/8"), ".badge", "Insufficient evidence")
	wantText(t, b.page("/suppliers/1?tab=terms"), ".tags", "meridian-results.example")
	wantCount(t, b.page("/suppliers/1?tab=exposures"), "main tbody tr", 3)
	doc = b.page("/suppliers/1?tab=dumps")
	wantText(t, doc, "#seen + span", "Last asked")
	wantText(t, doc, "main tbody tr:nth-child(1)", "combo/2026-02.zipDrop folderHeld, read again773")
	wantText(t, doc, "main tbody tr:nth-child(2)", "gone.txtDrop folderNo longer heldcannot be searched for Meridian2––")
	wantText(t, doc, "main", "4 dumps are still to be read again whole")
	if r := b.get("/suppliers/1?tab=dependencies"); r.Code != http.StatusNotFound {
		t.Errorf("unknown tab: %d", r.Code)
	}
	// Procurement sees the supplier and not its exposures.
	doc = s.as(risk.RoleProcurement).page("/suppliers/1")
	wantCount(t, doc, `a[href*="exposures"], a[href*="dumps"], a[href*="/inbox"], section[aria-labelledby="open"]`, 0)
	wantText(t, doc, ".factor", "One exposure")
	if r := s.as(risk.RoleProcurement).get("/suppliers/1?tab=dumps"); r.Code != http.StatusNotFound {
		t.Errorf("procurement asks where a supplier was seen: %d", r.Code)
	}
}

// What a hunt that goes on has seen so far is said to be so.
func TestSupplierPageShowsAHuntThatGoesOn(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	s.store.huntRun = risk.HuntRun{Started: s.clock.now(), Dumps: 1200, Looked: 300}
	doc := b.page("/suppliers/2?tab=dumps")
	wantText(t, doc, "#seen + span", "300 of 1\u202f200 dumps asked")
	wantCount(t, doc, `progress[value="300"][max="1200"]`, 1)
	wantText(t, doc, ".empty", "Nothing has been seen so far.")
	s.store.huntRun = risk.HuntRun{}
	wantText(t, b.page("/suppliers/2?tab=dumps"), "main", "The dumps are about to be asked")
}

func TestAddAndEditASupplier(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleProcurement)
	r := b.post("/suppliers/new", "name", "Vantor Linen", "relation", "third_party", "tier", "3", "owner_email", "not an address", "terms_domain", "https://vantor.example\nvantor.example", "employees", "many")
	if r.Code != http.StatusUnprocessableEntity {
		t.Fatalf("wrong form: %d", r.Code)
	}
	doc := parse(t, r)
	wantText(t, doc, `[role="alert"]`, `"not an address" is not an e-mail address.`)
	wantText(t, doc, `[role="alert"]`, "Line 1:")
	wantText(t, doc, `[role="alert"]`, "Write the number of employees in digits")
	if got, _ := doc.Find("#name").Attr("value"); got != "Vantor Linen" {
		t.Errorf("typed name came back as %q", got)
	}
	wantText(t, doc, "#terms_domain", "https://vantor.example")

	r = b.post("/suppliers/new", "name", "Vantor Linen", "relation", "third_party", "tier", "3", "patient_data", "no", "contract_end", "2027-06-30", "terms_domain", "Vantor.example\nvantor.example\n", "terms_brand", "Vantor Linen")
	if r.Code != http.StatusSeeOther || r.Header().Get("Location") != "/suppliers/10" {
		t.Fatalf("create: %d to %q", r.Code, r.Header().Get("Location"))
	}
	got := s.store.suppliers[9]
	if len(got.Terms) != 2 || got.Terms[0].Value != "vantor.example" || got.Tier != 3 || got.PatientData != risk.No || got.ContractEnd.Format(time.DateOnly) != "2027-06-30" {
		t.Errorf("saved %+v", got)
	}
	r = b.post("/suppliers/new", "name", "vantor linen", "relation", "third_party")
	wantText(t, parse(t, r), `[role="alert"]`, "There is a supplier of that name already.")
	b.post("/suppliers/10/edit", "seen", seen(b.page("/suppliers/10/edit")), "name", "Vantor Linen Ltd", "relation", "third_party", "terms_domain", "vantor.example")
	if got := s.store.suppliers[9]; got.Name != "Vantor Linen Ltd" || len(got.Terms) != 1 || got.ContractEnd != nil {
		t.Errorf("after edit %+v", got)
	}
}

func TestExportIsSafeInSpreadsheets(t *testing.T) {
	s := newSite(t)
	s.store.suppliers[0].Name, s.store.suppliers[1].Name, s.store.suppliers[2].Name = `=HYPERLINK("http://x")`, " \u200b@SUM(1)", "＝1+1"
	r := s.as(risk.RoleAuditor).get("/suppliers/export?sort=score")
	lines := strings.Split(r.Body.String(), "\r\n")
	for i, want := range []string{"supplier,kind,", `"'=HYPERLINK(""http://x"")",Laboratory,third_party,1,34.2,22.2,46.2,F,0.67,2,2,A. Osei,`, "' \u200b@SUM(1),", "'＝1+1,"} {
		if !strings.HasPrefix(lines[i], want) {
			t.Errorf("line %d: %s\nwant it to begin with %s", i+1, lines[i], want)
		}
	}
	if !strings.Contains(r.Header().Get("Content-Disposition"), "attachment") {
		t.Error("the export is not an attachment")
	}
}

func TestSources(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAdmin)
	doc := b.page("/sources")
	wantCount(t, doc, `section[aria-label="Sources"] tbody tr`, 5)
	wantText(t, doc, "tbody tr:nth-child(3) .badge", "Silent 31 h")
	wantText(t, doc, "tbody", "The site answered 429; tried again later.")
	wantCount(t, doc, `section[aria-label="Sources"] tbody tr:first-child rect`, 30)
	wantText(t, doc, ".cards", "27 matches in them")
	b.post("/sources/paste-p01/run")
	if len(s.jobs) != 1 || s.jobs[0].Kind != risk.JobCollect || s.jobs[0].SourceKey != "paste-p01" {
		t.Errorf("jobs %+v", s.jobs)
	}
	b.post("/sources/paste-p01/pause")
	doc = b.page("/sources")
	wantText(t, doc, `[role="status"]`, "What appears there meanwhile is not seen.")
	wantCount(t, doc, `form[action="/sources/paste-p01/resume"]`, 1)
	if r := b.post("/sources/paste-p01/run"); r.Code != http.StatusBadRequest || len(s.jobs) != 1 {
		t.Errorf("running a paused source: %d, %d jobs", r.Code, len(s.jobs))
	}
	wantCount(t, s.as(risk.RoleAuditor).page("/sources"), "main form", 0)
}

func TestSearch(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	doc := b.page("/search?q=corvane")
	wantText(t, doc, `[aria-labelledby="found-s"]`, "Corvane Billing")
	wantText(t, doc, `[aria-labelledby="found-e"]`, "Corvane Billing named on a leak site")
	wantText(t, b.page("/search?q=EX-2047"), `[aria-labelledby="found-e"]`, "Halden Imaging offered")
	if r := b.get("/search?q=someone%40corvane.example"); r.Header().Get("Location") != "/search?q=corvane.example" {
		t.Errorf("an address stays in the address: %d to %q", r.Code, r.Header().Get("Location"))
	}
	wantCount(t, s.as(risk.RoleProcurement).page("/search?q=corvane"), `[aria-labelledby="found-e"]`, 0)
}

func TestMailboxShowsMailAsText(t *testing.T) {
	b := newSite(t).as(risk.RoleAnalyst)
	doc := b.page("/demo/mailbox")
	wantText(t, doc, ".mailtext", "EX-2041")
	wantText(t, doc, ".excerpt", "<b>EX-2041</b>")
	if r := b.get("/demo/mailbox?id=m2"); r.Code != http.StatusNotFound {
		t.Errorf("unknown mail: %d", r.Code)
	}
	b = newSite(t, func(_ *portal.Config, d *portal.Deps) { d.Mailbox = nil }).as(risk.RoleAnalyst)
	if r := b.get("/demo/mailbox"); r.Code != http.StatusNotFound {
		t.Errorf("mailbox outside the demo: %d", r.Code)
	}
	wantCount(t, b.page("/"), `a[href="/demo/mailbox"]`, 0)
}

func TestThemeAndKeys(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	wantCount(t, b.page("/"), "html[data-theme]", 0)
	if r := b.post("/theme", "theme", "dark", "back", "/inbox?v=open"); r.Header().Get("Location") != "/inbox?v=open" {
		t.Errorf("theme led to %q", r.Header().Get("Location"))
	}
	wantCount(t, b.page("/"), `html[data-theme="dark"]`, 1)
	b.post("/profile", "theme", "")
	doc := b.page("/profile")
	wantCount(t, doc, "html[data-theme]", 0)
	wantCount(t, doc, `body[data-keys="off"]`, 1)
	if r := b.post("/theme", "theme", "blue"); r.Code != http.StatusBadRequest {
		t.Errorf("unknown theme: %d", r.Code)
	}
}

func TestStaticFilesAreKeptForEver(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	first := b.get("/")
	size := first.Body.Len()
	doc := parse(t, first)
	seen := map[string]bool{}
	doc.Find("link[href], script[src], use[href]").Each(func(_ int, e *goquery.Selection) {
		address := e.AttrOr("href", e.AttrOr("src", ""))
		address, _, _ = strings.Cut(address, "#")
		if seen[address] {
			return
		}
		seen[address] = true
		r := s.browser().get(address)
		if r.Code != http.StatusOK || r.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" {
			t.Errorf("GET %s: %d, %s", address, r.Code, r.Header().Get("Cache-Control"))
		}
		size += r.Body.Len()
	})
	if len(seen) != 4 {
		t.Errorf("first load asks for %d files, want 4: %v", len(seen), seen)
	}
	if size >= 100_000 {
		t.Errorf("first load is %d bytes, want under 100 000", size)
	}
	if r := b.get("/static/app.css?v=old"); r.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("another version: %s", r.Header().Get("Cache-Control"))
	}
	if r := b.get("/static/../web.go"); r.Code == http.StatusOK {
		t.Error("a file outside static was served")
	}
}

func TestHealth(t *testing.T) {
	s := newSite(t)
	b := s.browser()
	for path, want := range map[string]string{"/healthz": `{"status":"ok"}`, "/readyz": `{"status":"ready"}`} {
		if r := b.get(path); r.Code != http.StatusOK || r.Body.String() != want {
			t.Errorf("GET %s: %d %s", path, r.Code, r.Body)
		}
	}
	if r := b.do(httptest.NewRequest(http.MethodHead, "http://localhost:8080/healthz", nil)); r.Code != http.StatusOK {
		t.Errorf("HEAD /healthz: %d", r.Code)
	}
	s.unfit = errors.New("database locked at /secret/path")
	if r := b.get("/readyz"); r.Code != http.StatusServiceUnavailable || strings.Contains(r.Body.String(), "secret") {
		t.Errorf("not ready: %d %s", r.Code, r.Body)
	}
}

func TestErrorsOfOursStayInside(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	s.store.down = errors.New("dial tcp 192.0.2.1: connection refused")
	r := b.get("/inbox")
	if r.Code != http.StatusInternalServerError || strings.Contains(r.Body.String(), "192.0.2.1") {
		t.Errorf("%d\n%s", r.Code, r.Body)
	}
	if !strings.Contains(s.log.String(), "192.0.2.1") {
		t.Error("the cause is not in the log")
	}
	wantText(t, parse(t, r), "main", "Something went wrong on our side.")
}

func TestPanicEndsInAPage(t *testing.T) {
	s := newSite(t, func(_ *portal.Config, d *portal.Deps) {
		d.OpenAccount = func([]byte) (string, error) { panic("secret cause") }
	})
	r := s.as(risk.RoleAnalyst).get("/exposures/2041")
	if r.Code != http.StatusInternalServerError || strings.Contains(r.Body.String(), "secret cause") || !strings.Contains(s.log.String(), "secret cause") {
		t.Errorf("%d\n%s", r.Code, r.Body)
	}
	wantText(t, parse(t, r), "main", "Something went wrong on our side.")
}

func TestLogHoldsNoAddressesAndNoTokens(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	b.get("/demo/one-time-token")
	b.get("/search?q=secretword")
	b.get("/exposures/2041")
	for _, leak := range []string{"one-time-token", "secretword", "s.quinn@", "lena.hart", password} {
		if strings.Contains(s.log.String(), leak) {
			t.Errorf("the log holds %q", leak)
		}
	}
	if !strings.Contains(s.log.String(), "route=/exposures/:id status=200") {
		t.Errorf("the log misses a request:\n%s", s.log)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, address := range []string{"", "wardline.example", "http://wardline.example", "ftp://localhost"} {
		if _, err := portal.New(portal.Config{PublicURL: address}, portal.Deps{}); err == nil || !strings.Contains(err.Error(), "public URL") {
			t.Errorf("public URL %q: %v", address, err)
		}
	}
	if _, err := portal.New(portal.Config{PublicURL: "http://localhost:1"}, portal.Deps{}); err == nil {
		t.Error("built without dependencies")
	}
}

func TestScoresOfLessThanAWeekAreNotDrawnAsALine(t *testing.T) {
	s := newSite(t)
	noon := s.clock.now().Truncate(24 * time.Hour).Add(-12 * time.Hour)
	s.store.scores[1] = []risk.Score{{SupplierID: 1, At: noon.Add(-24 * time.Hour), Number: 90, Grade: "A"}, {SupplierID: 1, At: noon.Add(-time.Hour), Number: 80.9, Grade: "B"}, {SupplierID: 1, At: noon, Number: 79.9, Grade: "C"}}
	doc := s.as(risk.RoleAnalyst).page("/suppliers/1?tab=history")
	wantText(t, doc, `section[aria-labelledby="history"]`, "a line is drawn once they cover a week.")
	wantCount(t, doc, "svg.chart", 0)
	wantCount(t, doc, "main tbody tr", 2) // the last score of each of two days
	wantText(t, doc, "main tbody tr:first-child", "79")
	doc = newSite(t).as(risk.RoleAnalyst).page("/suppliers/1?tab=history")
	wantCount(t, doc, "svg.chart", 1)
	wantCount(t, doc, "main tbody tr", 20)
}
