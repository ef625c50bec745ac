package collect

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/gocolly/colly/v2"

	"github.com/wardline/wardline/internal/risk"
)

// run is one crawl of one source: its colly, its transport, and what has happened so far. It is used by one goroutine.
type run struct {
	src       risk.Source
	known     Known
	visit     Visit
	now       func() time.Time
	colly     *colly.Collector
	gate      gate
	transport *transport
	report    risk.CrawlReport
	seen      map[string]bool // list pages, threads and posts met in this run: loops and repeats end here
	requests  int             // sent, answered or not
	most      int             // of them that may be sent; while the front of a list is read, fewer than the limit
	until     time.Time       // no further page is begun after it; zero = no end in sight
	reading   string          // the entry of a list that is being read
	used      map[string]*use // how the definition's selectors fared, by key
	failures  int             // in a row, of the kind that says that nobody answers
	notes     int
	undated   int
	last      *response
	engine    engine // what reads a forum's pages; nil = the definition's selectors
	shelf     *shelf // what reads a paste site's or leak site's lists; nil = the definition's selectors
	plain     bool   // no page is HTML, whatever it says it is
	session   *session
	account   func(key string) (risk.Account, bool) // with which a declared log-in form is filled in
	loggedIn  bool                                  // it was, or that was tried
	atHand    *page                                 // fetched already, for whoever asks for its address next
}

type response struct {
	at          *url.URL
	status      int
	contentType string
	refresh     string // by which the server has a browser ask again
	body        []byte
}

// newRun prepares a crawl with the only colly of this package: our transport, no other way out, one request after the other.
func (c *Collector) newRun(ctx context.Context, src risk.Source, known Known, visit Visit) (*run, error) {
	g, err := newGate(src)
	if err != nil {
		return nil, err
	}
	dial, err := c.dialer(src, g)
	if err != nil {
		return nil, err
	}
	r := &run{src: src, known: known, visit: visit, now: c.now, gate: g, seen: map[string]bool{}, used: map[string]*use{}, most: src.Limits.Pages}
	if end, ok := ctx.Deadline(); ok {
		r.until = end.Add(-min(src.Limits.Timeout, time.Until(end)/4))
	}
	if h := src.Politeness.Hours; !h.Always() && h.Left(c.now()) > 0 { // who tests a definition is not held to its hours
		if end := time.Now().Add(h.Left(c.now())); r.until.IsZero() || end.Before(r.until) {
			r.until = end
		}
	}
	r.transport = newTransport(src, g, dial, c.agent, c.now)
	r.session, r.account = newSession(src, c.now), c.account
	r.transport.session = r.session
	if err := r.useService(c.key); err != nil {
		return nil, err
	}
	r.colly = r.newColly(ctx)
	return r, nil
}

// newColly lets nothing of colly's own decide what is fetched: addresses, limits, redirects and cookies are ours.
func (r *run) newColly(ctx context.Context) *colly.Collector {
	c := colly.NewCollector(colly.StdlibContext(ctx), colly.Async(false))
	// NewCollector reads COLLY_* from the environment after its options; what matters is set again here.
	c.CacheDir = ""
	c.MaxBodySize, c.MaxRequests, c.MaxDepth = 0, 0, 0
	c.AllowedDomains, c.DisallowedDomains = nil, nil
	c.URLFilters, c.DisallowedURLFilters = nil, nil
	c.AllowURLRevisit, c.IgnoreRobotsTxt = true, true
	c.DetectCharset, c.ParseHTTPErrorResponse = false, false
	c.DisableCookies()
	c.SetRequestTimeout(0) // the transport's, which also covers the body
	c.WithTransport(r.transport)
	c.SetRedirectHandler(r.redirect)
	c.OnResponse(func(res *colly.Response) {
		r.last = &response{at: res.Request.URL, status: res.StatusCode, contentType: res.Headers.Get(statedType), refresh: res.Headers.Get(asksAgain), body: res.Body}
	})
	return c
}

func (r *run) close() { r.transport.wire.CloseIdleConnections() }

// redirect counts; where a redirect leads is the transport's to check, as for every request.
func (r *run) redirect(req *http.Request, via []*http.Request) error {
	if len(via) > r.src.Limits.Redirects {
		return &risk.FetchError{Kind: risk.FailRefused, URL: via[0].URL.String(), Err: fmt.Errorf("more than %d redirects", r.src.Limits.Redirects)}
	}
	return nil
}

// errEnough ends a crawl that has used its pages, errLate one that has used its time.
var (
	errEnough = errors.New("page limit reached")
	errLate   = fmt.Errorf("time is up: %w", errEnough)
)

// fetch gets and parses one page, after the pause that politeness asks for, and behind the queue in front of it.
func (r *run) fetch(ctx context.Context, u *url.URL) (*page, error) {
	if err := r.gate.check(http.MethodGet, u); err != nil {
		return nil, &risk.FetchError{Kind: risk.FailRefused, URL: u.String(), Err: err}
	}
	if p := r.atHand; p != nil && p.url.String() == u.String() {
		r.atHand = nil
		return p, nil
	}
	p, err := r.request(ctx, http.MethodGet, u, nil)
	if err != nil {
		return nil, err
	}
	return r.behindQueue(ctx, p)
}

// request sends one request and parses what it is answered with.
func (r *run) request(ctx context.Context, method string, u *url.URL, body io.Reader) (*page, error) {
	if r.requests >= r.most {
		return nil, errEnough
	}
	wait := r.wait()
	if !r.until.IsZero() && time.Now().Add(wait).After(r.until) {
		return nil, errLate
	}
	if err := sleep(ctx, wait); err != nil {
		return nil, err
	}
	r.requests++
	r.last = nil
	err := r.colly.Request(method, u.String(), body, nil, nil)
	if err == nil || wasAnswered(err) {
		r.report.Pages++
	}
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("fetch: %w", ctx.Err())
	case err != nil:
		return nil, asFetchError(u, err)
	case r.last == nil:
		return nil, asFetchError(u, errors.New("no answer"))
	}
	return r.page()
}

// wasAnswered reports that a failure is one of what came: where nothing came, there was no page.
func wasAnswered(err error) bool {
	var fetch *risk.FetchError
	if !errors.As(err, &fetch) {
		return false
	}
	switch fetch.Kind {
	case risk.FailProxy, risk.FailRefused, risk.FailNetwork, risk.FailTimeout:
		return false
	}
	return true
}

// mostContentType is longer than any honest one; a header may have 64 KB.
const mostContentType = 200

func (r *run) page() (*page, error) {
	got := r.last
	r.failures = 0
	p := &page{url: got.at, refresh: got.refresh, home: r.gate.home, twins: r.src.Read.Twins, plain: r.plain, raw: got.body}
	if err := p.guard(func() error { return p.parse(got.contentType, got.body) }); err != nil {
		return nil, err
	}
	digest := sha256.Sum256(got.body)
	p.capture = risk.Capture{SourceID: r.src.ID, URL: got.at.String(), Digest: hex.EncodeToString(digest[:]), Fetched: r.now(),
		Status: got.status, ContentType: cleanText(got.contentType[:min(len(got.contentType), mostContentType)]), Bytes: int64(len(got.body))}
	if p.has(r.src.Read.Captcha) {
		return nil, p.failure(risk.FailCaptcha, errors.New("the definition's captcha selector matches"))
	}
	return p, nil
}

// asFetchError keeps the transport's own error, and gives its kind to what colly or http.Client found wrong.
func asFetchError(u *url.URL, err error) error {
	var fetch *risk.FetchError
	if errors.As(err, &fetch) {
		return fetch
	}
	return &risk.FetchError{Kind: risk.FailNetwork, URL: u.String(), Err: err}
}

// wait is the pause before every request but the first.
func (r *run) wait() time.Duration {
	if r.requests == 0 {
		return 0
	}
	d := r.src.Politeness.Delay
	if r.src.Politeness.Jitter > 0 {
		d += rand.N(r.src.Politeness.Jitter)
	}
	return d
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return fmt.Errorf("wait between requests: %w", ctx.Err())
	case <-t.C:
		return nil
	}
}

// mostFailures in a row mean that the place is gone: a dead hidden service would else take its time limit a page.
const mostFailures = 3

// skip decides about a page that failed: nil when it is noted and the run goes on, else the error that ends the run.
func (r *run) skip(err error) error {
	var fetch *risk.FetchError
	if !errors.As(err, &fetch) {
		return err
	}
	switch fetch.Kind {
	case risk.FailProxy, risk.FailCaptcha, risk.FailBanned, risk.FailSlow:
		return err
	case risk.FailLogin:
		if r.session.account { // it has ended in the middle of the run
			return err
		}
	case risk.FailStatus:
		if fetch.Status == http.StatusTooManyRequests || fetch.RetryAfter > 0 {
			return err
		}
	case risk.FailNetwork, risk.FailTimeout:
		if r.failures++; r.failures >= mostFailures {
			return err
		}
	}
	r.note("%s", describe(fetch))
	return nil
}

func describe(e *risk.FetchError) string {
	s := e.URL + ": " + string(e.Kind)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// say tells what is no fault, but what a person should know.
func (r *run) say(format string, args ...any) {
	if len(r.report.Said) < mostNotes {
		r.report.Said = append(r.report.Said, cleanText(fmt.Sprintf(format, args...)))
	}
}

// mostNotes keep a report readable when a whole site has changed.
const mostNotes = 100

func (r *run) note(format string, args ...any) {
	if r.notes++; r.notes <= mostNotes {
		r.report.NotUnderstood = append(r.report.NotUnderstood, cleanText(fmt.Sprintf(format, args...)))
	}
}

// missing notes that an entry's page is gone or empty; it stays unmarked, so that the next run looks again.
func (r *run) missing(p *page, what string) { r.note("%s: %s", p.url, what) }

// use is how often a selector was looked for, and how often it found something.
type use struct {
	selector     string
	tried, found int
}

func (r *run) count(key, selector string, found bool) {
	if selector == "" {
		return
	}
	u := r.used[key]
	if u == nil {
		u = &use{selector: selector}
		r.used[key] = u
	}
	u.tried++
	if found {
		u.found++
	}
}

// pick reads a value by the selector of a key, and counts whether there was one.
func (r *run) pick(in *goquery.Selection, key, selector string) string {
	s := pick(in, selector)
	r.count(key, selector, s != "")
	return s
}

func (r *run) finish() risk.CrawlReport {
	r.report.Session = r.session.left()
	for _, key := range slices.Sorted(maps.Keys(r.used)) {
		if u := r.used[key]; u.found == 0 {
			r.report.Unused = append(r.report.Unused, fmt.Sprintf("%s (%s) found nothing in %d places", key, u.selector, u.tried))
		}
	}
	if r.undated > 0 {
		r.note("%d items: the date was not understood", r.undated)
	}
	if r.notes > mostNotes {
		r.report.NotUnderstood = append(r.report.NotUnderstood, fmt.Sprintf("and %d more", r.notes-mostNotes))
	}
	return r.report
}

// unchanged asks whether an entry's marker is the one remembered, and counts it when so.
func (r *run) unchanged(ctx context.Context, m risk.Mark) (bool, error) {
	old, found, err := r.known(ctx, m.Key)
	if err != nil {
		return false, fmt.Errorf("look up what is known of %s: %w", r.src.Key, err)
	}
	same := found && old.Marker == m.Marker
	if same {
		r.report.Unchanged++
	}
	return same, nil
}

// again reports that a key was met before in this run, and remembers it.
func (r *run) again(key string) bool {
	met := r.seen[key]
	r.seen[key] = true
	return met
}

// hand gives a page that holds something new, or marks, to visit.
func (r *run) hand(ctx context.Context, p *page, items []risk.Item, marks []risk.Mark) error {
	if len(items) == 0 && len(marks) == 0 {
		return nil
	}
	r.report.New += len(items)
	p.capture.Items = len(items)
	if err := r.visit(ctx, risk.Page{Capture: p.capture, Items: items, Marks: marks}); err != nil {
		return fmt.Errorf("hand over a page of %s: %w", r.src.Key, err)
	}
	return nil
}

// posted reads a date and counts those that do not read.
func (r *run) posted(text string) time.Time {
	t, ok := parseDate(text, r.src.Read)
	if !ok && r.src.Read.Date != "" {
		r.undated++
	}
	return t
}

func digestOf(parts ...string) string {
	h := sha256.New()
	for _, p := range parts {
		fmt.Fprintf(h, "%d:%s", len(p), p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
