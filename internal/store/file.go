package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/wardline/wardline/internal/risk"
)

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
	return converted(rows, fileRow.file), nil
}
