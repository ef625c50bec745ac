package collect_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/risk"
)

// wild serves pages that are made up as they are asked for.
type wild struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]int // since the last take
}

func newWild(tb testing.TB, answer func(path string) string) *wild {
	w := &wild{asked: map[string]int{}}
	w.Server = httptest.NewServer(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		w.mu.Lock()
		w.asked[r.URL.RequestURI()]++
		body := answer(r.URL.RequestURI())
		w.mu.Unlock()
		if body == "" {
			http.NotFound(out, r)
			return
		}
		out.Header().Set("Content-Type", "text/html; charset=utf-8")
		io.WriteString(out, body)
	}))
	tb.Cleanup(w.Close)
	return w
}

// take gives what was asked for since the last take, and how often.
func (w *wild) take() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.asked
	w.asked = map[string]int{}
	return out
}

func total(asked map[string]int) (n int) {
	for _, times := range asked {
		n += times
	}
	return n
}

func number(s string) int {
	n, err := strconv.Atoi(s[strings.LastIndexAny(s, "/=")+1:])
	if err != nil {
		return 1
	}
	return n
}

// forumOf has boards of list pages of ten threads of one post each. A thread's marker is what marker gives.
func forumOf(tb testing.TB, boards, lists int, marker func(id string) string) *wild {
	return newWild(tb, func(path string) string {
		var out strings.Builder
		switch {
		case path == "/":
			for b := range boards {
				fmt.Fprintf(&out, `<a class=board href="/b/%d">b</a>`, b)
			}
			return out.String()
		case strings.HasPrefix(path, "/b/"):
			board, query, _ := strings.Cut(strings.TrimPrefix(path, "/b/"), "?")
			page := 1
			if query != "" {
				page = number(query)
			}
			var rows []string
			for i := range 10 {
				id := fmt.Sprintf("%s-%d-%d", board, page, i)
				rows = append(rows, threadRow(id, marker(id)))
			}
			more := ""
			if page < lists {
				more = fmt.Sprintf(`<a class=next href="/b/%s?page=%d">older</a>`, board, page+1)
			}
			return threads(rows, more)
		}
		id := strings.TrimPrefix(path, "/t/")
		return threadPage("", postHTML("p"+id, "text of "+id))
	})
}

// rest runs a source until a run reads nothing new, and gives how many items came in how many runs.
func readAll(t *testing.T, w *wild, src risk.Source, most int) (items map[string]int, runs int) {
	t.Helper()
	col, m := newCollector(t, w.URL), newMemory()
	items = map[string]int{}
	for runs = 1; runs <= most; runs++ {
		w.take()
		if _, err := col.Crawl(t.Context(), src, m.known, m.visit); err != nil {
			t.Fatal(err)
		}
		if n := total(w.take()); n > src.Limits.Pages {
			t.Fatalf("run %d asked for %d pages, the limit is %d", runs, n, src.Limits.Pages)
		}
		fresh := m.take()
		for _, i := range fresh {
			items[i.PostID]++
		}
	}
	return items, runs
}

// A forum that is larger than a run goes on where the last run stopped, over list pages and boards; nothing is missed
// and nothing comes twice.
func TestAForumLargerThanARun(t *testing.T) {
	stable := func(id string) string { return "m" + id }
	for name, c := range map[string]struct{ boards, lists, pages, depth, runs int }{
		"many list pages":            {1, 60, 50, 1000, 40},
		"many boards":                {40, 3, 50, 10, 60},
		"fewer pages than list ones": {1, 30, 12, 1000, 70},
	} {
		t.Run(name, func(t *testing.T) {
			w := forumOf(t, c.boards, c.lists, stable)
			src := forumSource(w.URL)
			src.Limits.Pages, src.Limits.Depth = c.pages, c.depth
			items, _ := readAll(t, w, src, c.runs)
			if want := c.boards * c.lists * 10; len(items) != want {
				t.Errorf("%d of %d posts were read in %d runs", len(items), want, c.runs)
			}
			for id, n := range items {
				if n != 1 {
					t.Errorf("%s came %d times", id, n)
				}
			}
		})
	}
}

// Markers that change with every look ("3 minutes ago") make every thread read again; the rest is still reached.
func TestMarkersThatAlwaysChange(t *testing.T) {
	looks := 0
	w := forumOf(t, 2, 10, func(string) string { looks++; return strconv.Itoa(looks) })
	src := forumSource(w.URL)
	src.Limits.Pages = 30
	items, _ := readAll(t, w, src, 40)
	if len(items) != 200 {
		t.Errorf("%d of 200 posts were read", len(items))
	}
}

// New threads at the front are read in the next run, while the rest of a large forum is still being worked through.
func TestNewThreadsDoNotWaitForTheOldOnes(t *testing.T) {
	fresh := ""
	old := forumOf(t, 1, 50, func(id string) string { return "m" })
	handler := old.Config.Handler
	w := newWild(t, func(path string) string {
		switch {
		case path == "/b/0" && fresh != "":
			return threads([]string{threadRow(fresh, "new")}, `<a class=next href="/b/0?page=2">older</a>`)
		}
		rec := httptest.NewRecorder()
		handler.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, path, nil))
		return rec.Body.String()
	})
	src := forumSource(w.URL)
	src.Limits.Pages, src.Limits.Depth = 40, 1000
	col, m := newCollector(t, w.URL), newMemory()
	for run := range 5 {
		fresh = fmt.Sprintf("fresh%d", run)
		if _, err := col.Crawl(t.Context(), src, m.known, m.visit); err != nil {
			t.Fatal(err)
		}
		if _, read := m.marks["post:p"+fresh]; !read {
			t.Errorf("run %d did not read %s", run, fresh)
		}
	}
	if len(m.marks) < 150 {
		t.Errorf("%d marks after five runs: the old threads wait", len(m.marks))
	}
}

// A thread that never ends may not keep the others from being read; one that only repeats itself ends.
func TestEndlessThreads(t *testing.T) {
	for name, text := range map[string]func(page int) string{
		"always new": func(page int) string { return postHTML(fmt.Sprintf("e%d", page), fmt.Sprint(page)) },
		"repeating":  func(int) string { return postHTML("e", "the same") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWild(t, func(path string) string {
				switch {
				case path == "/":
					return threads([]string{threadRow("endless", "m"), threadRow("a", "m"), threadRow("b", "m")}, "")
				case strings.HasPrefix(path, "/t/endless"):
					page := 1
					if strings.Contains(path, "=") {
						page = number(path)
					}
					return threadPage(fmt.Sprintf("/t/endless?page=%d", page+1), text(page))
				}
				return threadPage("", postHTML("p"+path[3:], "text"))
			})
			src := forumSource(w.URL)
			src.Read.Boards, src.Limits.Pages = "", 40
			m := newMemory()
			if _, err := newCollector(t, w.URL).Crawl(t.Context(), src, m.known, m.visit); err != nil {
				t.Fatal(err)
			}
			if asked := w.take(); asked["/t/a"] != 1 || asked["/t/b"] != 1 || total(asked) > 15 {
				t.Errorf("asked for %v", asked)
			}
			if name == "repeating" && m.marks[w.URL+"/t/endless"].Marker != "m" {
				t.Errorf("the repeating thread counts as unread: %v", m.marks)
			}
		})
	}
}

// A long thread that grows faster than it is read is still read to its end, and again from its first page.
func TestLongThreadThatGrows(t *testing.T) {
	pages := 6
	looks := 0
	w := newWild(t, func(path string) string {
		if path == "/" {
			looks++
			return threads([]string{threadRow("1", fmt.Sprint("marker ", looks))}, "")
		}
		page := 1
		if strings.Contains(path, "=") {
			page = number(path)
		}
		next := ""
		if page < pages {
			next = fmt.Sprintf("/t/1?page=%d", page+1)
		}
		return threadPage(next, postHTML(fmt.Sprintf("p%d", page), "text"))
	})
	src := forumSource(w.URL)
	src.Read.Boards, src.Limits.Pages = "", 3
	col, m := newCollector(t, w.URL), newMemory()
	for range 8 {
		if _, err := col.Crawl(t.Context(), src, m.known, m.visit); err != nil {
			t.Fatal(err)
		}
		pages++
	}
	for page := range 10 {
		if _, read := m.marks[fmt.Sprintf("post:p%d", page+1)]; !read {
			t.Errorf("page %d was not read in eight runs", page+1)
		}
	}
}

// A page on which a run ends may not end every run: what lies behind it is read.
func TestOnePoisonedEntryDoesNotBlindUs(t *testing.T) {
	w := newWild(t, func(path string) string {
		switch path {
		case "/":
			return threads([]string{threadRow("a", "m"), threadRow("poison", "m"), threadRow("b", "m"), threadRow("c", "m")}, "")
		case "/t/poison":
			return `<html><body><div class="g-recaptcha"></div></body></html>`
		}
		return threadPage("", postHTML("p"+path[3:], "text"))
	})
	src := forumSource(w.URL)
	src.Read.Boards = ""
	col, m := newCollector(t, w.URL), newMemory()
	_, err := col.Crawl(t.Context(), src, m.known, m.visit)
	wantKind(t, err, risk.FailCaptcha)
	if _, err = col.Crawl(t.Context(), src, m.known, m.visit); err != nil {
		t.Fatalf("the next run ends at the same page: %v", err)
	}
	equal(t, "read", titles(m.take()), []string{"Thread a|pa|text", "Thread b|pb|text", "Thread c|pc|text"})
	_, err = col.Crawl(t.Context(), src, m.known, m.visit)
	wantKind(t, err, risk.FailCaptcha) // it is looked at again, and not forgotten
}

// A run that ended at an entry of the first list page goes on there. When that page is gone by then, so is the source.
func TestTheFirstListPageIsGoneWhereARunEnded(t *testing.T) {
	s := newSite(t, map[string]string{"/archive": archive(pasteRow("1", "2 KB")), "/1": "<html><body><div id=captcha-box>prove it</div></body></html>"})
	src, m := pasteSource(s.URL), newMemory()
	src.Read.Raw, src.Read.Body = "", "pre"
	_, err := newCollector(t, s.URL).Crawl(t.Context(), src, m.known, m.visit)
	wantKind(t, err, risk.FailCaptcha)
	delete(s.pages, "/archive")
	_, err = newCollector(t, s.URL).Crawl(t.Context(), src, m.known, m.visit)
	wantKind(t, err, risk.FailStatus)
}

// A run that would be cut off by its deadline ends before it, as one that has read what it could.
func TestARunEndsBeforeItsDeadline(t *testing.T) {
	w := forumOf(t, 1, 50, func(string) string { return "m" })
	src := forumSource(w.URL)
	src.Politeness.Delay, src.Limits.Depth = 20*time.Millisecond, 1000
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	m := newMemory()
	report, err := newCollector(t, w.URL).Crawl(ctx, src, m.known, m.visit)
	if err != nil || ctx.Err() != nil {
		t.Fatalf("%v, %v", err, ctx.Err())
	}
	equal(t, "said", report.NotUnderstood, []string{"the time of one run was used up: the rest is left for the next run"})
	if _, left := m.marks["left:"+w.URL+"/b/0"]; !left || report.New == 0 {
		t.Errorf("%+v, no mark of where it ended", report)
	}
}

// Ids that count up anew in every thread are different posts.
func TestPostIDsThatRepeat(t *testing.T) {
	w := newWild(t, func(path string) string {
		if path == "/" {
			return threads([]string{threadRow("1", "m"), threadRow("2", "m")}, "")
		}
		return threadPage("", postHTML("post1", "first of "+path))
	})
	src := forumSource(w.URL)
	src.Read.Boards = ""
	m := newMemory()
	if _, err := newCollector(t, w.URL).Crawl(t.Context(), src, m.known, m.visit); err != nil {
		t.Fatal(err)
	}
	equal(t, "posts", titles(m.items), []string{"Thread 1|post1|first of /t/1", "Thread 2|post1|first of /t/2"})
}

func TestLinksAsBrowsersReadThem(t *testing.T) {
	for name, c := range map[string]struct{ head, href, want string }{
		"base on this host":        {`<base href="/forum/">`, `t/1`, "/forum/t/1"},
		"base on another host":     {`<base href="http://elsewhere.example/forum/">`, `t/1`, "/t/1"},
		"line breaks inside":       {"", "/t/\n\t1", "/t/1"},
		"session in the query":     {"", "/t/1?sid=b5c3&x=2&PHPSESSID=77", "/t/1?x=2"},
		"session by semicolons":    {"", "/i.php?PHPSESSID=77;topic=1.0", "/i.php?topic=1.0"},
		"semicolons stay":          {"", "/i.php?topic=1.0;x=2", "/i.php?topic=1.0;x=2"},
		"session in the path":      {"", "/t/1;jsessionid=77?x=2", "/t/1?x=2"},
		"fragment":                 {"", "/t/1#p77", "/t/1"},
		"spaces around and within": {"", "  /t/a b ", "/t/a%20b"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newWild(t, func(path string) string {
				if path == "/" {
					return `<html><head>` + c.head + `</head><body><ul class=threads><li class=thread><a href="` + c.href + `">T</a><i class=last>m</i></ul>`
				}
				return threadPage("", postHTML("p1", "text"))
			})
			src := forumSource(s.URL)
			src.Read.Boards = ""
			m := newMemory()
			if _, err := newCollector(t, s.URL).Crawl(t.Context(), src, m.known, m.visit); err != nil {
				t.Fatal(err)
			}
			if asked := s.take(); asked[c.want] != 1 || total(asked) != 2 {
				t.Errorf("asked for %v, want %s", asked, c.want)
			}
		})
	}
}

// What is no address ends a thread as its last page; it is not read again for ever.
func TestNextThatLeadsNowhere(t *testing.T) {
	for _, href := range []string{"javascript:void(0)", "#", "data:text/html,x", "file:///etc/passwd", "mailto:a@b.example", "http://[", "/" + strings.Repeat("x", 5000)} {
		w := newWild(t, func(path string) string {
			if path == "/" {
				return threads([]string{threadRow("1", "m")}, "")
			}
			return threadPage(href, postHTML("p1", "text"))
		})
		src := forumSource(w.URL)
		src.Read.Boards = ""
		col, m := newCollector(t, w.URL), newMemory()
		for range 2 {
			if report, err := col.Crawl(t.Context(), src, m.known, m.visit); err != nil || len(report.NotUnderstood) > 0 {
				t.Errorf("%.20s: %v %q", href, err, report.NotUnderstood)
			}
		}
		if n := w.take()["/t/1"]; n != 1 {
			t.Errorf("%.20s: the thread was read %d times", href, n)
		}
	}
}

// Markup that is small as bytes and huge as a tree, or as text, is refused within the time and memory of a page.
func TestMarkupThatMultiplies(t *testing.T) {
	var bold strings.Builder
	for i := range 200 {
		fmt.Fprintf(&bold, "<b id=%d>", i)
	}
	posts := forumSource("http://forum.example")
	claims := risk.Source{Kind: risk.SourceLeakSite, Address: "http://leaks.example", Read: risk.Reading{List: ".v", Title: "h2", Expect: ".v"}}
	for name, c := range map[string]struct {
		src  risk.Source
		body string
	}{
		"formatting in paragraphs":   {posts, "<p>" + bold.String() + strings.Repeat("<p>x", 250_000)},
		"formatting in list items":   {posts, "<ul><li>" + bold.String() + strings.Repeat("<li>x", 200_000)},
		"formatting behind blocks":   {posts, "<div>" + bold.String() + strings.Repeat("</div><div>x", 80_000)},
		"posts in one another":       {posts, strings.Repeat("<div class=post>", 200) + "<div class=body>" + strings.Repeat("aaaa ", 200_000)},
		"twenty posts with one body": {posts, strings.Repeat("<div class=post>", 20) + "<div class=body>" + strings.Repeat("aaaa ", 200_000)},
		"claims in one another":      {claims, strings.Repeat("<div class=v>", 200) + strings.Repeat("aaaa ", 200_000)},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		started := processorTime(t)
		_, err := collect.Inspect(c.src, "text/html", []byte("<html><body>"+c.body))
		runtime.ReadMemStats(&after)
		took, mb := processorTime(t)-started, (after.TotalAlloc-before.TotalAlloc)>>20
		t.Logf("%s: %s", name, took)
		if took > time.Second*slower || mb > 100 {
			t.Errorf("%s: %s and %d MB for a megabyte", name, took, mb)
		}
		wantKind(t, err, risk.FailLayout)
	}
}

// processorTime is what the process has used so far: what else the machine does is not in it.
func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		t.Fatal(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// A panic over one page is that page's failure.
func TestAPanicEndsOnePage(t *testing.T) {
	collect.PanicOn(t, "text of 0-1-3")
	w := forumOf(t, 1, 1, func(string) string { return "m" })
	m := newMemory()
	report, err := newCollector(t, w.URL).Crawl(t.Context(), forumSource(w.URL), m.known, m.visit)
	if err != nil || len(m.items) != 9 {
		t.Fatalf("%v, %d items", err, len(m.items))
	}
	equal(t, "not understood", report.NotUnderstood, []string{w.URL + "/t/0-1-3: layout: reading the page panicked (string)"})
}
