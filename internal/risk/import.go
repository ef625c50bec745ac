package risk

// Outcomes of an ImportRow.
const (
	ImportNew      = "new"
	ImportKnown    = "known" // stored already, or on an earlier line
	ImportRejected = "rejected"
)
