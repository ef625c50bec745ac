package risk

import "time"

// SupplierFilter selects suppliers; zero fields do not filter.
type SupplierFilter struct {
	Text     string // in the name, kind or a term's value
	Tier     *Tier
	Relation Relation
	Grade    string // "A"…"F", or "none" for insufficient evidence
	Owner    string // owner's e-mail
	Sort     string // "name" (default), "score", "tier", "open", "seen"; "-" before it turns it round
	Limit    int    // 0 = 50
	Offset   int
}

// SupplierRow is a supplier as lists show it.
type SupplierRow struct {
	Supplier     Supplier
	Score        *Score    // latest, without contributions and inputs; nil = not yet computed
	Before       *Score    // newest one that is at least 7 days older than now; nil = none
	Line         []float64 // score at the end of each of the last 12 weeks for which there is one, oldest first
	Open         int       // open exposures
	OpenCritical int
	LastSeen     time.Time // newest sighting; zero = none
}

// ExposureFilter selects exposures; zero fields do not filter.
type ExposureFilter struct {
	States     []ExposureState
	Severities []Severity
	SupplierID int64
	SourceID   int64
	FileID     int64  // seen in that dump file
	OwnerID    *int64 // pointer to 0 = nobody's
	Kind       IndicatorKind
	Class      Class
	Tier       *Tier
	Since      time.Time // first seen at or after
	Text       string    // in title, host, supplier name, or a reference such as EX-12
	Sort       string    // "due" (default: most severe first within overdue… simply due time), "new", "severity"
	Limit      int       // 0 = 50
	Offset     int
}

// FileFilter selects dump files, the last written down first; zero fields do not filter.
type FileFilter struct {
	SourceID int64
	States   []FileState
	Text     string // in the path
	Limit    int    // 0 = 50
	Offset   int
}

// ExposureCount counts the exposures of one state and owner.
type ExposureCount struct {
	State   ExposureState
	OwnerID int64 // 0 = nobody's
	Count   int
}

// SourceStatus is a source with its health.
type SourceStatus struct {
	Source Source
	Health SourceHealth
	Open   int // open exposures first seen there
}

// SourceRun is the outcome of one run of a source.
type SourceRun struct {
	SourceID int64
	Started  time.Time
	Finished time.Time
	Report   CrawlReport
	Matched  int
	State    SourceState // the state after it
	Why      string
	NextRun  time.Time // not before
	Failed   bool
}

// Overview is what the first page counts.
type Overview struct {
	Computed      time.Time
	Suppliers     int
	Terms         int
	OpenBy        map[Severity]int
	OpenUnowned   int
	OpenWeekAgo   int         // open at this time a week ago; -1 = Wardline was not running then
	FirstLook     *TimeToLook // nil = nothing looked at yet
	Tier1         int
	Tier1BelowD   int // tier 1 with a score under 60
	Tier1Unknown  int // tier 1 without sufficient evidence
	Weeks         []WeekCount
	Matrix        []MatrixCell
	MessagesStuck int // pending for over 10 minutes, or failed
	FilesFailed   int
}

// TimeToLook is measured from first seen to the first change by a person, over 90 days.
type TimeToLook struct {
	Median, P90 time.Duration
	Count       int
}

// WeekCount counts one ISO week.
type WeekCount struct {
	Monday time.Time // UTC
	New    map[Severity]int
	Closed int
}

// MatrixCell counts suppliers of one tier in one band: "A"…"F", "none" = insufficient evidence.
type MatrixCell struct {
	Tier  Tier
	Band  string
	Count int
}
