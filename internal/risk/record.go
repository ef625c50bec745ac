package risk

import "time"

// Batch is what one page or one stretch of a file gave; it is recorded in one transaction or not at all.
type Batch struct {
	Now      time.Time
	Source   Source
	Capture  *Capture // nil for files
	Marks    []Mark
	Findings []Finding
	File     *File   // nil for pages
	Floods   []Flood // of the file that changed; numbers only ever grow while a file is read
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
	Version   string // what an object store calls this content; "" for a file of this machine
	Watchlist string // digest of the watch terms it was read with
	Read      int64  // bytes of its documents, unpacked, that were looked through
	Packed    int64  // bytes of the file itself that were read for that
	Rate      int64  // of these, in a second, lately; 0 = not known
	At        Position
	Records   int // indicators found
	State     FileState
	Why       string
	Skipped   []string // entries and places that could not be read, named
	Sample    string   // digest of the size and a few stretches: files of the same content have the same
	Digest    string   // hex SHA-256 of the whole content; "" = not known
	SameAs    string   // path of the file with the same content that was read instead
	Tries     int      // readings from At that ended with the process and without getting any further
	Started   time.Time
	Updated   time.Time // when this was last written down
	Finished  time.Time
}

// Left is how long the reading will go on at its present rate; 0 = not known.
func (f File) Left() time.Duration {
	if f.State != FileReading || f.Rate <= 0 || f.Packed >= f.Bytes {
		return 0
	}
	return time.Duration(float64(f.Bytes-f.Packed) / float64(f.Rate) * float64(time.Second))
}

// FileState is where the reading of a file stands.
type FileState string

const (
	FileReading FileState = "reading"
	FileDone    FileState = "done"
	FileFailed  FileState = "failed"
	FileSame    FileState = "same" // as the one at SameAs: it was not read itself

	FileCancelled FileState = "cancelled" // by a person, who may let it go on from where it stands
)

// Standing is what is true of one supplier now, read inside the transaction that acts on it.
type Standing struct {
	Supplier Supplier
	Evidence []Evidence
	Coverage []SourceKind
	Previous *Score // nil = never scored
	// Unalerted are open, at least high, and nobody was told of them, or not the present owner; the most severe come first.
	// When they are many, the first are whole, and the rest hold what a digest says: ID, Fingerprint, Supplier, source,
	// Severity, State, Due, FirstSeen.
	Unalerted []Exposure
	Told      map[int64][]string // for those of Unalerted that somebody was told of: exposure → lower-case addresses
	Alerts    int                // decided about this supplier within AlertWindow, digests apart
	Digest    time.Time          // the last digest within AlertWindow; zero = none
	Floods    []Flood            // with findings that were only counted and that no digest told of
	Counted   []OnlyCounted      // all that were, told of or not
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
	Low        bool      // JobScanFile: after all others
}

// JobKind names a kind of work.
type JobKind string

const (
	JobCollect  JobKind = "collect"
	JobScanFile JobKind = "scan_file"
	JobRescore  JobKind = "rescore"
	JobSendMail JobKind = "send_mail"
	JobDecide   JobKind = "decide" // about suppliers whose decision was put off
	JobHunt     JobKind = "hunt"   // for terms that were added since dumps were read
)
