package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

type userRow struct {
	ID           int64  `gorm:"column:id;primaryKey"`
	Email        string `gorm:"column:email"`
	Name         string `gorm:"column:name"`
	Role         string `gorm:"column:role"`
	PasswordHash string `gorm:"column:password_hash"`
	Disabled     bool   `gorm:"column:disabled"`
	LastSignIn   stamp  `gorm:"column:last_sign_in"`
	Created      stamp  `gorm:"column:created"`
}

func (userRow) TableName() string { return "users" }

func newUserRow(u risk.User) userRow {
	return userRow{
		ID: u.ID, Email: emailKey(u.Email), Name: clean(u.Name), Role: string(u.Role), PasswordHash: u.PasswordHash,
		Disabled: u.Disabled, LastSignIn: at(u.LastSignIn), Created: at(u.Created),
	}
}

func (r userRow) user() risk.User {
	return risk.User{
		ID: r.ID, Email: r.Email, Name: r.Name, Role: risk.Role(r.Role), PasswordHash: r.PasswordHash,
		Disabled: r.Disabled, LastSignIn: r.LastSignIn.Time, Created: r.Created.Time,
	}
}

func emailKey(email string) string { return strings.ToLower(clean(strings.TrimSpace(email))) }

// CreateUser adds a user; an address that is taken, in any case, is risk.ErrConflict.
func (s *Store) CreateUser(ctx context.Context, u risk.User) (risk.User, error) {
	row := newUserRow(u)
	if row.Email == "" {
		return risk.User{}, risk.Invalid("email", "A user needs an e-mail address.")
	}
	row.Created = at(orTime(u.Created, s.now()))
	err := s.change(ctx, func(tx *gorm.DB) error {
		row.ID = 0
		return tx.Create(&row).Error
	})
	if err != nil {
		return risk.User{}, fmt.Errorf("create user: %w", kind(err))
	}
	return s.FindUser(ctx, row.ID)
}

// FindUserByEmail compares without case.
func (s *Store) FindUserByEmail(ctx context.Context, email string) (risk.User, error) {
	var row userRow
	if err := s.find(ctx).Where("email = ?", emailKey(email)).Take(&row).Error; err != nil {
		return risk.User{}, fmt.Errorf("find user by e-mail: %w", kind(err)) // the address stays out of logs
	}
	return row.user(), nil
}

// FindUser reads one user.
func (s *Store) FindUser(ctx context.Context, id int64) (risk.User, error) {
	var row userRow
	if err := first(s.find(ctx).Where("id = ?", id), &row, "user", id); err != nil {
		return risk.User{}, err
	}
	return row.user(), nil
}

// FindUsers lists all users by name.
func (s *Store) FindUsers(ctx context.Context) ([]risk.User, error) {
	var rows []userRow
	if err := s.find(ctx).Order("name, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find users: %w", err)
	}
	return converted(rows, userRow.user), nil
}

// TouchSignIn records that a user signed in.
func (s *Store) TouchSignIn(ctx context.Context, id int64, now time.Time) error {
	return s.change(ctx, func(tx *gorm.DB) error {
		return changedOne(tx.Model(&userRow{}).Where("id = ?", id).Update("last_sign_in", at(now)), "user", id)
	})
}

// SetPassword replaces a user's password hash.
func (s *Store) SetPassword(ctx context.Context, id int64, hash string) error {
	return s.change(ctx, func(tx *gorm.DB) error {
		return changedOne(tx.Model(&userRow{}).Where("id = ?", id).Update("password_hash", hash), "user", id)
	})
}
