package collect_test

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/risk"
)

func TestPatternsOfBoards(t *testing.T) {
	for _, c := range []struct {
		pattern, text string
		want          bool
	}{
		{"databases", "databases", true},
		{"databases", "databases old", false},
		{"data*", "databases", true},
		{"*bases", "databases", true},
		{"*tab*", "databases", true},
		{"d*b*s", "databases", true},
		{"d*x*s", "databases", false},
		{"da*ta", "data", true},
		{"dat*ata", "data", false}, // no part counts twice
		{"*", "", true},
		{"a*a", "a", false},
		{"/viewforum.php?f=2", "/viewforum.php?f=2", true},
		{"/viewforum.php?f=2", "/viewforum.php?f=25", false},
	} {
		if got := collect.Fits(c.pattern, c.text); got != c.want {
			t.Errorf("%q, %q: %v", c.pattern, c.text, got)
		}
	}
}

func TestIncludeAndExcludeChooseBoards(t *testing.T) {
	archive := readArchive(t, "testdata/engines/phpbb-30/read.txtar")
	for _, c := range []struct {
		name             string
		include, exclude []string
		asked            string // boards that were read, and threads
		kind             risk.FailureKind
	}{
		{name: "all", asked: "f=2 t=9 t=11 t=11&start=3 f=2&start=25 t=12 f=5 f=6"},
		{name: "by name, sub-forums with it", include: []string{"DATA*"}, asked: "f=2 t=9 t=11 t=11&start=3 f=2&start=25 t=12 f=5 f=6"},
		{name: "all but", exclude: []string{"staff", "Old *"}, asked: "f=2 t=9 t=11 t=11&start=3 f=2&start=25 t=12"},
		{name: "by address", include: []string{"/viewforum.php?f=5"}, asked: "f=5"},
		{name: "exclude goes first", include: []string{"Databases", "Old lists"}, exclude: []string{"Data*"}, asked: "f=5"},
		{name: "none left", include: []string{"Databasess"}, kind: risk.FailLayout},
	} {
		t.Run(c.name, func(t *testing.T) {
			var asked []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.RawQuery != "" {
					asked = append(asked, r.URL.RawQuery)
				}
				servePage(w, r, archive)
			}))
			defer server.Close()
			src := engineSource(server.URL+"/index.php", "auto")
			src.Read.Include, src.Read.Exclude = c.include, c.exclude
			m := newMemory()
			_, err := newCollector(t, server.URL).Crawl(t.Context(), src, m.known, m.visit)
			if c.kind != "" {
				wantKind(t, err, c.kind)
			} else if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(asked, " "); got != c.asked {
				t.Errorf("asked for %s, want %s", got, c.asked)
			}
		})
	}
}

// A board by selectors is chosen from in the same way.
func TestIncludeChoosesBoardsOfSelectors(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		w.Header().Set("Content-Type", "text/html")
		page := `<ul class=boards><li><a href=/a>Alpha</a><li><a href=/b>Beta</a></ul>`
		if r.URL.Path != "/" {
			page = `<table class=list></table>`
		}
		_, _ = w.Write([]byte(page))
	}))
	defer server.Close()
	src := risk.Source{ID: 9, Key: "board", Kind: risk.SourceForum, Route: risk.RouteDirect, Address: server.URL + "/", Limits: limits,
		Read: risk.Reading{Boards: ".boards a", List: "tr", Link: "a", Post: "p", Body: "p", Expect: ".list", Include: []string{"beta"}}}
	m := newMemory()
	_, _ = newCollector(t, server.URL).Crawl(t.Context(), src, m.known, m.visit)
	if !slices.Equal(asked, []string{"/", "/b"}) {
		t.Errorf("asked for %q", asked)
	}
}
