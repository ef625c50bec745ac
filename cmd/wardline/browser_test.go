//go:build real

package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/portal"
	"github.com/wardline/wardline/internal/testparts"
)

// addresses gives an address for every page pattern of the portal; a page that is added without one fails the suite.
var addresses = map[string][]string{
	"/login":              {"/login"},
	"/":                   {"/"},
	"/search":             {"/search?q=meridian", "/search?q=nothing-of-the-kind"},
	"/profile":            {"/profile"},
	"/inbox":              {"/inbox", "/inbox?v=closed", "/inbox?q=nothing-of-the-kind"},
	"/exposures/:id":      {"/exposures/1", "/exposures/2", "/exposures/3"},
	"/suppliers":          {"/suppliers", "/suppliers?sort=-score", "/suppliers?q=nothing-of-the-kind"},
	"/suppliers/import":   {"/suppliers/import"},
	"/suppliers/new":      {"/suppliers/new"},
	"/suppliers/:id":      {"/suppliers/1", "/suppliers/2?tab=exposures", "/suppliers/2?tab=terms", "/suppliers/2?tab=history"},
	"/suppliers/:id/edit": {"/suppliers/2/edit"},
	"/sources":            {"/sources"},
	"/sources/:key":       {"/sources/sample-forum", "/sources/sample-paste", "/sources/drop"},
	"/dumps":              {"/dumps", "/dumps?state=done", "/dumps?q=nothing-of-the-kind"},
	"/dumps/:id":          {"/dumps/1"},
	"/demo/mailbox":       {"/demo/mailbox"},
}

func TestRealEveryPageInTheBrowser(t *testing.T) {
	data := t.TempDir()
	signIn := startDemo(t, data)
	base, _, _ := strings.Cut(signIn, "/demo/")
	browser := testparts.Chromium(t)
	browser.Viewport(1360, 1000)
	if status := browser.Goto(signIn); status != http.StatusOK {
		t.Fatalf("signing in gave status %d", status)
	}
	awaitMails(t, browser, base)
	pages := []string{}
	for _, pattern := range portal.Pages() {
		listed, found := addresses[pattern]
		if !found {
			t.Errorf("page %s is not listed in this suite", pattern)
		}
		pages = append(pages, listed...)
	}
	pages = append(pages, "/no-such-page", inboxMail(t, browser, base), whereSeen(t, browser, base, filepath.Join(data, "drop")))
	stranger := browser.Another(t) // who is signed in does not see the sign-in page
	for _, scheme := range []string{"light", "dark"} {
		browser.PreferScheme(scheme)
		stranger.PreferScheme(scheme)
		t.Run(scheme+" sign-in", func(t *testing.T) {
			inspect(t, stranger, scheme, "sign-in", func() { stranger.Goto(base + "/login") })
		})
		t.Run(scheme+" sign-in refused", func(t *testing.T) {
			inspect(t, stranger, scheme, "sign-in refused", func() { refuseSignIn(stranger, base) })
		})
		for _, page := range pages {
			t.Run(scheme+page, func(t *testing.T) {
				inspect(t, browser, scheme, page, func() { browser.Goto(base + page) })
			})
		}
		for name, open := range answers(browser, base) {
			t.Run(scheme+" "+name, func(t *testing.T) { inspect(t, browser, scheme, name, open) })
		}
	}
	browser.Scripts(false)
	for _, page := range pages {
		t.Run("no script"+page, func(t *testing.T) {
			browser.Goto(base + page)
			if h1 := browser.Text("h1"); strings.TrimSpace(h1) == "" {
				t.Error("the page has no heading without JavaScript")
			}
			complain(t, browser.Problems(), page)
		})
	}
	t.Run("no script: deeds", func(t *testing.T) { actWithoutScript(t, browser, base) })
}

// actWithoutScript decides about an exposure, adds a supplier and pauses a source, by forms alone.
func actWithoutScript(t *testing.T, browser *testparts.Browser, base string) {
	lacks := func(word string) {
		if text := browser.Text("main"); strings.Contains(text, word) {
			t.Fatalf("the page says %q before anything was done, so that this test could not fail:\n%s", word, text)
		}
	}
	browser.Goto(base + "/exposures/1")
	lacks("Confirmed")
	browser.Follow("button[name=do][value=confirm]")
	browser.Goto(base + "/exposures/1")
	if text := browser.Text("main"); !strings.Contains(text, "Confirmed") {
		t.Errorf("the exposure is not confirmed:\n%s", text)
	}
	browser.Goto(base + "/suppliers/new")
	browser.Type("input[name=name]", "Scriptless Lab")
	browser.Follow("form[action='/suppliers/new'] button")
	if h1 := browser.Text("h1"); !strings.Contains(h1, "Scriptless Lab") {
		t.Errorf("after adding a supplier the page is headed %q", h1)
	}
	browser.Goto(base + "/sources")
	lacks("Paused")
	browser.Follow("form[action$='/pause'] button")
	if text := browser.Text("main"); !strings.Contains(text, "Paused") {
		t.Errorf("no source is paused:\n%s", text)
	}
	complain(t, browser.Problems(), "deeds")
}

// awaitMails waits for the first mails, so that the mailbox page has something to show.
func awaitMails(t *testing.T, browser *testparts.Browser, base string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		browser.Goto(base + "/demo/mailbox")
		if testparts.Eval[int](browser, `document.querySelectorAll("main a[href*='id=']").length`) > 0 {
			return
		}
	}
	t.Fatal("no mail arrived within 30 seconds")
}

func inboxMail(t *testing.T, browser *testparts.Browser, base string) string {
	t.Helper()
	browser.Goto(base + "/demo/mailbox")
	return testparts.Eval[string](browser, `document.querySelector("main a[href*='id=']").getAttribute("href")`)
}

// answers opens the pages that answer a form, none of which changes anything.
func answers(browser *testparts.Browser, base string) map[string]func() {
	return map[string]func(){
		"bulk confirmation": func() {
			browser.Goto(base + "/inbox")
			testparts.Eval[bool](browser, `document.querySelector("input[name=id]").checked = true`)
			browser.Follow("button[form=bulk][value=dismiss]")
		},
		"supplier form with errors": func() {
			browser.Goto(base + "/suppliers/new")
			testparts.Eval[bool](browser, `document.querySelector("form[action='/suppliers/new']").noValidate = true`)
			browser.Follow("form[action='/suppliers/new'] button")
		},
		"import dry run": func() {
			browser.Goto(base + "/suppliers/import")
			testparts.Eval[int](browser, `(() => {
				const carried = new DataTransfer();
				carried.items.add(new File(["supplier,kind,value\nNew Lab,domain,new-lab.example\nMeridian Lab,domain,meridian-lab.example\nBroken,colour,blue\n"], "watchlist.csv"));
				const field = document.querySelector("input[type=file]");
				field.files = carried.files;
				return field.files.length;
			})()`)
			browser.Follow("form[action='/suppliers/import'] button")
		},
	}
}

func refuseSignIn(browser *testparts.Browser, base string) {
	browser.Goto(base + "/login")
	browser.Type("input[name=email]", "nobody@st-aldhelm.example")
	browser.Type("input[name=password]", "not the password")
	browser.Follow("form[action='/login'] button")
}

// inspect holds one page in one theme to what every page must be.
func inspect(t *testing.T, browser *testparts.Browser, scheme, page string, open func()) {
	browser.Viewport(1360, 1000)
	open()
	for _, violation := range browser.Violations() {
		t.Errorf("axe: %s", violation)
	}
	complain(t, browser.Problems(), page)
	keepPicture(t, browser, scheme+"-wide_"+page)
	browser.Viewport(320, 800)
	if px := browser.Sideways(); px > 0 {
		t.Errorf("scrolls sideways by %d px at 320 px", px)
	}
	for _, violation := range browser.Violations() {
		t.Errorf("axe at 320 px: %s", violation)
	}
	keepPicture(t, browser, scheme+"-narrow_"+page)
}

// complain fails on what a page reported; a page that is not there answers 404, which Chromium itself notes.
func complain(t *testing.T, problems []string, page string) {
	t.Helper()
	for _, p := range problems {
		if page == "/no-such-page" && strings.Contains(p, "404") {
			continue
		}
		t.Errorf("the page reported: %s", p)
	}
}

// keepPicture saves a screenshot into the folder that WARDLINE_PICTURES names, for people to look at.
func keepPicture(t *testing.T, browser *testparts.Browser, name string) {
	t.Helper()
	folder := os.Getenv("WARDLINE_PICTURES")
	if folder == "" {
		return
	}
	name = strings.Trim(strings.NewReplacer("/", "_", "?", "_", "=", "-", "&", "_", " ", "_").Replace(name), "_")
	if err := os.WriteFile(filepath.Join(folder, fmt.Sprintf("%s.png", name)), browser.Screenshot(), 0o600); err != nil {
		t.Fatal(err)
	}
}
