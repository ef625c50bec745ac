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

type fileRow struct {
	ID        int64              `gorm:"column:id;primaryKey"`
	SourceID  int64              `gorm:"column:source_id"`
	Path      string             `gorm:"column:path"`
	PathKey   string             `gorm:"column:path_key"`
	Bytes     int64              `gorm:"column:bytes"`
	Modified  stamp              `gorm:"column:modified"`
	Version   string             `gorm:"column:version"`
	Watchlist string             `gorm:"column:watchlist"`
	Read      int64              `gorm:"column:read"`
	Packed    int64              `gorm:"column:packed"`
	Rate      int64              `gorm:"column:rate"`
	At        doc[risk.Position] `gorm:"column:at"`
	Records   int                `gorm:"column:records"`
	State     string             `gorm:"column:state"`
	Why       string             `gorm:"column:why"`
	Skipped   doc[[]string]      `gorm:"column:skipped"`
	Sample    string             `gorm:"column:sample"`
	Digest    string             `gorm:"column:digest"`
	SameAs    string             `gorm:"column:same_as"`
	Tries     int                `gorm:"column:tries"`
	Started   stamp              `gorm:"column:started"`
	Updated   stamp              `gorm:"column:updated"`
	Finished  stamp              `gorm:"column:finished"`
}

func (fileRow) TableName() string { return "files" }

func newFileRow(f risk.File) fileRow {
	return fileRow{
		ID: f.ID, SourceID: f.SourceID, Path: clean(f.Path), PathKey: indexed(f.Path), Bytes: f.Bytes, Modified: at(f.Modified), Version: clean(f.Version),
		Watchlist: f.Watchlist, Read: f.Read, Packed: f.Packed, Rate: f.Rate,
		At: docOf(f.At), Records: f.Records, State: string(f.State), Why: clean(f.Why), Skipped: docOf(f.Skipped),
		Sample: f.Sample, Digest: f.Digest, SameAs: clean(f.SameAs), Tries: f.Tries,
		Started: at(f.Started), Updated: at(f.Updated), Finished: at(f.Finished),
	}
}

func (r fileRow) file() risk.File {
	return risk.File{
		ID: r.ID, SourceID: r.SourceID, Path: r.Path, Bytes: r.Bytes, Modified: r.Modified.Time, Version: r.Version,
		Watchlist: r.Watchlist, Read: r.Read, Packed: r.Packed, Rate: r.Rate, At: r.At.v, Records: r.Records, State: risk.FileState(r.State), Why: r.Why, Skipped: r.Skipped.v,
		Sample: r.Sample, Digest: r.Digest, SameAs: r.SameAs, Tries: r.Tries,
		Started: r.Started.Time, Updated: r.Updated.Time, Finished: r.Finished.Time,
	}
}

// renewed are the columns of a file that every saving writes anew.
var renewed = []string{
	"bytes", "modified", "version", "watchlist", "read", "packed", "rate", "at", "records", "state", "why",
	"skipped", "sample", "digest", "same_as", "tries", "started", "updated", "finished",
}

// BeginFile saves that the reading of a file begins or goes on from where f says, whatever was the matter with it before,
// and gives it back with its id.
func (s *Store) BeginFile(ctx context.Context, f risk.File) (risk.File, error) {
	row := newFileRow(f)
	err := s.change(ctx, func(tx *gorm.DB) error {
		row.ID = 0
		renew := clause.OnConflict{Columns: []clause.Column{{Name: "source_id"}, {Name: "path_key"}}, DoUpdates: clause.AssignmentColumns(renewed)}
		if err := tx.Clauses(renew).Create(&row).Error; err != nil {
			return kind(err)
		}
		if err := first(tx.Select("id").Where("source_id = ? AND path_key = ?", row.SourceID, row.PathKey), &row, "file of source", row.SourceID); err != nil {
			return err
		}
		if f.At.Document == 0 && f.At.Offset == 0 {
			return forgetCounts(tx, row.ID)
		}
		return nil
	})
	if err != nil {
		return f, fmt.Errorf("begin a file of source %d: %w", f.SourceID, err)
	}
	f.ID = row.ID
	return f, nil
}

// saveFile saves how far a file has been read. That it was cancelled meanwhile stays, until it is begun anew or ends.
func saveFile(tx *gorm.DB, f risk.File) error {
	row := newFileRow(f)
	row.ID = 0
	set := clause.AssignmentColumns(renewed)
	for i := range set {
		if set[i].Column.Name == "state" {
			set[i].Value = gorm.Expr("CASE WHEN files.state = ? AND excluded.state = ? THEN files.state ELSE excluded.state END",
				string(risk.FileCancelled), string(risk.FileReading))
		}
	}
	renew := clause.OnConflict{Columns: []clause.Column{{Name: "source_id"}, {Name: "path_key"}}, DoUpdates: set}
	if err := tx.Clauses(renew).Create(&row).Error; err != nil {
		return fmt.Errorf("save progress of a file of source %d: %w", f.SourceID, kind(err))
	}
	return nil
}

// CancelFile ends the reading of a file, which takes up to a second to obey. What was found so far stays. One that is
// not being read is risk.ErrConflict.
func (s *Store) CancelFile(ctx context.Context, id int64, by risk.Actor, now time.Time) error {
	why := "Cancelled by " + by.Name + "."
	return s.change(ctx, func(tx *gorm.DB) error {
		return turnFile(tx, id, risk.FileReading, map[string]any{"state": string(risk.FileCancelled), "why": clean(why), "updated": at(now)})
	})
}

// ResumeFile lets the reading of a cancelled file go on from where it stands: its source is listed anew, which brings
// it back. One that was not cancelled is risk.ErrConflict.
func (s *Store) ResumeFile(ctx context.Context, id int64, now time.Time) error {
	return s.change(ctx, func(tx *gorm.DB) error {
		if err := turnFile(tx, id, risk.FileCancelled, map[string]any{"state": string(risk.FileReading), "why": "", "updated": at(now)}); err != nil {
			return err
		}
		var src sourceRow
		if err := first(tx.Where("id = (SELECT source_id FROM files WHERE id = ?)", id), &src, "source of file", id); err != nil {
			return err
		}
		return s.enqueue(ctx, tx, risk.Job{Kind: risk.JobCollect, SourceKey: src.Key})
	})
}

// turnFile changes a file that is in state from; one that is not is risk.ErrConflict.
func turnFile(tx *gorm.DB, id int64, from risk.FileState, to map[string]any) error {
	res := tx.Model(&fileRow{}).Where("id = ? AND state = ?", id, string(from)).Updates(to)
	if res.Error != nil {
		return fmt.Errorf("change file %d: %w", id, kind(res.Error))
	}
	if res.RowsAffected > 0 {
		return nil
	}
	var row fileRow
	if err := first(tx.Select("id", "state").Where("id = ?", id), &row, "file", id); err != nil {
		return err
	}
	return fmt.Errorf("change file %d: its state is %s, not %s: %w", id, row.State, from, risk.ErrConflict)
}

// MayReadFile tells whether the reading of a file may go on: it was not cancelled, and its source may be read.
func (s *Store) MayReadFile(ctx context.Context, id int64) (bool, error) {
	var row fileRow
	if err := first(s.find(ctx).Select("id", "source_id", "state").Where("id = ?", id), &row, "file", id); err != nil {
		return false, err
	}
	if row.State != string(risk.FileReading) {
		return false, nil
	}
	return s.MayRead(ctx, row.SourceID)
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

// FindFile reads one file.
func (s *Store) FindFile(ctx context.Context, id int64) (risk.File, error) {
	var row fileRow
	if err := first(s.find(ctx).Where("id = ?", id), &row, "file", id); err != nil {
		return risk.File{}, err
	}
	return row.file(), nil
}

// FindFiles lists files, the last written down first, and counts all that the filter selects.
func (s *Store) FindFiles(ctx context.Context, f risk.FileFilter) ([]risk.File, int, error) {
	var total int64
	if err := filterFiles(s.find(ctx).Model(&fileRow{}), f).Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count files: %w", err)
	}
	var rows []fileRow
	err := filterFiles(s.find(ctx), f).Order("updated DESC NULLS LAST, id DESC").Limit(limitOr50(f.Limit)).Offset(f.Offset).Find(&rows).Error
	if err != nil {
		return nil, 0, fmt.Errorf("find files: %w", err)
	}
	return converted(rows, fileRow.file), int(total), nil
}

func filterFiles(q *gorm.DB, f risk.FileFilter) *gorm.DB {
	if f.SourceID != 0 {
		q = q.Where("source_id = ?", f.SourceID)
	}
	if len(f.States) > 0 {
		q = q.Where("state IN ?", f.States)
	}
	if f.Text != "" {
		q = q.Where(`LOWER(path) LIKE ? ESCAPE '\'`, contains(f.Text))
	}
	return q
}

// FindTwins lists the files of the same source that may have the same content as one of this sample and that were read, or
// are being read; the first begun comes first.
func (s *Store) FindTwins(ctx context.Context, f risk.File) ([]risk.File, error) {
	var rows []fileRow
	err := s.find(ctx).Omit("skipped").Where("sample = ? AND sample <> '' AND bytes = ? AND state IN ? AND source_id = ? AND path_key <> ?",
		f.Sample, f.Bytes, []string{string(risk.FileDone), string(risk.FileReading)}, f.SourceID, indexed(f.Path)).
		Order("id").Limit(maxTwins).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find files like one of source %d: %w", f.SourceID, err)
	}
	return converted(rows, fileRow.file), nil
}

// maxTwins bounds how many files of the same sample are compared byte by byte.
const maxTwins = 8

// SaveDigest keeps the digest of a file's whole content.
func (s *Store) SaveDigest(ctx context.Context, id int64, digest string) error {
	return s.change(ctx, func(tx *gorm.DB) error {
		return changedOne(tx.Model(&fileRow{}).Where("id = ?", id).Update("digest", digest), "digest of file", id)
	})
}
