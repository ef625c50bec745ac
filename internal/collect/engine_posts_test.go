package collect_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/collect"
)

const postMyBB = `<div class="post" id="post_%ID"><div class="author_information"><strong><span class="largetext">anna</span></strong></div><div class="post_content">
<span class="post_date">%DATE <span class="post_edit" id="edited_by_%ID"></span></span><div class="post_body" id="pid_%ID">text %ID</div></div></div>`

func threadMyBB(dates ...string) []byte {
	page := `<html><head><script src="jscripts/general.js"></script></head><body><div id="posts">`
	for i, d := range dates {
		page += strings.NewReplacer("%ID", string(rune('1'+i)), "%DATE", d).Replace(postMyBB)
	}
	return []byte(page + "</div></body></html>")
}

// A board may have the day first where its software has the month: its other dates tell.
func TestDatesOfOnePageAgree(t *testing.T) {
	for _, c := range []struct {
		name  string
		dates []string
		want  string // of the first post
	}{
		{"by the software's default", []string{"03-05-2026, 10:00 AM", "04-06-2026, 10:00 AM"}, "2026-03-05T09:00:00Z"},
		{"another date has the day first", []string{"03-05-2026, 10:00 AM", "23-06-2026, 10:00 AM"}, "2026-05-03T08:00:00Z"},
		{"another date has the month first", []string{"03-05-2026, 10:00 AM", "06-23-2026, 10:00 AM"}, "2026-03-05T09:00:00Z"},
		{"they do not agree", []string{"03-05-2026, 10:00 AM", "06-23-2026, 10:00 AM", "23-06-2026, 10:00 AM"}, "2026-03-05T09:00:00Z"},
	} {
		in, err := collect.Inspect(engineSource("http://board.test/", "mybb"), "text/html", threadMyBB(c.dates...))
		if err != nil || len(in.Items) != len(c.dates) {
			t.Fatalf("%s: %d posts, %v", c.name, len(in.Items), err)
		}
		if got := moment(in.Items[0].Posted); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

// The date that a page holds for programs goes before the one that it shows.
func TestDatesForProgramsGoFirst(t *testing.T) {
	for shown, want := range map[string]string{
		`<time datetime="2026-11-20T08:00:00Z">23 November 2026, 10:00</time>`:            "2026-11-20T08:00:00Z",
		`<span data-time="1795449600">Yesterday</span>`:                                   "2026-11-23T16:00:00Z",
		`<span data-timestamp="1795449600000">Yesterday</span>`:                           "2026-11-23T16:00:00Z",
		`<span title="11-20-2026, 09:00 AM">3 days ago</span>`:                            "2026-11-20T08:00:00Z",
		`<span title="11-20-2026">3 days ago</span>, 09:00 AM`:                            "2026-11-20T08:00:00Z",
		`<time datetime="soon">11-20-2026, 09:00 AM</time>`:                               "2026-11-20T08:00:00Z",
		`<span title="a day to remember">the other day</span>`:                            "",
		`<span data-time="not a time">once</span>`:                                        "",
		`<abbr class="published" title="2026-11-20T08:00:00+00:00">vor drei Tagen</abbr>`: "2026-11-20T08:00:00Z",
	} {
		in, err := collect.Inspect(engineSource("http://board.test/", "mybb"), "text/html", threadMyBB(shown))
		if err != nil || len(in.Items) != 1 || moment(in.Items[0].Posted) != want {
			t.Errorf("%s: %+v, %v, want %s", shown, in.Items, err, want)
		}
	}
}

// Lists lead to a thread by its own address, by a post's, and with a session id: its posts are met once.
func TestOnePostUnderThreeAddresses(t *testing.T) {
	post := func(id, text string) string {
		return `<div id="p` + id + `" class="post bg1"><div class="inner"><div class="postbody"><p class="author">by <strong>anna</strong> &raquo; Mon Nov 23, 2026 4:00 pm</p><div class="content">` + text + `</div></div></div></div>`
	}
	page := func(section, body string) string {
		return `<html><body id="phpbb" class="section-` + section + `"><div id="page-body">` + body + `</div></body></html>`
	}
	row := func(link string) string {
		return `<li class="row bg1"><dl><dt><a href="` + link + `" class="topictitle">a list</a></dt><dd class="posts">1</dd><dd class="lastpost"><span><a href="./viewtopic.php?f=2&amp;p=8#p8">last</a></span></dd></dl></li>`
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		body := page("viewtopic", post("7", "first")+post("8", "second"))
		if r.URL.Path == "/viewforum.php" {
			body = page("viewforum", `<div class="forumbg"><ul class="topiclist topics">`+row("./viewtopic.php?f=2&amp;t=4&amp;sid=0f1e2d3c4b5a69788796a5b4c3d2e1f0")+
				row("./viewtopic.php?t=4&amp;view=unread#unread")+row("./viewtopic.php?p=8#p8")+row("./viewtopic.php?t=4&amp;start=1")+`</ul></div>`)
		}
		_, _ = w.Write([]byte(body))
	}))
	defer server.Close()
	m := newMemory()
	report, err := newCollector(t, server.URL).Crawl(t.Context(), engineSource(server.URL+"/viewforum.php?f=2", "auto"), m.known, m.visit)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range m.take() {
		got = append(got, i.PostID+" "+i.Text)
	}
	if strings.Join(got, ", ") != "7 first, 8 second" || report.New != 2 {
		t.Errorf("%q, %d new", got, report.New)
	}
}
