package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"
)

// undecidedRow is a supplier that must still be decided about. It is written in the transaction that gives the reason
// and goes in the one that decides, so that no crash between the two loses an alert.
type undecidedRow struct {
	SupplierID int64 `gorm:"column:supplier_id;primaryKey;autoIncrement:false"`
	Due        stamp `gorm:"column:due"`
}

func (undecidedRow) TableName() string { return "undecided" }

// putOff leaves the decision about suppliers to later; an earlier time that stands already stays.
func putOff(ctx context.Context, tx *gorm.DB, suppliers []int64, due time.Time) error {
	rows := make([]undecidedRow, len(suppliers))
	for i, id := range suppliers {
		rows[i] = undecidedRow{SupplierID: id, Due: at(due)}
	}
	_, err := insertRows(ctx, tx, rows, `ON CONFLICT (supplier_id) DO UPDATE
		SET due = CASE WHEN excluded.due < undecided.due THEN excluded.due ELSE undecided.due END`, nil)
	return err
}

// decided takes away that a supplier must be decided about, and puts it back for when that must be done again.
func decided(ctx context.Context, tx *gorm.DB, supplier int64, again time.Time) error {
	if err := tx.Where("supplier_id = ?", supplier).Delete(&undecidedRow{}).Error; err != nil {
		return fmt.Errorf("note that supplier %d was decided about: %w", supplier, err)
	}
	if again.IsZero() {
		return nil
	}
	return putOff(ctx, tx, []int64{supplier}, again)
}

// FindUndecided lists the suppliers that must be decided about by now. A time further off than any decision is put off
// comes from a clock that was wrong, and is due too.
func (s *Store) FindUndecided(ctx context.Context, now time.Time) ([]int64, error) {
	var ids []int64
	err := s.find(ctx).Model(&undecidedRow{}).Where("due <= ? OR due > ?", at(now), at(now.Add(longestWait))).Order("due, supplier_id").Pluck("supplier_id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("find undecided suppliers: %w", err)
	}
	return ids, nil
}

// longestWait is more than anything is ever put off by: a later time was written while the clock was ahead.
const longestWait = time.Hour
