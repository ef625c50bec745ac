package collect_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/risk"
)

// service is a local stand-in for one that is read by its API. What it answers changes as a test goes.
type service struct {
	*httptest.Server
	mu    sync.Mutex
	says  map[string]answer // path and query
	asked []*http.Request
}

type answer struct {
	status int // 0 = 200
	kind   string
	body   string
	header http.Header
}

func newService(tb testing.TB, says map[string]answer) *service {
	s := &service{says: says}
	s.Server = httptest.NewServer(s)
	tb.Cleanup(s.Close)
	return s
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r)
	a, ok := s.says[r.URL.RequestURI()]
	if !ok {
		a = answer{status: http.StatusNotFound, body: `{"message":"Not Found"}`}
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if a.kind != "" {
		w.Header().Set("Content-Type", a.kind)
	}
	for name, values := range a.header {
		w.Header()[name] = values
	}
	if a.status != 0 {
		w.WriteHeader(a.status)
	}
	fmt.Fprint(w, strings.ReplaceAll(a.body, "{at}", s.URL))
}

func (s *service) say(at string, a answer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.says[at] = a
}

// taken gives what was asked for since the last call.
func (s *service) taken() (uris []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.asked {
		uris = append(uris, r.URL.RequestURI())
	}
	s.asked = nil
	return uris
}

func serviceSource(kind risk.SourceKind, engine, address string) risk.Source {
	return risk.Source{ID: 9, Key: "service", Name: "Service", Kind: kind, Route: risk.RouteDirect, Address: address, Limits: limits, Read: risk.Reading{Engine: engine}}
}

func mustCrawl(t *testing.T, col *collect.Collector, src risk.Source, m *memory) risk.CrawlReport {
	t.Helper()
	report, err := col.Crawl(t.Context(), src, m.known, m.visit)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// keyedCollector has the same key for every service.
func keyedCollector(tb testing.TB, allow, key string) *collect.Collector {
	tb.Helper()
	col, err := collect.New(collect.Config{Now: func() time.Time { return today }, AllowLoopback: []netip.AddrPort{addrOf(tb, allow)}, Key: func(string) string { return key }})
	if err != nil {
		tb.Fatal(err)
	}
	return col
}

func text(body string) answer { return answer{kind: "text/plain", body: body} }

const pastebinList = "/api_scraping.php?limit=250"

func pastebinRow(key, date, title string) string {
	return fmt.Sprintf(`{"scrape_url":"{at}/api_scrape_item.php?i=%[1]s","full_url":"https://pastebin.example/%[1]s","date":"%[2]s","key":"%[1]s","size":"12","expire":"0","title":"%[3]s","syntax":"text","user":"heron"}`, key, date, title)
}

func TestPastebinIsReadEditedAndMissed(t *testing.T) {
	s := newService(t, map[string]answer{
		pastebinList:                      {body: "[" + pastebinRow("aaaaaaa1", "1795000300", "one") + "," + pastebinRow("bbbbbbb2", "1795000200", "") + "," + pastebinRow("ccccccc3", "1795000100", "late") + "]"},
		"/api_scrape_item.php?i=aaaaaaa1": text("anna@clinic.example:Sommer-41"),
		"/api_scrape_item.php?i=bbbbbbb2": text("second"),
		"/api_scrape_item.php?i=ccccccc3": text("File is not ready for scraping yet. Try again in 1 minute."),
	})
	col, m := newCollector(t, s.URL), newMemory()
	src := serviceSource(risk.SourcePaste, "pastebin", s.URL+pastebinList)
	report := mustCrawl(t, col, src, m)
	if report.Pages != 4 || report.New != 2 || len(report.NotUnderstood) != 1 || !strings.Contains(report.NotUnderstood[0], "cannot be read yet") {
		t.Errorf("first run: %+v", report)
	}
	first := m.items[0]
	if first.PostID != "aaaaaaa1" || first.URL != "https://pastebin.example/aaaaaaa1" || first.Author != "heron" || first.Title != "one" ||
		!first.Posted.Equal(time.Unix(1795000300, 0)) || first.Text != "anna@clinic.example:Sommer-41" || first.Edited {
		t.Errorf("item %+v", first)
	}
	m.take()
	s.taken()

	// The first is edited, the second leaves the list and is gone, the third can be read now.
	s.say(pastebinList, answer{body: "[" + pastebinRow("aaaaaaa1", "1795000400", "one") + "," + pastebinRow("ccccccc3", "1795000100", "late") + "]"})
	s.say("/api_scrape_item.php?i=aaaaaaa1", text("edited"))
	s.say("/api_scrape_item.php?i=bbbbbbb2", text("Error, we cannot find this paste."))
	s.say("/api_scrape_item.php?i=ccccccc3", text("third"))
	report = mustCrawl(t, col, src, m)
	equal(t, "second run reads", titles(m.items), []string{"one|aaaaaaa1|edited", "late|ccccccc3|third"})
	if report.Edited != 1 || report.Gone != 1 || !m.items[0].Edited || m.items[1].Edited {
		t.Errorf("second run: %+v", report)
	}
	equal(t, "what is said", report.Said, []string{s.URL + "/api_scrape_item.php?i=bbbbbbb2: read before, and gone since"})
	s.taken()

	report = mustCrawl(t, col, src, m)
	equal(t, "third run asks for the list only", s.taken(), []string{pastebinList})
	if report.Gone != 0 || report.Unchanged != 2 {
		t.Errorf("third run: %+v", report)
	}
}

// A refusal of any form is that, and never an empty list.
func TestRefusalsOfPasteServices(t *testing.T) {
	reset := fmt.Sprint(today.Add(20 * time.Minute).Unix())
	for _, c := range []struct {
		engine string
		says   answer
		kind   risk.FailureKind
		wait   time.Duration
	}{
		{"pastebin", answer{kind: "text/html", body: "YOUR IP: 192.0.2.7 DOES NOT HAVE ACCESS. VISIT: https://pastebin.example/doc_scraping_api TO GET ACCESS!"}, risk.FailDenied, 0},
		{"pastebin", answer{kind: "text/html", body: ""}, risk.FailLayout, 0},
		{"pastebin", answer{kind: "text/html", body: "<html><title>Just a moment...</title><div id=cf-challenge></div>"}, risk.FailCaptcha, 0},
		{"pastebin", answer{body: `{"error":"gone fishing"}`}, risk.FailLayout, 0},
		{"pastebin", answer{body: `[{"key":"aaaaaaa1","scrape_url":"http://198.51.100.9/x"}]`}, risk.FailLayout, 0},
		{"gists", answer{status: 403, body: `{"message":"API rate limit exceeded"}`, header: http.Header{"X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {reset}}}, risk.FailStatus, 20 * time.Minute},
		{"gists", answer{status: 429, header: http.Header{"Retry-After": {"60"}}}, risk.FailStatus, time.Minute},
		{"gists", answer{body: `{"message":"Requires authentication: Unauthorized"}`}, risk.FailDenied, 0},
		{"gists", answer{body: `[{}]`}, risk.FailLayout, 0},
		{"opengist", answer{kind: "text/html", body: "<html><body><h1>All gists</h1></body></html>"}, risk.FailLayout, 0},
		{"haste", answer{kind: "text/html", body: "<html><body>nothing</body></html>"}, risk.FailLayout, 0},
		{"privatebin", answer{kind: "text/html", body: "<html><body><a href=/about>x</a></body></html>"}, risk.FailLayout, 0},
		{"lenpaste", answer{kind: "text/plain", body: ""}, risk.FailLayout, 0},
	} {
		s := newService(t, map[string]answer{"/list": c.says})
		m := newMemory()
		report, err := newCollector(t, s.URL).Crawl(t.Context(), serviceSource(risk.SourcePaste, c.engine, s.URL+"/list"), m.known, m.visit)
		fetch := wantKind(t, err, c.kind)
		if fetch.RetryAfter != c.wait || report.Items != 0 {
			t.Errorf("%s: wait %s, %+v; want %s", c.engine, fetch.RetryAfter, report, c.wait)
		}
	}
}

func TestGistsAreReadFileByFile(t *testing.T) {
	gist := func(id, updated, files string) string {
		return fmt.Sprintf(`{"id":%q,"html_url":"https://gist.example/%s","description":"notes","created_at":"2026-11-20T10:00:00Z","updated_at":%q,"owner":{"login":"heron"},"truncated":false,"files":{%s}}`, id, id, updated, files)
	}
	file := func(name, kind, raw string) string {
		return fmt.Sprintf(`%q:{"filename":%q,"type":%q,"language":null,"raw_url":"{at}%s","size":20}`, name, name, kind, raw)
	}
	s := newService(t, map[string]answer{
		"/gists/public?per_page=2":        {body: "[" + gist("a1", "2026-11-20T10:00:00Z", file("b.txt", "text/plain", "/raw/b")+","+file("a.env", "text/plain", "/raw/a")+","+file("c.png", "image/png", "/raw/c")) + "," + gist("a2", "2026-11-20T09:00:00Z", file("x", "text/plain", "/raw/x")) + "]"},
		"/gists/public?page=2&per_page=2": {body: "[" + gist("a3", "2026-11-20T08:00:00Z", file("y", "text/plain", "/raw/y")) + "]"},
		"/raw/a":                          text("A=1"), "/raw/b": text("b"), "/raw/x": text("x"), "/raw/y": text("y"),
	})
	col, m := newCollector(t, s.URL), newMemory()
	src := serviceSource(risk.SourcePaste, "gists", s.URL+"/gists/public?per_page=2")
	mustCrawl(t, col, src, m)
	equal(t, "asked for", s.taken(), []string{"/gists/public?per_page=2", "/raw/a", "/raw/b", "/raw/x", "/gists/public?page=2&per_page=2", "/raw/y"})
	equal(t, "items", titles(m.take()), []string{"notes a.env|a1/a.env|A=1", "notes b.txt|a1/b.txt|b", "notes x|a2/x|x", "notes y|a3/y|y"})

	s.say("/gists/public?page=2&per_page=2", answer{body: "[" + gist("a3", "2026-11-21T08:00:00Z", file("y", "text/plain", "/raw/y")) + "]"})
	s.say("/raw/y", answer{status: 404, body: "404: Not Found"})
	report := mustCrawl(t, col, src, m)
	if report.Gone != 1 || report.Unchanged != 2 || len(m.take()) != 0 {
		t.Errorf("a gist that went between the list and its file: %+v", report)
	}
}

// A paste that can be read only once is counted and left, unless the definition says otherwise.
func TestLenpasteLeavesWhatBurns(t *testing.T) {
	says := map[string]answer{
		"/list":                                   {kind: "text/html", body: `<html><body><a href="/Ab3dEf9h">x</a> {at}/Zz3dEf9h, <a href="/Gone0000">y</a><a href=/about>z</a></body></html>`},
		"/api/v1/get?id=Ab3dEf9h":                 {body: `{"id":"Ab3dEf9h","title":"logins","body":"anna:pw","createTime":1795000000,"deleteTime":0,"oneUse":false,"syntax":"plaintext"}`},
		"/api/v1/get?id=Zz3dEf9h":                 {body: `{"id":"Zz3dEf9h","title":"","body":"","createTime":0,"deleteTime":0,"oneUse":true,"syntax":""}`},
		"/api/v1/get?id=Gone0000":                 {status: 404, body: `{"code":404,"error":"Could not find ID"}`},
		"/api/v1/get?id=Zz3dEf9h&openOneUse=true": {body: `{"id":"Zz3dEf9h","title":"","body":"burnt","oneUse":true}`},
		"/api/v1/get?id=Ab3dEf9h&openOneUse=true": {body: `{"id":"Ab3dEf9h","title":"logins","body":"anna:pw","oneUse":false}`},
	}
	s := newService(t, says)
	col, m := newCollector(t, s.URL), newMemory()
	src := serviceSource(risk.SourcePaste, "lenpaste", s.URL+"/list")
	report := mustCrawl(t, col, src, m)
	equal(t, "items", titles(m.take()), []string{"logins|Ab3dEf9h|anna:pw"})
	if report.Once != 1 || report.New != 1 {
		t.Errorf("report %+v", report)
	}
	for _, uri := range s.taken() {
		if strings.Contains(uri, "openOneUse") {
			t.Errorf("asked for %s", uri)
		}
	}
	src.Read.Burn = true
	m = newMemory()
	report = mustCrawl(t, col, src, m)
	equal(t, "items with burn", titles(m.take()), []string{"logins|Ab3dEf9h|anna:pw", "|Zz3dEf9h|burnt"})
	if report.Once != 0 {
		t.Errorf("report with burn %+v", report)
	}
}

func TestHasteDocuments(t *testing.T) {
	s := newService(t, map[string]answer{
		"/list":           {kind: "text/plain", body: "new: {at}/ujivaqohek.py and {at}/raw/ujivaqohek and {at}/documents/gonegonego https://other.example/abcdefghij"},
		"/raw/ujivaqohek": text("line 1\nline 2"),
		"/raw/gonegonego": {status: 404, body: `{"message":"Document not found."}`},
	})
	m := newMemory()
	report := mustCrawl(t, newCollector(t, s.URL), serviceSource(risk.SourcePaste, "haste", s.URL+"/list"), m)
	equal(t, "items", titles(m.items), []string{"|ujivaqohek|line 1\nline 2"})
	equal(t, "asked for", s.taken(), []string{"/list", "/raw/ujivaqohek", "/raw/gonegonego"})
	if len(report.NotUnderstood) != 1 {
		t.Errorf("report %+v", report)
	}
}

// Nothing of a PrivateBin is ever asked for, and the keys in the links are kept nowhere.
func TestPrivateBinIsCountedOnly(t *testing.T) {
	s := newService(t, map[string]answer{
		"/list": {kind: "text/html", body: `<html><body>
			<a href="{at}/?0123456789abcdef#7hcnC1secret">one</a> <a href="https://bin.example/?pasteid=fedcba9876543210#-KeyOfBurn">two</a>
			{at}/?0123456789abcdef#7hcnC1secret <a href="/?about">no</a></body></html>`},
	})
	src := serviceSource(risk.SourcePaste, "privatebin", s.URL+"/list")
	src.Read.Burn = true // it could be opened by nobody here
	m := newMemory()
	report := mustCrawl(t, newCollector(t, s.URL), src, m)
	equal(t, "asked for", s.taken(), []string{"/list"})
	if report.Encrypted != 1 || report.Once != 1 || report.Items != 0 || len(m.items) != 0 {
		t.Errorf("report %+v", report)
	}
	for key, mark := range m.marks {
		if strings.Contains(key+mark.Marker, "secret") || strings.Contains(key+mark.Marker, "Burn") {
			t.Errorf("mark %q %q", key, mark.Marker)
		}
	}
}

func opengistRow(user, id, title, stamp string) string {
	return fmt.Sprintf(`<div class="mb-8"><div class="flex "><div class="div"><a href="/%[1]s"><img src="/avatar"></a></div><div class="flex-auto"><div class="flex flex-col lg:flex-row">
		<h4 class="text-md leading-tight break-all py-1 flex-auto"><a href="/%[1]s">%[1]s</a> <span>/</span> <a class="font-bold" href="/%[1]s/%[2]s">%[3]s</a></h4></div>
		<h5 class="text-sm">Dernière activité <span class="moment-timestamp">%[4]s</span></h5></div></div><a href="/%[1]s/%[2]s"><table class="table-code"></table></a></div>`, user, id, title, stamp)
}

func TestOpengist(t *testing.T) {
	list := func(more string, rows ...string) answer {
		return answer{kind: "text/html", body: "<html><body><main>" + strings.Join(rows, "") + more + "</main></body></html>"}
	}
	s := newService(t, map[string]answer{
		"/all":        list(`<a href="/all?page=2">Suivant</a>`, opengistRow("heron", "5f2c", "hosts.txt", "1795000200")),
		"/all?page=2": list(`<a href="/all?page=1">Précédent</a>`, opengistRow("vole", "9a1b", "dump", "1795000100")),
		"/heron/5f2c.json": {body: `{"created_at":"2026-11-18T10:00:00+01:00","description":"","id":"5f2c","owner":"heron","title":"hosts.txt","uuid":"5f2c","visibility":"public",
			"files":[{"filename":"hosts.txt","size":9,"human_size":"9 B","content":"vpn.clinic.example","truncated":false},{"filename":"long.txt","size":900000,"content":"cut","truncated":true}]}`},
		"/heron/5f2c/raw/HEAD/long.txt": text("the whole"),
		"/vole/9a1b.json":               {status: 404, body: "{}"},
	})
	m := newMemory()
	report := mustCrawl(t, newCollector(t, s.URL), serviceSource(risk.SourcePaste, "opengist", s.URL+"/all"), m)
	equal(t, "items", titles(m.items), []string{"hosts.txt|5f2c/hosts.txt|vpn.clinic.example", "hosts.txt long.txt|5f2c/long.txt|the whole"})
	if report.Engine != "opengist" || m.items[0].Author != "heron" || !m.items[0].Posted.Equal(time.Unix(1795000200, 0)) || len(report.NotUnderstood) != 1 {
		t.Errorf("report %+v, item %+v", report, m.items[0])
	}
}

// A paste that leaves the middle of a list is looked for; one that falls off its end is not.
func TestPastesThatAreGone(t *testing.T) {
	s := newSite(t, map[string]string{
		"/archive": archive(pasteRow("aa", "1"), pasteRow("bb", "1"), pasteRow("cc", "1"), pasteRow("dd", "1")),
		"/raw/aa":  "first", "/raw/bb": "second", "/raw/cc": "third", "/raw/dd": "fourth",
	})
	col, m, src := newCollector(t, s.URL), newMemory(), pasteSource(s.URL)
	mustCrawl(t, col, src, m)
	s.takePaths()
	s.set("/archive", archive(pasteRow("ee", "1"), pasteRow("bb", "1"), pasteRow("cc", "1")))
	s.set("/raw/ee", "fifth")
	delete(s.pages, "/raw/aa")
	report := mustCrawl(t, col, src, m)
	equal(t, "asked for", s.takePaths(), []string{"/archive", "/raw/ee", "/raw/aa"})
	if report.Gone != 1 || m.marks[s.URL+"/aa"].Marker != "gone" {
		t.Errorf("report %+v, mark %+v", report, m.marks[s.URL+"/aa"])
	}
	// It is there again: read again, as it changed meanwhile.
	s.set("/archive", archive(pasteRow("ee", "1"), pasteRow("aa", "1"), pasteRow("bb", "1"), pasteRow("cc", "1")))
	s.set("/raw/aa", "first again")
	m.take()
	mustCrawl(t, col, src, m)
	equal(t, "read again", titles(m.take()), []string{"Paste aa|aa|first again"})
}

// What a list marks as to be read once is not asked for.
func TestBurningPastesOfAList(t *testing.T) {
	burning := strings.Replace(pasteRow("bb", "1"), "<tr class=paste>", `<tr class="paste burn">`, 1)
	s := newSite(t, map[string]string{"/archive": archive(pasteRow("aa", "1"), burning), "/raw/aa": "first", "/raw/bb": "second"})
	src := pasteSource(s.URL)
	src.Read.Once = ".burn"
	m := newMemory()
	if report := mustCrawl(t, newCollector(t, s.URL), src, m); report.Once != 1 || report.New != 1 {
		t.Errorf("report %+v", report)
	}
	equal(t, "asked for", s.takePaths(), []string{"/archive", "/raw/aa"})
	src.Read.Burn = true
	m = newMemory()
	if report := mustCrawl(t, newCollector(t, s.URL), src, m); report.Once != 0 || report.New != 2 {
		t.Errorf("report with burn %+v", report)
	}
}
