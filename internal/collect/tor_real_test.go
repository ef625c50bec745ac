//go:build real

package collect_test

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/testparts"
)

// resolverCanary is a resolver whose every question is counted and goes nowhere.
func resolverCanary() (*net.Resolver, *atomic.Int32) {
	asked := new(atomic.Int32)
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		asked.Add(1)
		return nil, errors.New("no questions here")
	}}, asked
}

// A forum is read through a real onion service; then tor dies in the middle of a crawl.
func TestRealForumOverTor(t *testing.T) {
	clear, clearConnects := canary(t)
	web := newSite(t, forumPages())
	web.set("/b/2", threads([]string{threadRow("4", "p6"), `<li class=thread><a href="http://` + clear + `/t/5">clearnet</a><span class=last>x</span></li>`}, ""))
	started := time.Now()
	tor := testparts.Tor(t, web.Listener.Addr().String())
	t.Logf("network ready after %s", time.Since(started).Round(time.Second))
	web.takePaths()

	resolver, asked := resolverCanary()
	defer func(was *net.Resolver) { net.DefaultResolver = was }(net.DefaultResolver)
	net.DefaultResolver = resolver
	if _, err := net.LookupHost("control.test"); err == nil || asked.Swap(0) == 0 {
		t.Fatal("the canary does not see questions")
	}
	col, dialed := torCollector(t, tor.SocksAddr)
	col.UseResolver(resolver)

	for _, key := range []string{"forum-a", "forum-b"} {
		m := newMemory()
		report, err := crawlOnce(t, col, onionForum(key, tor.Onion), m)
		if err != nil {
			t.Fatal(err)
		}
		got := titles(m.take())
		slices.Sort(got)
		equal(t, "items of "+key, got, []string{"Thread 1|p1|one", "Thread 1|p2|two", "Thread 1|p3|three", "Thread 2|p4|four", "Thread 3|p5|five", "Thread 4|p6|six"})
		equal(t, "not understood", report.NotUnderstood, []string{"http://" + tor.Onion + "/b/2: 1 entries without a link that may be followed (read.link)"})
	}
	users, err := tor.SocksUsers()
	if err != nil {
		t.Fatal(err)
	}
	for _, user := range []string{"forum-a/2026-11-24", "forum-b/2026-11-24"} {
		if !slices.Contains(users, user) {
			t.Errorf("no circuit of its own for %s; there are %q", user, users)
		}
	}

	m := newMemory()
	src := onionForum("forum-a", tor.Onion)
	before := len(web.takePaths())
	_, err = col.Crawl(t.Context(), src, m.known, func(ctx context.Context, p risk.Page) error {
		tor.KillClient()
		return m.visit(ctx, p)
	})
	if before == 0 {
		t.Error("the site was never asked while tor was up")
	}
	var fetch *risk.FetchError
	if !errors.As(err, &fetch) || fetch.Kind != risk.FailProxy {
		t.Fatalf("tor killed: %v, want a proxy failure", err)
	}
	equal(t, "read before it died", titles(m.take()), []string{"Thread 1|p1|one", "Thread 1|p2|two"})
	web.takePaths()

	_, err = col.Crawl(t.Context(), src, m.known, m.visit)
	wantKind(t, err, risk.FailProxy)
	equal(t, "requests without tor", web.takePaths(), nil)
	for _, d := range dialed() {
		if d != "tcp "+tor.SocksAddr {
			t.Errorf("a connection to %s", d)
		}
	}
	if asked.Load() != 0 || clearConnects.Load() != 0 {
		t.Errorf("%d DNS questions, %d connections to the clearnet canary", asked.Load(), clearConnects.Load())
	}
}

// crawlOnce tries a second time when tor's network dropped a stream: two in five hundred do.
func crawlOnce(t *testing.T, col *collect.Collector, src risk.Source, m *memory) (risk.CrawlReport, error) {
	t.Helper()
	report, err := col.Crawl(t.Context(), src, m.known, m.visit)
	if err != nil || len(m.items) < 6 {
		t.Logf("second try after %v", err)
		report, err = col.Crawl(t.Context(), src, m.known, m.visit)
	}
	return report, err
}
