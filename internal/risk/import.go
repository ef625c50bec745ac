package risk

// ImportRow is what an import would do, or did, with one line of a watchlist CSV.
type ImportRow struct {
	Line     int
	Supplier string
	Kind     TermKind
	Value    string
	Outcome  string // one of the three below
	Why      string // why it was rejected, or what is new beside the term
}

// Outcomes of an ImportRow.
const (
	ImportNew      = "new"
	ImportKnown    = "known" // stored already, or on an earlier line
	ImportRejected = "rejected"
)
