package collect_test

import (
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func claims(items []risk.Item) []risk.Claim {
	var out []risk.Claim
	for _, i := range items {
		out = append(out, i.Claim)
	}
	return out
}

func wantClaims(t *testing.T, got []risk.Item, want ...risk.Claim) {
	t.Helper()
	if !reflect.DeepEqual(claims(got), want) {
		t.Errorf("claims\n %+v\nwant\n %+v", claims(got), want)
	}
}

func TestRansomwareLive(t *testing.T) {
	const old = `[{"post_title":"Meridian Lab","group_name":"undertow","discovered":"2026-11-20 10:00:00.123456","published":"2026-11-19 08:00:00","post_url":"http://abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabca.onion/7",
		"website":"meridian-lab.example","description":"<b>1.2 TB</b> of results, 300 GB of mail","country":"US","screenshot":"https://x.example/s.png","activity":"Not Found","infostealer":{"users":3}}]`
	s := newService(t, map[string]answer{"/v2/recentvictims": {body: old}})
	col, m := newCollector(t, s.URL), newMemory()
	src := serviceSource(risk.SourceLeakSite, "ransomware.live", s.URL+"/v2/recentvictims")
	report := mustCrawl(t, col, src, m)
	want := risk.Claim{Victim: "Meridian Lab", Website: "meridian-lab.example", Group: "undertow", Volume: "1.2 TB", Country: "US"}
	wantClaims(t, m.items, want)
	item := m.items[0]
	if item.Title != "Meridian Lab" || item.Text != "meridian-lab.example\n1.2 TB of results, 300 GB of mail" || report.New != 1 ||
		!item.Posted.Equal(time.Date(2026, 11, 20, 10, 0, 0, 123456000, time.UTC)) || !strings.HasSuffix(item.URL, ".onion/7") {
		t.Errorf("%+v, %+v", item, report)
	}
	if report = mustCrawl(t, col, src, m); report.New != 0 || report.Unchanged != 1 {
		t.Errorf("again: %+v", report)
	}
	equal(t, "nothing but the list is asked for", s.taken(), []string{"/v2/recentvictims", "/v2/recentvictims"})
}

// An error of the service's own kind says that there is nothing; any other one is a failure.
func TestNoVictimsIsNotSilence(t *testing.T) {
	s := newService(t, map[string]answer{"/v2/victims/2026/11": {status: 500, body: `{"error":"No victims found"}`}})
	src := serviceSource(risk.SourceLeakSite, "ransomware.live", s.URL+"/v2/victims/2026/11")
	report := mustCrawl(t, newCollector(t, s.URL), src, newMemory())
	equal(t, "said", report.Said, []string{s.URL + "/v2/victims/2026/11: the service says that it holds nothing"})
	if report.Pages != 1 || len(report.NotUnderstood) != 0 {
		t.Errorf("%+v", report)
	}
	for body, kind := range map[string]risk.FailureKind{`{"error":"database is down"}`: risk.FailStatus, "": risk.FailStatus} {
		s.say("/v2/victims/2026/11", answer{status: 500, body: body})
		m := newMemory()
		_, err := newCollector(t, s.URL).Crawl(t.Context(), src, m.known, m.visit)
		wantKind(t, err, kind)
	}
	for body, kind := range map[string]risk.FailureKind{`{"detail":"Unauthorized"}`: risk.FailDenied, `<html>`: risk.FailLayout, `[{"x":1}]`: risk.FailLayout} {
		s.say("/v2/victims/2026/11", answer{body: body})
		m := newMemory()
		_, err := newCollector(t, s.URL).Crawl(t.Context(), src, m.known, m.visit)
		wantKind(t, err, kind)
	}
}

func TestRansomwareLivePaidNeedsItsKey(t *testing.T) {
	s := newService(t, map[string]answer{"/victims/recent": {body: `{"client":"hospital","count":2,"order":"discovered","victims":[
		{"id":"TWVyaWRpYW5AdW5kZXJ0b3c=","group":"undertow","victim":"Meridian Lab","country":"US","activity":"Healthcare","attackdate":"2026-11-18","discovered":"2026-11-20 10:00:00","post_url":"","website":"meridian-lab.example","description":"","published":"2026-11-19 08:00:00.000001"},
		{"id":"eA==","group":"undertow","victim":"Ledgerly","activity":null,"discovered":"","published":null,"attackdate":"2026-11-17 01:02:03"}]}`}})
	src := serviceSource(risk.SourceLeakSite, "ransomware.live-pro", s.URL+"/victims/recent")
	m := newMemory()
	_, err := newCollector(t, s.URL).Crawl(t.Context(), src, m.known, m.visit)
	wantKind(t, err, risk.FailDenied)
	if len(s.taken()) != 0 {
		t.Error("asked without a key")
	}
	col := keyedCollector(t, s.URL, "pro-key-1")
	mustCrawl(t, col, src, m)
	wantClaims(t, m.items, risk.Claim{Victim: "Meridian Lab", Website: "meridian-lab.example", Group: "undertow", Country: "US", Sector: "Healthcare"}, risk.Claim{Victim: "Ledgerly", Group: "undertow"})
	if got := s.asked[0].Header.Get("X-API-KEY"); got != "pro-key-1" {
		t.Errorf("key %q", got)
	}
	if !m.items[1].Posted.Equal(time.Date(2026, 11, 17, 1, 2, 3, 0, time.UTC)) {
		t.Errorf("posted %s", m.items[1].Posted)
	}
}

// A key goes to the host of the source and to no other, whatever its answers lead to.
func TestKeysStayAtHome(t *testing.T) {
	other := newService(t, map[string]answer{"/raw": text("x")})
	s := newService(t, map[string]answer{"/gists/public": {body: `[{"id":"a1","html_url":"","description":"","created_at":"","updated_at":"1","files":{"f":{"filename":"f","type":"text/plain","size":1,"raw_url":"` + strings.Replace(other.URL, "127.0.0.1", "localhost", 1) + `/raw"}}}]`}})
	src := serviceSource(risk.SourcePaste, "gists", s.URL+"/gists/public")
	src.Allowed = []string{"localhost"}
	_, _ = keyedCollector(t, s.URL, "gh-key").Crawl(t.Context(), src, newMemory().known, newMemory().visit)
	if got := s.asked[0].Header.Get("Authorization"); got != "Bearer gh-key" {
		t.Errorf("key at home %q", got)
	}
	for _, r := range other.asked {
		if r.Header.Get("Authorization") != "" {
			t.Error("the key went to another host")
		}
	}
	src.Address = "http://service.example/gists/public"
	_, err := keyedCollector(t, s.URL, "gh-key").Crawl(t.Context(), src, newMemory().known, newMemory().visit)
	if fetch := wantKind(t, err, risk.FailDenied); strings.Contains(fetch.Error(), "gh-key") {
		t.Errorf("%v", err)
	}
}

func TestRansomLookAndRansomwatch(t *testing.T) {
	const posts = `[{"post_title":"meridian-lab.example","discovered":"2026-11-20 10:00:00.5","description":"All your results","link":"/x","magnet":"magnet:?xt=urn:btih:aa","screen":"s.png","group_name":"undertow"},
		{"post_title":"","discovered":"0000-00-00 00:00:00","group_name":"undertow"}]`
	watch := strings.ReplaceAll(posts, `"description":"All your results","link":"/x","magnet":"magnet:?xt=urn:btih:aa","screen":"s.png",`, "")
	s := newService(t, map[string]answer{
		"/api/recent/10": {body: posts}, "/api/group/undertow": {body: `[{"meta":null,"captcha":false,"locations":[]},` + posts + `]`},
		"/posts.json": {kind: "text/plain; charset=utf-8", body: watch}, "/api/none": {body: "[]"}, "/api/odd": {body: `[{"meta":null},{"x":1}]`},
	})
	for at, engine := range map[string]string{"/api/recent/10": "ransomlook", "/api/group/undertow": "ransomlook", "/posts.json": "ransomwatch"} {
		m := newMemory()
		report := mustCrawl(t, newCollector(t, s.URL), serviceSource(risk.SourceLeakSite, engine, s.URL+at), m)
		wantClaims(t, m.items, risk.Claim{Victim: "meridian-lab.example", Group: "undertow"})
		if len(report.NotUnderstood) != 1 || !m.items[0].Posted.Equal(time.Date(2026, 11, 20, 10, 0, 0, 500_000_000, time.UTC)) {
			t.Errorf("%s: %+v %s", at, report, m.items[0].Posted)
		}
	}
	report := mustCrawl(t, newCollector(t, s.URL), serviceSource(risk.SourceLeakSite, "ransomlook", s.URL+"/api/none"), newMemory())
	if len(report.Said) != 1 || !strings.Contains(report.Said[0], "empty list") {
		t.Errorf("an empty list: %+v", report)
	}
	_, err := newCollector(t, s.URL).Crawl(t.Context(), serviceSource(risk.SourceLeakSite, "ransomlook", s.URL+"/api/odd"), newMemory().known, newMemory().visit)
	wantKind(t, err, risk.FailLayout)
}

// A list of all that ever was is handed over in parts, each with its marks.
func TestALongListIsHandedOverInParts(t *testing.T) {
	var posts []string
	for i := range 1201 {
		posts = append(posts, fmt.Sprintf(`{"post_title":"victim %d","discovered":"2026-01-01 00:00:00.0","group_name":"g"}`, i))
	}
	s := newService(t, map[string]answer{"/posts.json": {body: "[" + strings.Join(posts, ",") + "]"}})
	m := newMemory()
	mustCrawl(t, newCollector(t, s.URL), serviceSource(risk.SourceLeakSite, "ransomwatch", s.URL+"/posts.json"), m)
	if len(m.pages) != 3 || len(m.items) != 1201 || len(m.pages[2].Items) != 201 || len(m.marks) != 1201 {
		t.Errorf("%d pages, %d items, %d marks", len(m.pages), len(m.items), len(m.marks))
	}
}

const ransomLookFeed = `<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>RansomLook</title><link>https://look.example</link>
	<item><title>Meridian Lab By undertow</title><description>&lt;p&gt;We hold &lt;b&gt;40GB&lt;/b&gt;&lt;/p&gt;</description><guid>https://look.example/1</guid><pubDate>2026-11-20 10:00:00.123456</pubDate></item>
	<item><title>🏴‍☠️ Tidewall has just published a new victim : Ledgerly</title><link>https://live.example/id/2</link><pubDate>Fri, 20 Nov 2026 11:00:00 GMT</pubDate></item>
	</channel></rss>`

const atomFeed = `<?xml version="1.0" encoding="iso-8859-1"?><feed xmlns="http://www.w3.org/2005/Atom"><title>News</title>
	<entry><title type="html">Meridian &lt;i&gt;Lab&lt;/i&gt; angegriffen</title><id>urn:1</id><link href="https://news.example/1"/><updated>2026-11-20T10:00:00+01:00</updated><author><name>J` + "\xf6" + `rg</name></author><content type="html">&lt;p&gt;Gr` + "\xfc" + `n&lt;/p&gt;</content></entry></feed>`

func TestFeeds(t *testing.T) {
	s := newService(t, map[string]answer{"/rss.xml": {kind: "application/rss+xml", body: ransomLookFeed}, "/atom": {kind: "text/xml", body: atomFeed}})
	m := newMemory()
	src := serviceSource(risk.SourceLeakSite, "feed", s.URL+"/rss.xml")
	src.Limits.ContentTypes = append(src.Limits.ContentTypes, "application/rss+xml")
	report := mustCrawl(t, newCollector(t, s.URL), src, m)
	wantClaims(t, m.items, risk.Claim{Victim: "Meridian Lab", Group: "undertow", Volume: "40GB"}, risk.Claim{Victim: "Ledgerly", Group: "Tidewall"})
	if !m.items[0].Posted.Equal(time.Date(2026, 11, 20, 10, 0, 0, 123456000, time.UTC)) || !m.items[1].Posted.Equal(time.Date(2026, 11, 20, 11, 0, 0, 0, time.UTC)) || len(report.NotUnderstood) != 0 {
		t.Errorf("%s and %s, %+v", m.items[0].Posted, m.items[1].Posted, report)
	}
	m = newMemory()
	mustCrawl(t, newCollector(t, s.URL), serviceSource(risk.SourceFeed, "feed", s.URL+"/atom"), m)
	want := risk.Item{PostID: m.items[0].PostID, URL: "https://news.example/1", Author: "Jörg", Title: "Meridian Lab angegriffen", Text: "Grün", Posted: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}
	if !reflect.DeepEqual(m.items[0], want) {
		t.Errorf("%+v, want %+v", m.items[0], want)
	}
	equal(t, "nothing but the feeds is asked for", s.taken(), []string{"/rss.xml", "/atom"})
}

func TestWhatIsNoFeed(t *testing.T) {
	deep := "<rss><channel>" + strings.Repeat("<a:b>", 100_000)
	for body, kind := range map[string]risk.FailureKind{
		"":              risk.FailLayout,
		"not a feed":    risk.FailLayout,
		"Access denied": risk.FailDenied,
		"<html><body>Just a moment...</body></html>":  risk.FailCaptcha,
		"<html><body>Welcome</body></html>":           risk.FailLayout,
		deep:                                          risk.FailLayout,
		"<rss><channel><item></item></channel></rss>": risk.FailLayout,
	} {
		s := newService(t, map[string]answer{"/rss": {kind: "text/xml", body: body}})
		m := newMemory()
		_, err := newCollector(t, s.URL).Crawl(t.Context(), serviceSource(risk.SourceFeed, "feed", s.URL+"/rss"), m.known, m.visit)
		if wantKind(t, err, kind); len(m.items) > 0 {
			t.Errorf("%.40q: items %+v", body, m.items)
		}
	}
	s := newService(t, map[string]answer{"/rss": {kind: "text/xml", body: `<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss version="2.0"><channel><item><title>x &b; y</title></item></channel></rss>`}})
	m := newMemory()
	mustCrawl(t, newCollector(t, s.URL), serviceSource(risk.SourceFeed, "feed", s.URL+"/rss"), m)
	if got := m.items[0].Title; got != "x &b; y" {
		t.Errorf("entities of a feed's own were expanded: %q", got)
	}
	s.say("/rss", answer{kind: "text/xml", body: "<rss version='2.0'><channel><title>x</title></channel></rss>"})
	if report := mustCrawl(t, newCollector(t, s.URL), serviceSource(risk.SourceFeed, "feed", s.URL+"/rss"), newMemory()); len(report.Said) != 1 {
		t.Errorf("a feed without entries: %+v", report)
	}
}

// A leak site's own pages: what they say of a victim stands apart, and of the files only the names are read.
func TestLeakSiteWithFileLists(t *testing.T) {
	s := newService(t, map[string]answer{
		"/": {kind: "text/html", body: `<html><body><ul class=victims>
			<li class=victim><a class=more href="/v/1"><h2>Meridian Lab</h2></a><a class=site href="https://meridian-lab.example">meridian-lab.example</a><span class=size>500 GB</span><i class=by>undertow</i></li>
			<li class=victim><a class=more href="/v/2"><h2>Ledgerly</h2></a></li></ul></body></html>`},
		"/v/1":       {kind: "text/html", body: `<html><body><article>We publish on Friday.</article><a class=files href="/v/1/files">files</a></body></html>`},
		"/v/1/files": {kind: "text/html", body: `<html><body><a href="results-2026.csv">results-2026.csv</a><a href="stmary.example.sql.gz">stmary.example.sql.gz</a></body></html>`},
		"/v/2":       {kind: "text/html", body: `<html><body><article>Soon.</article><a class=files href="/dl/all.7z">all</a></body></html>`},
	})
	src := serviceSource(risk.SourceLeakSite, "", s.URL+"/")
	src.Read = risk.Reading{List: ".victim", Link: "a.more", Title: "h2", Group: ".by", Website: ".site", Volume: ".size", Post: "article", Files: "a.files", Expect: ".victims"}
	m := newMemory()
	report := mustCrawl(t, newCollector(t, s.URL), src, m)
	wantClaims(t, m.items, risk.Claim{Victim: "Meridian Lab", Website: "meridian-lab.example", Group: "undertow", Volume: "500 GB"}, risk.Claim{Victim: "Ledgerly"})
	equal(t, "names of files", m.items[0].Attachments, []string{"results-2026.csv", "stmary.example.sql.gz"})
	equal(t, "asked for", s.taken(), []string{"/", "/v/1", "/v/1/files", "/v/2"})
	if len(report.Said) != 1 || !strings.Contains(report.Said[0], "was not fetched") {
		t.Errorf("%+v", report)
	}
	s.say("/v/1/files", answer{status: http.StatusForbidden})
	m = newMemory()
	if report := mustCrawl(t, newCollector(t, s.URL), src, m); len(m.items) != 2 || len(report.NotUnderstood) != 1 {
		t.Errorf("without its list of files: %+v", report)
	}
}
