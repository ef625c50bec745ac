package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

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
}

func (sourceRow) TableName() string { return "sources" }

func newSourceRow(s risk.Source) sourceRow {
	return sourceRow{
		ID: s.ID, Key: s.Key, Name: s.Name, Kind: string(s.Kind), Route: string(s.Route), Address: s.Address, Every: s.Every.Microseconds(),
		Owner: s.Owner, LegalBasis: s.LegalBasis, ReviewBy: at(s.ReviewBy), Reliability: s.Reliability, Enabled: s.Enabled,
		Limits: docOf(s.Limits), Politeness: docOf(s.Politeness), Reading: docOf(s.Read), Allowed: docOf(s.Allowed),
	}
}

func (r sourceRow) source() risk.Source {
	return risk.Source{
		ID: r.ID, Key: r.Key, Name: r.Name, Kind: risk.SourceKind(r.Kind), Route: risk.Route(r.Route), Address: r.Address, Every: time.Duration(r.Every) * time.Microsecond,
		Owner: r.Owner, LegalBasis: r.LegalBasis, ReviewBy: r.ReviewBy.Time, Reliability: r.Reliability, Enabled: r.Enabled,
		Limits: r.Limits.v, Politeness: r.Politeness.v, Read: r.Reading.v, Allowed: r.Allowed.v,
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
	politeness = excluded.politeness, reading = excluded.reading, allowed = excluded.allowed`

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

type markRow struct {
	SourceID int64  `gorm:"column:source_id;primaryKey;autoIncrement:false"`
	Key      string `gorm:"column:key;primaryKey"`
	Marker   string `gorm:"column:marker"`
}

func (markRow) TableName() string { return "marks" }

// FindMark reads what is remembered of one entry of a source.
func (s *Store) FindMark(ctx context.Context, sourceID int64, key string) (risk.Mark, bool, error) {
	var rows []markRow
	if err := s.find(ctx).Where("source_id = ? AND key = ?", sourceID, indexed(key)).Limit(1).Find(&rows).Error; err != nil {
		return risk.Mark{}, false, fmt.Errorf("find mark of source %d: %w", sourceID, err)
	}
	if len(rows) == 0 {
		return risk.Mark{}, false, nil
	}
	return risk.Mark{Key: key, Marker: rows[0].Marker}, true, nil
}

func saveMarks(ctx context.Context, tx *gorm.DB, sourceID int64, marks []risk.Mark) error {
	place := map[string]int{} // one statement may not meet a key twice; the later marker counts
	var rows []markRow
	for _, m := range marks {
		row := markRow{SourceID: sourceID, Key: indexed(m.Key), Marker: clean(m.Marker)}
		if i, twice := place[row.Key]; twice {
			rows[i] = row
			continue
		}
		place[row.Key] = len(rows)
		rows = append(rows, row)
	}
	_, err := insertRows(ctx, tx, rows, "ON CONFLICT (source_id, key) DO UPDATE SET marker = excluded.marker", nil)
	return err
}

type captureRow struct {
	ID          int64  `gorm:"column:id;primaryKey"`
	SourceID    int64  `gorm:"column:source_id"`
	URL         string `gorm:"column:url"`
	Digest      string `gorm:"column:digest"`
	Fetched     stamp  `gorm:"column:fetched"`
	Status      int    `gorm:"column:status"`
	ContentType string `gorm:"column:content_type"`
	Bytes       int64  `gorm:"column:bytes"`
	Items       int    `gorm:"column:items"`
	Matched     int    `gorm:"column:matched"`
}

func (captureRow) TableName() string { return "captures" }

func newCaptureRow(c risk.Capture) captureRow {
	return captureRow{
		ID: c.ID, SourceID: c.SourceID, URL: clean(c.URL), Digest: c.Digest, Fetched: at(c.Fetched), Status: c.Status,
		ContentType: clean(c.ContentType), Bytes: c.Bytes, Items: c.Items, Matched: c.Matched,
	}
}

func (r captureRow) capture() risk.Capture {
	return risk.Capture{
		ID: r.ID, SourceID: r.SourceID, URL: r.URL, Digest: r.Digest, Fetched: r.Fetched.Time, Status: r.Status,
		ContentType: r.ContentType, Bytes: r.Bytes, Items: r.Items, Matched: r.Matched,
	}
}

// FindCaptures lists a source's newest captures.
func (s *Store) FindCaptures(ctx context.Context, sourceID int64, limit int) ([]risk.Capture, error) {
	var rows []captureRow
	if err := s.find(ctx).Where("source_id = ?", sourceID).Order("fetched DESC, id DESC").Limit(limitOr50(limit)).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find captures of source %d: %w", sourceID, err)
	}
	out := make([]risk.Capture, len(rows))
	for i, r := range rows {
		out[i] = r.capture()
	}
	return out, nil
}

type fileRow struct {
	ID        int64         `gorm:"column:id;primaryKey"`
	SourceID  int64         `gorm:"column:source_id"`
	Path      string        `gorm:"column:path"`
	PathKey   string        `gorm:"column:path_key"`
	Bytes     int64         `gorm:"column:bytes"`
	Modified  stamp         `gorm:"column:modified"`
	Watchlist string        `gorm:"column:watchlist"`
	Read      int64         `gorm:"column:read"`
	Records   int           `gorm:"column:records"`
	State     string        `gorm:"column:state"`
	Why       string        `gorm:"column:why"`
	Skipped   doc[[]string] `gorm:"column:skipped"`
	Started   stamp         `gorm:"column:started"`
	Finished  stamp         `gorm:"column:finished"`
}

func (fileRow) TableName() string { return "files" }

func newFileRow(f risk.File) fileRow {
	return fileRow{
		ID: f.ID, SourceID: f.SourceID, Path: clean(f.Path), PathKey: indexed(f.Path), Bytes: f.Bytes, Modified: at(f.Modified), Watchlist: f.Watchlist,
		Read: f.Read, Records: f.Records, State: string(f.State), Why: clean(f.Why), Skipped: docOf(f.Skipped),
		Started: at(f.Started), Finished: at(f.Finished),
	}
}

func (r fileRow) file() risk.File {
	return risk.File{
		ID: r.ID, SourceID: r.SourceID, Path: r.Path, Bytes: r.Bytes, Modified: r.Modified.Time, Watchlist: r.Watchlist,
		Read: r.Read, Records: r.Records, State: risk.FileState(r.State), Why: r.Why, Skipped: r.Skipped.v,
		Started: r.Started.Time, Finished: r.Finished.Time,
	}
}

func saveFile(tx *gorm.DB, f risk.File) error {
	row := newFileRow(f)
	row.ID = 0
	renew := clause.OnConflict{
		Columns:   []clause.Column{{Name: "source_id"}, {Name: "path_key"}},
		DoUpdates: clause.AssignmentColumns([]string{"bytes", "modified", "watchlist", "read", "records", "state", "why", "skipped", "started", "finished"}),
	}
	if err := tx.Clauses(renew).Create(&row).Error; err != nil {
		return fmt.Errorf("save progress of a file of source %d: %w", f.SourceID, kind(err))
	}
	return nil
}

// FindFile reads how far a dump file has been read.
func (s *Store) FindFile(ctx context.Context, sourceID int64, path string) (risk.File, bool, error) {
	var rows []fileRow
	if err := s.find(ctx).Where("source_id = ? AND path_key = ?", sourceID, indexed(path)).Limit(1).Find(&rows).Error; err != nil {
		return risk.File{}, false, fmt.Errorf("find file of source %d: %w", sourceID, err)
	}
	if len(rows) == 0 {
		return risk.File{}, false, nil
	}
	return rows[0].file(), true, nil
}

// FindFilesAt reads how far each of the files at paths has been read, by path; one that was never begun is left out.
func (s *Store) FindFilesAt(ctx context.Context, sourceID int64, paths []string) (map[string]risk.File, error) {
	byKey := make(map[string]string, len(paths))
	for _, p := range paths {
		byKey[indexed(p)] = p
	}
	out := make(map[string]risk.File, len(paths))
	for keys := range slices.Chunk(slices.Sorted(maps.Keys(byKey)), maxRows) {
		var rows []fileRow
		if err := s.find(ctx).Omit("skipped").Where("source_id = ? AND path_key IN ?", sourceID, keys).Find(&rows).Error; err != nil {
			return nil, fmt.Errorf("find files of source %d: %w", sourceID, err)
		}
		for _, r := range rows {
			out[byKey[r.PathKey]] = r.file()
		}
	}
	return out, nil
}

// FindFiles lists a source's files, the last started first.
func (s *Store) FindFiles(ctx context.Context, sourceID int64, limit int) ([]risk.File, error) {
	var rows []fileRow
	if err := s.find(ctx).Where("source_id = ?", sourceID).Order("started DESC NULLS LAST, id DESC").Limit(limitOr50(limit)).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find files of source %d: %w", sourceID, err)
	}
	out := make([]risk.File, len(rows))
	for i, r := range rows {
		out[i] = r.file()
	}
	return out, nil
}
