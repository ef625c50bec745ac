package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

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
	out := make([]risk.User, len(rows))
	for i, r := range rows {
		out[i] = r.user()
	}
	return out, nil
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

// SaveSession adds or renews a session.
func (s *Store) SaveSession(ctx context.Context, in risk.Session) error {
	row := newSessionRow(in)
	return s.change(ctx, func(tx *gorm.DB) error {
		renew := clause.OnConflict{Columns: []clause.Column{{Name: "digest"}}, DoUpdates: clause.AssignmentColumns([]string{"data", "expires"})}
		if err := tx.Clauses(renew).Create(&row).Error; err != nil {
			return fmt.Errorf("save session: %w", err)
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

// DeleteExpiredSessions drops sessions that ended before now.
func (s *Store) DeleteExpiredSessions(ctx context.Context, now time.Time) error {
	return s.change(ctx, func(tx *gorm.DB) error {
		if err := tx.Where("expires <= ?", at(now)).Delete(&sessionRow{}).Error; err != nil {
			return fmt.Errorf("delete expired sessions: %w", err)
		}
		return nil
	})
}

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
