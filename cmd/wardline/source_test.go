package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/catalog"
	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/sample"
	"github.com/wardline/wardline/seeds"
)

// Every shipped definition reads the page that it must read, and refuses the one that it must refuse.
func TestShippedDefinitionsAgainstTheirSamples(t *testing.T) {
	definitions, problems := catalog.LoadDefinitions(seeds.FS, "sources")
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	type want struct {
		entries, items, counted, accounts int
		refused                           risk.FailureKind
	}
	all := map[string]want{
		"sample-paste": {entries: 2, refused: risk.FailCaptcha},
		"sample-forum": {items: 2, refused: risk.FailLogin},
		"sample-leaks": {entries: 2, refused: risk.FailLayout},

		"pastebin-api":      {entries: 2, refused: risk.FailDenied},
		"github-gists":      {entries: 1, refused: risk.FailDenied},
		"sample-lenpaste":   {entries: 2, refused: risk.FailLayout},
		"sample-haste":      {entries: 2, refused: risk.FailLayout},
		"sample-opengist":   {entries: 1, refused: risk.FailLayout},
		"sample-privatebin": {entries: 2, counted: 2, refused: risk.FailLayout},

		"ransomware-live":     {entries: 1, items: 1, refused: risk.FailDenied},
		"ransomware-live-pro": {entries: 1, items: 1, refused: risk.FailDenied},
		"ransomlook":          {entries: 1, items: 1, refused: risk.FailLayout},
		"ransomwatch":         {entries: 1, items: 1, refused: risk.FailLayout},
		"sample-leakfeed":     {entries: 1, items: 1, refused: risk.FailLayout},
		"sample-news":         {entries: 1, items: 1, refused: risk.FailLayout},

		"hibp":       {accounts: 3, refused: risk.FailDenied},
		"hudsonrock": {accounts: 2, refused: risk.FailLayout},
	}
	if len(definitions) != len(all) {
		t.Errorf("%d definitions, want %d", len(definitions), len(all))
	}
	for _, d := range definitions {
		w := all[d.Source.Key]
		got, err := collect.Inspect(d.Source, typeOf(d.Sample.Read), sampleOf(t, d.File, d.Sample.Read))
		if have := (want{got.Entries, len(got.Items), got.Counted, len(got.Leaked), w.refused}); err != nil || have != w {
			t.Errorf("%s: %+v, %v; want %+v", d.File, have, err, w)
		}
		for _, i := range got.Items {
			if i.PostID == "" || i.Posted.IsZero() || i.Text == "" && i.Claim.Victim == "" {
				t.Errorf("%s: a post is not whole: %+v", d.File, i)
			}
			if d.Source.Kind == risk.SourceLeakSite && (i.Claim.Victim == "" || i.Claim.Group != "undertow") {
				t.Errorf("%s: a claim is not whole: %+v", d.File, i.Claim)
			}
		}
		_, err = collect.Inspect(d.Source, typeOf(d.Sample.Refuse), sampleOf(t, d.File, d.Sample.Refuse))
		var fetch *risk.FetchError
		if !errors.As(err, &fetch) || fetch.Kind != w.refused {
			t.Errorf("%s: %v for the page to refuse, want %s", d.File, err, w.refused)
		}
		if d.Source.Enabled {
			t.Errorf("%s is switched on", d.File)
		}
	}
}

// typeOf is how a server would send a sample.
func typeOf(name string) string {
	return map[string]string{".json": "application/json", ".xml": "application/rss+xml", ".txt": "text/plain", ".html": "text/html"}[path.Ext(name)]
}

func sampleOf(t *testing.T, definition, name string) []byte {
	t.Helper()
	data, err := fs.ReadFile(seeds.FS, path.Join(path.Dir(definition), name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// runSourceTest runs the command as a user would, and gives its output and exit code.
func runSourceTest(t *testing.T, args ...string) (string, int) {
	t.Helper()
	var out bytes.Buffer
	cmd := rootCommand()
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SetArgs(append([]string{"source", "test"}, args...))
	err := cmd.ExecuteContext(t.Context())
	var code exitCode
	switch {
	case err == nil:
		return out.String(), 0
	case errors.As(err, &code):
		return out.String(), int(code)
	}
	return out.String(), 2
}

func writeDefinition(t *testing.T, name, from, to string) string {
	t.Helper()
	data, err := fs.ReadFile(seeds.FS, "sources/"+name)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(strings.Replace(string(data), from, to, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func startSampleWeb(t *testing.T) *sample.Web {
	t.Helper()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	web, err := sample.Start(context.Background(), sample.Options{Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { web.Close() })
	return web
}

func TestSourceTestReadsTheSampleForum(t *testing.T) {
	web := startSampleWeb(t)
	forum := "http://" + web.Address(sample.SiteForum).String()
	out, code := runSourceTest(t, writeDefinition(t, "sample-forum.yaml", "http://forum.sample.test", forum), "--json")
	if code != 0 {
		t.Fatalf("exit code %d: %s", code, out)
	}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	last := lines[len(lines)-1]
	if last != `{"pages":17,"items":20,"not_understood":[]}` {
		t.Errorf("last line %s", last)
	}
	var first map[string]any
	if err := json.Unmarshal([]byte(lines[0]), &first); err != nil {
		t.Fatal(err)
	}
	var keys []string
	for k := range first {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	if want := []string{"author", "board", "post_id", "posted_at", "text", "thread", "title", "url"}; !slices.Equal(keys, want) {
		t.Errorf("keys %v, want %v", keys, want)
	}
	want := printedItem{Board: "Combolists and logs", Thread: "how to read big text files fast?", PostID: "p111", URL: forum + "/viewtopic.php?t=110#p111",
		Author: "greyheron", Title: "how to read big text files fast?", Text: "my editor dies at 2 gb. what do you use"}
	var got printedItem
	if err := json.Unmarshal([]byte(lines[0]), &got); err != nil {
		t.Fatal(err)
	}
	if got.PostedAt == nil || *got.PostedAt != "2026-11-23T06:00:00Z" {
		t.Errorf("posted_at %v", got.PostedAt)
	}
	got.PostedAt = nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("first item %+v, want %+v", got, want)
	}
}

func TestSourceTestReadsThePasteAndLeakSites(t *testing.T) {
	web := startSampleWeb(t)
	for name, want := range map[string]string{
		"sample-paste.yaml": `{"pages":13,"items":11,"not_understood":[]}`,
		"sample-leaks.yaml": `{"pages":4,"items":5,"not_understood":[]}`,
	} {
		site := map[string]sample.Site{"sample-paste.yaml": sample.SitePaste, "sample-leaks.yaml": sample.SiteLeaks}[name]
		address := "http://" + web.Address(site).String() + map[sample.Site]string{sample.SitePaste: "/archive", sample.SiteLeaks: "/"}[site]
		out, code := runSourceTest(t, writeDefinition(t, name, "", ""), "--json", "--address", address)
		if code != 0 || !strings.HasSuffix(out, want+"\n") {
			t.Errorf("%s: exit code %d, output ends %q, want %s", name, code, out[max(len(out)-300, 0):], want)
		}
		out, code = runSourceTest(t, writeDefinition(t, name, "", ""), "--limit", "2", "--address", address)
		if code != 0 || !strings.HasSuffix(out, " pages, 2 items\n") {
			t.Errorf("%s with --limit 2: exit code %d, %q", name, code, out)
		}
	}
}

func TestSourceTestExitCodes(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(gone.Close)
	empty := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/archive" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(`<table class=archive><tr class=paste><td><a href="/aa">a</a></td></tr></table>`))
	}))
	t.Cleanup(empty.Close)
	paste := writeDefinition(t, "sample-paste.yaml", "", "")
	cases := []struct {
		name string
		args []string
		code int
		says string
	}{
		{"nothing read", []string{paste, "--address", empty.URL + "/archive", "--json"}, 1, `{"pages":2,"items":0,"not_understood":["` + empty.URL + `/raw/aa: status: status 404"],"found_nothing":["read.author (td.by) found nothing in 1 places","read.marker (td.size) found nothing in 1 places","read.next (a.next) found nothing in 1 places"]}`},
		{"source fails", []string{paste, "--address", gone.URL + "/archive", "--json"}, 2, `{"pages":1,"items":0,"not_understood":["crawl sample-paste: fetch ` + gone.URL + `/archive: status: status 404"]}`},
		{"private address", []string{paste, "--address", "http://10.0.0.1/archive"}, 2, "refused"},
		{"address is none", []string{paste, "--address", "archive"}, 2, ""},
		{"broken definition", []string{writeDefinition(t, "sample-paste.yaml", "every: 15s", "evry: 15s")}, 2, ""},
		{"review date passed", []string{writeDefinition(t, "sample-paste.yaml", "2027-12-31", "2025-12-31")}, 2, ""},
		{"no file", []string{filepath.Join(t.TempDir(), "none.yaml")}, 2, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, code := runSourceTest(t, c.args...)
			if code != c.code || !strings.Contains(out, c.says) {
				t.Errorf("exit code %d, output %q; want %d and %q", code, out, c.code, c.says)
			}
		})
	}
}

// What is wrong with a definition is said by the key that must be mended, with its selector.
func TestSourceTestNamesTheSelectorThatIsWrong(t *testing.T) {
	web := startSampleWeb(t)
	forum := "http://" + web.Address(sample.SiteForum).String() + "/"
	for _, c := range []struct {
		right, wrong string
		code         int
		says         string
	}{
		{"boards: a.forumtitle", "boards: a.board", 2, "read.boards (a.board) finds nothing; the page holds a log-in form"},
		{"expect: ul.topics", "expect: ul.themes", 2, "read.expect (ul.themes) finds nothing; the page holds a log-in form"},
		{"list: ul.topics li.topic", "list: li.theme", 2, "read.list (li.theme) finds nothing; the page holds a log-in form"},
		{"link: a.topictitle", "link: a.theme", 2, "read.link (a.theme) finds no address that may be followed in any of 2 entries"},
		{"post: div.post", "post: div.reply", 1, "read.post (div.reply) finds nothing; the page holds a log-in form"},
		{"body: .content", "body: .text", 1, "read.body (.text) finds nothing in any of 1 posts"},
		{"title: a.topictitle", "title: a.theme", 0, `"found_nothing":["read.title (a.theme) found nothing in 9 places"]`},
		{"marker: .lastpost", "marker: .last", 0, `"found_nothing":["read.marker (.last) found nothing in 9 places"]`},
		{`post_id: "@id"`, `post_id: "@data-id"`, 0, `"found_nothing":["read.post_id (@data-id) found nothing in 20 places"]`},
		{"author: .author a.username", "author: .by", 0, `"found_nothing":["read.author (.by) found nothing in 20 places"]`},
		{"date: .author time", "date: .when", 0, "20 items: the date was not understood"},
		{"next: .pagination a.next", "next: a.older", 0, `"found_nothing":["read.next (a.older) found nothing in 9 places"]`},
	} {
		out, code := runSourceTest(t, writeDefinition(t, "sample-forum.yaml", c.right, c.wrong), "--json", "--address", forum)
		last := out[strings.LastIndexByte(strings.TrimSpace(out), '\n')+1:]
		if code != c.code || !strings.Contains(last, c.says) {
			t.Errorf("%s: exit code %d, %s\nwant %d and %s", c.wrong, code, last, c.code, c.says)
		}
	}
}

const testWatchlist = "supplier,kind,value\nMeridian Lab,domain,meridian-lab.example\nMeridian Lab,brand,Meridian Lab\nSt. Aldhelm,domain,st-aldhelm.example\n"

func writeTestWatchlist(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "watchlist.csv")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// startService answers by path and query, as JSON; the rest is a 404.
func startService(t *testing.T, says map[string]string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, ok := says[r.URL.RequestURI()]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func TestSourceTestShowsClaimsAndMatches(t *testing.T) {
	at := startService(t, map[string]string{"/recent": `[{"post_title":"Meridian Lab","group_name":"undertow","discovered":"2026-11-20 10:00:00","website":"meridian-lab.example","description":"1.2 TB of results"},
		{"post_title":"Ledgerly","group_name":"undertow","discovered":"","website":"","description":""}]`})
	file, list := writeDefinition(t, "ransomware-live.yaml", "", ""), writeTestWatchlist(t, testWatchlist)
	out, code := runSourceTest(t, file, "--address", at+"/recent", "--watchlist", list)
	for _, want := range []string{
		"[victim Meridian Lab · website meridian-lab.example · group undertow · volume 1.2 TB]\n    match: Meridian Lab · critical · Meridian Lab is named as a victim by undertow\n",
		"read as: ransomware.live\nfields: title 2, author 0, date 1, text 1, victim 2, group 2, volume 1 of 2\n1 matches\n1 pages, 2 items\n",
		"not understood: 1 items: the date was not understood\n",
	} {
		if code != 0 || !strings.Contains(out, want) {
			t.Errorf("exit code %d, %q not in\n%s", code, want, out)
		}
	}
	out, code = runSourceTest(t, file, "--address", at+"/recent", "--watchlist", list, "--json")
	if code != 0 || !strings.Contains(out, `"claim":{"victim":"Meridian Lab","website":"meridian-lab.example","group":"undertow","volume":"1.2 TB"},"matches":[{"supplier":"Meridian Lab","kind":"victim_claim","severity":"critical","title":"Meridian Lab is named as a victim by undertow"}]`) ||
		!strings.Contains(out, `"engine":"ransomware.live","matches":1}`) {
		t.Errorf("exit code %d, %s", code, out)
	}
}

// A refused connection is no page, and not "nothing found".
func TestSourceTestOfAPlaceThatIsNotThere(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	out, code := runSourceTest(t, writeDefinition(t, "ransomware-live.yaml", "", ""), "--address", gone.URL, "--json")
	if code != 2 || !strings.HasPrefix(out, `{"pages":0,"items":0,"not_understood":["crawl ransomware-live: fetch `) {
		t.Errorf("exit code %d, %s", code, out)
	}
}

func TestSourceTestOfAnAccountServiceFailsClosed(t *testing.T) {
	const about = `{"employees":2,"users":0,"third_parties":0,"last_employee_compromised":"2026-10-01T08:00:00Z","data":{"employees_urls":[{"occurrence":2,"type":"employee","url":"https://vpn.st-aldhelm.example/"}],"clients_urls":[]}}`
	at := startService(t, map[string]string{"/search-by-domain?domain=st-aldhelm.example": about})
	file := writeDefinition(t, "hudsonrock.yaml", "", "")
	if out, code := runSourceTest(t, file, "--address", at); code != 2 {
		t.Errorf("without a watchlist: exit code %d, %s", code, out)
	}
	if out, code := runSourceTest(t, file, "--address", at, "--watchlist", writeTestWatchlist(t, "supplier,kind,value\nLedgerly,domain,ledgerly.example\n")); code != 2 {
		t.Errorf("with a watchlist of others: exit code %d, %s", code, out)
	}
	list := writeTestWatchlist(t, "supplier,kind,value\nSt. Aldhelm,domain,st-aldhelm.example\n")
	out, code := runSourceTest(t, file, "--address", at, "--watchlist", list)
	const want = "st-aldhelm.example · at vpn.st-aldhelm.example · 2 times · taken by malware · 2026-10-01T08:00:00Z\n    match: St. Aldhelm · high · 2 log-ins for vpn.st-aldhelm.example were taken by malware\n"
	if code != 0 || !strings.Contains(out, want) || !strings.HasSuffix(out, "1 pages, 1 items\n") {
		t.Errorf("exit code %d, %s", code, out)
	}
}

// A key comes from the environment, and is printed nowhere.
func TestSourceTestKeepsKeysToItself(t *testing.T) {
	const key = "00112233445566778899aabbccddeeff"
	at := startService(t, map[string]string{"/subscription/status": "This key DOES NOT HAVE ACCESS"})
	file, list := writeDefinition(t, "hibp.yaml", "", ""), writeTestWatchlist(t, testWatchlist)
	out, code := runSourceTest(t, file, "--address", at, "--watchlist", list, "--json")
	if code != 2 || !strings.Contains(out, "no key is set for it") || !strings.Contains(out, `"pages":0`) {
		t.Errorf("without a key: exit code %d, %s", code, out)
	}
	t.Setenv("WARDLINE_HIBP_KEY", key)
	out, code = runSourceTest(t, file, "--address", at, "--watchlist", list, "--json")
	if code != 2 || !strings.Contains(out, "denied: an answer that refuses us, with status 200") || !strings.Contains(out, `"pages":1`) || strings.Contains(out, key) {
		t.Errorf("refused: exit code %d, %s", code, out)
	}
}

// net/http writes what a server sends unasked to the standard logger, and pages have no place in a log.
func TestTheStandardLoggerIsSilent(t *testing.T) {
	if log.Writer() != io.Discard {
		t.Error("the standard logger writes")
	}
}

func TestLoopbackOfIsExact(t *testing.T) {
	for address, want := range map[string]string{
		"http://127.0.0.1:8080/x": "127.0.0.1:8080", "https://127.0.0.1/": "127.0.0.1:443", "http://[::1]:81/": "[::1]:81",
		"http://localhost:90/": "127.0.0.1:90 [::1]:90", "http://10.0.0.1/": "", "http://forum.example/": "", "http://[": "",
	} {
		var got []string
		for _, a := range loopbackOf(address) {
			got = append(got, a.String())
		}
		if s := strings.Join(got, " "); s != want {
			t.Errorf("%s: %q, want %q", address, s, want)
		}
	}
}
