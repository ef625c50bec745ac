package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

type sourceRow struct {
	ID          int64                `gorm:"column:id;primaryKey"`
	Key         string               `gorm:"column:key"`
	Name        string               `gorm:"column:name"`
	Kind        string               `gorm:"column:kind"`
	Route       string               `gorm:"column:route"`
	Address     string               `gorm:"column:address"`
	Every       int64                `gorm:"column:every_us"`
	Owner       string               `gorm:"column:owner"`
	LegalBasis  string               `gorm:"column:legal_basis"`
	ReviewBy    stamp                `gorm:"column:review_by"`
	Reliability float64              `gorm:"column:reliability"`
	Enabled     bool                 `gorm:"column:enabled"`
	Limits      doc[risk.Limits]     `gorm:"column:limits"`
	Politeness  doc[risk.Politeness] `gorm:"column:politeness"`
	Reading     doc[risk.Reading]    `gorm:"column:reading"`
	Allowed     doc[[]string]        `gorm:"column:allowed"`
	Approval    string               `gorm:"column:approval"`
	Login       doc[risk.Login]      `gorm:"column:login"`
}

func (sourceRow) TableName() string { return "sources" }

func newSourceRow(s risk.Source) sourceRow {
	return sourceRow{
		ID: s.ID, Key: s.Key, Name: s.Name, Kind: string(s.Kind), Route: string(s.Route), Address: s.Address, Every: s.Every.Microseconds(),
		Owner: s.Owner, LegalBasis: s.LegalBasis, ReviewBy: at(s.ReviewBy), Reliability: s.Reliability, Enabled: s.Enabled,
		Limits: docOf(s.Limits), Politeness: docOf(s.Politeness), Reading: docOf(s.Read), Allowed: docOf(s.Allowed),
		Approval: s.Approval, Login: docOf(s.Login),
	}
}

func (r sourceRow) source() risk.Source {
	return risk.Source{
		ID: r.ID, Key: r.Key, Name: r.Name, Kind: risk.SourceKind(r.Kind), Route: risk.Route(r.Route), Address: r.Address, Every: time.Duration(r.Every) * time.Microsecond,
		Owner: r.Owner, LegalBasis: r.LegalBasis, ReviewBy: r.ReviewBy.Time, Reliability: r.Reliability, Enabled: r.Enabled,
		Limits: r.Limits.v, Politeness: r.Politeness.v, Read: r.Reading.v, Allowed: r.Allowed.v, Approval: r.Approval, Login: r.Login.v,
	}
}

// SyncSources makes the sources those of the definitions: new ones are added, known ones renewed by key, gone ones
// disabled. A pause and the health of a source stay.
func (s *Store) SyncSources(ctx context.Context, defined []risk.Source) ([]risk.Source, error) {
	rows := make([]sourceRow, len(defined))
	keys := []string{""} // never empty: NOT IN () is no SQL
	for i, d := range defined {
		rows[i] = newSourceRow(d)
		rows[i].ID = 0
		keys = append(keys, d.Key)
	}
	var stored []sourceRow
	err := s.change(ctx, func(tx *gorm.DB) error {
		stored = nil
		if _, err := insertRows(ctx, tx, rows, renewSource, nil); err != nil {
			return err
		}
		if err := tx.Model(&sourceRow{}).Where("key NOT IN ?", keys).Update("enabled", false).Error; err != nil {
			return fmt.Errorf("disable sources without definition: %w", err)
		}
		if err := tx.Where("key IN ?", keys).Find(&stored).Error; err != nil {
			return fmt.Errorf("find sources: %w", err)
		}
		return addHealth(ctx, tx, stored, s.now())
	})
	if err != nil {
		return nil, fmt.Errorf("sync sources: %w", err)
	}
	return inOrder(defined, stored), nil
}

const renewSource = `ON CONFLICT (key) DO UPDATE SET name = excluded.name, kind = excluded.kind, route = excluded.route,
	address = excluded.address, every_us = excluded.every_us, owner = excluded.owner, legal_basis = excluded.legal_basis,
	review_by = excluded.review_by, reliability = excluded.reliability, enabled = excluded.enabled, limits = excluded.limits,
	politeness = excluded.politeness, reading = excluded.reading, allowed = excluded.allowed, approval = excluded.approval, login = excluded.login`

// addHealth gives sources that never had one a health row.
func addHealth(ctx context.Context, tx *gorm.DB, sources []sourceRow, now time.Time) error {
	rows := make([]healthRow, len(sources))
	for i, src := range sources {
		rows[i] = healthRow{SourceID: src.ID, State: string(risk.StateWaiting), Since: at(now), Added: at(now)}
	}
	_, err := insertRows(ctx, tx, rows, "ON CONFLICT (source_id) DO NOTHING", nil)
	return err
}

// inOrder returns the stored sources in the order of their definitions.
func inOrder(defined []risk.Source, stored []sourceRow) []risk.Source {
	byKey := map[string]sourceRow{}
	for _, r := range stored {
		byKey[r.Key] = r
	}
	out := make([]risk.Source, len(defined))
	for i, d := range defined {
		out[i] = byKey[d.Key].source()
	}
	return out
}

// FindSources reads all sources with their health at now, in the order of their names.
func (s *Store) FindSources(ctx context.Context, now time.Time) ([]risk.SourceStatus, error) {
	return findSources(s.find(ctx), s.find(ctx).Order("name, id"), now)
}

// FindSource reads one source by its key, with its health as of the store's clock.
func (s *Store) FindSource(ctx context.Context, key string) (risk.SourceStatus, error) {
	found, err := findSources(s.find(ctx), s.find(ctx).Where("key = ?", key), s.now())
	if err != nil {
		return risk.SourceStatus{}, err
	}
	if len(found) == 0 {
		return risk.SourceStatus{}, fmt.Errorf("find source %s: %w", key, risk.ErrNotFound)
	}
	return found[0], nil
}

func findSources(db, q *gorm.DB, now time.Time) ([]risk.SourceStatus, error) {
	var rows []sourceRow
	if err := q.Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find sources: %w", err)
	}
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = r.ID
	}
	health, err := readHealth(db, ids, now)
	if err != nil {
		return nil, err
	}
	open, err := openBySource(db, ids)
	if err != nil {
		return nil, err
	}
	out := make([]risk.SourceStatus, len(rows))
	for i, r := range rows {
		src := r.source()
		out[i] = risk.SourceStatus{Source: src, Health: health[r.ID].health(src, now), Open: open[r.ID]}
	}
	return out, nil
}

func openBySource(db *gorm.DB, ids []int64) (map[int64]int, error) {
	var rows []struct {
		SourceID int64 `gorm:"column:source_id"`
		Open     int   `gorm:"column:open"`
	}
	err := db.Model(&exposureRow{}).Select("source_id, COUNT(CASE WHEN is_open = ? THEN 1 END) AS open", true).
		Where("source_id IN ?", ids).Group("source_id").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("count open exposures by source: %w", err)
	}
	open := map[int64]int{}
	for _, r := range rows {
		open[r.SourceID] = r.Open
	}
	return open, nil
}
