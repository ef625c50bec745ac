package collect_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/risk"
)

var update = flag.Bool("update", false, "write what was read to testdata/engines/*/items.json")

// crawled is what must come of a board's pages.
type crawled struct {
	Engine        string
	Requests      []string
	Items         []crawledItem
	NotUnderstood []string `json:",omitempty"`
}

type crawledItem struct {
	Board, Thread, PostID, URL, Author string
	Posted, EditedAt                   string `json:",omitempty"`
	Edited                             bool   `json:",omitempty"`
	Text                               string
	Quotes                             []risk.Quote `json:",omitempty"`
	Code, Attachments                  []string     `json:",omitempty"`
}

// Each folder holds the pages of a board, the first one its index, and what must be read of them.
func TestEnginesReadTheirBoards(t *testing.T) {
	for _, dir := range engineFolders(t) {
		t.Run(filepath.Base(dir), func(t *testing.T) {
			archive := readArchive(t, filepath.Join(dir, "read.txtar"))
			var asked []string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked = append(asked, r.URL.RequestURI())
				servePage(w, r, archive)
			}))
			defer server.Close()
			src := engineSource(server.URL+archive.Files[0].Name, "auto")
			m := newMemory()
			report, err := newCollector(t, server.URL).Crawl(t.Context(), src, m.known, m.visit)
			if err != nil {
				t.Fatal(err)
			}
			got := crawled{Engine: report.Engine, Requests: asked, NotUnderstood: report.NotUnderstood}
			for _, i := range m.take() {
				got.Items = append(got.Items, crawledItem{i.Board, i.Thread, i.PostID, i.URL, i.Author, moment(i.Posted), moment(i.EditedAt), i.Edited,
					i.Text, i.Quotes, i.Code, i.Attachments})
			}
			compareJSON(t, filepath.Join(dir, "items.json"), got, server.URL)

			// By its name alone it reads the same, and a second run has nothing to read but the lists.
			first := len(asked)
			src.Read.Engine = report.Engine
			if report, err = newCollector(t, server.URL).Crawl(t.Context(), src, m.known, m.visit); err != nil {
				t.Fatal(err)
			}
			if n := len(m.take()); n != 0 || len(asked)-first >= first {
				t.Errorf("second run: %d items, %d requests after %d", n, len(asked)-first, first)
			}
		})
	}
}

// Each page of refuse.txtar, at the source's address, fails as the first part of its name says.
func TestEnginesRefuse(t *testing.T) {
	for _, dir := range engineFolders(t) {
		for _, f := range readArchive(t, filepath.Join(dir, "refuse.txtar")).Files {
			kind := risk.FailureKind(path.Dir(f.Name))
			for _, engine := range []string{"auto", softwareOf(dir)} {
				t.Run(filepath.Base(dir)+"/"+f.Name+"/"+engine, func(t *testing.T) {
					_, err := collect.Inspect(engineSource("http://board.test/", engine), typeOf(f.Data), f.Data)
					fetch := wantKind(t, err, kind)
					if strings.Contains(fetch.Error(), "hostile") {
						t.Errorf("the failure holds page text: %v", fetch)
					}
				})
			}
		}
	}
}

// Each page of a software is taken by that software's engines alone; an answer of an API without entries is nobody's, and
// so are the pages that the generic reader is for.
func TestEnginesClaimTheirOwnPages(t *testing.T) {
	for _, dir := range engineFolders(t) {
		for _, f := range readArchive(t, filepath.Join(dir, "read.txtar")).Files {
			got := slices.Compact(collect.Claims(typeOf(f.Data), f.Data))
			if len(got) == 0 && (strings.Contains(typeOf(f.Data), "json") || softwareOf(dir) == "generic") {
				continue
			}
			if !slices.Equal(got, []string{softwareOf(dir)}) {
				t.Errorf("%s %s: %q", filepath.Base(dir), f.Name, got)
			}
		}
	}
}

// softwareOf is the name of the engine that a folder is about: "phpbb-30" and "xenforo2" hold generations.
func softwareOf(dir string) string {
	name, _, _ := strings.Cut(filepath.Base(dir), "-")
	return strings.TrimRight(name, "0123456789")
}

func engineFolders(tb testing.TB) []string {
	tb.Helper()
	dirs, err := filepath.Glob("testdata/engines/*")
	if err != nil || len(dirs) == 0 {
		tb.Fatalf("no engines: %v", err)
	}
	return dirs
}

func readArchive(tb testing.TB, file string) *txtar.Archive {
	tb.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	return archive
}

func servePage(w http.ResponseWriter, r *http.Request, archive *txtar.Archive) {
	for _, f := range archive.Files {
		if f.Name == r.URL.RequestURI() {
			w.Header().Set("Content-Type", typeOf(f.Data))
			_, _ = w.Write(bytes.ReplaceAll(f.Data, []byte("http://board.test"), []byte("http://"+r.Host)))
			return
		}
	}
	http.NotFound(w, r)
}

func typeOf(page []byte) string {
	if bytes.HasPrefix(bytes.TrimSpace(page), []byte("{")) {
		return "application/json; charset=utf-8"
	}
	return "text/html; charset=utf-8"
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func engineSource(address, engine string) risk.Source {
	return risk.Source{ID: 9, Key: "board", Kind: risk.SourceForum, Route: risk.RouteDirect, Address: address, Limits: limits,
		Read: risk.Reading{Engine: engine, Zone: "Europe/Berlin"}}
}

func compareJSON(t *testing.T, file string, got any, host string) {
	t.Helper()
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(got); err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(b.String(), host, "http://board.test")
	if *update {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if text != string(want) {
		t.Errorf("%s:\n got %s\nwant %s", file, text, want)
	}
}
