package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

const (
	overviewWeeks = 12
	lookDays      = 90
	stuckAfter    = 10 * time.Minute
	week          = 7 * 24 * time.Hour
)

// CountOverview counts what the first page shows, as of now.
func (s *Store) CountOverview(ctx context.Context, now time.Time) (risk.Overview, error) {
	out := risk.Overview{Computed: now}
	// One transaction: the numbers are of one moment and agree with each other.
	err := s.find(ctx).Transaction(func(tx *gorm.DB) error {
		for _, count := range []func(*gorm.DB, *risk.Overview, time.Time) error{
			countTotals, countOpen, countOpenWeekAgo, measureFirstLook, countGrades, countWeeks,
		} {
			if err := count(tx, &out, now); err != nil {
				return fmt.Errorf("count overview: %w", err)
			}
		}
		return nil
	}, snapshot)
	return out, err
}

func countTotals(tx *gorm.DB, out *risk.Overview, now time.Time) error {
	for _, c := range []struct {
		into *int
		q    *gorm.DB
	}{
		{&out.Suppliers, tx.Model(&supplierRow{})},
		{&out.Terms, tx.Model(&termRow{})},
		{&out.FilesFailed, tx.Model(&fileRow{}).Where("state = ?", string(risk.FileFailed))},
		{&out.MessagesStuck, tx.Model(&messageRow{}).Where("state = ? OR (state IN ? AND created < ?)", string(risk.MessageFailed),
			[]string{string(risk.MessagePending), string(risk.MessageSending)}, at(now.Add(-stuckAfter)))},
	} {
		var n int64
		if err := c.q.Count(&n).Error; err != nil {
			return err
		}
		*c.into = int(n)
	}
	return nil
}

// countOpen counts in one pass over the index: grouping would sort what it holds in another order.
func countOpen(tx *gorm.DB, out *risk.Overview, _ time.Time) error {
	var n struct {
		Low      int `gorm:"column:low"`
		Medium   int `gorm:"column:medium"`
		High     int `gorm:"column:high"`
		Critical int `gorm:"column:critical"`
		Unowned  int `gorm:"column:unowned"`
	}
	err := tx.Model(&exposureRow{}).Where("is_open = ?", true).Select(`COUNT(CASE WHEN severity = ? THEN 1 END) AS low, COUNT(CASE WHEN severity = ? THEN 1 END) AS medium,
		COUNT(CASE WHEN severity = ? THEN 1 END) AS high, COUNT(CASE WHEN severity = ? THEN 1 END) AS critical, COUNT(*) - COUNT(owner_id) AS unowned`,
		int(risk.SeverityLow), int(risk.SeverityMedium), int(risk.SeverityHigh), int(risk.SeverityCritical)).Scan(&n).Error
	if err != nil {
		return err
	}
	out.OpenUnowned, out.OpenBy = n.Unowned, map[risk.Severity]int{}
	for sev, count := range map[risk.Severity]int{risk.SeverityLow: n.Low, risk.SeverityMedium: n.Medium, risk.SeverityHigh: n.High, risk.SeverityCritical: n.Critical} {
		if count > 0 {
			out.OpenBy[sev] = count
		}
	}
	return nil
}

// settledStates are those in which nobody has to act any more.
var settledStates = []string{
	string(risk.ExposureFixed), string(risk.ExposureClosed), string(risk.ExposureDuplicate),
	string(risk.ExposureDismissed), string(risk.ExposureWaived),
}

// countOpenWeekAgo takes what is open now of what was known then, and undoes what history says has changed since: that
// is one week of history, however long it is.
func countOpenWeekAgo(tx *gorm.DB, out *risk.Overview, now time.Time) error {
	then := now.Add(-week)
	running, err := ranBefore(tx, then)
	if err != nil {
		return err
	}
	out.OpenWeekAgo = -1
	if !running {
		return nil
	}
	var open int64
	if err := tx.Model(&exposureRow{}).Where("is_open = ? AND first_seen <= ?", true, at(then)).Count(&open).Error; err != nil {
		return err
	}
	states := append([]string{string(risk.ExposureNew), string(risk.ExposureConfirmed), string(risk.ExposureWithSupplier)}, settledStates...)
	var changed struct {
		OpenNow  int `gorm:"column:open_now"`
		OpenThen int `gorm:"column:open_then"`
	}
	err = tx.Raw(`SELECT COUNT(CASE WHEN is_open = ? THEN 1 END) AS open_now, COUNT(CASE WHEN was NOT IN ? THEN 1 END) AS open_then FROM
		(SELECT is_open, COALESCE((SELECT what FROM exposure_events AS e WHERE e.exposure_id = exposures.id AND e.at <= ? AND e.what IN ?
			ORDER BY e.at DESC, e.id DESC LIMIT 1), '') AS was
		FROM exposures WHERE first_seen <= ? AND id IN (SELECT exposure_id FROM exposure_events WHERE at > ? AND what IN ?)) AS changed`,
		true, settledStates, at(then), states, at(then), at(then), states).Scan(&changed).Error
	if err != nil {
		return err
	}
	out.OpenWeekAgo = int(open) - changed.OpenNow + changed.OpenThen
	return nil
}

// ranBefore reports any trace of Wardline's work at or before then.
func ranBefore(tx *gorm.DB, then time.Time) (bool, error) {
	for _, q := range []*gorm.DB{
		tx.Model(&dayRow{}).Where("day <= ?", at(then.Add(-24*time.Hour))), // that day had ended
		tx.Model(&exposureRow{}).Where("is_open IN ? AND first_seen <= ?", openOrNot, at(then)),
		tx.Model(&scoreRow{}).Where("at <= ?", at(then)),
	} {
		var n int
		if err := q.Select("1").Limit(1).Scan(&n).Error; err != nil {
			return false, err
		}
		if n == 1 {
			return true, nil
		}
	}
	return false, nil
}

func measureFirstLook(tx *gorm.DB, out *risk.Overview, now time.Time) error {
	var took []int64 // microseconds
	err := tx.Model(&exposureRow{}).Where("first_seen >= ? AND looked IS NOT NULL", at(now.AddDate(0, 0, -lookDays))).Pluck("looked - first_seen", &took).Error
	if err != nil || len(took) == 0 {
		return err
	}
	slices.Sort(took)
	out.FirstLook = &risk.TimeToLook{Median: quantile(took, 50), P90: quantile(took, 90), Count: len(took)}
	return nil
}

// quantile is the nearest-rank percentile of sorted microseconds: always a time that was really taken.
func quantile(sorted []int64, percent int) time.Duration {
	rank := (len(sorted)*percent + 99) / 100
	return time.Duration(sorted[max(rank, 1)-1]) * time.Microsecond
}

func countGrades(tx *gorm.DB, out *risk.Overview, _ time.Time) error {
	var rows []struct {
		Tier  int    `gorm:"column:tier"`
		Grade string `gorm:"column:grade"`
		Below int    `gorm:"column:below"`
		Count int    `gorm:"column:count"`
	}
	err := tx.Table("suppliers").Joins(latestScore).
		Select("suppliers.tier AS tier, COALESCE(score.grade, '') AS grade, COUNT(*) AS count, COUNT(CASE WHEN score.number < 60 THEN 1 END) AS below").
		Group("suppliers.tier, COALESCE(score.grade, '')").Order("suppliers.tier, COALESCE(score.grade, '')").Scan(&rows).Error
	if err != nil {
		return err
	}
	for _, r := range rows {
		cell := risk.MatrixCell{Tier: risk.Tier(r.Tier), Band: r.Grade, Count: r.Count}
		if r.Grade == "" {
			cell.Band = "none"
		}
		out.Matrix = append(out.Matrix, cell)
		if r.Tier != 1 {
			continue
		}
		out.Tier1 += r.Count
		if r.Grade == "" {
			out.Tier1Unknown += r.Count
		} else {
			out.Tier1BelowD += r.Below
		}
	}
	return nil
}

func countWeeks(tx *gorm.DB, out *risk.Overview, now time.Time) error {
	from := monday(now).Add(-(overviewWeeks - 1) * week)
	out.Weeks = make([]risk.WeekCount, overviewWeeks)
	for i := range out.Weeks {
		out.Weeks[i] = risk.WeekCount{Monday: from.Add(time.Duration(i) * week), New: map[risk.Severity]int{}}
	}
	var rows []struct {
		Week     int `gorm:"column:week"`
		Severity int `gorm:"column:severity"`
		Count    int `gorm:"column:count"`
	}
	inWeek := fmt.Sprintf("(%%s - %d) / %d", from.UnixMicro(), week.Microseconds()) // whole numbers on both databases
	seenWeek := fmt.Sprintf(inWeek, "first_seen")
	err := tx.Model(&exposureRow{}).Select(seenWeek+" AS week, severity, COUNT(*) AS count").
		Where("is_open IN ? AND first_seen >= ? AND first_seen < ?", openOrNot, at(from), at(from.Add(overviewWeeks*week))).Group(seenWeek + ", severity").Scan(&rows).Error
	if err != nil {
		return err
	}
	for _, r := range rows {
		out.Weeks[r.Week].New[risk.Severity(r.Severity)] = r.Count
	}
	rows = rows[:0]
	doneWeek := fmt.Sprintf(inWeek, "at")
	err = tx.Model(&eventRow{}).Select(doneWeek+" AS week, COUNT(DISTINCT exposure_id) AS count").
		Where("at >= ? AND at < ? AND what IN ?", at(from), at(from.Add(overviewWeeks*week)), settledStates).Group(doneWeek).Scan(&rows).Error
	if err != nil {
		return err
	}
	for _, r := range rows {
		out.Weeks[r.Week].Closed = r.Count
	}
	return nil
}

// openOrNot is every exposure, for the index exposures_newest, which begins with whether one is open.
var openOrNot = []bool{false, true}

// monday is the midnight, UTC, that began the ISO week of t.
func monday(t time.Time) time.Time {
	t = t.UTC().Truncate(24 * time.Hour)
	return t.AddDate(0, 0, -(int(t.Weekday())+6)%7)
}
