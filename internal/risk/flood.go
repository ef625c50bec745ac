package risk

import "time"

// Flood counts the findings of one kind and class about one supplier in one file. So many of them become exposures;
// further ones are counted and not kept one by one.
type Flood struct {
	FileID     int64
	Path       string // of the file, filled on reading
	SupplierID int64
	Supplier   string // name, filled on reading
	Kind       IndicatorKind
	Class      Class
	Kept       int64     // findings that were recorded
	Counted    int64     // findings that were only counted
	Told       int64     // of Counted, those that a digest told of
	Since      time.Time // the first that was only counted; zero = none was
	Last       time.Time // the last of them
}

// Untold are the findings that were only counted and that no digest told of.
func (f Flood) Untold() int64 { return max(0, f.Counted-f.Told) }

// OnlyCounted are findings of one kind about one supplier in dumps that were only counted. A score does not weigh them, and
// says so.
type OnlyCounted struct {
	Kind  IndicatorKind
	Count int64
}

// FloodFilter selects floods in which findings were only counted; zero fields do not filter.
type FloodFilter struct {
	SupplierID int64
	FileID     int64
	Limit      int // 0 = 50
}

// Repeats are the sightings of one exposure in one file beyond those that are kept.
type Repeats struct {
	FileID  int64
	Path    string
	Counted int64
}
