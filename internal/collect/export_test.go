package collect

import (
	"bytes"
	"io"
	"net"
	"testing"

	"golang.org/x/net/html"
)

// OnDial lets a test see every connection that is attempted.
func (c *Collector) OnDial(f func(network, address string)) { c.dialed = f }

var (
	CleanText   = cleanText
	CheckMarkup = checkMarkup
	RetryAfter  = retryAfter
)

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
