package collect_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func TestPasteSiteIncrementally(t *testing.T) {
	s := newSite(t, map[string]string{
		"/archive":        strings.Replace(archive(pasteRow("aa", "1"), pasteRow("bb", "1")), "</body>", `<a class=next href="/archive?page=2">older</a></body>`, 1),
		"/archive?page=2": archive(pasteRow("cc", "1")),
		"/raw/aa":         "anna@clinic.example:Sommer-41\r\nbert@clinic.example:x\x07y",
		"/raw/bb":         "second", "/raw/cc": "third",
	})
	col, m, src := newCollector(t, s.URL), newMemory(), pasteSource(s.URL)
	report, err := col.Crawl(t.Context(), src, m.known, m.visit)
	if err != nil {
		t.Fatal(err)
	}
	want := risk.CrawlReport{Pages: 5, Items: 3, New: 3}
	if !reflect.DeepEqual(report, want) {
		t.Errorf("report %+v, want %+v", report, want)
	}
	first := risk.Item{PostID: "aa", URL: s.URL + "/aa", Title: "Paste aa", Posted: time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC),
		Text: "anna@clinic.example:Sommer-41\nbert@clinic.example:x⟦U+0007⟧y"}
	if !reflect.DeepEqual(m.items[0], first) {
		t.Errorf("item %+v, want %+v", m.items[0], first)
	}
	capture := risk.Capture{SourceID: 7, URL: s.URL + "/raw/bb", Digest: "16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4",
		Fetched: today, Status: 200, ContentType: "text/plain; charset=utf-8", Bytes: 6, Items: 1}
	if got := m.pages[1].Capture; got != capture {
		t.Errorf("capture %+v, want %+v", got, capture)
	}
	s.takePaths()
	m.take()

	report, err = col.Crawl(t.Context(), src, m.known, m.visit)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "second run asks for the lists only", s.takePaths(), []string{"/archive", "/archive?page=2"})
	if report.Unchanged != 3 || len(m.take()) != 0 {
		t.Errorf("second run: %+v", report)
	}

	s.set("/archive", archive(pasteRow("dd", "1"), pasteRow("aa", "2"), pasteRow("bb", "1")))
	s.set("/raw/dd", "fourth")
	s.set("/raw/aa", "edited")
	if _, err = col.Crawl(t.Context(), src, m.known, m.visit); err != nil {
		t.Fatal(err)
	}
	equal(t, "third run", s.takePaths(), []string{"/archive", "/raw/dd", "/raw/aa"})
	equal(t, "items", titles(m.take()), []string{"Paste dd|dd|fourth", "Paste aa|aa|edited"})
}

func TestForumIncrementally(t *testing.T) {
	s := newSite(t, forumPages())
	col, m, src := newCollector(t, s.URL), newMemory(), forumSource(s.URL)
	report, err := col.Crawl(t.Context(), src, m.known, m.visit)
	if err != nil {
		t.Fatal(err)
	}
	if want := (risk.CrawlReport{Pages: 9, Items: 6, New: 6}); !reflect.DeepEqual(report, want) {
		t.Errorf("report %+v, want %+v", report, want)
	}
	third := risk.Item{Board: "Leaks", Thread: "Thread 1", Title: "Thread 1", PostID: "p3", URL: s.URL + "/t/1?page=2#p3", Author: "user-p3",
		Posted: time.Date(2026, 7, 20, 12, 30, 0, 0, time.UTC), Text: "three"}
	if !reflect.DeepEqual(m.items[2], third) {
		t.Errorf("item %+v, want %+v", m.items[2], third)
	}
	equal(t, "items", titles(m.take()), []string{"Thread 1|p1|one", "Thread 1|p2|two", "Thread 1|p3|three", "Thread 2|p4|four", "Thread 3|p5|five", "Thread 4|p6|six"})
	s.takePaths()

	lists := []string{"/", "/b/1", "/b/1?page=2", "/b/2"}
	if _, err := col.Crawl(t.Context(), src, m.known, m.visit); err != nil {
		t.Fatal(err)
	}
	equal(t, "second run asks for the lists only", s.takePaths(), lists)
	equal(t, "and reads nothing", titles(m.take()), nil)

	s.set("/b/2", threads([]string{threadRow("4", "p7")}, ""))
	s.set("/t/4", threadPage("", postHTML("p6", "six, edited"), postHTML("p7", "seven")))
	s.set("/t/2", threadPage("", postHTML("p4", "never read again, as the marker is the same")))
	if _, err := col.Crawl(t.Context(), src, m.known, m.visit); err != nil {
		t.Fatal(err)
	}
	equal(t, "third run", s.takePaths(), append(slices.Clone(lists), "/t/4"))
	equal(t, "what changed", titles(m.take()), []string{"Thread 4|p6|six, edited", "Thread 4|p7|seven"})
}

// Killed at every page in turn, and once more from there: everything is read, nothing twice.
func TestKillBetweenPagesLosesNothing(t *testing.T) {
	for stop := 1; stop <= 5; stop++ {
		s := newSite(t, forumPages())
		col, m, src := newCollector(t, s.URL), newMemory(), forumSource(s.URL)
		m.stop = stop
		if _, err := col.Crawl(t.Context(), src, m.known, m.visit); !errors.Is(err, errKilled) {
			t.Fatalf("killed at page %d: %v", stop, err)
		}
		m.stop = 0
		if _, err := col.Crawl(t.Context(), src, m.known, m.visit); err != nil {
			t.Fatal(err)
		}
		got := titles(m.take())
		slices.Sort(got)
		equal(t, "items", got, []string{"Thread 1|p1|one", "Thread 1|p2|two", "Thread 1|p3|three", "Thread 2|p4|four", "Thread 3|p5|five", "Thread 4|p6|six"})
	}
}

// A thread longer than a run's page limit is read over several runs.
func TestLongThreadIsResumed(t *testing.T) {
	s := newSite(t, map[string]string{
		"/":           threads([]string{threadRow("1", "m")}, ""),
		"/t/1":        threadPage("/t/1?page=2", postHTML("p1", "one")),
		"/t/1?page=2": threadPage("/t/1?page=3", postHTML("p2", "two")),
		"/t/1?page=3": threadPage("", postHTML("p3", "three")),
	})
	src := forumSource(s.URL)
	src.Read.Boards, src.Limits.Pages = "", 2
	col, m := newCollector(t, s.URL), newMemory()
	for run, want := range []string{"/t/1", "/t/1?page=2", "/t/1?page=3"} {
		report, err := col.Crawl(t.Context(), src, m.known, m.visit)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "asked", s.takePaths(), []string{"/", want})
		if run < 2 && (len(report.NotUnderstood) != 1 || report.NotUnderstood[0] != "the limit of 2 pages was reached: the rest is left for the next run") {
			t.Errorf("run %d: not understood %q", run, report.NotUnderstood)
		}
	}
	if _, err := col.Crawl(t.Context(), src, m.known, m.visit); err != nil {
		t.Fatal(err)
	}
	equal(t, "asked when all is read", s.takePaths(), []string{"/"})
	equal(t, "items", titles(m.take()), []string{"Thread 1|p1|one", "Thread 1|p2|two", "Thread 1|p3|three"})
}

func TestLeakSite(t *testing.T) {
	s := newSite(t, map[string]string{
		"/":    `<html><body class=victims><div class=v><h2>Meridian Lab</h2><p>41 GB</p><a href="/v/1">more</a></div><div class=v><h2>Other Corp</h2><p>soon</p></div></body></html>`,
		"/v/1": `<html><body><script>evil()</script><div class=detail>Files:<br>patients.csv<br>contracts.zip</div></body></html>`,
	})
	src := risk.Source{Key: "leaks", Kind: risk.SourceLeakSite, Route: risk.RouteDirect, Address: s.URL + "/", Limits: limits,
		Read: risk.Reading{List: "div.v", Link: "a", Title: "h2", Post: ".detail", Expect: "body.victims"}}
	col, m := newCollector(t, s.URL), newMemory()
	if _, err := col.Crawl(t.Context(), src, m.known, m.visit); err != nil {
		t.Fatal(err)
	}
	equal(t, "claims", titles(m.take()), []string{
		"Other Corp|48419bf87f4a37a63f33f29c771b849b|Other Corp\nsoon",
		"Meridian Lab|1|Meridian Lab\n41 GB\nmore\n\nFiles:\npatients.csv\ncontracts.zip"})
	s.takePaths()
	s.set("/", strings.Replace(s.pages["/"], "soon", "published", 1))
	if _, err := col.Crawl(t.Context(), src, m.known, m.visit); err != nil {
		t.Fatal(err)
	}
	equal(t, "asked", s.takePaths(), []string{"/"})
	equal(t, "the changed claim", titles(m.take()), []string{"Other Corp|48419bf87f4a37a63f33f29c771b849b|Other Corp\npublished"})
}

// One page that fails is named and left unmarked; the rest is read, and the next run tries again.
func TestSinglePageThatFails(t *testing.T) {
	pages := forumPages()
	delete(pages, "/t/2")
	pages["/t/3"] = `<html><body><form><input type=password name=p></form></body></html>`
	s := newSite(t, pages)
	col, m, src := newCollector(t, s.URL), newMemory(), forumSource(s.URL)
	report, err := col.Crawl(t.Context(), src, m.known, m.visit)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "items", titles(m.take()), []string{"Thread 1|p1|one", "Thread 1|p2|two", "Thread 1|p3|three", "Thread 4|p6|six"})
	equal(t, "not understood", report.NotUnderstood, []string{
		s.URL + "/t/2: status: status 404",
		s.URL + "/t/3: login: read.post (div.post) finds nothing; the page is a log-in form"})
	s.set("/t/2", threadPage("", postHTML("p4", "four")))
	if _, err := col.Crawl(t.Context(), src, m.known, m.visit); err != nil {
		t.Fatal(err)
	}
	equal(t, "next run", titles(m.take()), []string{"Thread 2|p4|four"})
}

// Links that lead out of the source are never asked for.
func TestLinksToOtherHostsAreNotFollowed(t *testing.T) {
	other := newSite(t, map[string]string{})
	s := newSite(t, map[string]string{
		"/": threads([]string{`<li class=thread><a href="` + other.URL + `/t/9">out</a></li>`, `<li class=thread><a href="http://169.254.169.254/">meta</a></li>`,
			`<li class=thread><a href="javascript:alert(1)">js</a></li>`, threadRow("1", "m")}, ""),
		"/t/1": threadPage("", postHTML("p1", "one")),
	})
	src := forumSource(s.URL)
	src.Read.Boards = ""
	m := newMemory()
	report, err := newCollector(t, s.URL, other.URL).Crawl(t.Context(), src, m.known, m.visit)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "asked of the other host", other.takePaths(), nil)
	equal(t, "not understood", report.NotUnderstood, []string{s.URL + "/: 3 entries without a link that may be followed (read.link)"})
	equal(t, "items", titles(m.take()), []string{"Thread 1|p1|one"})
}

func TestRequestsAreGetWithFixedHeaders(t *testing.T) {
	s := newSite(t, forumPages())
	m := newMemory()
	if _, err := newCollector(t, s.URL).Crawl(t.Context(), forumSource(s.URL), m.known, m.visit); err != nil {
		t.Fatal(err)
	}
	want := http.Header{
		"User-Agent":      {"Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0"},
		"Accept":          {"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"},
		"Accept-Language": {"en-US,en;q=0.5"},
		"Accept-Encoding": {"gzip, deflate, br, zstd"},
	}
	if len(s.asked) != 9 {
		t.Fatalf("%d requests, want 9", len(s.asked))
	}
	for _, r := range s.asked {
		if r.Method != http.MethodGet || !reflect.DeepEqual(r.Header, want) {
			t.Errorf("%s %s with %v", r.Method, r.URL, r.Header)
		}
	}
}

// The pause between requests is an hour; the crawl must still end with its context.
func TestPolitenessEndsWithContext(t *testing.T) {
	s := newSite(t, forumPages())
	src := forumSource(s.URL)
	src.Politeness = risk.Politeness{Delay: time.Hour, Jitter: time.Minute}
	ctx, cancel := context.WithCancel(t.Context())
	s.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.ServeHTTP(w, r)
		context.AfterFunc(r.Context(), cancel) // the answer is out: the crawl is about to pause
	})
	m := newMemory()
	started := time.Now()
	report, err := newCollector(t, s.URL).Crawl(ctx, src, m.known, m.visit)
	if !errors.Is(err, context.Canceled) || report.Pages > 1 || time.Since(started) > 10*time.Second {
		t.Errorf("%v after %d pages and %s, want the end of the context", err, report.Pages, time.Since(started))
	}
}

func TestDropFoldersAreNotCrawled(t *testing.T) {
	m := newMemory()
	_, err := newCollector(t).Crawl(t.Context(), risk.Source{Key: "d", Kind: risk.SourceDrop, Route: risk.RouteFile}, m.known, m.visit)
	if !errors.Is(err, risk.ErrInvalid) {
		t.Errorf("error %v, want risk.ErrInvalid", err)
	}
}
