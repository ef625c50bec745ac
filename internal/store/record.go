package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

// Record saves what one page or one stretch of a file gave, and all that follows from it, in one transaction: places,
// exposures, sightings, then for every supplier touched its score, its alerts, their messages and the jobs that send
// them. What is already there is left as it is, so that a second run of the same batch changes nothing. A batch with a
// DecideBy leaves all that follows to Rescore, and marks the suppliers as undecided.
func (s *Store) Record(ctx context.Context, b risk.Batch, decide risk.Decide) (risk.Recorded, error) {
	findings, err := completed(b)
	if err != nil {
		return risk.Recorded{}, fmt.Errorf("record batch of source %s: %w", b.Source.Key, err)
	}
	var out risk.Recorded
	err = s.change(ctx, func(tx *gorm.DB) error {
		if err := savePlaces(ctx, tx, b); err != nil {
			return err
		}
		// Whoever decides about a supplier holds its row, so that two batches cannot each miss the other's findings.
		if err := s.lockSuppliers(tx, findings); err != nil {
			return err
		}
		saved, err := saveFindings(ctx, tx, findings, b.Now)
		if err != nil {
			return err
		}
		out = saved
		if !b.DecideBy.IsZero() {
			return putOff(ctx, tx, saved.Suppliers, b.DecideBy)
		}
		out.Messages, err = s.settle(ctx, tx, saved.Suppliers, b.Now, decide)
		return err
	})
	if err != nil {
		return risk.Recorded{}, fmt.Errorf("record batch of source %s: %w", b.Source.Key, err)
	}
	return out, nil
}

// Rescore decides again about one supplier from what is true now.
func (s *Store) Rescore(ctx context.Context, supplierID int64, now time.Time, decide risk.Decide) error {
	err := s.change(ctx, func(tx *gorm.DB) error {
		if err := first(s.lock(tx).Select("id").Where("id = ?", supplierID), &supplierRow{}, "supplier", supplierID); err != nil {
			return err
		}
		_, err := s.settle(ctx, tx, []int64{supplierID}, now, decide)
		return err
	})
	if err != nil {
		return fmt.Errorf("rescore: %w", err)
	}
	return nil
}

// completed checks a batch's findings, fills in what follows from the batch and sorts them by fingerprint: every
// transaction then takes its locks in the same order.
func completed(b risk.Batch) ([]*risk.Finding, error) {
	if b.Source.ID == 0 {
		return nil, risk.Invalid("source", "A batch needs a source that was saved.")
	}
	if b.Now.IsZero() {
		return nil, risk.Invalid("now", "A batch needs the time.")
	}
	findings := make([]*risk.Finding, len(b.Findings)) // pointers: a finding is large, and sorting moves it about
	for i := range b.Findings {
		f := b.Findings[i]
		if err := complete(&f, b); err != nil {
			return nil, err
		}
		findings[i] = &f
	}
	slices.SortStableFunc(findings, func(x, y *risk.Finding) int {
		return strings.Compare(x.Exposure.Fingerprint, y.Exposure.Fingerprint)
	})
	return findings, nil
}

func complete(f *risk.Finding, b risk.Batch) error {
	e, sight := &f.Exposure, &f.Sighting
	if e.Fingerprint == "" || e.SupplierID == 0 || sight.Key == "" || e.Severity == 0 {
		return risk.Invalid("findings", "A finding needs a fingerprint, a supplier, a severity and a sighting's key.")
	}
	sight.SourceID = cmp.Or(sight.SourceID, b.Source.ID)
	sight.Seen = orTime(sight.Seen, b.Now)
	e.SourceID = cmp.Or(e.SourceID, b.Source.ID)
	e.SourceKind = cmp.Or(e.SourceKind, b.Source.Kind)
	e.State = cmp.Or(e.State, risk.ExposureNew)
	e.FirstSeen = orTime(e.FirstSeen, sight.Seen)
	e.LastSeen = orTime(e.LastSeen, sight.Seen)
	e.Observed = orTime(e.Observed, orTime(sight.Posted, e.FirstSeen))
	e.Due = orTime(e.Due, e.FirstSeen.Add(e.Severity.Limit()))
	e.Updated = orTime(e.Updated, b.Now)
	e.Version = max(e.Version, 1)
	return nil
}

func orTime(t, other time.Time) time.Time {
	if t.IsZero() {
		return other
	}
	return t
}

func savePlaces(ctx context.Context, tx *gorm.DB, b risk.Batch) error {
	if b.Capture != nil {
		row := newCaptureRow(*b.Capture)
		row.ID, row.SourceID = 0, cmp.Or(row.SourceID, b.Source.ID)
		row.Fetched = at(orTime(row.Fetched.Time, b.Now))
		if err := tx.Create(&row).Error; err != nil {
			return fmt.Errorf("save capture: %w", kind(err))
		}
	}
	if err := saveMarks(ctx, tx, b.Source.ID, b.Marks); err != nil {
		return err
	}
	if b.File == nil {
		return nil
	}
	f := *b.File
	f.SourceID = cmp.Or(f.SourceID, b.Source.ID)
	return saveFile(tx, f)
}

func (s *Store) lockSuppliers(tx *gorm.DB, findings []*risk.Finding) error {
	ids := map[int64]bool{}
	for _, f := range findings {
		ids[f.Exposure.SupplierID] = true
	}
	for part := range slices.Chunk(slices.Sorted(maps.Keys(ids)), maxRows) {
		var found []int64
		if err := s.lock(tx.Model(&supplierRow{})).Where("id IN ?", part).Order("id").Pluck("id", &found).Error; err != nil {
			return fmt.Errorf("hold suppliers: %w", err)
		}
		if len(found) < len(part) {
			return fmt.Errorf("hold suppliers %v: %w", part, risk.ErrNotFound)
		}
	}
	return nil
}

// held is an exposure that the database holds, as far as a new sighting concerns it.
type held struct {
	id       int64
	supplier int64
	state    risk.ExposureState
	severity risk.Severity
	fresh    bool // inserted by this batch
	new      int  // sightings that this batch added to an exposure known before
	last     time.Time
	raised   bool // by this batch, to severity
}

// saveFindings saves findings that are sorted by fingerprint.
func saveFindings(ctx context.Context, tx *gorm.DB, findings []*risk.Finding, now time.Time) (risk.Recorded, error) {
	exposures, err := findHeld(ctx, tx, fingerprints(findings, nil))
	if err != nil {
		return risk.Recorded{}, err
	}
	if err := insertExposures(ctx, tx, findings, exposures); err != nil {
		return risk.Recorded{}, err
	}
	if err := insertSightings(ctx, tx, findings, exposures); err != nil {
		return risk.Recorded{}, err
	}
	if err := raiseSeverities(tx, findings, exposures, now); err != nil {
		return risk.Recorded{}, err
	}
	if err := countSightings(ctx, tx, exposures); err != nil {
		return risk.Recorded{}, err
	}
	if err := writeSeenAgain(ctx, tx, exposures, now); err != nil {
		return risk.Recorded{}, err
	}
	return recorded(exposures), nil
}

// fingerprints lists those not yet known, each once, in order.
func fingerprints(findings []*risk.Finding, known map[string]*held) []string {
	var out []string
	for i, f := range findings {
		fp := f.Exposure.Fingerprint
		if repeated := i > 0 && findings[i-1].Exposure.Fingerprint == fp; !repeated && known[fp] == nil {
			out = append(out, fp)
		}
	}
	return out
}

func findHeld(ctx context.Context, tx *gorm.DB, fingerprints []string) (map[string]*held, error) {
	found := make(map[string]*held, len(fingerprints))
	for part := range slices.Chunk(fingerprints, maxRows) {
		args := make([]any, len(part))
		for i, fp := range part {
			args[i] = fp
		}
		q := "SELECT id, fingerprint, supplier_id, state, severity FROM exposures WHERE fingerprint IN " + placeholders(tx.Name(), len(part))
		_, err := run(ctx, tx, q, args, func(rows *sql.Rows) error {
			h, fp := &held{}, ""
			err := rows.Scan(&h.id, &fp, &h.supplier, &h.state, &h.severity)
			found[fp] = h
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find exposures by fingerprint: %w", err)
		}
	}
	return found, nil
}

// insertExposures adds those that are not held yet, with their sightings counted, and to held what it added.
func insertExposures(ctx context.Context, tx *gorm.DB, findings []*risk.Finding, known map[string]*held) error {
	var rows []exposureRow
	place := map[string]int{}
	keys := map[[2]string]bool{}
	for _, f := range findings {
		fp := f.Exposure.Fingerprint
		if known[fp] != nil {
			continue
		}
		i, repeated := place[fp]
		if !repeated {
			i = len(rows)
			place[fp] = i
			rows = append(rows, newExposureRow(f.Exposure))
			rows[i].Sightings = 0
		}
		if k := [2]string{fp, f.Sighting.Key}; !keys[k] {
			keys[k] = true
			rows[i].Sightings++
			rows[i].LastSeen = at(later(rows[i].LastSeen.Time, f.Sighting.Seen))
		}
	}
	_, err := insertRows(ctx, tx, rows, "ON CONFLICT (fingerprint) DO NOTHING RETURNING id, fingerprint", func(returned *sql.Rows) error {
		h, fp := &held{fresh: true}, ""
		err := returned.Scan(&h.id, &fp)
		row := rows[place[fp]]
		h.supplier, h.state, h.severity = row.SupplierID, risk.ExposureState(row.State), risk.Severity(row.Severity)
		known[fp] = h
		return err
	})
	if err != nil {
		return kind(err)
	}
	// Another process may have been first with some of them.
	others, err := findHeld(ctx, tx, fingerprints(findings, known))
	maps.Copy(known, others)
	return err
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// insertSightings adds those that are not held yet and counts, per known exposure, how many that were.
func insertSightings(ctx context.Context, tx *gorm.DB, findings []*risk.Finding, exposures map[string]*held) error {
	type place struct {
		exposure int64
		key      string
	}
	known := make(map[place]bool, len(findings))
	again := make(map[int64]*held)
	var first, repeated []sightingRow // of exposures that this batch added, and of others
	for _, f := range findings {
		h := exposures[f.Exposure.Fingerprint]
		row := newSightingRow(f.Sighting)
		row.ID, row.ExposureID = 0, h.id
		p := place{h.id, row.Key}
		switch {
		case known[p]:
		case h.fresh:
			first = append(first, row)
		default:
			again[h.id] = h
			repeated = append(repeated, row)
		}
		known[p] = true
	}
	if _, err := insertRows(ctx, tx, first, "", nil); err != nil {
		return kind(err)
	}
	_, err := insertRows(ctx, tx, repeated, "ON CONFLICT (exposure_id, key) DO NOTHING RETURNING exposure_id, seen", func(rows *sql.Rows) error {
		var id int64
		var seen stamp
		err := rows.Scan(&id, &seen)
		h := again[id]
		h.new++
		h.last = later(h.last, seen.Time)
		return err
	})
	return kind(err)
}

// countSightings brings the counts of exposures that were known before up to the sightings that were added.
func countSightings(ctx context.Context, tx *gorm.DB, exposures map[string]*held) error {
	var seen []*held
	for _, fp := range slices.Sorted(maps.Keys(exposures)) {
		if h := exposures[fp]; h.new > 0 {
			seen = append(seen, h)
		}
	}
	for part := range slices.Chunk(seen, maxRows) {
		var b strings.Builder
		args := make([]any, 0, 3*len(part))
		b.WriteString("UPDATE exposures SET sightings = sightings + v.column2, last_seen = CASE WHEN v.column3 > last_seen THEN v.column3 ELSE last_seen END FROM (VALUES ")
		for i, h := range part {
			if i > 0 {
				b.WriteByte(',')
			}
			writeBigints(&b, tx.Name(), 3, len(args)+1)
			args = append(args, h.id, h.new, at(h.last))
		}
		b.WriteString(") AS v WHERE exposures.id = v.column1")
		if _, err := run(ctx, tx, b.String(), args, nil); err != nil {
			return fmt.Errorf("count sightings: %w", err)
		}
	}
	return nil
}

// writeSeenAgain writes a line of history for what turned up again after it was taken for settled. That does not open
// it again: whether it must be is for a person to say.
func writeSeenAgain(ctx context.Context, tx *gorm.DB, exposures map[string]*held, now time.Time) error {
	var rows []eventRow
	for _, fp := range slices.Sorted(maps.Keys(exposures)) {
		if h := exposures[fp]; h.new > 0 && !h.state.Open() {
			rows = append(rows, eventRow{ExposureID: h.id, At: at(now), What: "seen again"})
		}
	}
	_, err := insertRows(ctx, tx, rows, "", nil)
	return err
}

func recorded(exposures map[string]*held) risk.Recorded {
	var out risk.Recorded
	touched := map[int64]bool{}
	for _, h := range exposures {
		switch {
		case h.fresh:
			out.New++
		case h.new > 0 || h.raised:
			out.Seen += h.new
		default:
			continue
		}
		touched[h.supplier] = true
	}
	out.Suppliers = slices.Sorted(maps.Keys(touched))
	return out
}
