//go:build real

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/testparts"
)

// whereSeen adds a supplier after three dumps were read, one of which was taken away meanwhile, and gives the page that
// says where the supplier has been seen. The name is read for after the page has told of the domain.
func whereSeen(t *testing.T, browser *testparts.Browser, base, drop string) string {
	t.Helper()
	for name, text := range map[string]string{
		"combo-2024-11.txt": "u.nobody@elsewhere.example:invented-0\nlena.hart@corvane-late.example:invented-1\n",
		"forum-leak.txt":    "https://vpn.corvane-late.example/login:tom.wold@corvane-late.example:invented-2\nCorvane Latecomer, all of it\n",
		"unrelated.txt":     "u.nobody@elsewhere.example:invented-3\n",
	} {
		path := filepath.Join(drop, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Now(), time.Now().Add(-time.Hour)); err != nil { // nobody is writing it any more
			t.Fatal(err)
		}
	}
	awaitPage(t, browser, base+"/dumps?state=done", "combo-2024-11.txt", "forum-leak.txt", "unrelated.txt")
	if err := os.Remove(filepath.Join(drop, "combo-2024-11.txt")); err != nil {
		t.Fatal(err)
	}
	browser.Goto(base + "/suppliers/new")
	browser.Type("input[name=name]", "Corvane Latecomer")
	browser.Type("textarea[name=terms_domain]", "corvane-late.example")
	browser.Type("textarea[name=terms_brand]", "Corvane Latecomer")
	browser.Follow("form[action='/suppliers/new'] button")
	page := strings.TrimPrefix(testparts.Eval[string](browser, `location.pathname`), base) + "?tab=dumps"
	awaitPage(t, browser, base+page, "combo-2024-11.txt", "No longer held", "forum-leak.txt", "Held, read again")
	if text := browser.Text("main"); strings.Contains(text, "unrelated.txt") {
		t.Errorf("a dump that does not hold the supplier is listed:\n%s", text)
	}
	return page
}

// awaitPage opens a page until it says all the words.
func awaitPage(t *testing.T, browser *testparts.Browser, url string, words ...string) {
	t.Helper()
	text := ""
	for deadline := time.Now().Add(40 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		browser.Goto(url)
		text = browser.Text("main")
		missing := ""
		for _, word := range words {
			if !strings.Contains(text, word) {
				missing = word
			}
		}
		if missing == "" {
			return
		}
	}
	t.Fatalf("%s does not say %q within 40 seconds:\n%s", url, words, text)
}
