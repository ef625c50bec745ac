package store

import (
	"context"
	"errors"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/wardline/wardline/internal/risk"
)

type sourceSessionRow struct {
	SourceID int64  `gorm:"column:source_id;primaryKey;autoIncrement:false"`
	Sealed   []byte `gorm:"column:sealed"`
	KeyID    string `gorm:"column:key_id"`
	Cookies  int    `gorm:"column:cookies"`
	Ends     stamp  `gorm:"column:ends"`
	By       string `gorm:"column:by_name"`
	Given    stamp  `gorm:"column:given"`
	Changed  stamp  `gorm:"column:changed"`
}

func (sourceSessionRow) TableName() string { return "source_sessions" }

func newSourceSessionRow(s risk.SealedSession) sourceSessionRow {
	return sourceSessionRow{SourceID: s.SourceID, Sealed: s.Sealed, KeyID: s.KeyID, Cookies: s.Cookies, Ends: at(s.Ends), By: clean(s.By),
		Given: at(s.Given), Changed: at(s.Changed)}
}

func (r sourceSessionRow) session() risk.SealedSession {
	return risk.SealedSession{SourceID: r.SourceID, Sealed: r.Sealed, KeyID: r.KeyID, Cookies: r.Cookies, Ends: r.Ends.Time, By: r.By,
		Given: r.Given.Time, Changed: r.Changed.Time}
}

// FindSourceSession reads the session of a source; the zero SealedSession when there is none.
func (s *Store) FindSourceSession(ctx context.Context, sourceID int64) (risk.SealedSession, error) {
	var row sourceSessionRow
	err := first(s.find(ctx).Where("source_id = ?", sourceID), &row, "session of source", sourceID)
	if errors.Is(err, risk.ErrNotFound) {
		return risk.SealedSession{}, nil
	}
	return row.session(), err
}

// FindSourceSessions reads those of all sources, by source.
func (s *Store) FindSourceSessions(ctx context.Context) (map[int64]risk.SealedSession, error) {
	var rows []sourceSessionRow
	if err := s.find(ctx).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find sessions of sources: %w", err)
	}
	found := map[int64]risk.SealedSession{}
	for _, r := range rows {
		found[r.SourceID] = r.session()
	}
	return found, nil
}

// GiveSession keeps the cookies that a person gave, in place of what was there; with none it forgets the session. The
// source is no longer held back for what happened without them.
func (s *Store) GiveSession(ctx context.Context, given risk.SealedSession) error {
	return s.change(ctx, func(tx *gorm.DB) error {
		if err := tx.Where("source_id = ?", given.SourceID).Delete(&sourceSessionRow{}).Error; err != nil {
			return fmt.Errorf("forget session of source %d: %w", given.SourceID, err)
		}
		if given.Cookies > 0 {
			row := newSourceSessionRow(given)
			if err := tx.Create(&row).Error; err != nil {
				return fmt.Errorf("keep session of source %d: %w", given.SourceID, kind(err))
			}
		}
		return changedOne(tx.Model(&healthRow{}).Where("source_id = ?", given.SourceID).
			Updates(map[string]any{"next_run": stamp{}, "failures": 0}), "health of source", given.SourceID)
	})
}

// KeepSession keeps what a run left of a session that was began at its start. One that a person gave meanwhile stays.
func (s *Store) KeepSession(ctx context.Context, left risk.SealedSession, began risk.SealedSession) error {
	row := newSourceSessionRow(left)
	return s.change(ctx, func(tx *gorm.DB) error {
		var now sourceSessionRow
		err := first(s.lock(tx).Where("source_id = ?", left.SourceID), &now, "session of source", left.SourceID)
		if err != nil && !errors.Is(err, risk.ErrNotFound) {
			return err
		}
		if !now.Given.Equal(began.Given) {
			return nil
		}
		renew := clause.OnConflict{Columns: []clause.Column{{Name: "source_id"}}, UpdateAll: true}
		if err := tx.Clauses(renew).Create(&row).Error; err != nil {
			return fmt.Errorf("keep session of source %d: %w", left.SourceID, err)
		}
		return nil
	})
}
