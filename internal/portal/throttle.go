package portal

import (
	"crypto/sha256"
	"net/netip"
	"sync"
	"time"
)

const (
	accountTries = 5
	addressTries = 20 // a hospital's staff may share one address
	longestDelay = 15 * time.Minute
	forgetAfter  = 24 * time.Hour
	throttleRoom = 20_000 // entries kept before those that delay nobody are dropped
)

// throttle makes repeated failures wait: after some free tries the delay doubles with each failure, up to a limit. It
// never locks for good.
type throttle struct {
	free int
	mu   sync.Mutex
	by   map[[sha256.Size]byte]failures // by digest: what is typed as an address can be of any length
	room int
}

type failures struct {
	n    int
	last time.Time
}

func newThrottle(free int) *throttle {
	return &throttle{free: free, by: map[[sha256.Size]byte]failures{}, room: throttleRoom}
}

// try takes one try: it reports false while the delay runs. The try counts as failed until succeed is called, so that
// tries sent all at once do not slip through together.
func (t *throttle) try(who string, now time.Time) bool {
	key := sha256.Sum256([]byte(who))
	t.mu.Lock()
	defer t.mu.Unlock()
	f := t.by[key]
	if now.Sub(f.last) > forgetAfter {
		f = failures{}
	}
	if now.Before(f.last.Add(t.delay(f.n))) {
		return false
	}
	if len(t.by) >= t.room {
		t.drop(now)
	}
	t.by[key] = failures{n: f.n + 1, last: now}
	return true
}

func (t *throttle) succeed(who string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.by, sha256.Sum256([]byte(who)))
}

func (t *throttle) delay(n int) time.Duration {
	if n < t.free {
		return 0
	}
	return min(time.Second<<min(n-t.free, 20), longestDelay)
}

// drop forgets entries whose delay is over, and those that have tries left: a flood of made-up names is made of these,
// and what delays somebody stays. When that frees little, the next look is later, so that a flood does not cost a walk
// through all for each try.
func (t *throttle) drop(now time.Time) {
	for key, f := range t.by {
		if f.n < t.free || now.Sub(f.last) > longestDelay {
			delete(t.by, key)
		}
	}
	t.room = max(throttleRoom, 2*len(t.by))
}

// addressKey is the address that failures are counted on: one IPv6 customer holds a whole /64.
func addressKey(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	if a = a.Unmap(); a.Is6() {
		p, err := a.Prefix(64)
		if err == nil {
			return p.String()
		}
	}
	return a.String()
}
