package collect_test

import (
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/risk"
)

func TestPostText(t *testing.T) {
	cases := []struct{ name, html, want string }{
		{"blocks are lines", "<p>one</p><p>two <b>bold</b>,\n three</p>", "one\ntwo bold, three"},
		{"line breaks", "a:b<br>c:d<br/>e:f", "a:b\nc:d\ne:f"},
		{"preformatted", "<pre>x:1\n  y:2\n</pre>after", "x:1\n  y:2\nafter"},
		{"code block", "<code>u:p</code> and <tt>v</tt>", "u:p and v"},
		{"table", "<table><tr><td>host</td><td>user</td></tr><tr><td>h1<td>u1</table>", "host\tuser\nh1\tu1"},
		{"scripts and styles go", "a<script>evil</script><style>p{}</style><noscript>n</noscript><svg><text>s</text></svg><iframe>f</iframe>b", "ab"},
		{"comments go", "a<!-- hidden -->b", "ab"},
		{"entities", "p&amp;q &lt;x&gt; &#x41;", "p&q <x> A"},
		{"bidi", "safe\u202Etxt.exe", "safe⟦U+202E⟧txt.exe"},
		{"zero width", "st-ald\u200Bhelm.example\uFEFF", "st-ald⟦U+200B⟧helm.example⟦U+FEFF⟧"},
		{"soft hyphen and tag", "a\u00ADb\U000E0041", "a⟦U+00AD⟧b⟦U+E0041⟧"},
		{"composed", "e\u0301", "é"},
		{"spaces collapse", "  a \n\t b  ", "a b"},
		{"nested blocks", "<div><div><p>a</p></div></div><ul><li>b<li>c</ul>", "a\nb\nc"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t, map[string]string{"/": threads([]string{threadRow("1", "m")}, ""), "/t/1": threadPage("", postHTML("p1", c.html))})
			src := forumSource(s.URL)
			src.Read.Boards = ""
			m, report, err := crawl(t, src, s.URL)
			if err != nil || len(m.items) != 1 {
				t.Fatal(err, report)
			}
			if m.items[0].Text != c.want {
				t.Errorf("got %q, want %q", m.items[0].Text, c.want)
			}
		})
	}
}

func TestCharsets(t *testing.T) {
	cases := []struct{ name, contentType, body, want string }{
		{"utf-8", "text/plain; charset=utf-8", "Zürich", "Zürich"},
		{"byte order mark", "text/plain", "\xef\xbb\xbfx", "x"},
		{"windows-1251 by header", "text/plain; charset=windows-1251", "\xef\xf0\xe8\xe2\xe5\xf2", "привет"},
		{"latin-1 by header", "text/plain; charset=ISO-8859-1", "Z\xfcrich", "Zürich"},
		{"by meta", "text/html", "<html><meta charset=windows-1251><body><pre>\xef\xf0</pre></body></html>", "пр"},
		{"utf-8 without a word", "text/plain", "Zürich", "Zürich"},
		{"unknown charset", "text/plain; charset=klingon", "Zürich", "Zürich"},
		{"utf-16 by mark", "text/plain", "\xff\xfea\x00b\x00", "ab"},
		{"broken utf-8", "text/plain; charset=utf-8", "a\xffb", "a\uFFFDb"},
		{"overlong utf-8", "text/plain; charset=utf-8", "a\xc0\xafb", "a\uFFFDb"},
		{"html without markup keeps its lines", "text/html", "a:b\nc:d", "a:b\nc:d"},
		{"one stray control byte", "text/plain", "anna@clinic.example:Sommer-41 and more text\x00", "anna@clinic.example:Sommer-41 and more text⟦U+0000⟧"},
		{"looks like a bitmap", "text/plain", "BMW:secret", "BMW:secret"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s, src := answering(t, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/archive" {
					page("text/html", archive(pasteRow("aa", "1")))(w, r)
					return
				}
				page(c.contentType, c.body)(w, r)
			})
			m, report, err := crawl(t, src, s.URL)
			if err != nil || len(m.items) != 1 {
				t.Fatal(err, report)
			}
			if m.items[0].Text != c.want {
				t.Errorf("got %q, want %q", m.items[0].Text, c.want)
			}
		})
	}
}

// T04: a megabyte of each is refused or read within 300 ms.
func TestMarkupBombs(t *testing.T) {
	const mega = 1 << 20
	fill := func(unit string) string { return strings.Repeat(unit, mega/len(unit)) }
	cases := map[string]struct {
		html   string
		refuse bool
	}{
		"a":                      {fill("<a>"), true},
		"div":                    {fill("<div>"), true},
		"table":                  {fill("<table>"), true},
		"table cells":            {fill("<table><tr><td>"), true},
		"svg":                    {fill("<svg>"), true},
		"b":                      {fill("<b>"), true},
		"end tags that hide":     {fill("<div></x>"), true},
		"attributes":             {"<p " + manyAttributes(mega/12) + ">", true},
		"repeated attribute":     {"<p " + fill("a1=b ") + ">", false},
		"body attributes":        {"<html>" + fill("<body a=1 b=2>"), true},
		"template":               {fill("<template>"), true},
		"formatting in blocks":   {fill("<b><p></b>"), false},
		"misnested":              {fill("<a><p></a></p>"), false},
		"paragraphs":             {fill("<p>x"), false},
		"list items":             {"<ul>" + fill("<li>x") + "</ul>", false},
		"text in a table":        {"<table>" + fill("x<tr>") + "</table>", false},
		"options":                {"<select>" + fill("<option>x") + "</select>", false},
		"unfinished comment":     {"<!--" + fill("-"), false},
		"unfinished attribute":   {`<p x="` + fill("y"), true},
		"null bytes":             {fill("a\x00"), false},
		"one line":               {fill("a"), false},
		"entities":               {fill("&amp;"), false},
		"closing tags":           {fill("</div>"), false},
		"images":                 {fill("<img src=x>"), false},
		"self-closed svg inside": {"<svg>" + fill("<g/>") + "</svg>", false},
	}
	src := forumSource("http://forum.example")
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			body := []byte("<html><body>" + postHTML("p1", "text") + c.html)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			started := threadTime(t)
			got, err := collect.Inspect(src, "text/html", body)
			if took := threadTime(t) - started; took > 300*time.Millisecond*slower {
				t.Errorf("took %s", took)
			}
			if c.refuse != (err != nil) {
				t.Errorf("error %v, want one: %t", err, c.refuse)
			}
			if !c.refuse && len(got.Items) != 1 {
				t.Errorf("%d items, want 1", len(got.Items))
			}
		})
	}
}

// threadTime is the processor time that this thread has used: a busy machine makes the clock go on, but not the work.
func threadTime(tb testing.TB) time.Duration {
	const thisThread = 1 // RUSAGE_THREAD of Linux
	var u syscall.Rusage
	if err := syscall.Getrusage(thisThread, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func manyAttributes(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "a%d=b ", i)
	}
	return b.String()
}

func TestInspect(t *testing.T) {
	src := forumSource("http://forum.example")
	got, err := collect.Inspect(src, "text/html", []byte(threads([]string{threadRow("1", "a"), threadRow("2", "b")}, "")))
	if err != nil || got.Entries != 2 {
		t.Errorf("%+v, %v; want 2 entries", got, err)
	}
	_, err = collect.Inspect(src, "text/html", []byte("<html><body><p>Please sign in</p></body></html>"))
	wantKind(t, err, risk.FailLayout)
}

func FuzzText(f *testing.F) {
	f.Add([]byte("<html><body><div class=post id=p1><div class=body><table><tr><td>x"), "text/html")
	f.Add([]byte("a\x00\u202e"), "text/plain; charset=utf-16")
	f.Add([]byte("<p><b><p></b><svg><title><p>"), "text/html; charset=windows-1251")
	src := forumSource("http://forum.example")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		if len(body) > 1<<20 {
			return
		}
		started := time.Now()
		got, err := collect.Inspect(src, contentType, body)
		if time.Since(started) > time.Second*slower {
			t.Errorf("took %s", time.Since(started))
		}
		if err != nil {
			return
		}
		for _, i := range got.Items {
			for _, s := range []string{i.Text, i.Author, i.PostID} {
				if !utf8.ValidString(s) || !norm.NFC.IsNormalString(s) || strings.ContainsAny(s, "\u202e\u200b\x00\r") {
					t.Errorf("not clean: %q", s)
				}
			}
		}
	})
}
