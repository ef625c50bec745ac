package sample

import (
	"bytes"
	"embed"
	"html/template"
	"io"
	"net/http"
	"slices"
	"strconv"
	"time"
)

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"rfc3339": func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"last":    func(posts []post) post { return posts[len(posts)-1] },
}).ParseFS(pageFiles, "pages/*.html"))

// How much one page of a list or thread holds: little, so that every list has a next page.
const (
	pastesOnPage  = 8
	threadsOnPage = 2
	postsOnPage   = 5
	victimsOnPage = 4
)

func (w *Web) handler(s Site) http.Handler {
	mux := http.NewServeMux()
	switch s {
	case SitePaste:
		mux.HandleFunc("GET /archive", w.showArchive)
		mux.HandleFunc("GET /{id}", w.showPaste)
		mux.HandleFunc("GET /raw/{id}", w.showRaw)
	case SiteForum:
		mux.HandleFunc("GET /{$}", w.showIndex)
		mux.HandleFunc("GET /viewforum.php", w.showBoard)
		mux.HandleFunc("GET /viewtopic.php", w.showThread)
	case SiteLeaks:
		mux.HandleFunc("GET /{$}", w.showVictims)
		mux.HandleFunc("GET /v/{id}", w.showVictim)
	}
	return mux
}

func show(rw http.ResponseWriter, name string, data any) {
	var page bytes.Buffer
	if err := pages.ExecuteTemplate(&page, name, data); err != nil {
		http.Error(rw, "page failed", http.StatusInternalServerError)
		return
	}
	rw.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = page.WriteTo(rw) // the reader may have gone
}

// cut gives one page of a list, and the number of the next page or 0.
func cut[T any](all []T, page, size int) ([]T, int) {
	from := min(max(page-1, 0)*size, len(all))
	to := min(from+size, len(all))
	if to < len(all) {
		return all[from:to], page + 1
	}
	return all[from:to], 0
}

func number(r *http.Request, name string, missing int) int {
	n, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil || n < 1 || n > 1_000_000 {
		return missing
	}
	return n
}

// visible keeps what has appeared by now.
func visible[T any](all []T, now time.Time, at func(T) time.Time) []T {
	var out []T
	for _, v := range all {
		if !at(v).After(now) {
			out = append(out, v)
		}
	}
	return out
}

// newest is what has appeared by now, the newest first.
func newest[T any](all []T, now time.Time, at func(T) time.Time) []T {
	out := visible(all, now, at)
	slices.SortStableFunc(out, func(a, b T) int { return at(b).Compare(at(a)) })
	return out
}

func (w *Web) pastes() []paste {
	w.mu.Lock()
	defer w.mu.Unlock()
	return newest(w.content.pastes, w.now(), func(p paste) time.Time { return p.At })
}

func (w *Web) showArchive(rw http.ResponseWriter, r *http.Request) {
	list, next := cut(w.pastes(), number(r, "page", 1), pastesOnPage)
	show(rw, "archive", map[string]any{"Pastes": list, "Next": next})
}

func (w *Web) findPaste(id string) (paste, bool) {
	all := w.pastes()
	i := slices.IndexFunc(all, func(p paste) bool { return p.ID == id })
	if i < 0 {
		return paste{}, false
	}
	return all[i], true
}

func (w *Web) showPaste(rw http.ResponseWriter, r *http.Request) {
	p, ok := w.findPaste(r.PathValue("id"))
	if !ok {
		http.NotFound(rw, r)
		return
	}
	show(rw, "paste", p)
}

func (w *Web) showRaw(rw http.ResponseWriter, r *http.Request) {
	p, ok := w.findPaste(r.PathValue("id"))
	if !ok {
		http.NotFound(rw, r)
		return
	}
	rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = io.WriteString(rw, p.Text) // the reader may have gone
}

// boards gives what has appeared: boards with threads with posts, the thread with the newest post first.
func (w *Web) boards() []board {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.now()
	var out []board
	for _, b := range w.content.boards {
		var threads []thread
		for _, t := range b.Threads {
			if t.Posts = visible(t.Posts, now, func(p post) time.Time { return p.At }); len(t.Posts) > 0 {
				threads = append(threads, t)
			}
		}
		slices.SortStableFunc(threads, func(a, b thread) int {
			return b.Posts[len(b.Posts)-1].At.Compare(a.Posts[len(a.Posts)-1].At)
		})
		if b.Threads = threads; len(threads) > 0 {
			out = append(out, b)
		}
	}
	return out
}

func (w *Web) showIndex(rw http.ResponseWriter, _ *http.Request) {
	show(rw, "index", map[string]any{"Boards": w.boards()})
}

func (w *Web) showBoard(rw http.ResponseWriter, r *http.Request) {
	for _, b := range w.boards() {
		if b.ID == number(r, "f", 0) {
			list, next := cut(b.Threads, number(r, "page", 1), threadsOnPage)
			show(rw, "board", map[string]any{"Board": b, "Threads": list, "Next": next})
			return
		}
	}
	http.NotFound(rw, r)
}

func (w *Web) showThread(rw http.ResponseWriter, r *http.Request) {
	for _, b := range w.boards() {
		for _, t := range b.Threads {
			if t.ID == number(r, "t", 0) {
				list, next := cut(t.Posts, number(r, "page", 1), postsOnPage)
				show(rw, "thread", map[string]any{"Thread": t, "Posts": list, "Next": next})
				return
			}
		}
	}
	http.NotFound(rw, r)
}

func (w *Web) victims() []victim {
	w.mu.Lock()
	defer w.mu.Unlock()
	return newest(w.content.victims, w.now(), func(v victim) time.Time { return v.At })
}

func (w *Web) showVictims(rw http.ResponseWriter, r *http.Request) {
	list, next := cut(w.victims(), number(r, "page", 1), victimsOnPage)
	show(rw, "victims", map[string]any{"Victims": list, "Next": next})
}

func (w *Web) showVictim(rw http.ResponseWriter, r *http.Request) {
	all := w.victims()
	i := slices.IndexFunc(all, func(v victim) bool { return v.ID == r.PathValue("id") && v.Detail != "" })
	if i < 0 {
		http.NotFound(rw, r)
		return
	}
	show(rw, "victim", all[i])
}
