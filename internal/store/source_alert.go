package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

// FindTroubles reads the sources that are switched on, as they stand at now, and the keys of the alerts that were ever
// decided about sources.
func (s *Store) FindTroubles(ctx context.Context, now time.Time) (sources []risk.SourceStatus, told map[string]bool, err error) {
	db := s.find(ctx)
	var rows []sourceRow
	if err := db.Where("enabled = ?", true).Order("id").Find(&rows).Error; err != nil {
		return nil, nil, fmt.Errorf("find sources: %w", err)
	}
	var health []healthRow
	if err := db.Find(&health).Error; err != nil {
		return nil, nil, fmt.Errorf("find health of sources: %w", err)
	}
	byID := map[int64]healthRow{}
	for _, h := range health {
		byID[h.SourceID] = h
	}
	for _, r := range rows {
		src := r.source()
		sources = append(sources, risk.SourceStatus{Source: src, Health: (&sourceHealth{row: byID[r.ID]}).health(src, now)})
	}
	var keys []string
	if err := db.Model(&alertRow{}).Where("kind = ?", string(risk.AlertSource)).Pluck("key", &keys).Error; err != nil {
		return nil, nil, fmt.Errorf("find alerts about sources: %w", err)
	}
	told = map[string]bool{}
	for _, k := range keys {
		told[k] = true
	}
	return sources, told, nil
}

// SaveAlerts saves alerts that were decided beside no finding, with their messages and the jobs that send them.
func (s *Store) SaveAlerts(ctx context.Context, alerts []risk.Alert, now time.Time) error {
	return s.change(ctx, func(tx *gorm.DB) error {
		_, err := s.saveAlerts(ctx, tx, alerts, now)
		return err
	})
}
