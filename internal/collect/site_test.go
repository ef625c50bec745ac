package collect_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/risk"
)

// site is a small web server whose pages a test changes as it goes. It keeps every request.
type site struct {
	*httptest.Server
	mu    sync.Mutex
	pages map[string]string // path and query → HTML, or plain text below /raw/
	asked []*http.Request
}

func newSite(tb testing.TB, pages map[string]string) *site {
	s := &site{pages: pages}
	s.Server = httptest.NewServer(s)
	tb.Cleanup(s.Close)
	return s
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, r)
	body, ok := s.pages[r.URL.RequestURI()]
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if strings.HasPrefix(r.URL.Path, "/raw/") {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	}
	http.SetCookie(w, &http.Cookie{Name: "follow", Value: "me"})
	fmt.Fprint(w, body)
}

func (s *site) set(path, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages[path] = body
}

// takePaths gives the paths asked for since the last call.
func (s *site) takePaths() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var paths []string
	for _, r := range s.asked {
		paths = append(paths, r.URL.RequestURI())
	}
	s.asked = nil
	return paths
}

func addrOf(tb testing.TB, address string) netip.AddrPort {
	tb.Helper()
	u, err := url.Parse(address)
	if err != nil {
		tb.Fatal(err)
	}
	return netip.MustParseAddrPort(u.Host)
}

var today = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func newCollector(tb testing.TB, allow ...string) *collect.Collector {
	tb.Helper()
	c := collect.Config{Now: func() time.Time { return today }}
	for _, a := range allow {
		c.AllowLoopback = append(c.AllowLoopback, addrOf(tb, a))
	}
	col, err := collect.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return col
}

// memory is what a store would keep: marks and items, page by page.
type memory struct {
	marks map[string]risk.Mark
	items []risk.Item
	pages []risk.Page
	stop  int // die on this page, before anything of it is kept; 0 = never
}

func newMemory() *memory { return &memory{marks: map[string]risk.Mark{}} }

var errKilled = errors.New("killed")

func (m *memory) known(_ context.Context, key string) (risk.Mark, bool, error) {
	mark, ok := m.marks[key]
	return mark, ok, nil
}

func (m *memory) visit(_ context.Context, p risk.Page) error {
	if m.stop > 0 && len(m.pages)+1 == m.stop {
		return errKilled
	}
	m.pages = append(m.pages, p)
	m.items = append(m.items, p.Items...)
	for _, mark := range p.Marks {
		m.marks[mark.Key] = mark
	}
	return nil
}

// take gives the items kept since the last call.
func (m *memory) take() []risk.Item {
	out := m.items
	m.items, m.pages = nil, nil
	return out
}

func titles(items []risk.Item) []string {
	var out []string
	for _, i := range items {
		out = append(out, i.Title+"|"+i.PostID+"|"+i.Text)
	}
	return out
}

func equal(tb testing.TB, what string, got, want []string) {
	tb.Helper()
	if !slices.Equal(got, want) {
		tb.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

func wantKind(tb testing.TB, err error, kind risk.FailureKind) *risk.FetchError {
	tb.Helper()
	var fetch *risk.FetchError
	if !errors.As(err, &fetch) {
		tb.Fatalf("error %v, want a fetch error of the kind %s", err, kind)
	}
	if fetch.Kind != kind {
		tb.Fatalf("kind %s (%v), want %s", fetch.Kind, err, kind)
	}
	return fetch
}

var limits = risk.Limits{BodyBytes: 1 << 20, Timeout: 5 * time.Second, Redirects: 3, Depth: 10, Pages: 100,
	ContentTypes: []string{"text/html", "text/plain", "text/xml", "application/json"}}

func pasteSource(address string) risk.Source {
	return risk.Source{ID: 7, Key: "paste-a", Kind: risk.SourcePaste, Route: risk.RouteDirect, Address: address + "/archive", Limits: limits,
		Read: risk.Reading{List: "tr.paste", Link: "a", Title: "a", Marker: "td.size", Date: "time @datetime", Dates: []string{time.RFC3339},
			Raw: "/raw/{id}", Next: "a.next", Expect: "table.archive", Captcha: "#captcha-box", NotFound: ".gone"}}
}

func archive(rows ...string) string {
	return "<html><body><table class=archive>" + strings.Join(rows, "") + "</table></body></html>"
}

func pasteRow(id, size string) string {
	return fmt.Sprintf(`<tr class=paste><td><a href="/%s">Paste %s</a><td class=size>%s<td><time datetime="2026-11-20T10:00:00+02:00">x</time></tr>`, id, id, size)
}

func forumSource(address string) risk.Source {
	return risk.Source{ID: 8, Key: "forum-a", Kind: risk.SourceForum, Route: risk.RouteDirect, Address: address + "/", Limits: limits,
		Read: risk.Reading{Boards: "a.board", List: "li.thread", Link: "a", Title: "a", Marker: ".last", Next: "a.next", Post: "div.post",
			PostID: "@id", Author: ".author", Date: ".date", Dates: []string{"02.01.2006 15:04"}, Zone: "Europe/Berlin", Body: ".body", Expect: "ul.threads"}}
}

func threads(list []string, more string) string {
	return "<html><body><ul class=threads>" + strings.Join(list, "") + "</ul>" + more + "</body></html>"
}

func threadRow(id, last string) string {
	return fmt.Sprintf(`<li class=thread><a href="/t/%s?sid=%s#new">Thread %s</a> <span class=last>%s</span></li>`, id, last, id, last)
}

func postHTML(id, text string) string {
	return fmt.Sprintf(`<div class=post id=%s><b class=author>user-%s</b><i class=date>20.07.2026 14:30</i><div class=body>%s</div></div>`, id, id, text)
}

func threadPage(next string, posts ...string) string {
	if next != "" {
		next = `<a class=next href="` + next + `">next</a>`
	}
	return "<html><body>" + strings.Join(posts, "") + next + "</body></html>"
}

func forumPages() map[string]string {
	return map[string]string{
		"/":               `<html><body><a class=board href="/b/1">Leaks</a><a class=board href="/b/2">Trade</a></body></html>`,
		"/b/1":            threads([]string{threadRow("1", "p3"), threadRow("2", "p4")}, `<a class=next href="/b/1?page=2">older</a>`),
		"/b/1?page=2":     threads([]string{threadRow("3", "p5")}, ""),
		"/b/2":            threads([]string{threadRow("4", "p6")}, ""),
		"/t/1":            threadPage("/t/1?page=2", postHTML("p1", "one"), postHTML("p2", "two")),
		"/t/1?page=2":     threadPage("", postHTML("p3", "three")),
		"/t/2":            threadPage("", postHTML("p4", "four")),
		"/t/3":            threadPage("", postHTML("p5", "five")),
		"/t/4":            threadPage("", postHTML("p6", "six")),
		"/never/asked/of": "",
	}
}
