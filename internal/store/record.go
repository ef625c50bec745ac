package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

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
		if err := s.holdSources(tx, findings); err != nil {
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
	if err := saveFloods(ctx, tx, b.Floods); err != nil {
		return err
	}
	if b.File == nil {
		return nil
	}
	f := *b.File
	f.SourceID = cmp.Or(f.SourceID, b.Source.ID)
	if err := saveFile(tx, f); err != nil {
		return err
	}
	if f.State == risk.FileDone || f.State == risk.FileFailed {
		return forgetKept(tx, f.ID)
	}
	return nil
}

// holdSources keeps the sources of findings from being deleted; PostgreSQL does not look for them with every row.
func (s *Store) holdSources(tx *gorm.DB, findings []*risk.Finding) error {
	ids := map[int64]bool{}
	for _, f := range findings {
		ids[f.Exposure.SourceID], ids[f.Sighting.SourceID] = true, true
	}
	if s.dialect != dialectPostgres || len(ids) == 0 {
		return nil
	}
	var found []int64
	hold := tx.Model(&sourceRow{}).Clauses(clause.Locking{Strength: "KEY SHARE"})
	if err := hold.Where("id IN ?", slices.Collect(maps.Keys(ids))).Order("id").Pluck("id", &found).Error; err != nil {
		return fmt.Errorf("hold sources: %w", err)
	}
	if len(found) < len(ids) {
		return fmt.Errorf("hold sources: %w", risk.ErrNotFound)
	}
	return nil
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
