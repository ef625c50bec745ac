//go:build real

package testparts_test

import (
	"bytes"
	"fmt"
	"image/png"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/testparts"
)

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; " +
	"require-trusted-types-for 'script'; trusted-types app-fragment"

const page = `<!doctype html><html lang="en"><head><title>A page</title><meta name="viewport" content="width=device-width">` +
	`<link rel="icon" href="/icon.svg"><link rel="stylesheet" href="/style.css"><script src="/app.js" defer></script></head><body><main><h1>A page</h1>%s</main></body></html>`

func site(t *testing.T) string {
	t.Helper()
	bodies := map[string]string{
		"/clean": `<p id="js">without script</p><noscript><p>Scripts are off</p></noscript>` +
			`<form method="post" action="/clean"><label>Name <input name="name" id="name"></label> <button id="go">Go</button></form>`,
		"/unlabelled": `<form><input name="name"></form>`,
		"/faint":      `<p class="faint">Hard to read</p>`,
		"/inline":     `<p>inline</p><script>document.title = "hacked"</script>`,
		"/sink":       `<p id="sink">sink</p>`,
		"/throws":     `<p id="throws">throws</p>`,
		"/complains":  `<p id="complains">complains</p>`,
		"/missing":    `<p>no picture</p><img src="/gone.png" alt="Gone">`,
		"/wide":       `<p class="wide">wide</p>`,
		"/gone":       `<p>This page is not here.</p>`,
	}
	mux := http.NewServeMux()
	for path, body := range bodies {
		mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", policy)
			if path == "/gone" {
				w.WriteHeader(http.StatusNotFound)
			}
			greeting := ""
			if c, err := r.Cookie("theme"); err == nil {
				greeting += `<p id="theme">` + c.Value + `</p>`
			}
			if r.Method == http.MethodPost {
				greeting += `<p id="hello">Hello ` + r.FormValue("name") + `</p>`
			}
			_, _ = fmt.Fprintf(w, page, greeting+body)
		})
	}
	mux.HandleFunc("/style.css", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		_, _ = fmt.Fprint(w, `:root { color-scheme: light dark } .faint { color: #ccc; background: #fff } .wide { width: 900px }
			body { margin: 8px; --theme: light } @media (prefers-color-scheme: dark) { body { --theme: dark } }`)
	})
	mux.HandleFunc("/icon.svg", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/svg+xml")
		_, _ = fmt.Fprint(w, `<svg xmlns="http://www.w3.org/2000/svg"/>`)
	})
	mux.HandleFunc("/app.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/javascript")
		_, _ = fmt.Fprint(w, `
			const has = id => document.getElementById(id);
			if (has('js')) has('js').textContent = 'with script';
			if (has('sink')) { try { has('sink').innerHTML = '<b>x</b>' } catch { } }
			if (has('complains')) console.error('something is', 'wrong');
			if (has('throws')) throw new Error('on purpose');`)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

func TestRealBrowser(t *testing.T) {
	url := site(t)
	browser := testparts.Chromium(t)

	t.Run("finds nothing on a clean page", func(t *testing.T) {
		if status := browser.Goto(url + "/clean"); status != 200 {
			t.Errorf("status %d", status)
		}
		wantLines(t, "violations", browser.Violations())
		wantLines(t, "problems", browser.Problems())
		if s := browser.Text("#js"); s != "with script" {
			t.Errorf("text %q: the page's script did not run under its policy", s)
		}
	})
	t.Run("axe leaves no trace in the page", func(t *testing.T) {
		if s := testparts.Eval[string](browser, `typeof axe`); s != "undefined" {
			t.Errorf("axe is %s", s)
		}
	})
	for _, tc := range []struct{ path, want string }{
		{"/unlabelled", "label: "},
		{"/faint", "color-contrast: "},
	} {
		t.Run("axe finds "+tc.path, func(t *testing.T) {
			browser.Goto(url + tc.path)
			wantLines(t, "violations", browser.Violations(), tc.want)
			wantLines(t, "problems", browser.Problems())
		})
	}
	for _, tc := range []struct {
		path string
		want []string
	}{
		{"/inline", []string{"policy: script-src", "log: Executing inline script violates"}},
		{"/sink", []string{"policy: require-trusted-types-for", "log: This document requires 'TrustedHTML' assignment"}},
		{"/throws", []string{"exception: Uncaught Error: on purpose"}},
		{"/complains", []string{"console: something is wrong"}},
		{"/missing", []string{"log: Failed to load resource"}},
	} {
		t.Run("reports "+tc.path, func(t *testing.T) {
			browser.Goto(url + tc.path)
			wantLines(t, "problems", browser.Problems(), tc.want...)
			wantLines(t, "problems that were told already", browser.Problems())
		})
	}
	t.Run("a page's own status is no problem", func(t *testing.T) {
		if status := browser.Goto(url + "/gone"); status != 404 {
			t.Errorf("status %d", status)
		}
		wantLines(t, "problems", browser.Problems())
	})
	t.Run("fills a form", func(t *testing.T) {
		browser.Goto(url + "/clean")
		browser.Type("#name", "Ana")
		if status := browser.Follow("#go"); status != 200 {
			t.Errorf("status %d", status)
		}
		browser.Await("#hello")
		if s := browser.Text("#hello"); s != "Hello Ana" {
			t.Errorf("text %q", s)
		}
	})
	t.Run("keeps tabs apart", func(t *testing.T) {
		browser.Cookie(url, "theme", "dark")
		browser.Goto(url + "/clean")
		if s := browser.Text("#theme"); s != "dark" {
			t.Errorf("cookie %q", s)
		}
		other := browser.Another(t)
		other.Goto(url + "/clean")
		if n := testparts.Eval[int](other, `document.querySelectorAll('#theme').length`); n != 0 {
			t.Error("the other tab has the cookie too")
		}
	})
	t.Run("shows both themes", func(t *testing.T) {
		for _, scheme := range []string{"dark", "light"} {
			browser.PreferScheme(scheme)
			browser.Goto(url + "/clean")
			if s := testparts.Eval[string](browser, `getComputedStyle(document.body).getPropertyValue('--theme')`); s != scheme {
				t.Errorf("%s: %q", scheme, s)
			}
		}
	})
	t.Run("measures sideways scroll", func(t *testing.T) {
		browser.Viewport(320, 640)
		browser.Goto(url + "/wide")
		if n := browser.Sideways(); n != 900+8-320 {
			t.Errorf("wide page: %d px", n)
		}
		browser.Goto(url + "/clean")
		if n := browser.Sideways(); n != 0 {
			t.Errorf("clean page: %d px", n)
		}
		picture, err := png.DecodeConfig(bytes.NewReader(browser.Screenshot()))
		if err != nil || picture.Width != 320 {
			t.Errorf("screenshot: %+v %v", picture, err)
		}
	})
	t.Run("works without scripts", func(t *testing.T) {
		browser.Scripts(false)
		browser.Goto(url + "/clean")
		if s := browser.Text("main"); !strings.Contains(s, "without script") || !strings.Contains(s, "Scripts are off") {
			t.Errorf("text %q", s)
		}
		browser.Type("#name", "Ana")
		browser.Follow("#go")
		if s := browser.Text("#hello"); s != "Hello Ana" {
			t.Errorf("text %q", s)
		}
		wantLines(t, "problems", browser.Problems())
		browser.Scripts(true)
		browser.Goto(url + "/clean")
		if s := browser.Text("#js"); s != "with script" {
			t.Errorf("scripts back on: %q", s)
		}
	})
}

// wantLines fails unless there is one line for each beginning, in any order.
func wantLines(t *testing.T, what string, got []string, beginnings ...string) {
	t.Helper()
	if len(got) != len(beginnings) {
		t.Errorf("%s: %q, want %q", what, got, beginnings)
		return
	}
	for _, beginning := range beginnings {
		found := false
		for _, line := range got {
			found = found || strings.HasPrefix(line, beginning)
		}
		if !found {
			t.Errorf("%s: %q, want one that begins with %q", what, got, beginning)
		}
	}
}
