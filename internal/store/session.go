package store

import (
	"context"
	"fmt"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/wardline/wardline/internal/risk"
)

type sessionRow struct {
	Digest  string `gorm:"column:digest;primaryKey"`
	Data    []byte `gorm:"column:data"`
	Expires stamp  `gorm:"column:expires"`
}

func (sessionRow) TableName() string { return "sessions" }

func newSessionRow(s risk.Session) sessionRow {
	return sessionRow{Digest: s.Digest, Data: append([]byte{}, s.Data...), Expires: at(s.Expires)}
}

func (r sessionRow) session() risk.Session {
	return risk.Session{Digest: r.Digest, Data: r.Data, Expires: r.Expires.Time}
}

// SaveSession adds or renews a session, and drops those that have expired.
func (s *Store) SaveSession(ctx context.Context, in risk.Session) error {
	row := newSessionRow(in)
	return s.change(ctx, func(tx *gorm.DB) error {
		renew := clause.OnConflict{Columns: []clause.Column{{Name: "digest"}}, DoUpdates: clause.AssignmentColumns([]string{"data", "expires"})}
		if err := tx.Clauses(renew).Create(&row).Error; err != nil {
			return fmt.Errorf("save session: %w", err)
		}
		if err := tx.Where("expires <= ?", at(s.now())).Delete(&sessionRow{}).Error; err != nil {
			return fmt.Errorf("drop expired sessions: %w", err)
		}
		return nil
	})
}

// FindSession reads a session by the digest of its token, expired or not.
func (s *Store) FindSession(ctx context.Context, digest string) (risk.Session, error) {
	var row sessionRow
	if err := s.find(ctx).Where("digest = ?", digest).Take(&row).Error; err != nil {
		return risk.Session{}, fmt.Errorf("find session: %w", kind(err))
	}
	return row.session(), nil
}

// DeleteSession ends a session; one that is not there is ended already.
func (s *Store) DeleteSession(ctx context.Context, digest string) error {
	return s.change(ctx, func(tx *gorm.DB) error {
		if err := tx.Where("digest = ?", digest).Delete(&sessionRow{}).Error; err != nil {
			return fmt.Errorf("delete session: %w", err)
		}
		return nil
	})
}
