// Package collect reads sources: it owns the routes out (one per source, none falling back to another), the limits on
// what comes in, politeness, and the crawl of paste sites, forums and leak sites by definition. It sends GET only,
// but for a declared log-in form, sends no cookies but those of a declared account, and remembers nothing itself: what was
// seen is asked of Known and handed back as marks.
package collect

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"
	_ "time/tzdata" // zones of dates must load on machines without a zone database

	"github.com/wardline/wardline/internal/risk"
)

// Known tells what was remembered about an entry, post or page of the source in an earlier run. It and Visit are
// aliases, so that callers can ask for a crawler by an interface without importing this package.
type Known = func(ctx context.Context, key string) (risk.Mark, bool, error)

// Visit persists one page's items and marks together. Its error ends the crawl.
type Visit = func(ctx context.Context, p risk.Page) error

// Config is what every source shares.
type Config struct {
	TorProxy      string                                   // SOCKS5 proxy of the route tor: "host:port" or "unix:/path"
	UserAgent     string                                   // "" = a common browser's
	AllowLoopback []netip.AddrPort                         // the exact addresses that a demo or test started; no other private address is ever dialled
	Key           func(service string) string              // keys of services, by engine; "" = none is set; nil = none at all
	Account       func(source string) (risk.Account, bool) // with which a source's declared log-in form is filled in, by its key; nil = none at all
	Log           *slog.Logger                             // nil = none
	Now           func() time.Time                         // nil = time.Now
}

// Collector crawls sources. It is safe for concurrent use: each crawl has its own transport and its own colly.
type Collector struct {
	proxy   proxyAddress
	agent   string
	allow   map[netip.AddrPort]bool
	key     func(service string) string
	account func(source string) (risk.Account, bool)
	log     *slog.Logger
	now     func() time.Time

	resolver *net.Resolver                 // of the direct route
	dialed   func(network, address string) // tests count every connection that is attempted
}

// defaultAgent is Tor Browser's on every desktop: the most common one where we read.
const defaultAgent = "Mozilla/5.0 (Windows NT 10.0; rv:128.0) Gecko/20100101 Firefox/128.0"

// New checks the configuration. It starts nothing.
func New(c Config) (*Collector, error) {
	proxy, err := parseProxy(c.TorProxy)
	if err != nil {
		return nil, fmt.Errorf("configure collector: %w", err)
	}
	col := &Collector{proxy: proxy, agent: c.UserAgent, key: c.Key, account: c.Account, log: c.Log, now: c.Now, allow: map[netip.AddrPort]bool{}, dialed: func(string, string) {}}
	// The C library's resolver would put onion names on the wire; Go's own refuses them.
	col.resolver = &net.Resolver{PreferGo: true}
	for _, a := range c.AllowLoopback {
		if !a.Addr().IsLoopback() {
			return nil, fmt.Errorf("configure collector: %s is not a loopback address", a)
		}
		col.allow[a] = true
	}
	if col.agent == "" {
		col.agent = defaultAgent
	}
	if col.key == nil {
		col.key = func(string) string { return "" }
	}
	if col.account == nil {
		col.account = func(string) (risk.Account, bool) { return risk.Account{}, false }
	}
	if col.log == nil {
		col.log = slog.New(slog.DiscardHandler)
	}
	if col.now == nil {
		col.now = time.Now
	}
	return col, nil
}

// Crawl runs one source once. Each page that holds something new goes to visit with the marks to remember; an entry's
// mark comes only with the last page of its content, so that a crawl that dies loses nothing.
//
// The error is a *risk.FetchError when the source could not be read, or when going on would be wrong: the proxy is
// down, a captcha is shown, we are asked to slow down, or the place stopped answering. Other pages that fail are named
// in the report. An error of visit or known, and the end of ctx, come back wrapped.
func (c *Collector) Crawl(ctx context.Context, src risk.Source, known Known, visit Visit) (risk.CrawlReport, error) {
	read, ok := readers[src.Kind]
	if !ok {
		return risk.CrawlReport{}, fmt.Errorf("crawl %s: a source of the kind %s is not crawled: %w", src.Key, src.Kind, risk.ErrInvalid)
	}
	r, err := c.newRun(ctx, src, known, visit)
	if err != nil {
		return risk.CrawlReport{}, fmt.Errorf("crawl %s: %w", src.Key, err)
	}
	defer r.close()
	started := c.now()
	err = read(ctx, r)
	if r.logsIn(err) {
		if err = r.logIn(ctx); err == nil {
			r.seen = map[string]bool{}
			err = read(ctx, r)
		}
	}
	switch {
	case errors.Is(err, errLate):
		r.note("the time of one run was used up: the rest is left for the next run")
		err = nil
	case errors.Is(err, errEnough):
		r.note("the limit of %d pages was reached: the rest is left for the next run", src.Limits.Pages)
		err = nil
	}
	report := r.finish()
	c.log.InfoContext(ctx, "source crawled", "source", src.Key, "pages", report.Pages, "items", report.Items, "new", report.New,
		"not_understood", len(report.NotUnderstood), "took", c.now().Sub(started), "failure", failureOf(err))
	if err != nil {
		return report, fmt.Errorf("crawl %s: %w", src.Key, err)
	}
	return report, nil
}

// readers holds how each kind of source is crawled.
var readers = map[risk.SourceKind]func(context.Context, *run) error{
	risk.SourcePaste:    readPastes,
	risk.SourceForum:    readForum,
	risk.SourceLeakSite: readLeakSite,
	risk.SourceFeed:     readLeakSite,
	risk.SourceAccount:  readAccounts,
}

// failureOf names a failure for the log without its text, which holds an address.
func failureOf(err error) string {
	var fetch *risk.FetchError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &fetch):
		return string(fetch.Kind)
	}
	return "stopped"
}
