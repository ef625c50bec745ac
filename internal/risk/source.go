package risk

import "time"

// SourceKind says what sort of place a source is, and so how it is read and how its findings count.
type SourceKind string

const (
	SourcePaste    SourceKind = "paste"     // archive list and raw pages
	SourceForum    SourceKind = "forum"     // boards → threads → posts
	SourceLeakSite SourceKind = "leak_site" // ransomware-style list of victims
	SourceFeed     SourceKind = "feed"      // RSS or Atom: news, warnings
	SourceAccount  SourceKind = "account"   // service that knows which accounts of a domain are in leaks
	SourceDrop     SourceKind = "drop"      // folder of dump files
)

// Route is the way to a source. There is no fallback from one to another.
type Route string

const (
	RouteDirect Route = "direct"
	RouteTor    Route = "tor"
	RouteFile   Route = "file"
)

// Source is a place that we may read, as its YAML definition in seeds/sources gives it.
type Source struct {
	ID          int64
	Key         string // stable name from the definition, such as "forum-f07"
	Name        string
	Kind        SourceKind
	Route       Route
	Address     string // absolute http(s) URL, or a folder for RouteFile
	Every       time.Duration
	Owner       string
	LegalBasis  string
	ReviewBy    time.Time // after this day the source does not run
	Reliability float64   // q in scoring.md §2, 0…1
	Enabled     bool
	Limits      Limits
	Politeness  Politeness
	Read        Reading  // how its pages are read
	Allowed     []string // further hosts that links may lead to; the address's own host always is
	Approval    string   // id of the written approval of an account there; "" = it is read as a guest
	Login       Login
	Session     SourceSession // what an earlier run, or a person, left; no part of the definition
}

// Limits bound one fetch and one crawl; zero values are replaced by catalog's defaults.
type Limits struct {
	BodyBytes    int64         // after decompression
	Timeout      time.Duration // for one request
	Redirects    int
	Depth        int // list pages followed from the address
	Pages        int // pages fetched in one run
	ContentTypes []string
}

// Politeness spaces requests to one source.
type Politeness struct {
	Delay  time.Duration
	Jitter time.Duration // up to this much more, at random
	Hours  Hours
}

// Reading holds CSS selectors and date layouts; which are needed depends on the kind (catalog checks).
type Reading struct {
	List     string   // one element per entry of a list page (paste, thread, victim)
	Link     string   // inside an entry: the element whose href leads to it; "" = the entry itself
	Title    string   // inside an entry
	Marker   string   // inside an entry: text that changes when the entry's content does (date, size, replies)
	Raw      string   // paste: template for the raw page with {id}, such as "/raw/{id}"; id = last path segment
	Boards   string   // forum: links from the address to boards; "" = the address is a board
	Include  []string // forum: which boards are read, by name or address, * for anything; none = all
	Exclude  []string // forum: which are not, whatever Include says
	Next     string   // link to the next page of a list or a thread
	Post     string   // forum: one element per post; leak site: the detail's text
	PostID   string   // forum: attribute or selector for its id; "@id" reads the post element's attribute
	Author   string
	Date     string // element with the date; "@datetime" after a space reads that attribute: "time @datetime"
	Body     string
	Dates    []string // Go layouts tried in order
	Zone     string   // IANA zone of dates without one; "" = UTC
	Expect   string   // selector that must be present on a list page, else the layout has changed
	Captcha  string   // selector that, when present, says that the page is a captcha or a block page
	NotFound string   // selector that says that the entry is gone
	Engine   string   // the software or service whose pages or answers are read, in place of selectors; forum: "auto" = as recognised; "" = by the selectors
	Once     string   // paste, inside an entry: what says that it can be read only once
	Burn     bool     // paste: those that can be read only once are read, and so destroyed; else they are counted
	Group    string   // leak site, inside an entry: who claims the victim; "" = not said
	Website  string   // leak site, inside an entry: the victim's own address
	Volume   string   // leak site, inside an entry: how much is said to be taken
	Files    string   // leak site, on a victim's page: link to the list of files; the files are never fetched
	Domains  []Domain // account: what may be asked about; nothing else ever is
	Twins    []string // hosts that the site's own pages give it in absolute links, as a board behind an onion does; such links are read at the address's host
}

// Domain is one about whose accounts a service may be asked.
type Domain struct {
	Name  string // lower-case ASCII
	Basis string // why that is allowed: the record that proves it, or the contract and its clause
}

// SourceState is what a source's last runs amount to. Silence is a state of its own, never "nothing found".
type SourceState string

const (
	StateWaiting       SourceState = "waiting" // never run yet
	StateCollecting    SourceState = "collecting"
	StateHealthy       SourceState = "healthy"
	StateBackingOff    SourceState = "backing_off"    // refused or failed; tried again later
	StateSilent        SourceState = "silent"         // unreachable, or nothing new for longer than expected
	StateLayoutChanged SourceState = "layout_changed" // pages come, but nothing is understood
	StateCaptcha       SourceState = "captcha"
	StateNeedsLogin    SourceState = "needs_login" // a log-in form instead of content: a person must log in
	StateBanned        SourceState = "banned"      // it says that we are banned
	StatePaused        SourceState = "paused"
	StateExpired       SourceState = "expired_basis" // review date passed
)

// SourceHealth is the runtime side of a source: what its row knows beside the definition.
type SourceHealth struct {
	SourceID     int64
	State        SourceState
	Why          string    // one sentence that we wrote; no page text
	Since        time.Time // when the state began
	LastRun      time.Time // zero = never
	LastSuccess  time.Time
	LastDocument time.Time // newest item that was read for the first time
	Failures     int       // in a row
	NextRun      time.Time // not before
	Fetched24h   int
	Matched24h   int
	Days         []SourceDay // newest last, at most 30
}

// SourceDay is one cell of the thirty-day strip.
type SourceDay struct {
	Day              time.Time // midnight UTC
	Runs, Failures   int
	Fetched, Matched int
}

// FailureKind says why a fetch gave no page, by what to do about it.
type FailureKind string

const (
	FailProxy    FailureKind = "proxy"     // the route is down: no request left
	FailRefused  FailureKind = "refused"   // the address is one that we must not reach
	FailNetwork  FailureKind = "network"   // DNS, connect, TLS, reset
	FailTimeout  FailureKind = "timeout"   // no answer within the limit
	FailStatus   FailureKind = "status"    // 4xx or 5xx; Status and RetryAfter say more
	FailTooLarge FailureKind = "too_large" // over the limit after decompression
	FailCut      FailureKind = "cut"       // shorter than it said, or broken compression
	FailType     FailureKind = "type"      // content type that we do not read
	FailCaptcha  FailureKind = "captcha"
	FailLogin    FailureKind = "login"  // a log-in form instead of content
	FailBanned   FailureKind = "banned" // the page says that we are banned
	FailSlow     FailureKind = "slow"   // the page asks us to wait, whatever its status says
	FailLayout   FailureKind = "layout"
	FailDenied   FailureKind = "denied" // an answer, or our own settings, say that we have no access
)

// FetchError is a fetch that did not give a page. Its text never holds page content.
type FetchError struct {
	Kind       FailureKind
	URL        string
	Status     int           // for FailStatus
	RetryAfter time.Duration // as the server asked; 0 = it did not
	Err        error         // cause, for the log
}

func (e *FetchError) Error() string {
	s := "fetch " + e.URL + ": " + string(e.Kind)
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *FetchError) Unwrap() error { return e.Err }

// Page is one fetched page with what was read from it. Body text lives only in Items and only in memory.
type Page struct {
	Capture Capture
	Items   []Item
	Leaked  []LeakedAccount
	Marks   []Mark // what to remember so that it is not fetched again; saved with the items' findings
}

// Capture is one fetched copy. It never changes; its body is dropped by the default policy.
type Capture struct {
	ID          int64
	SourceID    int64
	URL         string
	Digest      string // hex SHA-256 of the body after decompression
	Fetched     time.Time
	Status      int
	ContentType string
	Bytes       int64
	Items       int
	Matched     int
}

// Mark remembers one entry or page of a source between runs.
type Mark struct {
	Key    string // URL or post id, unique in the source
	Marker string // listing marker, ETag or digest: equal means unchanged
}

// Item is one document that a source holds: a paste, a post, a victim entry.
type Item struct {
	Board  string
	Thread string
	PostID string
	URL    string
	Author string
	Posted time.Time // zero = unknown
	Title  string
	Text   string // valid UTF-8, NFC, markup removed; lines kept

	// What an engine reads apart.
	Edited      bool
	EditedAt    time.Time // zero = unknown
	Quotes      []Quote   // what the post quotes; not in Text
	Code        []string  // code blocks; in Text too
	Attachments []string  // names of files that hang on it, or that a leak site lists; they are never fetched

	Claim Claim // what a leak post says; zero = it is none
}

// Claim is what a leak post says of its victim, as it says it.
type Claim struct {
	Victim  string
	Website string // the victim's own
	Group   string // who claims it
	Volume  string // such as "1.2 TB"
	Country string
	Sector  string
}

// LeakedAccount is what a service says about accounts of a domain: that they are in a leak. It never has a password.
type LeakedAccount struct {
	Key     string    // unique in the source
	Account string    // "" = the service counts accounts and does not name them
	Domain  string    // that was asked about
	Host    string    // where the account is used; "" = not said
	Class   Class     // as the service says; "" = it follows from account and host
	Stolen  bool      // by malware on a machine; else in somebody's breach
	Secret  bool      // a password is part of what leaked
	Count   int       // accounts or log-ins that it stands for, when they are not named
	Leaked  time.Time // zero = unknown
	Posted  time.Time // when the service learnt of it; zero = unknown
	Facts   []Fact
}

// Quote is somebody's words inside another one's post.
type Quote struct {
	Author string // "" = not said
	Text   string
}

// CrawlReport is what one run amounted to.
type CrawlReport struct {
	Pages         int
	Items         int            // read
	New           int            // read for the first time or changed
	Unchanged     int            // skipped by mark
	Engine        string         // software that was recognised or named; "" = read by selectors
	Edited        int            // of New: read before, and changed since
	Encrypted     int            // pastes that only their readers can open: counted, never opened
	Once          int            // pastes that can be read only once: counted and left alone
	Gone          int            // read before, and no more
	Said          []string       // what a person should know and that is no fault: limits of a subscription, what is gone
	NotUnderstood []string       // addresses and what was missing, no page text
	Session       *SourceSession // to be remembered in place of the one before; nil = as it was
	Unused        []string       // selectors of the definition that found nothing anywhere; right for some, as next on a site of one page
}
