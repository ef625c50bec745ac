package collect_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/risk"
)

// The generic reader knows none of these softwares, and reads most of what their engines read in HTML.
func TestGenericReadsTheOtherEnginesBoards(t *testing.T) {
	posts, found, authors, dates, strays := 0, 0, 0, 0, 0
	for _, dir := range engineFolders(t) {
		if !isHTML(t, dir) {
			continue
		}
		want, got := crawledOf(t, dir).Items, 0
		for _, item := range genericItems(t, dir) {
			at := slices.IndexFunc(want, func(w crawledItem) bool { return w.Text != "" && holdsLines(item.Text, w.Text) })
			if at < 0 {
				strays++
				continue
			}
			got++
			if want[at].Author == item.Author {
				authors++
			}
			if want[at].Posted == moment(item.Posted) {
				dates++
			}
			want[at].Text = ""
		}
		t.Logf("%s: %d of %d posts", filepath.Base(dir), got, len(want))
		posts, found = posts+len(want), found+got
	}
	t.Logf("%d of %d posts, %d with their author, %d with their date; %d texts that are no posts", found, posts, authors, dates, strays)
	if 100*found < 78*posts || 10*authors < 7*found || 10*dates < 9*found {
		t.Error("the generic reader reads less than it did")
	}
}

func isHTML(tb testing.TB, dir string) bool {
	tb.Helper()
	return !slices.ContainsFunc(readArchive(tb, filepath.Join(dir, "read.txtar")).Files, func(f txtar.File) bool { return typeOf(f.Data) != "text/html; charset=utf-8" })
}

func crawledOf(tb testing.TB, dir string) crawled {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "items.json"))
	if err != nil {
		tb.Fatal(err)
	}
	var c crawled
	if err := json.Unmarshal(data, &c); err != nil {
		tb.Fatal(err)
	}
	return c
}

// genericItems are the posts on all pages of a folder. A page that is no thread is none of its business here.
func genericItems(tb testing.TB, dir string) []risk.Item {
	tb.Helper()
	var items []risk.Item
	for _, f := range readArchive(tb, filepath.Join(dir, "read.txtar")).Files {
		in, err := collect.Inspect(engineSource("http://board.test"+f.Name, "generic"), typeOf(f.Data), f.Data)
		if err != nil && len(in.Items) > 0 {
			tb.Errorf("%s %s: items beside an error: %v", dir, f.Name, err)
		}
		items = append(items, in.Items...)
	}
	return items
}

// holdsLines reports that a text has all lines of another one, and little more.
func holdsLines(text, lines string) bool {
	for line := range strings.SplitSeq(lines, "\n") {
		if !strings.Contains(text, line) {
			return false
		}
	}
	return len(text) < 2*len(lines)+40
}

// Pages that are told apart by what they are made of only.
func TestGenericStructure(t *testing.T) {
	rows := func(form string, n int) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(strings.ReplaceAll(form, "#", string(rune('1'+i))))
		}
		return b.String()
	}
	for _, c := range []struct {
		name, address, page string
		boards, entries     int
		items               int
		next                string
		fails               bool
	}{
		{name: "list without telling addresses", page: `<table>` + rows(`<tr><td><a href="/x/a#b">Paste number #</a></td><td>2026-11-2# 10:00</td></tr>`, 5) + `</table>`, entries: 5},
		{name: "menu", page: `<ul>` + rows(`<li><a href="/x/a#b">Item #</a></li>`, 8) + `</ul>`, fails: true},
		{name: "prose", page: `<h1>A storm</h1><p>On 23 November 2026 a storm came.</p><p>And <a href="/b">more</a>.</p>`, fails: true},
		{name: "cards", page: rows(`<div class="card"><h3><a href="/leak/co#">Company #</a></h3><p>Two terabytes of files. Published 2026-11-1#</p></div>`, 4) + `<a rel="next" href="/?page=2">older</a>`, entries: 4, next: "http://board.test/?page=2"},
		{name: "schema.org", address: "/x/1", page: rows(`<article itemscope itemtype="https://schema.org/Comment"><b itemprop="author">anna#</b><time itemprop="datePublished" datetime="2026-11-2#T10:00:00Z"></time><p itemprop="text">words of #</p></article>`, 3), items: 3},
		{name: "linked data", address: "/x/1", page: `<script type="application/ld+json">{"@type":"DiscussionForumPosting","text":"first words","author":{"name":"anna"},"datePublished":"2026-11-23T10:00:00Z",
			"comment":[{"@type":"Comment","text":"second words","author":{"name":"bert"},"url":"/x/1#post-2"}]}</script>`, items: 2},
		{name: "next in Russian", address: "/topic/1", page: `<div id="post5"><b class="author">анна</b><i>23 ноября 2026 10:00</i><div class="text">слова</div></div><a href="/topic/1?page=2">Следующая</a>`, items: 1, next: "http://board.test/topic/1?page=2"},
		{name: "next by number", address: "/topic/1", page: `<div id="post5"><b class="author">anna</b><i>2026-11-23 10:00</i><div class="text">words</div></div><div class="pages"><a href="/topic/1">1</a> <b>2</b> <a href="/topic/1?page=3">3</a></div>`, items: 1, next: "http://board.test/topic/1?page=3"},
	} {
		page := []byte("<!DOCTYPE html><html><head><title>x</title></head><body>" + c.page + "</body></html>")
		in, err := collect.Inspect(engineSource("http://board.test"+c.address, "generic"), "text/html", page)
		if (err != nil) != c.fails || len(in.Boards) != c.boards || in.Entries != c.entries || len(in.Items) != c.items || in.Next != c.next {
			t.Errorf("%s: boards %q, %d entries, %d items, next %q, %v", c.name, in.Boards, in.Entries, len(in.Items), in.Next, err)
		}
	}
}

// Pages that are built to be slow to read are not understood, in the end: some took minutes before what is compared with
// what was bounded.
func TestGenericGivesUpOnBuiltPages(t *testing.T) {
	for name, body := range map[string]string{
		"one id again and again": strings.Repeat(`<div id="post7"><i>2026-11-23 10:00</i></div>`, 600),
		"rows in many layers":    strings.Repeat(`<div><p><b><i><u><s><a href="/topic/1">some title</a> more</s></u></i></b></p></div>`, 150),
		"posts in one another":   strings.Repeat(`<div id="post1">`, 200) + strings.Repeat(`<span class="name">x</span>`, 500) + strings.Repeat(`</div>`, 200),
	} {
		page := []byte("<!DOCTYPE html><html><body>" + body + "</body></html>")
		_, err := collect.Inspect(engineSource("http://board.test/x", "generic"), "text/html", page)
		if !strings.Contains(wantKind(t, err, risk.FailLayout).Error(), "layout is not understood") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
