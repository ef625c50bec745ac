package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

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
	return converted(rows, captureRow.capture), nil
}
