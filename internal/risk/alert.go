package risk

import "time"

// AlertKind says what an alert is about.
type AlertKind string

// AlertExposure tells of exposures that somebody who should know was not told of.
const AlertExposure AlertKind = "new_exposure"

// AlertSource tells of sources from which nothing reaches us.
const AlertSource AlertKind = "source_blind"

// AlertWindow is the time within which alerts about one supplier count together, so that a flood is told of at once and
// not in a flood of mails.
const AlertWindow = 15 * time.Minute

// Alert is the decision to tell someone. Its Key is unique: deciding twice tells once.
type Alert struct {
	ID         int64
	Key        string // such as "new_exposure:<fingerprint>"
	Kind       AlertKind
	SupplierID int64   // 0 = none
	ExposureID int64   // 0 = none
	Exposures  []int64 // all that the alert covers: the one of ExposureID, or those of a digest; each counts as alerted
	SourceID   int64   // 0 = none
	Decided    time.Time
	To         []Person
	Notice     Notice
}

// Notice is what a message says. It never holds a password or a whole account name.
type Notice struct {
	Ref       string // such as "EX-2041"
	Severity  Severity
	Title     string // what
	Supplier  string // whose
	Tier      Tier
	Account   string // masked; "" = none
	More      string // what was only counted, a sentence; "" = nothing
	Where     string // source name and kind; no address of a hostile place
	FirstSeen time.Time
	Due       time.Time
	Steps     []string // what to do next, in order
	Path      string   // below the portal's address, such as "/exposures/2041"
}

// MessageState is where an outbox message stands.
type MessageState string

const (
	MessagePending MessageState = "pending"
	MessageSending MessageState = "sending" // handed to the mail server, its answer not yet recorded
	MessageSent    MessageState = "sent"
	MessageFailed  MessageState = "failed" // given up after a day; shown in the portal
)

// Message is one mail to one person, waiting in the outbox.
type Message struct {
	ID       int64
	Key      string // alert key and recipient; unique; also makes the Message-ID
	AlertID  int64
	To       Person
	Notice   Notice
	State    MessageState
	Attempts int
	Created  time.Time
	NextTry  time.Time
	Sent     time.Time
	Why      string // last failure, a sentence without addresses
}
