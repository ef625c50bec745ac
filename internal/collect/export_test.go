package collect

import "net"

// OnDial lets a test see every connection that is attempted.
func (c *Collector) OnDial(f func(network, address string)) { c.dialed = f }

var (
	CleanText   = cleanText
	CheckMarkup = checkMarkup
	RetryAfter  = retryAfter
)

// UseResolver replaces the direct route's resolver.
func (c *Collector) UseResolver(r *net.Resolver) { c.resolver = r }
