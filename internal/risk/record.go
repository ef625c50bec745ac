package risk

import "time"

// Batch is what one page or one stretch of a file gave; it is recorded in one transaction or not at all.
type Batch struct {
	Now      time.Time
	Source   Source
	Capture  *Capture // nil for files
	Marks    []Mark
	Findings []Finding
	File     *File // nil for pages
	// DecideBy is set when more of the same is on its way: the batch is then only recorded, and its suppliers are decided
	// about by that time at the latest. Zero = decide in the same transaction.
	DecideBy time.Time
}

// File is a dump file in the drop folder and how far it has been read.
type File struct {
	ID        int64
	SourceID  int64
	Path      string // relative to the drop folder
	Bytes     int64
	Modified  time.Time
	Watchlist string // digest of the watch terms it was read with
	Read      int64  // bytes read so far
	At        Position
	Records   int // indicators found
	State     FileState
	Why       string
	Skipped   []string // entries and places that could not be read, named
	Started   time.Time
	Finished  time.Time
}

// FileState is where the reading of a file stands.
type FileState string

const (
	FileReading FileState = "reading"
	FileDone    FileState = "done"
	FileFailed  FileState = "failed"

	FileCancelled FileState = "cancelled" // by a person, who may let it go on from where it stands
)

// Standing is what is true of one supplier now, read inside the transaction that acts on it.
type Standing struct {
	Supplier  Supplier
	Evidence  []Evidence
	Coverage  []SourceKind
	Previous  *Score             // nil = never scored
	Unalerted []Exposure         // open, at least high, of which nobody was told, or not the present owner
	Told      map[int64][]string // for those of Unalerted that somebody was told of: exposure → lower-case addresses
	Alerts    int                // decided about this supplier within AlertWindow, digests apart
	Digest    time.Time          // the last digest within AlertWindow; zero = none
}

// Consequences are what follows from a standing.
type Consequences struct {
	Score  Score
	Alerts []Alert
	Again  time.Time // decide again then, because an alert was held back; zero = when something changes
}

// Decide is the pure step between what is true and what follows.
type Decide func(Standing) (Consequences, error)

// Recorded counts what a batch changed.
type Recorded struct {
	New       int // exposures seen for the first time
	Seen      int // sightings of known exposures
	Messages  int // mails put into the outbox
	Suppliers []int64
}

// Job is work put into the queue in the same transaction as the rows that call for it.
type Job struct {
	Kind       JobKind
	MessageID  int64     // for JobSendMail
	SupplierID int64     // for JobRescore; 0 = all
	SourceKey  string    // for JobCollect and JobScanFile
	Path       string    // for JobScanFile
	At         time.Time // not before; zero = now
}

// JobKind names a kind of work.
type JobKind string

const (
	JobCollect  JobKind = "collect"
	JobScanFile JobKind = "scan_file"
	JobRescore  JobKind = "rescore"
	JobSendMail JobKind = "send_mail"
	JobDecide   JobKind = "decide" // about suppliers whose decision was put off
)
