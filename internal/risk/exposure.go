package risk

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Severity orders exposures by how soon someone must act.
type Severity int

const (
	SeverityLow Severity = iota + 1
	SeverityMedium
	SeverityHigh
	SeverityCritical
)

var severityNames = map[Severity]string{SeverityLow: "low", SeverityMedium: "medium", SeverityHigh: "high", SeverityCritical: "critical"}

func (s Severity) String() string { return severityNames[s] }

// ParseSeverity reads a name as String writes it.
func ParseSeverity(name string) (Severity, error) {
	for s, n := range severityNames {
		if n == name {
			return s, nil
		}
	}
	return 0, Invalid("severity", "%q is not a severity; use low, medium, high or critical.", name)
}

// Limit is the time within which someone must act.
func (s Severity) Limit() time.Duration {
	switch s {
	case SeverityCritical:
		return time.Hour
	case SeverityHigh:
		return 4 * time.Hour
	case SeverityMedium:
		return 3 * 24 * time.Hour
	}
	return 14 * 24 * time.Hour
}

// ExposureState is where an exposure stands in its life.
type ExposureState string

const (
	ExposureNew          ExposureState = "new"
	ExposureConfirmed    ExposureState = "confirmed"
	ExposureWithSupplier ExposureState = "with_supplier"
	ExposureFixed        ExposureState = "fixed"
	ExposureClosed       ExposureState = "closed"
	ExposureDuplicate    ExposureState = "duplicate"
	ExposureDismissed    ExposureState = "dismissed"
	ExposureWaived       ExposureState = "waived"
)

// Open reports that somebody still has to act.
func (s ExposureState) Open() bool {
	return s == ExposureNew || s == ExposureConfirmed || s == ExposureWithSupplier
}

// OpenStates are the states that Open accepts, for queries.
var OpenStates = []ExposureState{ExposureNew, ExposureConfirmed, ExposureWithSupplier}

// Exposure is an indicator that concerns a supplier, identified by content and not by position.
type Exposure struct {
	ID          int64
	Fingerprint string // keyed digest of what it is; unique
	KeyID       string // which key made Fingerprint and sealed Account
	SupplierID  int64
	Supplier    string // name, filled on reading
	Tier        Tier   // of the supplier, filled on reading
	Kind        IndicatorKind
	Format      Format
	Class       Class
	Match       MatchKind
	TermKind    TermKind
	Term        string
	Title       string // one line for lists and mail: what and whose, masked
	AccountMask string // such as "l•••••@meridian-lab.example"
	Account     []byte // whole account under the server's data key; empty = none
	Host        string // where the credential is used; "" = unknown
	SecretKind  SecretKind
	SecretBand  string    // length band; the secret itself is not kept
	UsableUntil time.Time // of a cookie; zero = unknown, or until the browser is closed
	Excerpt     string
	SourceID    int64      // of the first sighting
	SourceKind  SourceKind // of the first sighting
	SourceName  string     // filled on reading
	Severity    Severity
	Reasons     []string // why this severity, one sentence each
	State       ExposureState
	StateReason string
	DuplicateOf int64
	OwnerID     int64  // user; 0 = nobody
	Owner       string // name, filled on reading
	Due         time.Time
	Observed    time.Time // when the data was taken or posted, as far as known; else the first sighting
	FirstSeen   time.Time
	LastSeen    time.Time
	Sightings   int
	Looked      time.Time // first change by a person; zero = none yet
	Updated     time.Time
	Version     int // grows with each change; an update with an old one is ErrConflict
}

// Ref is the exposure's public name, such as "EX-2041".
func (e Exposure) Ref() string { return fmt.Sprintf("EX-%d", e.ID) }

// Sighting is one place and time at which an exposure was seen. Its Key makes a second run a no-op.
type Sighting struct {
	ID         int64
	ExposureID int64
	SourceID   int64
	SourceName string // filled on reading
	Key        string // unique with the exposure: source item, or file digest and record
	Where      Place
	Board      string
	Thread     string
	Author     string
	Posted     time.Time // zero = unknown
	Seen       time.Time
	Facts      []Fact // of the machine that the data was taken from, safe to show
	FileID     int64  // of the dump file that it is in; 0 = none
}

// Finding is an exposure as just found, with the sighting that found it.
type Finding struct {
	Exposure Exposure
	Sighting Sighting
	Document int // in which of its file's documents it is, in reading order from 0
}

// ExposureEvent is one line of an exposure's history.
type ExposureEvent struct {
	ID         int64
	ExposureID int64
	At         time.Time
	ActorID    int64  // 0 = Wardline itself
	Actor      string // name, filled on reading
	What       string // such as "confirmed", "mailed", "assigned"
	Detail     string
}

// Change is what somebody does to an exposure.
type Change struct {
	To          ExposureState // "" = state stays
	Reason      string
	DuplicateOf int64
	AssignTo    *int64 // user id, 0 = nobody
	Version     int    // as read; 0 = do not check
}

// stateChanges lists where each state may go; a state not listed ends.
var stateChanges = map[ExposureState][]ExposureState{
	ExposureNew:          {ExposureConfirmed, ExposureWithSupplier, ExposureDuplicate, ExposureDismissed, ExposureWaived},
	ExposureConfirmed:    {ExposureWithSupplier, ExposureFixed, ExposureDuplicate, ExposureDismissed, ExposureWaived},
	ExposureWithSupplier: {ExposureConfirmed, ExposureFixed, ExposureDismissed, ExposureWaived},
	ExposureFixed:        {ExposureClosed, ExposureConfirmed},
	ExposureClosed:       {ExposureConfirmed},
	ExposureDuplicate:    {ExposureNew},
	ExposureDismissed:    {ExposureNew},
	ExposureWaived:       {ExposureNew},
}

// Next are the states that an exposure in state s may go to.
func (s ExposureState) Next() []ExposureState { return slices.Clone(stateChanges[s]) }

// DismissReasons are the reasons that the portal offers.
var DismissReasons = []string{"not ours", "old", "test data", "false match"}

// Apply checks a change against the exposure as it is now and returns it changed, with the line for its history.
func (e Exposure) Apply(c Change, actor Actor, now time.Time) (Exposure, ExposureEvent, error) {
	if !Can(actor, ActTriage) {
		return e, ExposureEvent{}, fmt.Errorf("change %s: %w", e.Ref(), ErrForbidden)
	}
	if c.Version != 0 && c.Version != e.Version {
		return e, ExposureEvent{}, fmt.Errorf("change %s: read at version %d, now at %d: %w", e.Ref(), c.Version, e.Version, ErrConflict)
	}
	event := ExposureEvent{ExposureID: e.ID, At: now, ActorID: actor.UserID}
	if c.AssignTo != nil {
		e.OwnerID = *c.AssignTo
		event.What = "assigned"
		if e.OwnerID == 0 {
			event.What = "unassigned"
		}
	}
	if c.To != "" {
		if err := e.mayBecome(c); err != nil {
			return e, event, err
		}
		e.State, e.StateReason, e.DuplicateOf = c.To, strings.TrimSpace(c.Reason), c.DuplicateOf
		event.What, event.Detail = string(c.To), e.StateReason
	}
	if event.What == "" {
		return e, event, Invalid("", "Nothing to change.")
	}
	if e.Looked.IsZero() && actor.UserID != 0 {
		e.Looked = now
	}
	e.Updated = now
	e.Version++
	return e, event, nil
}

// mayBecome checks a change of state: that it may follow on the present one, and that it says what it needs.
func (e Exposure) mayBecome(c Change) error {
	if !slices.Contains(stateChanges[e.State], c.To) {
		return Invalid("state", "An exposure that is %s cannot become %s.", e.State, c.To)
	}
	if (c.To == ExposureDismissed || c.To == ExposureWaived) && strings.TrimSpace(c.Reason) == "" {
		return Invalid("reason", "Say why: dismissing and waiving need a reason.")
	}
	if c.To == ExposureDuplicate && (c.DuplicateOf == 0 || c.DuplicateOf == e.ID) {
		return Invalid("duplicate_of", "Name the exposure that this one repeats, such as EX-12.")
	}
	return nil
}
