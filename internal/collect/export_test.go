package collect

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/url"
	"testing"
	"time"

	"golang.org/x/net/html"

	"github.com/wardline/wardline/internal/risk"
)

// OnDial lets a test see every connection that is attempted.
func (c *Collector) OnDial(f func(network, address string)) { c.dialed = f }

var (
	PaceOf      = paceOf
	CleanText   = cleanText
	CheckMarkup = checkMarkup
	RetryAfter  = retryAfter
	Fits        = fits
)

// Refusal is what a source's gate says to a request.
func Refusal(src risk.Source, method, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return err
	}
	g, err := newGate(src)
	if err != nil {
		return err
	}
	return g.check(method, u)
}

// DialDirectly dials on the direct route, past the gate.
func (c *Collector) DialDirectly(ctx context.Context, address string) error {
	conn, err := c.directDialer(gate{home: &url.URL{}})(ctx, "tcp", address)
	if err == nil {
		conn.Close()
	}
	return err
}

// UseResolver replaces the direct route's resolver.
func (c *Collector) UseResolver(r *net.Resolver) { c.resolver = r }

// PanicOn makes parsing a page that holds the text panic.
func PanicOn(t *testing.T, text string) {
	was := parseHTML
	parseHTML = func(r io.Reader) (*html.Node, error) {
		body, err := io.ReadAll(r)
		if bytes.Contains(body, []byte(text)) {
			panic(text)
		}
		if err != nil {
			return nil, err
		}
		return was(bytes.NewReader(body))
	}
	t.Cleanup(func() { parseHTML = was })
}

// ReadDate reads a date as a board writes it.
func ReadDate(text string, now time.Time, zone *time.Location, monthFirst bool) (time.Time, bool) {
	return calendar{now: now, zone: zone, monthFirst: monthFirst}.read(text)
}

// Claims are the names of the engines that take a page for their own, each as often as its generations do.
func Claims(contentType string, body []byte) []string {
	p := &page{url: &url.URL{Scheme: "http", Host: "board.test", Path: "/"}}
	if err := p.parse(contentType, body); err != nil {
		return nil
	}
	var names []string
	for _, e := range engines {
		if e.shows(p) {
			names = append(names, e.name())
		}
	}
	return names
}
