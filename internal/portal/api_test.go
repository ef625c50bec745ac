package portal_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/wardline/wardline/internal/portal"
	"github.com/wardline/wardline/internal/risk"
)

func (s *fakeStore) FindToken(_ context.Context, digest string) (risk.Token, error) {
	defer s.lock()()
	for _, t := range s.tokens {
		if t.Digest == digest {
			return t, nil
		}
	}
	return risk.Token{}, fmt.Errorf("find token: %w", risk.ErrNotFound)
}

func (s *fakeStore) TouchToken(_ context.Context, id int64, now time.Time) error {
	defer s.lock()()
	s.tokens[id-1].LastUsed = now
	return nil
}

// readLines is a small parser in the place of the real one.
func readLines(r io.Reader) ([]risk.ImportRow, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	var rows []risk.ImportRow
	for i, line := range strings.Split(strings.TrimSpace(string(b)), "\n") {
		cells := strings.Split(line, ",")
		if i == 0 {
			continue
		}
		if len(cells) != 3 {
			rows = append(rows, risk.ImportRow{Line: i + 1, Outcome: risk.ImportRejected, Why: "Three columns are needed."})
			continue
		}
		t, err := risk.NewWatchTerm(risk.TermKind(cells[1]), cells[2])
		if err != nil {
			rows = append(rows, risk.ImportRow{Line: i + 1, Outcome: risk.ImportRejected, Why: err.Error()})
			continue
		}
		rows = append(rows, risk.ImportRow{Line: i + 1, Supplier: cells[0], Kind: t.Kind, Value: t.Value})
	}
	return rows, nil
}

// program uses the API with a token.
type program struct {
	s     *site
	token string
}

func (s *site) program(role risk.Role, change ...func(*risk.Token)) *program {
	text, digest := portal.NewToken()
	t := risk.Token{ID: int64(len(s.store.tokens) + 1), Name: string(role), Digest: digest, Role: role, Created: s.clock.now()}
	for _, do := range change {
		do(&t)
	}
	s.store.tokens = append(s.store.tokens, t)
	return &program{s, text}
}

func (p *program) do(r *http.Request) *httptest.ResponseRecorder {
	if p.token != "" {
		r.Header.Set("Authorization", "Bearer "+p.token)
	}
	return p.s.browser().do(r)
}

func (p *program) get(path string) *httptest.ResponseRecorder {
	return p.do(httptest.NewRequest(http.MethodGet, "http://localhost:8080"+path, nil))
}

func (p *program) send(path, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, "http://localhost:8080"+path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return p.do(r)
}

func (p *program) call(method, path string) *httptest.ResponseRecorder {
	if method == http.MethodPost {
		return p.send(path, "text/csv", "supplier,kind,value\nVantor Linen,domain,vantor.example\n")
	}
	return p.get(path)
}

// read answers a call that must succeed.
func read[T any](t *testing.T, r *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(r.Body.Bytes(), &v); r.Code != http.StatusOK || err != nil {
		t.Fatalf("%d, %v\n%s", r.Code, err, r.Body)
	}
	return v
}

func wantRefusal(t *testing.T, what string, r *httptest.ResponseRecorder, status int, detail string) {
	t.Helper()
	var v struct {
		Title, Detail string
		Status        int
	}
	err := json.Unmarshal(r.Body.Bytes(), &v)
	if r.Code != status || err != nil || v.Status != status || v.Title != http.StatusText(status) || v.Detail != detail ||
		r.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%s: %d %s %s, want %d %q", what, r.Code, r.Header().Get("Content-Type"), r.Body, status, detail)
	}
}

const needsToken = "The request needs a valid token: Authorization: Bearer wl_…"

func apiRoutes(s *site) (rs []portal.Route) {
	declared, _ := portal.Routes(s.h)
	for _, r := range declared {
		if strings.HasPrefix(r.Path, "/api/") {
			rs = append(rs, r)
		}
	}
	return rs
}

func TestAccessOfEveryTokenToEveryRoute(t *testing.T) {
	for letter, role := range letters {
		s := newSite(t)
		p := &program{s: s}
		if role != "" {
			p = s.program(role)
		}
		for _, route := range apiRoutes(s) {
			name := route.Method + " " + route.Path
			r := p.call(route.Method, filledAPI(route.Path))
			switch {
			case strings.Contains(access[name], letter):
				if r.Code != http.StatusOK || r.Header().Get("Content-Type") != "application/json" {
					t.Errorf("%s as %q: %d %s", name, role, r.Code, r.Body)
				}
			case role == "":
				wantRefusal(t, name, r, http.StatusUnauthorized, needsToken)
			default:
				wantRefusal(t, name+" as "+string(role), r, http.StatusForbidden, "The token's role may not do this.")
			}
		}
	}
}

func filledAPI(pattern string) string {
	return strings.NewReplacer("/suppliers/:id", "/suppliers/1", "/exposures/:id", "/exposures/2041").Replace(pattern)
}

func TestEveryBadTokenIsAnsweredAlike(t *testing.T) {
	s := newSite(t)
	now := s.clock.now()
	good := s.program(risk.RoleAnalyst)
	other, _ := portal.NewToken()
	headers := map[string][]string{
		"none":         nil,
		"unknown":      {"Bearer " + other},
		"expired":      {"Bearer " + s.program(risk.RoleAnalyst, func(t *risk.Token) { t.Expires = now }).token},
		"revoked":      {"Bearer " + s.program(risk.RoleAnalyst, func(t *risk.Token) { t.Revoked = now }).token},
		"other scheme": {"Basic " + good.token},
		"no scheme":    {good.token},
		"cut":          {"Bearer " + good.token[:len(good.token)-1]},
		"longer":       {"Bearer " + good.token + "0"},
		"two":          {"Bearer " + good.token, "Bearer " + good.token},
		"the digest":   {"Bearer " + s.store.tokens[0].Digest},
		"empty":        {"Bearer "},
	}
	var first string
	for name, values := range headers {
		r := httptest.NewRequest(http.MethodGet, "http://localhost:8080/api/v1/suppliers", nil)
		r.Header["Authorization"] = values
		w := s.browser().do(r)
		wantRefusal(t, name, w, http.StatusUnauthorized, needsToken)
		got := fmt.Sprint(w.Header(), w.Body)
		if first == "" {
			first = got
		}
		if got != first || w.Header().Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s is answered differently:\n%s\n%s", name, got, first)
		}
	}
	if r := good.get("/api/v1/suppliers"); r.Code != http.StatusOK {
		t.Errorf("the good token: %d", r.Code)
	}
}

func TestSessionsAndTokensDoNotMix(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	wantRefusal(t, "a signed-in browser", b.get("/api/v1/suppliers"), http.StatusUnauthorized, needsToken)
	if r := s.program(risk.RoleAnalyst).get("/inbox"); r.Code != http.StatusSeeOther {
		t.Errorf("a page with a token: %d", r.Code)
	}
	r := httptest.NewRequest(http.MethodGet, "http://localhost:8080/api/v1/suppliers", nil)
	r.AddCookie(&http.Cookie{Name: "token", Value: s.program(risk.RoleAnalyst).token})
	wantRefusal(t, "a token in a cookie", s.browser().do(r), http.StatusUnauthorized, needsToken)
	if w := s.program(risk.RoleAnalyst).get("/api/v1/suppliers"); w.Header().Get("Set-Cookie") != "" {
		t.Error("the API sets a cookie")
	}
}

func TestTokenIsNeitherLoggedNorAnswered(t *testing.T) {
	s := newSite(t)
	p := s.program(risk.RoleAnalyst)
	p.get("/api/v1/suppliers?q=" + p.token)
	p.get("/api/v1/suppliers?" + p.token + "=1")
	p.get("/api/v1/" + p.token)
	p.send("/api/v1/watchlist", "text/csv; x="+p.token, p.token)
	s.store.down = errors.New("the disk is gone")
	if r := p.get("/api/v1/suppliers"); strings.Contains(r.Body.String(), "disk") {
		t.Errorf("a cause is answered: %s", r.Body)
	} else {
		wantRefusal(t, "database down", r, http.StatusInternalServerError, "Something went wrong on our side. It has been logged.")
	}
	if log := s.log.String(); strings.Contains(log, p.token) || strings.Contains(log, s.store.tokens[0].Digest) {
		t.Errorf("the log holds the token:\n%s", log)
	} else if !strings.Contains(log, "route=/api/v1/suppliers status=500") || !strings.Contains(log, "token=1") || !strings.Contains(log, "the disk is gone") {
		t.Errorf("the log does not say what was asked, by which token, and why it failed:\n%s", log)
	}
}

func TestNewTokensAreLongAndNotAlike(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		text, digest := portal.NewToken()
		if len(text) != 46 || !strings.HasPrefix(text, "wl_") || strings.Trim(text[3:], "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
			t.Fatalf("token of %d characters", len(text))
		}
		if seen[text] || seen[digest] || len(digest) != 64 || strings.Contains(digest, text[3:]) {
			t.Fatal("two tokens are alike, or the digest is none")
		}
		seen[text], seen[digest] = true, true
	}
}

func TestUseOfATokenIsNotedOnceAMinute(t *testing.T) {
	s := newSite(t)
	p := s.program(risk.RoleAuditor)
	start := s.clock.now()
	for _, c := range []struct {
		after, noted time.Duration
	}{{0, 0}, {59 * time.Second, 0}, {time.Second, time.Minute}} {
		s.clock.move(c.after)
		p.get("/api/v1/sources")
		if got := s.store.tokens[0].LastUsed; !got.Equal(start.Add(c.noted)) {
			t.Errorf("%v later: last used %v after the start, want %v", c.after, got.Sub(start), c.noted)
		}
	}
}

func TestTokenIsUsedInMeasure(t *testing.T) {
	s := newSite(t)
	p, other := s.program(risk.RoleAuditor), s.program(risk.RoleAuditor)
	now := s.clock.now()
	s.clock.move(now.Truncate(time.Minute).Add(80 * time.Second).Sub(now)) // twenty seconds into a minute
	for i := range 120 {
		if r := p.get("/api/v1/openapi.json"); r.Code != http.StatusOK {
			t.Fatalf("request %d: %d", i+1, r.Code)
		}
	}
	r := p.get("/api/v1/openapi.json")
	wantRefusal(t, "request 121", r, http.StatusTooManyRequests, "The token has been used too often in this minute. Wait as long as Retry-After says.")
	if got := r.Header().Get("Retry-After"); got != "41" {
		t.Errorf("Retry-After %s", got)
	}
	if r := other.get("/api/v1/openapi.json"); r.Code != http.StatusOK {
		t.Errorf("another token: %d", r.Code)
	}
	s.clock.move(41 * time.Second)
	if r := p.get("/api/v1/openapi.json"); r.Code != http.StatusOK {
		t.Errorf("a minute later: %d", r.Code)
	}
}

type document struct {
	OpenAPI string                                `json:"openapi"`
	Paths   map[string]map[string]json.RawMessage `json:"paths"`
}

func TestDocumentListsEveryRoute(t *testing.T) {
	s := newSite(t)
	r := s.program(risk.RoleProcurement).get("/api/v1/openapi.json")
	doc := read[document](t, r)
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("OpenAPI %s", doc.OpenAPI)
	}
	var listed, served []string
	for path, operations := range doc.Paths {
		for method := range operations {
			listed = append(listed, strings.ToUpper(method)+" "+path)
		}
	}
	for _, r := range apiRoutes(s) {
		served = append(served, r.Method+" "+strings.Replace(r.Path, ":id", "{id}", 1))
	}
	slices.Sort(listed)
	slices.Sort(served)
	if !slices.Equal(listed, served) || len(listed) == 0 {
		t.Errorf("listed %v\nserved %v", listed, served)
	}
	text := r.Body.String()
	for _, want := range []string{`"bearer"`, `"text/csv"`, `"application/problem+json"`, `"dry_run"`, "For the roles analyst, procurement, ciso, auditor.", `"contributions"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the document does not hold %s", want)
		}
	}
	for _, never := range []string{"ErrorModel", "Content-Encoding"} {
		if strings.Contains(text, never) {
			t.Errorf("the document holds %s", never)
		}
	}
}

type watchlistAnswer struct {
	DryRun               bool `json:"dry_run"`
	New, Known, Rejected int
	Lines                []struct {
		Line                                int
		Supplier, Kind, Value, Outcome, Why string
	}
}

func TestWatchlistIsAnsweredLineByLine(t *testing.T) {
	s := newSite(t)
	p := s.program(risk.RoleProcurement)
	list := "supplier,kind,value\nMeridian Lab Services,domain,meridian-lab.example\nMeridian Lab Services,host,VPN.meridian.example\n" +
		"Vantor Linen,domain,vantor.example\nvantor linen,domain,VANTOR.example\nbroken line\n"
	want := `{2 Meridian Lab Services domain meridian-lab.example known }
{3 Meridian Lab Services host vpn.meridian.example new }
{4 Vantor Linen domain vantor.example new new supplier}
{5 vantor linen domain vantor.example known }
{6    rejected Three columns are needed.}
`
	for _, dry := range []bool{true, false} {
		got := read[watchlistAnswer](t, p.send(fmt.Sprintf("/api/v1/watchlist?dry_run=%v", dry), "text/csv; charset=UTF-8", list))
		var lines string
		for _, l := range got.Lines {
			lines += fmt.Sprintln(l)
		}
		if lines != want || got.DryRun != dry || got.New != 2 || got.Known != 2 || got.Rejected != 1 {
			t.Errorf("dry run %v: %d new, %d known, %d rejected\n%s", dry, got.New, got.Known, got.Rejected, lines)
		}
		if suppliers := len(s.store.suppliers); suppliers != map[bool]int{true: 9, false: 10}[dry] {
			t.Errorf("dry run %v: %d suppliers after it", dry, suppliers)
		}
	}
	again := read[watchlistAnswer](t, p.send("/api/v1/watchlist", "text/csv", list))
	if again.New != 0 || again.Known != 4 || len(s.store.suppliers) != 10 {
		t.Errorf("the second time: %+v", again)
	}
}

func TestWatchlistRefusesWhatIsNone(t *testing.T) {
	s := newSite(t)
	p := s.program(risk.RoleAnalyst)
	const media = "The body must be text/csv in UTF-8, not compressed."
	for name, c := range map[string]struct {
		path, kind, body string
		status           int
		detail           string
	}{
		"JSON":               {"", "application/json", "{}", 415, media},
		"a form":             {"", "application/x-www-form-urlencoded", "a=b", 415, media},
		"no type":            {"", "", "supplier,kind,value\nA,domain,a.example\n", 415, media},
		"other letters":      {"", "text/csv; charset=utf-16", "supplier,kind,value\nA,domain,a.example\n", 415, media},
		"no body":            {"", "text/csv", "", 400, "The request has no body."},
		"header only":        {"", "text/csv", "supplier,kind,value\n", 422, "The watchlist has no line below its header."},
		"nothing good":       {"", "text/csv", "supplier,kind,value\nx\ny\n", 422, "No line of the watchlist could be read. Line 2: Three columns are needed."},
		"too large":          {"", "text/csv", strings.Repeat("x", 5<<20+1), 413, "The body is larger than 5 MiB. Split it, or use the command line: wardline supplier import."},
		"too many lines":     {"", "text/csv", strings.Repeat("A,ip,::1\n", 20_002), 422, "A watchlist sent here has at most 20000 lines. Split it, or use the command line: wardline supplier import."},
		"unknown parameter":  {"?dryrun=true", "text/csv", "supplier,kind,value\nA,domain,a.example\n", 422, "The request has a parameter that this address does not know."},
		"token in address":   {"?access_token=" + p.token, "text/csv", "x", 422, "The request has a parameter that this address does not know."},
		"dry run misspelled": {"?dry_run=maybe", "text/csv", "supplier,kind,value\nA,domain,a.example\n", 422, "The parameter dry_run does not take that value: true = answer what the import would do, and change nothing."},
	} {
		wantRefusal(t, name, p.send("/api/v1/watchlist"+c.path, c.kind, c.body), c.status, c.detail)
	}
	r := httptest.NewRequest(http.MethodPost, "http://localhost:8080/api/v1/watchlist", strings.NewReader("supplier,kind,value\nA,domain,a.example\n"))
	r.Header.Set("Content-Type", "text/csv")
	r.Header.Set("Content-Encoding", "gzip")
	wantRefusal(t, "compressed", p.do(r), 415, media)
	cut := httptest.NewRequest(http.MethodPost, "http://localhost:8080/api/v1/watchlist", iotest.ErrReader(errors.New("lena@lab.example")))
	cut.Header.Set("Content-Type", "text/csv")
	wantRefusal(t, "cut off", p.do(cut), 500, "The request could not be read.")
	if len(s.store.suppliers) != 9 {
		t.Error("something was imported")
	}
	if got := read[watchlistAnswer](t, p.send("/api/v1/watchlist?dry_run=true", "text/csv", "supplier,kind,value\nA,domain,a.example\n"+strings.Repeat("#", 5<<20-39))); got.New != 1 {
		t.Errorf("exactly 5 MiB: %+v", got)
	}
}

func TestAPIAnswersUnknownAddressesInItsOwnForm(t *testing.T) {
	s := newSite(t)
	p := s.program(risk.RoleAnalyst)
	wantRefusal(t, "no such address", p.get("/api/v1/nothing"), 404, "There is nothing at this address.")
	wantRefusal(t, "no such version", p.get("/api/v2/suppliers"), 404, "There is nothing at this address.")
	wantRefusal(t, "no such exposure", p.get("/api/v1/exposures/99"), 404, "There is nothing at this address.")
	wantRefusal(t, "no such supplier", p.get("/api/v1/suppliers/99/score"), 404, "There is nothing at this address.")
	wantRefusal(t, "no number", p.get("/api/v1/exposures/x"), 422, "The parameter id does not take that value: a number from 1.")
	wantRefusal(t, "other method", p.send("/api/v1/suppliers", "text/csv", "x"), 405, "This address is not used with that method.")
	for query, name := range map[string]string{"limit=201": "limit", "limit=0": "limit", "offset=-1": "offset", "state=gone": "state", "severity=9": "severity",
		"supplier=x": "supplier", "since=yesterday": "since", "sort=id": "sort", "q=" + strings.Repeat("x", 201): "q"} {
		r := p.get("/api/v1/exposures?" + query)
		if r.Code != 422 || !strings.Contains(r.Body.String(), "The parameter "+name+" does not take that value: ") {
			t.Errorf("%s: %d %s", query, r.Code, r.Body)
		}
	}
}

type list[T any] struct {
	Total, Offset int
	Items         []T
}

func TestExposuresAreFilteredPagedAndMasked(t *testing.T) {
	s := newSite(t)
	p := s.program(risk.RoleAuditor)
	type item struct {
		Ref, State, Severity, Account, Term string
		SupplierID                          int64 `json:"supplier_id"`
	}
	all := read[list[item]](t, p.get("/api/v1/exposures"))
	open := 0
	for _, e := range s.store.exposures {
		if e.State.Open() {
			open++
		}
	}
	if all.Total != open || len(all.Items) != open || open < 3 {
		t.Fatalf("%d of %d open exposures", len(all.Items), all.Total)
	}
	page := read[list[item]](t, p.get("/api/v1/exposures?limit=2&offset=1"))
	if page.Total != open || page.Offset != 1 || len(page.Items) != 2 || page.Items[0] != all.Items[1] {
		t.Errorf("the second page: %+v", page)
	}
	if end := read[list[item]](t, p.get("/api/v1/exposures?offset=1000")); end.Total != open || end.Items == nil || len(end.Items) != 0 {
		t.Errorf("past the end: %+v", end)
	}
	for _, e := range read[list[item]](t, p.get("/api/v1/exposures?state=closed,dismissed,new&severity=critical,high&supplier=1")).Items {
		if !strings.Contains("closed dismissed new", e.State) || !strings.Contains("critical high", e.Severity) || e.SupplierID != 1 {
			t.Errorf("found %+v", e)
		}
	}
	one := p.get("/api/v1/exposures/2041")
	got := read[struct {
		item
		Seen []struct{ Source, Path string }
	}](t, one)
	if got.Ref != "EX-2041" || len(got.Seen) == 0 || got.Seen[0].Source == "" {
		t.Errorf("one exposure: %+v", got)
	}
	if s.opened != 0 || strings.Contains(one.Body.String(), "lena.hart@") {
		t.Error("a whole account was opened")
	}
}

func TestNoAddressLeavesWithATermOrAPlace(t *testing.T) {
	s := newSite(t)
	e := &s.store.exposures[0]
	e.TermKind, e.Term, e.AccountMask = risk.TermAccount, "lena.hart@meridian-lab.example", "l•••••@meridian-lab.example"
	login := &s.store.exposures[1]
	login.TermKind, login.Term, login.AccountMask = risk.TermAccount, "svc-lena.hart", "s•••••"
	e.StateReason, e.Excerpt = "told lena.hart@meridian-lab.example", "lena.hart@meridian-lab.example:secret"
	s.store.sightings = append(s.store.sightings, risk.Sighting{ExposureID: e.ID, Seen: s.clock.now(), Thread: "lena.hart@meridian-lab.example", Author: "lena.hart@meridian-lab.example",
		Where: risk.Place{Path: "dumps/lena.hart@meridian-lab.example.txt", Entry: "in/lena.hart@meridian-lab.example"}})
	p := s.program(risk.RoleAnalyst)
	for _, path := range []string{"/api/v1/exposures?state=new,confirmed,with_supplier,fixed,closed", fmt.Sprintf("/api/v1/exposures/%d", e.ID)} {
		r := p.get(path)
		if r.Code != http.StatusOK || strings.Contains(r.Body.String(), "lena.hart") || strings.Contains(r.Body.String(), "secret") && !strings.Contains(r.Body.String(), `"secret":{`) {
			t.Errorf("%s: %d %s", path, r.Code, r.Body)
		}
	}
}

func TestSuppliersScoresAndSources(t *testing.T) {
	s := newSite(t)
	p := s.program(risk.RoleAuditor)
	type item struct {
		ID    int64
		Name  string
		Terms int `json:"watch_terms"`
		Score *struct {
			Number float64
			Grade  *string
		}
	}
	found := read[list[item]](t, p.get("/api/v1/suppliers?q=meridian"))
	if found.Total != 1 || found.Items[0].Name != "Meridian Lab Services" || found.Items[0].Terms != len(s.store.suppliers[0].Terms) || found.Items[0].Score == nil {
		t.Fatalf("found %+v", found)
	}
	r := p.get(fmt.Sprintf("/api/v1/suppliers/%d/score", found.Items[0].ID))
	newest := s.store.scores[1][len(s.store.scores[1])-1]
	var got, want bytes.Buffer
	if err := json.Indent(&got, bytes.TrimSpace(r.Body.Bytes()), "", " "); err != nil || r.Code != http.StatusOK {
		t.Fatalf("%d %v", r.Code, err)
	}
	asked, _ := json.Marshal(risk.Explain("Meridian Lab Services", newest))
	_ = json.Indent(&want, asked, "", " ")
	if unescaped(got.String()) != unescaped(want.String()) {
		t.Errorf("the score is not that of score explain:\n%s\n%s", &got, &want)
	}
	delete(s.store.scores, 1)
	wantRefusal(t, "no score", p.get("/api/v1/suppliers/1/score"), 404, "The supplier has no score yet: it is computed once a worker runs.")
	sources := read[list[struct {
		Key, State string
		Blind      bool
	}]](t, p.get("/api/v1/sources"))
	blind := 0
	for _, x := range sources.Items {
		if x.Blind {
			blind++
		}
	}
	if sources.Total != len(s.store.sources) || blind != 2 {
		t.Errorf("sources %+v", sources)
	}
	for _, path := range []string{"/api/v1/suppliers", "/api/v1/sources"} {
		if body := p.get(path).Body.String(); strings.Contains(body, "@") {
			t.Errorf("%s answers with an e-mail address: %s", path, body)
		}
	}
}

// unescaped undoes what one encoder escapes for HTML and the other does not.
func unescaped(s string) string {
	return strings.NewReplacer(`\u0026`, "&", `\u003c`, "<", `\u003e`, ">").Replace(s)
}
