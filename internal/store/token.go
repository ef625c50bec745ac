package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

type tokenRow struct {
	ID       int64  `gorm:"column:id;primaryKey"`
	Name     string `gorm:"column:name"`
	Digest   string `gorm:"column:digest"`
	Role     string `gorm:"column:role"`
	Created  stamp  `gorm:"column:created"`
	Expires  stamp  `gorm:"column:expires"`
	LastUsed stamp  `gorm:"column:last_used"`
	Revoked  stamp  `gorm:"column:revoked"`
}

func (tokenRow) TableName() string { return "tokens" }

func newTokenRow(t risk.Token) tokenRow {
	return tokenRow{
		ID: t.ID, Name: clean(t.Name), Digest: t.Digest, Role: string(t.Role), Created: at(t.Created),
		Expires: at(t.Expires), LastUsed: at(t.LastUsed), Revoked: at(t.Revoked),
	}
}

func (r tokenRow) token() risk.Token {
	return risk.Token{
		ID: r.ID, Name: r.Name, Digest: r.Digest, Role: risk.Role(r.Role), Created: r.Created.Time,
		Expires: r.Expires.Time, LastUsed: r.LastUsed.Time, Revoked: r.Revoked.Time,
	}
}

// CreateToken adds a token; a name that was ever used is risk.ErrConflict.
func (s *Store) CreateToken(ctx context.Context, t risk.Token) (risk.Token, error) {
	if err := t.Validate(); err != nil {
		return risk.Token{}, err
	}
	row := newTokenRow(t)
	row.Created = at(orTime(t.Created, s.now()))
	err := s.change(ctx, func(tx *gorm.DB) error {
		row.ID = 0
		return tx.Create(&row).Error
	})
	if err != nil {
		return risk.Token{}, fmt.Errorf("create token %s: %w", row.Name, kind(err))
	}
	return row.token(), nil
}

// FindToken reads a token by the digest of its text, live or not.
func (s *Store) FindToken(ctx context.Context, digest string) (risk.Token, error) {
	var row tokenRow
	if err := s.find(ctx).Where("digest = ?", digest).Take(&row).Error; err != nil {
		return risk.Token{}, fmt.Errorf("find token: %w", kind(err))
	}
	return row.token(), nil
}

// FindTokens lists all tokens by name, those that are no longer live too.
func (s *Store) FindTokens(ctx context.Context) ([]risk.Token, error) {
	var rows []tokenRow
	if err := s.find(ctx).Order("name, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find tokens: %w", err)
	}
	return converted(rows, tokenRow.token), nil
}

// TouchToken records that a token was used.
func (s *Store) TouchToken(ctx context.Context, id int64, now time.Time) error {
	return s.change(ctx, func(tx *gorm.DB) error {
		return changedOne(tx.Model(&tokenRow{}).Where("id = ?", id).Update("last_used", at(now)), "token", id)
	})
}

// RevokeToken ends a token; one that was revoked before keeps its time.
func (s *Store) RevokeToken(ctx context.Context, name string, now time.Time) error {
	return s.change(ctx, func(tx *gorm.DB) error {
		var row tokenRow
		if err := first(tx.Where("name = ?", clean(name)), &row, "token", name); err != nil {
			return err
		}
		if !row.Revoked.IsZero() {
			return nil
		}
		return changedOne(tx.Model(&tokenRow{}).Where("id = ?", row.ID).Update("revoked", at(now)), "token", name)
	})
}
