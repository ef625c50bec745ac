package collect

// OnDial lets a test see every connection that is attempted.
func (c *Collector) OnDial(f func(network, address string)) { c.dialed = f }

var (
	CleanText   = cleanText
	CheckMarkup = checkMarkup
	RetryAfter  = retryAfter
)
