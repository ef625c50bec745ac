package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

// settle decides about suppliers from what is true inside tx and saves what follows. It returns how many messages it
// put into the outbox.
func (s *Store) settle(ctx context.Context, tx *gorm.DB, suppliers []int64, now time.Time, decide risk.Decide) (int, error) {
	if len(suppliers) == 0 {
		return 0, nil
	}
	covered, err := coverage(tx, now)
	if err != nil {
		return 0, err
	}
	messages := 0
	for _, id := range suppliers {
		st, err := standing(tx, id)
		if err != nil {
			return 0, err
		}
		st.Coverage = covered
		follows, err := decide(st)
		if err != nil {
			return 0, fmt.Errorf("decide about supplier %d: %w", id, err)
		}
		follows.Score.SupplierID = id
		follows.Score.At = orTime(follows.Score.At, now)
		if err := saveScore(ctx, tx, follows.Score); err != nil {
			return 0, err
		}
		n, err := s.saveAlerts(ctx, tx, follows.Alerts, now)
		if err != nil {
			return 0, err
		}
		messages += n
	}
	return messages, nil
}

func standing(tx *gorm.DB, supplierID int64) (risk.Standing, error) {
	sup, err := findSupplier(tx.Where("id = ?", supplierID), tx, supplierID)
	if err != nil {
		return risk.Standing{}, err
	}
	out := risk.Standing{Supplier: sup}
	if out.Previous, err = previousScore(tx, supplierID); err != nil {
		return risk.Standing{}, err
	}
	if out.Evidence, err = evidence(tx, supplierID); err != nil {
		return risk.Standing{}, err
	}
	out.Unalerted, err = unalerted(tx, supplierID)
	return out, err
}

// matchConfidence says how sure a kind of match makes us that an indicator concerns the supplier.
var matchConfidence = map[risk.MatchKind]float64{
	risk.MatchExact:     1.0,
	risk.MatchAccount:   1.0,
	risk.MatchSubdomain: 0.95,
	risk.MatchIP:        0.9,
	risk.MatchBrand:     0.6,
	risk.MatchLookalike: 0.4,
}

// evidence reads what the score needs of all of a supplier's exposures, whatever their state: what counts is the score's to say.
func evidence(tx *gorm.DB, supplierID int64) ([]risk.Evidence, error) {
	var rows []struct {
		ID          int64   `gorm:"column:id"`
		Kind        string  `gorm:"column:kind"`
		Format      string  `gorm:"column:format"`
		MatchKind   string  `gorm:"column:match_kind"`
		SourceKind  string  `gorm:"column:source_kind"`
		Reliability float64 `gorm:"column:reliability"`
		Observed    stamp   `gorm:"column:observed"`
		FirstSeen   stamp   `gorm:"column:first_seen"`
		LastSeen    stamp   `gorm:"column:last_seen"`
		State       string  `gorm:"column:state"`
	}
	err := tx.Table("exposures").Joins("JOIN sources ON sources.id = exposures.source_id").
		Select("exposures.id, exposures.kind, exposures.format, exposures.match_kind, exposures.source_kind, sources.reliability, exposures.observed, exposures.first_seen, exposures.last_seen, exposures.state").
		Where("exposures.supplier_id = ?", supplierID).Order("exposures.id").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find evidence on supplier %d: %w", supplierID, err)
	}
	out := make([]risk.Evidence, len(rows))
	for i, r := range rows {
		out[i] = risk.Evidence{
			ExposureID: r.ID, Kind: risk.IndicatorKind(r.Kind), Format: risk.Format(r.Format), SourceKind: risk.SourceKind(r.SourceKind),
			Quality: r.Reliability * matchConfidence[risk.MatchKind(r.MatchKind)], Observed: r.Observed.Time,
			FirstSeen: r.FirstSeen.Time, LastSeen: r.LastSeen.Time, State: risk.ExposureState(r.State),
		}
	}
	return out, nil
}

// unalerted reads the open exposures of at least high severity that no alert is linked to.
func unalerted(tx *gorm.DB, supplierID int64) ([]risk.Exposure, error) {
	var rows []namedExposure
	err := withNames(tx).Where("exposures.supplier_id = ? AND exposures.is_open = ? AND exposures.severity >= ?", supplierID, true, int(risk.SeverityHigh)).
		Where("NOT EXISTS (SELECT 1 FROM alert_exposures WHERE alert_exposures.exposure_id = exposures.id)").
		Order("exposures.severity DESC, exposures.id").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find exposures of supplier %d without alert: %w", supplierID, err)
	}
	out := make([]risk.Exposure, len(rows))
	for i, r := range rows {
		out[i] = r.exposure()
	}
	return out, nil
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

// alert converts back; what it covers is in a table of its own.
func (r alertRow) alert(exposures []int64) risk.Alert {
	return risk.Alert{
		ID: r.ID, Key: r.Key, Kind: risk.AlertKind(r.Kind), SupplierID: int64(r.SupplierID), ExposureID: int64(r.ExposureID), Exposures: exposures,
		SourceID: int64(r.SourceID), Decided: r.Decided.Time, To: r.Recipients.v, Notice: r.Notice.v,
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

// saveAlerts saves those decided for the first time, a message to each of their recipients and the jobs that send them.
func (s *Store) saveAlerts(ctx context.Context, tx *gorm.DB, alerts []risk.Alert, now time.Time) (int, error) {
	rows := make([]alertRow, len(alerts))
	byKey := map[string]risk.Alert{}
	for i, a := range alerts {
		if a.Key == "" {
			return 0, risk.Invalid("alert", "An alert needs a key.")
		}
		a.Decided = orTime(a.Decided, now)
		rows[i], byKey[a.Key] = newAlertRow(a), a
	}
	var links []alertExposureRow
	var messages []messageRow
	_, err := insertRows(ctx, tx, rows, "ON CONFLICT (key) DO NOTHING RETURNING id, key", func(rows *sql.Rows) error {
		var id int64
		var key string
		if err := rows.Scan(&id, &key); err != nil {
			return err
		}
		links = append(links, linksOf(id, byKey[key])...)
		messages = append(messages, messagesOf(id, byKey[key], now)...)
		return nil
	})
	if err == nil {
		_, err = insertRows(ctx, tx, links, "", nil)
	}
	if err != nil {
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
