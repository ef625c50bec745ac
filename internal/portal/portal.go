// Package portal owns what people see of Wardline: the pages, the sessions behind them and who may open what. It
// reads and changes the data through small interfaces of its own and decides nothing about findings or scores.
package portal

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/web"
)

// Config says where and how the portal is served.
type Config struct {
	PublicURL string           // absolute http(s) URL; its scheme and host are what browsers use
	Secure    bool             // served over https: the session cookie is __Host-wardline and Secure
	Demo      bool             // long idle time, DemoToken and the mailbox page
	DemoToken string           // opens /demo/TOKEN once, from loopback; "" = no such page
	Now       func() time.Time // its location is the zone of every time shown
	Log       *slog.Logger
}

// Deps are what the portal asks of the rest of Wardline.
type Deps struct {
	Store Store

	// OpenAccount decrypts an exposure's whole account. It is asked only for roles with risk.ActViewAccounts.
	OpenAccount func(sealed []byte) (string, error)
	// Enqueue puts jobs into the queue.
	Enqueue func(ctx context.Context, jobs ...risk.Job) error
	// ParseWatchlist reads a watchlist CSV; its errors name file and line, and the good lines are still returned.
	ParseWatchlist func(name string, r io.Reader) ([]risk.Supplier, []error)
	// ReadWatchlist reads the same file line by line, for the API. Its error is that of reading r.
	ReadWatchlist func(r io.Reader) ([]risk.ImportRow, error)
	// GiveCookies keeps the cookies in a text as the session of a source, in place of what was there.
	GiveCookies func(ctx context.Context, key, text, by string) (kept, left int, err error)
	// Mailbox lists the demo's received mails, newest first; nil = no mailbox page.
	Mailbox func() []Mail
	// Ready reports whether the process can do its work.
	Ready func(ctx context.Context) error
}

// Mail is a received mail as the demo's mailbox page shows it.
type Mail struct {
	ID      string
	At      time.Time
	From    string
	To      string
	Subject string
	Text    string // the text part
	HTML    string // the HTML part; shown as source, never rendered
}

// Store is the part of the database that the portal uses.
type Store interface {
	Suppliers
	Exposures
	Sources
	Dumps
	Scores
	People
	Sessions
	Tokens
	CountOverview(ctx context.Context, now time.Time) (risk.Overview, error)
}

// Suppliers finds and changes suppliers.
type Suppliers interface {
	CreateSupplier(ctx context.Context, s risk.Supplier) (risk.Supplier, error)
	UpdateSupplier(ctx context.Context, s risk.Supplier) (risk.Supplier, error)
	FindSupplier(ctx context.Context, id int64) (risk.Supplier, error)
	FindSupplierByName(ctx context.Context, name string) (risk.Supplier, error)
	FindSuppliers(ctx context.Context, f risk.SupplierFilter, now time.Time) ([]risk.SupplierRow, int, error)
	CountSuppliers(ctx context.Context, f risk.SupplierFilter) (int, error)
	ImportTerms(ctx context.Context, suppliers []risk.Supplier) (newSuppliers, newTerms int, err error)
	// FindHunts lists what dumps answered about terms that were added after they were read, the newest answer first.
	FindHunts(ctx context.Context, supplierID int64, limit int) ([]risk.Hunt, int, error)
	FindHuntRun(ctx context.Context) (risk.HuntRun, error)
}

// Exposures finds and changes exposures.
type Exposures interface {
	FindExposures(ctx context.Context, f risk.ExposureFilter) ([]risk.Exposure, int, error)
	CountExposures(ctx context.Context) ([]risk.ExposureCount, error)
	FindExposure(ctx context.Context, id int64) (risk.Exposure, error)
	FindSightings(ctx context.Context, exposureID int64) ([]risk.Sighting, error)
	FindEvents(ctx context.Context, exposureID int64) ([]risk.ExposureEvent, error)
	ChangeExposure(ctx context.Context, id int64, ch risk.Change, a risk.Actor, now time.Time) (risk.Exposure, error)
}

// Sources finds and pauses sources.
type Sources interface {
	FindSources(ctx context.Context, now time.Time) ([]risk.SourceStatus, error)
	FindSource(ctx context.Context, key string) (risk.SourceStatus, error)
	PauseSource(ctx context.Context, id int64, paused bool) error
	FindSourceSession(ctx context.Context, sourceID int64) (risk.SealedSession, error)
	// GiveSession with no cookies forgets the session of a source.
	GiveSession(ctx context.Context, given risk.SealedSession) error
}

// Scores finds scores; the newest with its contributions, older ones without.
type Scores interface {
	FindScore(ctx context.Context, supplierID int64) (risk.Score, error)
	FindScores(ctx context.Context, supplierID int64, since time.Time) ([]risk.Score, error)
}

// People finds users.
type People interface {
	FindUser(ctx context.Context, id int64) (risk.User, error)
	FindUserByEmail(ctx context.Context, email string) (risk.User, error)
	FindUsers(ctx context.Context) ([]risk.User, error)
	TouchSignIn(ctx context.Context, id int64, now time.Time) error
}

// Sessions keeps sessions by the digest of their token. FindSession answers risk.ErrNotFound for an unknown one.
type Sessions interface {
	SaveSession(ctx context.Context, s risk.Session) error
	FindSession(ctx context.Context, digest string) (risk.Session, error)
	DeleteSession(ctx context.Context, digest string) error
}

// Tokens finds the API's tokens by digest. FindToken answers risk.ErrNotFound for an unknown one.
type Tokens interface {
	FindToken(ctx context.Context, digest string) (risk.Token, error)
	TouchToken(ctx context.Context, id int64, now time.Time) error
}

type portal struct {
	Config
	Deps
	hosts     []string // Host headers under which the demo token is honoured
	pages     map[string]*template.Template
	static    staticFiles
	sessions  *scs.SessionManager
	hasher    *hasher
	byAccount *throttle
	byAddress *throttle
	perToken  *allowance
	reports   reportCount
	demoOnce  sync.Mutex
	demoUsed  bool
}

// New builds the portal. It starts nothing.
func New(cfg Config, deps Deps) (http.Handler, error) {
	return build(cfg, deps, argonShipped)
}

func build(cfg Config, deps Deps, cost argonCost) (*handler, error) {
	if err := check(cfg, deps); err != nil {
		return nil, err
	}
	p := &portal{Config: cfg, Deps: deps, hosts: []string{"localhost", "127.0.0.1", "::1"}}
	var err error
	if p.static, err = loadStatic(web.Static); err != nil {
		return nil, err
	}
	if p.pages, err = parsePages(web.Templates, p.static); err != nil {
		return nil, err
	}
	if p.hasher, err = newHasher(cost); err != nil {
		return nil, err
	}
	p.byAccount, p.byAddress = newThrottle(accountTries), newThrottle(addressTries)
	p.perToken = newAllowance(tokenMinute)
	p.sessions = p.newSessions()
	return p.handler(), nil
}

func check(cfg Config, deps Deps) error {
	u, err := url.Parse(cfg.PublicURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return fmt.Errorf("portal: public URL %q is not an absolute http(s) URL", cfg.PublicURL)
	}
	if !cfg.Secure && !risk.IsLoopback(u.Hostname()) {
		return fmt.Errorf("portal: public URL %q: without https only a loopback address is served", cfg.PublicURL)
	}
	if cfg.Now == nil || cfg.Log == nil || deps.Store == nil || deps.OpenAccount == nil || deps.Enqueue == nil ||
		deps.ParseWatchlist == nil || deps.ReadWatchlist == nil || deps.GiveCookies == nil || deps.Ready == nil {
		return errors.New("portal: a dependency is missing")
	}
	return nil
}

// handler is the portal as served, with its routes for the tests that hold every route to a policy.
type handler struct {
	http.Handler
	portal *portal
	engine *gin.Engine
}

// handler puts the layers around the routes, outermost last: what a cross-origin request may do is settled before a
// session is even read.
func (p *portal) handler() *handler {
	engine := p.engine()
	withSession := p.sessions.LoadAndSave(engine)
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if needsNoSession(r.URL.Path) || isAPI(r.URL.Path) {
			engine.ServeHTTP(w, r)
			return
		}
		withSession.ServeHTTP(w, r)
	})
	guard := http.NewCrossOriginProtection()
	guard.AddInsecureBypassPattern("POST /csp-report") // browsers send reports on their own, and nothing is changed by one
	guard.SetDenyHandler(http.HandlerFunc(p.denyCrossOrigin))
	return &handler{Handler: p.recorded(p.withHeaders(guard.Handler(answerHead(inner)))), portal: p, engine: engine}
}

// answerHead treats HEAD as a GET of which net/http sends the headers only. The demo's link is left out: looking at it
// must not use it up.
func answerHead(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead && !strings.HasPrefix(r.URL.Path, "/demo/") {
			r = r.Clone(r.Context())
			r.Method = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}

func needsNoSession(path string) bool {
	return strings.HasPrefix(path, "/static/") || path == "/healthz" || path == "/readyz" || path == "/csp-report"
}

func (p *portal) engine() *gin.Engine {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	// Nothing that a client sends may name its own address.
	if err := e.SetTrustedProxies(nil); err != nil {
		panic(err) // nil cannot be malformed
	}
	e.HandleMethodNotAllowed = true
	e.NoRoute(p.serve(policy{anyone}, func(*gin.Context) error { return risk.ErrNotFound }))
	e.NoMethod(p.serve(policy{anyone}, func(*gin.Context) error { return errMethod }))
	for _, r := range p.routes() {
		e.Handle(r.method, r.path, p.serve(r.may, r.do))
	}
	return e
}
