package risk

import "time"

// Stretch is a run of a dump's blocks, read from From until reading stands at Until.
type Stretch struct {
	From, Until Position
	Bytes       int64 // of text; 0 = not known
}

// Before tells whether a reading that stands at p comes to q yet.
func (p Position) Before(q Position) bool {
	return p.Document < q.Document || p.Document == q.Document && p.Offset < q.Offset
}

// Clues tell of a term: a text that holds it has all keys of at least one of the lists.
type Clues [][]uint64

// Hunt is what one dump answered to the question where a supplier's terms, added after it was read, have been seen.
type Hunt struct {
	SupplierID int64
	FileID     int64
	Path       string // of the file, filled on reading
	Source     string // its source's name, filled on reading
	State      HuntState
	Stretches  int      // of the dump, of about a megabyte each, that may hold one of the terms
	Looked     int      // of these, read again
	Findings   int      // in what was read again; what was known before counts too
	Unanswered []string // terms that its index cannot answer, as pages may show them
	Updated    time.Time
}

// HuntState is where the hunt for a supplier in one dump stands.
type HuntState string

const (
	HuntReading  HuntState = "reading"   // the stretches that may hold a term are being read again
	HuntDone     HuntState = "done"      // they were
	HuntFullRead HuntState = "full_read" // they were; for other terms the whole dump is to be read again
	HuntGone     HuntState = "gone"      // the dump is no longer there: its index alone answers
)

// HuntRest is what a hunt leaves to be done in a dump.
type HuntRest int

const (
	HuntNothing HuntRest = iota
	HuntNames            // it is to be read for the new terms that no index answers
	HuntWhole            // it is to be read again whole, for all terms
)

// NameRead is the reading of a dump for terms that were added after it was read and that no index answers: names, mostly.
type NameRead struct {
	FileID int64
	Since  string // version of the watchlist after which the terms were added
	Turn   int    // grows when further terms are asked for, and it begins anew
	At     Position
	Counts []Flood // of what it found so far
}

// HuntRun is the last hunt through all dumps. Its zero value says that there was none.
type HuntRun struct {
	Started  time.Time
	Finished time.Time // zero = it goes on, or was ended with its process
	Dumps    int       // that it goes through
	Looked   int       // through which it has gone
	Names    int       // dumps that still wait to be read for the terms that no index answers; filled on reading
	Whole    int       // that still wait to be read again whole, because their index is missing or damaged; filled on reading
	Untold   int       // that are gone, and not all is answered by their index
}

// StaleFile is a dump that was read with an older watchlist than today's.
type StaleFile struct {
	File   File
	Source Source
}
