package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
)

type settingRow struct {
	Key   string `gorm:"column:key;primaryKey"`
	Value string `gorm:"column:value"`
}

func (settingRow) TableName() string { return "settings" }

// SaveSetting sets a value.
func (s *Store) SaveSetting(ctx context.Context, key, value string) error {
	row := settingRow{Key: key, Value: value}
	return s.change(ctx, func(tx *gorm.DB) error {
		renew := clause.OnConflict{Columns: []clause.Column{{Name: "key"}}, DoUpdates: clause.AssignmentColumns([]string{"value"})}
		if err := tx.Clauses(renew).Create(&row).Error; err != nil {
			return fmt.Errorf("save setting %s: %w", key, err)
		}
		return nil
	})
}

// FindSetting reads a value; one that was never set is risk.ErrNotFound.
func (s *Store) FindSetting(ctx context.Context, key string) (string, error) {
	var row settingRow
	if err := first(s.find(ctx).Where("key = ?", key), &row, "setting", key); err != nil {
		return "", err
	}
	return row.Value, nil
}
