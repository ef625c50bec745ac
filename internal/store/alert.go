package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

// untold selects the open exposures of at least high severity of which nobody was told, or not the supplier's present
// owner: one who came later, or whose address was mistyped before, is still to be told. A message counts whatever
// became of it, for sending it to the same address again would help nobody.
func untold(q *gorm.DB, sup risk.Supplier) *gorm.DB {
	q = q.Where("exposures.supplier_id = ? AND exposures.is_open = ? AND exposures.severity >= ?", sup.ID, true, int(risk.SeverityHigh))
	if owner := strings.ToLower(strings.TrimSpace(sup.Owner.Email)); owner != "" {
		return q.Where(`NOT EXISTS (SELECT 1 FROM alert_exposures AS link JOIN messages ON messages.alert_id = link.alert_id
			WHERE link.exposure_id = exposures.id AND LOWER(messages.to_email) = ?)`, owner)
	}
	return q.Where("NOT EXISTS (SELECT 1 FROM alert_exposures AS link WHERE link.exposure_id = exposures.id)")
}

// untoldWhole is how many of a supplier's untold exposures are read whole; of all further ones only what a digest says.
const untoldWhole = 50

// unalerted reads what is untold of a supplier, the most severe first.
func unalerted(tx *gorm.DB, sup risk.Supplier) ([]risk.Exposure, error) {
	sources, err := sourcesByID(tx)
	if err != nil {
		return nil, err
	}
	rows, err := untold(tx.Table("exposures"), sup).
		Select("exposures.id, exposures.fingerprint, exposures.source_id, exposures.severity, exposures.state, exposures.due, exposures.first_seen").
		Order("exposures.severity DESC, exposures.id").Rows()
	if err != nil {
		return nil, fmt.Errorf("find exposures of supplier %d without alert: %w", sup.ID, err)
	}
	defer func() { _ = rows.Close() }() // Err has said all there is to say
	var out []risk.Exposure
	for rows.Next() { // a dump leaves ten thousand of them: gorm's own reading of rows costs four times as much
		e := risk.Exposure{SupplierID: sup.ID, Supplier: sup.Name, Tier: sup.Tier}
		var due, first stamp
		if err := rows.Scan(&e.ID, &e.Fingerprint, &e.SourceID, &e.Severity, &e.State, &due, &first); err != nil {
			return nil, fmt.Errorf("read exposure of supplier %d without alert: %w", sup.ID, err)
		}
		e.Due, e.FirstSeen = due.Time, first.Time
		e.SourceKind, e.SourceName = risk.SourceKind(sources[e.SourceID].Kind), sources[e.SourceID].Name
		out = append(out, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("find exposures of supplier %d without alert: %w", sup.ID, err)
	}
	return out, readWhole(tx, out[:min(len(out), untoldWhole)])
}

func sourcesByID(tx *gorm.DB) (map[int64]sourceRow, error) {
	var rows []sourceRow
	if err := tx.Select("id", "name", "kind").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find names of sources: %w", err)
	}
	out := make(map[int64]sourceRow, len(rows))
	for _, r := range rows {
		out[r.ID] = r
	}
	return out, nil
}

// readWhole reads exposures anew, with the names that stand beside them.
func readWhole(tx *gorm.DB, exposures []risk.Exposure) error {
	place := make(map[int64]int, len(exposures))
	for i, e := range exposures {
		place[e.ID] = i
	}
	if len(place) == 0 {
		return nil
	}
	var rows []namedExposure
	if err := withNames(tx).Where("exposures.id IN ?", slices.Collect(maps.Keys(place))).Scan(&rows).Error; err != nil {
		return fmt.Errorf("find exposures without alert: %w", err)
	}
	for _, r := range rows {
		exposures[place[r.Row.ID]] = r.exposure()
	}
	return nil
}

// toldOf reads who was told of those that were found to be untold.
func toldOf(ctx context.Context, tx *gorm.DB, due []risk.Exposure) (map[int64][]string, error) {
	told := map[int64][]string{}
	for part := range slices.Chunk(due, maxRows) {
		ids := make([]any, len(part))
		for i, e := range part {
			ids[i] = e.ID
		}
		q := `SELECT DISTINCT link.exposure_id, LOWER(messages.to_email) FROM alert_exposures AS link JOIN messages ON messages.alert_id = link.alert_id
			WHERE link.exposure_id IN ` + placeholders(tx.Name(), len(ids))
		_, err := run(ctx, tx, q, ids, func(rows *sql.Rows) error {
			var id int64
			var email string
			err := rows.Scan(&id, &email)
			told[id] = append(told[id], email)
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find who was told of exposures: %w", err)
		}
	}
	return told, nil
}

// recentAlerts counts the single alerts about a supplier within the window, and finds the last digest. What is dated after
// now was written while the clock was ahead, and holds nothing back.
func recentAlerts(tx *gorm.DB, supplierID int64, now time.Time) (singles int, digest time.Time, err error) {
	var row struct {
		Singles int   `gorm:"column:singles"`
		Digest  stamp `gorm:"column:digest"`
	}
	err = tx.Model(&alertRow{}).Select("COUNT(exposure_id) AS singles, MAX(CASE WHEN exposure_id IS NULL THEN decided END) AS digest").
		Where("supplier_id = ? AND decided > ? AND decided <= ?", supplierID, at(now.Add(-risk.AlertWindow)), at(now)).Scan(&row).Error
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("count recent alerts about supplier %d: %w", supplierID, err)
	}
	return row.Singles, row.Digest.Time, nil
}

type alertRow struct {
	ID         int64              `gorm:"column:id;primaryKey"`
	Key        string             `gorm:"column:key"`
	Kind       string             `gorm:"column:kind"`
	SupplierID ref                `gorm:"column:supplier_id"`
	ExposureID ref                `gorm:"column:exposure_id"`
	SourceID   ref                `gorm:"column:source_id"`
	Decided    stamp              `gorm:"column:decided"`
	Recipients doc[[]risk.Person] `gorm:"column:recipients"`
	Notice     doc[risk.Notice]   `gorm:"column:notice"`
}

func (alertRow) TableName() string { return "alerts" }

func newAlertRow(a risk.Alert) alertRow {
	return alertRow{
		ID: a.ID, Key: a.Key, Kind: string(a.Kind), SupplierID: ref(a.SupplierID), ExposureID: ref(a.ExposureID), SourceID: ref(a.SourceID),
		Decided: at(a.Decided), Recipients: docOf(a.To), Notice: docOf(a.Notice),
	}
}

// alertExposureRow links an alert to an exposure that it covers.
type alertExposureRow struct {
	ExposureID int64 `gorm:"column:exposure_id;primaryKey;autoIncrement:false"`
	AlertID    int64 `gorm:"column:alert_id;primaryKey;autoIncrement:false"`
}

func (alertExposureRow) TableName() string { return "alert_exposures" }

// linksOf are the exposures that an alert covers, each once.
func linksOf(alertID int64, a risk.Alert) []alertExposureRow {
	covered := append([]int64{a.ExposureID}, a.Exposures...)
	slices.Sort(covered)
	var out []alertExposureRow
	for _, id := range slices.Compact(covered) {
		if id != 0 {
			out = append(out, alertExposureRow{ExposureID: id, AlertID: alertID})
		}
	}
	return out
}

// saveAlerts saves those decided for the first time, a message to each of their recipients who has none yet, and the jobs
// that send them. An alert that was decided before may have found a new recipient.
func (s *Store) saveAlerts(ctx context.Context, tx *gorm.DB, alerts []risk.Alert, now time.Time) (int, error) {
	ids, err := s.alertIDs(ctx, tx, alerts, now)
	if err != nil {
		return 0, err
	}
	var links []alertExposureRow
	var messages []messageRow
	for _, a := range alerts {
		links = append(links, linksOf(ids[a.Key], a)...)
		messages = append(messages, messagesOf(ids[a.Key], a, now)...)
	}
	if _, err := insertRows(ctx, tx, links, "ON CONFLICT (exposure_id, alert_id) DO NOTHING", nil); err != nil {
		return 0, kind(err)
	}
	var jobs []risk.Job
	_, err = insertRows(ctx, tx, messages, "ON CONFLICT (key) DO NOTHING RETURNING id", func(rows *sql.Rows) error {
		job := risk.Job{Kind: risk.JobSendMail}
		err := rows.Scan(&job.MessageID)
		jobs = append(jobs, job)
		return err
	})
	if err != nil {
		return 0, err
	}
	return len(jobs), s.enqueue(ctx, tx, jobs...)
}

// alertIDs saves those that are new and gives the ids of all by key.
func (s *Store) alertIDs(ctx context.Context, tx *gorm.DB, alerts []risk.Alert, now time.Time) (map[string]int64, error) {
	rows := make([]alertRow, len(alerts))
	keys := make([]string, len(alerts))
	for i, a := range alerts {
		if a.Key == "" {
			return nil, risk.Invalid("alert", "An alert needs a key.")
		}
		a.Decided = orTime(a.Decided, now)
		rows[i], keys[i] = newAlertRow(a), a.Key
	}
	if _, err := insertRows(ctx, tx, rows, "ON CONFLICT (key) DO NOTHING", nil); err != nil {
		return nil, kind(err)
	}
	ids := make(map[string]int64, len(keys))
	for part := range slices.Chunk(keys, maxRows) {
		var found []alertRow
		if err := tx.Select("id", "key").Where("key IN ?", part).Find(&found).Error; err != nil {
			return nil, fmt.Errorf("find alerts by key: %w", err)
		}
		for _, r := range found {
			ids[r.Key] = r.ID
		}
	}
	return ids, nil
}

// messagesOf are an alert's messages. Addresses compare without case: one person who is told in two roles gets one mail.
func messagesOf(alertID int64, a risk.Alert, now time.Time) []messageRow {
	var out []messageRow
	for _, to := range a.To {
		if to.Email == "" {
			continue
		}
		out = append(out, newMessageRow(risk.Message{
			Key: a.Key + "|" + strings.ToLower(to.Email), AlertID: alertID, To: to, Notice: a.Notice,
			State: risk.MessagePending, Created: now, // and due at once, whatever the sender's clock says
		}))
	}
	return out
}
