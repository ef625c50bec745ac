package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

type messageRow struct {
	ID       int64            `gorm:"column:id;primaryKey"`
	Key      string           `gorm:"column:key"`
	AlertID  int64            `gorm:"column:alert_id"`
	ToName   string           `gorm:"column:to_name"`
	ToEmail  string           `gorm:"column:to_email"`
	Notice   doc[risk.Notice] `gorm:"column:notice"`
	State    string           `gorm:"column:state"`
	Attempts int              `gorm:"column:attempts"`
	Created  stamp            `gorm:"column:created"`
	NextTry  stamp            `gorm:"column:next_try"`
	Claimed  stamp            `gorm:"column:claimed"` // when it was last handed to the mail server
	Sent     stamp            `gorm:"column:sent"`
	Why      string           `gorm:"column:why"`
}

func (messageRow) TableName() string { return "messages" }

func newMessageRow(m risk.Message) messageRow {
	return messageRow{
		ID: m.ID, Key: m.Key, AlertID: m.AlertID, ToName: clean(m.To.Name), ToEmail: clean(m.To.Email), Notice: docOf(m.Notice), State: string(m.State),
		Attempts: m.Attempts, Created: at(m.Created), NextTry: at(m.NextTry), Sent: at(m.Sent), Why: clean(m.Why),
	}
}

func (r messageRow) message() risk.Message {
	return risk.Message{
		ID: r.ID, Key: r.Key, AlertID: r.AlertID, To: risk.Person{Name: r.ToName, Email: r.ToEmail}, Notice: r.Notice.v, State: risk.MessageState(r.State),
		Attempts: r.Attempts, Created: r.Created.Time, NextTry: r.NextTry.Time, Sent: r.Sent.Time, Why: r.Why,
	}
}

// claimHolds is how long a message stays with the one who claimed it: after that the claimer is taken for dead.
const claimHolds = 2 * time.Minute

// FindMessage reads one message.
func (s *Store) FindMessage(ctx context.Context, id int64) (risk.Message, error) {
	return findMessage(s.find(ctx), id)
}

func findMessage(db *gorm.DB, id int64) (risk.Message, error) {
	var row messageRow
	if err := first(db.Where("id = ?", id), &row, "message", id); err != nil {
		return risk.Message{}, err
	}
	return row.message(), nil
}

// FindMessages lists messages in one state, or all, the oldest first.
func (s *Store) FindMessages(ctx context.Context, state risk.MessageState, limit int) ([]risk.Message, error) {
	q := s.find(ctx)
	if state != "" {
		q = q.Where("state = ?", string(state))
	}
	var rows []messageRow
	if err := q.Order("created, id").Limit(limitOr50(limit)).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find messages: %w", err)
	}
	return converted(rows, messageRow.message), nil
}

// DueMessages lists the messages that may be claimed now, the longest due first.
func (s *Store) DueMessages(ctx context.Context, now time.Time, limit int) ([]int64, error) {
	var ids []int64
	err := due(s.find(ctx).Model(&messageRow{}), now).Order("COALESCE(next_try, created), id").Limit(limitOr50(limit)).Pluck("id", &ids).Error
	if err != nil {
		return nil, fmt.Errorf("find due messages: %w", err)
	}
	return ids, nil
}

// due are the messages that wait and whose time has come, and those whose claimer is taken for dead. Times further off
// than anything is put off were written while the clock was ahead: they hold nothing back.
func due(q *gorm.DB, now time.Time) *gorm.DB {
	return q.Where("(state = ? AND (next_try IS NULL OR next_try <= ? OR next_try > ?)) OR (state = ? AND (claimed < ? OR claimed > ?))",
		string(risk.MessagePending), at(now), at(now.Add(longestWait)), string(risk.MessageSending), at(now.Add(-claimHolds)), at(now.Add(claimHolds)))
}

// ClaimMessage hands a message that is due to one caller; false means that it is not: sent, given up, to be tried later or with somebody else.
// A claim older than two minutes may be taken over: the message keeps its key, and so its Message-ID.
func (s *Store) ClaimMessage(ctx context.Context, id int64, now time.Time) (risk.Message, bool, error) {
	var m risk.Message
	claimed := false
	err := s.change(ctx, func(tx *gorm.DB) error {
		res := due(tx.Model(&messageRow{}).Where("id = ?", id), now).
			Updates(map[string]any{"state": string(risk.MessageSending), "claimed": at(now)})
		if res.Error != nil {
			return fmt.Errorf("claim message %d: %w", id, res.Error)
		}
		claimed = res.RowsAffected == 1
		var err error
		m, err = findMessage(tx, id)
		return err
	})
	return m, claimed, err
}

// CountSent counts what one address was sent since then.
func (s *Store) CountSent(ctx context.Context, address string, since time.Time) (int, error) {
	var n int64
	err := s.find(ctx).Model(&messageRow{}).Where("to_email = ? AND sent > ?", address, at(since)).Count(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count messages sent: %w", err)
	}
	return int(n), nil
}

// FinishMessage records how sending a claimed message ended; one that was sent gets its line in the history of each exposure it told of.
// A message that is no longer being sent is risk.ErrConflict: "sent" is never overwritten.
func (s *Store) FinishMessage(ctx context.Context, m risk.Message) error {
	row := newMessageRow(m)
	return s.change(ctx, func(tx *gorm.DB) error {
		res := tx.Model(&messageRow{}).Where("id = ? AND state = ?", m.ID, string(risk.MessageSending)).
			Select("state", "attempts", "next_try", "sent", "why").Updates(&row)
		if res.Error != nil {
			return fmt.Errorf("finish message %d: %w", m.ID, res.Error)
		}
		if res.RowsAffected == 0 {
			if _, err := findMessage(tx, m.ID); err != nil {
				return err
			}
			return fmt.Errorf("finish message %d: it is not being sent: %w", m.ID, risk.ErrConflict)
		}
		if m.State != risk.MessageSent {
			return nil
		}
		return writeMailed(tx, m)
	})
}

func writeMailed(tx *gorm.DB, m risk.Message) error {
	detail := ""
	if m.To.Name != "" {
		detail = "to " + clean(m.To.Name)
	}
	err := tx.Exec(`INSERT INTO exposure_events (exposure_id, at, what, detail)
		SELECT exposure_id, ?, ?, ? FROM alert_exposures WHERE alert_id = (SELECT alert_id FROM messages WHERE id = ?) ORDER BY exposure_id`,
		at(m.Sent), "mailed", detail, m.ID).Error
	if err != nil {
		return fmt.Errorf("write history of what message %d told: %w", m.ID, err)
	}
	return nil
}
