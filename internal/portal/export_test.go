package portal

import (
	"net/http"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// argonCheap keeps the tests fast; the shipped cost is tested by itself.
var argonCheap = argonCost{memory: 64, time: 1, threads: 1}

// CheapHash hashes for tests.
func CheapHash(password string) string { return argonCheap.hash(password) }

// NewCheap builds a portal whose password hash is cheap.
func NewCheap(cfg Config, deps Deps) (http.Handler, error) { return build(cfg, deps, argonCheap) }

// Route is a route as the tests see it.
type Route struct {
	Method, Path string
	May          []risk.Action
	Page         bool
}

// Routes lists every route of a portal, and what its router really serves.
func Routes(h http.Handler) (declared []Route, served []string) {
	hd := h.(*handler)
	for _, r := range hd.portal.routes() {
		declared = append(declared, Route{r.method, r.path, r.may, r.page})
	}
	for _, r := range hd.engine.Routes() {
		served = append(served, r.Method+" "+r.Path)
	}
	return declared, served
}

// CountHashes calls count for every password that is hashed for a sign-in.
func CountHashes(h http.Handler, count func(dummy bool)) { h.(*handler).portal.hasher.count = count }

// PolicyReports is how many policy reports have come in.
func PolicyReports(h http.Handler) int64 { return h.(*handler).portal.reports.n.Load() }

// Floor is the least time that a refused sign-in takes.
func Floor(h http.Handler) time.Duration { return h.(*handler).portal.hasher.floor }

// Throttle is the growing delay, for a test of its own.
type Throttle = throttle

var (
	NewThrottle = newThrottle
	AddressKey  = addressKey
	LocalPath   = localPath
	Visible     = visible
	Matches     = matches
	CSVCell     = cell
)

func (t *throttle) Try(key string, now time.Time) bool { return t.try(key, now) }
func (t *throttle) Len() int                           { return len(t.by) }
func (t *throttle) Succeed(key string)                 { t.succeed(key) }
