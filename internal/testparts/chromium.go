package testparts

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/audits"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// stepTimeout bounds one step in the browser.
const stepTimeout = 30 * time.Second

// Browser is one tab of a real Chromium with a cookie jar of its own. What goes wrong while driving it fails the test;
// what the page itself complains about is collected for Problems.
type Browser struct {
	tb  testing.TB
	ctx context.Context

	mu       sync.Mutex
	problems []string
	document string        // address that was asked for last; its own status is no problem of the page
	mark     string        // console line that ends a wait for reports
	marked   chan struct{} // tells that mark was heard
	marks    int
}

// Chromium starts a headless browser with a fresh profile. It reaches loopback only and ends with the test.
func Chromium(tb testing.TB) *Browser {
	tb.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		tb.Fatal("this test needs Chromium: run make test-deps, or install the Debian package chromium")
	}
	profile := tb.TempDir()
	flags := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("no-proxy-server", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"),
		chromedp.Env("HOME="+profile, "XDG_CONFIG_HOME="+profile, "XDG_CACHE_HOME="+profile),
	)
	allocator, stop := chromedp.NewExecAllocator(context.Background(), flags...)
	tb.Cleanup(stop)
	return open(tb, allocator)
}

// Another opens a further tab of the same browser that shares no cookies with this one.
func (b *Browser) Another(tb testing.TB) *Browser {
	tb.Helper()
	return open(tb, b.ctx, chromedp.WithNewBrowserContext())
}

func open(tb testing.TB, parent context.Context, options ...chromedp.ContextOption) *Browser {
	tb.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	tb.Cleanup(cancel)
	b := &Browser{tb: tb, ctx: ctx, marked: make(chan struct{}, 1)}
	if err := chromedp.Listen(ctx, b.hear); err != nil {
		tb.Fatalf("start Chromium: %v", err)
	}
	call(b, "collect reports", audits.Enable, cdp.Empty{})
	return b
}

// Goto opens an address, waits until it has loaded and gives the HTTP status.
func (b *Browser) Goto(url string) int {
	b.tb.Helper()
	b.mu.Lock()
	b.document = url
	b.mu.Unlock()
	return b.status("open "+url, chromedp.Navigate(url))
}

// Follow clicks on what leads to another page, such as a link or a form's button, and gives that page's HTTP status.
func (b *Browser) Follow(selector string) int {
	b.tb.Helper()
	return b.status("follow "+selector, chromedp.Click(chromedp.CSS(selector)))
}

func (b *Browser) status(what string, step chromedp.Action[chromedp.Void]) int {
	b.tb.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	response, err := chromedp.RunResponse(ctx, step)
	if err != nil {
		b.tb.Fatalf("%s: %v", what, err)
	}
	if response == nil {
		b.tb.Fatalf("%s: no page was loaded", what)
	}
	return int(response.Status)
}

// Type puts text into a field as keys would, after what it holds already.
func (b *Browser) Type(selector, text string) {
	b.tb.Helper()
	run(b, "type into "+selector, chromedp.SendKeys(chromedp.CSS(selector), text))
}

// Await waits until an element is visible.
func (b *Browser) Await(selector string) {
	b.tb.Helper()
	run(b, "wait for "+selector, chromedp.WaitVisible(chromedp.CSS(selector)))
}

// Text gives the visible text of the first element that matches.
func (b *Browser) Text(selector string) string {
	b.tb.Helper()
	return run(b, "read "+selector, chromedp.Text(chromedp.CSS(selector)))
}

// Eval evaluates an expression in the page; a promise is awaited. The result is decoded from JSON.
func Eval[T any](b *Browser, expression string) T {
	b.tb.Helper()
	return run(b, "evaluate", chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Cookie sets a cookie for an address.
func (b *Browser) Cookie(url, name, value string) {
	b.tb.Helper()
	call(b, "set cookie "+name, network.SetCookie, network.SetCookieParams{URL: url, Name: name, Value: value})
}

// PreferScheme makes the system's theme "light" or "dark".
func (b *Browser) PreferScheme(scheme string) {
	b.tb.Helper()
	feature := &emulation.MediaFeature{Name: "prefers-color-scheme", Value: scheme}
	call(b, "prefer "+scheme, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{feature}})
}

// Viewport sets the size of the window in CSS pixels.
func (b *Browser) Viewport(width, height int64) {
	b.tb.Helper()
	run(b, "set the viewport", chromedp.EmulateViewport(width, height))
}

// Scripts switches JavaScript on or off for pages that are opened from now on.
func (b *Browser) Scripts(on bool) {
	b.tb.Helper()
	call(b, "switch scripts", emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
}

// Sideways tells by how many pixels the page is wider than its window.
func (b *Browser) Sideways() int {
	b.tb.Helper()
	return Eval[int](b, `document.documentElement.scrollWidth - document.documentElement.clientWidth`)
}

// Screenshot gives the whole page, also what lies below the window, as a PNG.
func (b *Browser) Screenshot() []byte {
	b.tb.Helper()
	return run(b, "take a screenshot", chromedp.FullScreenshot(100))
}

// Problems gives, and forgets, what the pages complained about since the last call: errors on the console, uncaught
// exceptions, violations of their Content-Security-Policy.
func (b *Browser) Problems() []string {
	b.tb.Helper()
	b.settle()
	b.mu.Lock()
	defer b.mu.Unlock()
	problems := b.problems
	b.problems = nil
	return problems
}

// settle waits until all that the page has reported so far was heard: a line of our own on the console comes after it.
func (b *Browser) settle() {
	b.tb.Helper()
	b.mu.Lock()
	b.marks++
	b.mark = fmt.Sprintf("wardline-mark-%d", b.marks)
	line := fmt.Sprintf("console.debug(%q)", b.mark)
	b.mu.Unlock()
	run(b, "settle", chromedp.Evaluate[chromedp.Void](line))
	select {
	case <-b.marked:
	case <-time.After(stepTimeout):
		b.tb.Fatal("settle: the browser reports nothing any more")
	}
}

func (b *Browser) hear(event any) {
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		b.hearConsole(e)
	case *runtime.EventExceptionThrown:
		b.add("exception: " + exceptionText(e.ExceptionDetails))
	case *log.EventEntryAdded:
		b.hearLog(e.Entry)
	case *audits.EventIssueAdded:
		b.hearIssue(e.Issue)
	}
}

func (b *Browser) hearConsole(e *runtime.EventConsoleAPICalled) {
	var words []string
	for _, arg := range e.Args {
		words = append(words, strings.Trim(string(arg.Value), `"`)+arg.Description)
	}
	text := strings.Join(words, " ")
	switch e.Type {
	case runtime.ConsoleAPICalledTypeError, runtime.ConsoleAPICalledTypeAssert:
		b.add("console: " + text)
	case runtime.ConsoleAPICalledTypeDebug:
		b.mu.Lock()
		defer b.mu.Unlock()
		if text == b.mark {
			b.mark = ""
			b.marked <- struct{}{}
		}
	}
}

func (b *Browser) hearLog(e *log.Entry) {
	b.mu.Lock()
	document := b.document
	b.mu.Unlock()
	if e.Level != log.EntryLevelError || (e.Source == log.EntrySourceNetwork && e.URL == document) {
		return
	}
	b.add(fmt.Sprintf("log: %s %s", e.Text, e.URL))
}

func (b *Browser) hearIssue(issue *audits.InspectorIssue) {
	if issue.Details == nil || issue.Details.ContentSecurityPolicyIssueDetails == nil {
		return
	}
	csp := issue.Details.ContentSecurityPolicyIssueDetails
	b.add(fmt.Sprintf("policy: %s (%s) %s", csp.ViolatedDirective, csp.ContentSecurityPolicyViolationType, csp.BlockedURL))
}

func exceptionText(e *runtime.ExceptionDetails) string {
	if e.Exception != nil && e.Exception.Description != "" {
		return e.Text + " " + e.Exception.Description
	}
	return e.Text
}

func (b *Browser) add(problem string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.problems = append(b.problems, problem)
}

func run[T any](b *Browser, what string, step chromedp.Action[T]) T {
	b.tb.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, stepTimeout)
	defer cancel()
	result, err := chromedp.Run(ctx, step)
	if err != nil {
		b.tb.Fatalf("%s: %v", what, err)
	}
	return result
}

func call[P, R any](b *Browser, what string, command cdp.Command[P, R], params P) R {
	b.tb.Helper()
	return run(b, what, func(ctx context.Context, t *chromedp.Target) (R, error) {
		return cdp.Call(ctx, t, command, params)
	})
}
