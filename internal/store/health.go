package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"github.com/wardline/wardline/internal/risk"
)

type healthRow struct {
	SourceID     int64  `gorm:"column:source_id;primaryKey;autoIncrement:false"`
	State        string `gorm:"column:state"`
	Why          string `gorm:"column:why"`
	Since        stamp  `gorm:"column:since"`
	LastRun      stamp  `gorm:"column:last_run"`
	LastSuccess  stamp  `gorm:"column:last_success"`
	LastDocument stamp  `gorm:"column:last_document"`
	Failures     int    `gorm:"column:failures"`
	NextRun      stamp  `gorm:"column:next_run"`
	Paused       bool   `gorm:"column:paused"`
	Collecting   bool   `gorm:"column:collecting"` // a run is on; State is that of the run before
	Added        stamp  `gorm:"column:added"`
	Gap          int64  `gorm:"column:gap_us"` // the longest pause between new documents, as it fades
	Gaps         int    `gorm:"column:gaps"`   // pauses that were seen
}

func (healthRow) TableName() string { return "source_health" }

type runRow struct {
	SourceID int64 `gorm:"column:source_id;primaryKey;autoIncrement:false"`
	Started  stamp `gorm:"column:started;primaryKey"`
	Finished stamp `gorm:"column:finished"`
	Fetched  int   `gorm:"column:fetched"`
	Matched  int   `gorm:"column:matched"`
	Failed   bool  `gorm:"column:failed"`
}

func (runRow) TableName() string { return "source_runs" }

type dayRow struct {
	SourceID int64 `gorm:"column:source_id;primaryKey;autoIncrement:false"`
	Day      stamp `gorm:"column:day;primaryKey"`
	Runs     int   `gorm:"column:runs"`
	Failures int   `gorm:"column:failures"`
	Fetched  int   `gorm:"column:fetched"`
	Matched  int   `gorm:"column:matched"`
}

func (dayRow) TableName() string { return "source_days" }

// stripDays is the length of the strip that a source's page shows.
const stripDays = 30

// recentRuns is how long single runs are kept: enough for the last 24 hours.
const recentRuns = 48 * time.Hour

// StartRun records that a source is being read.
func (s *Store) StartRun(ctx context.Context, sourceID int64, now time.Time) error {
	return s.change(ctx, func(tx *gorm.DB) error {
		return changedOne(tx.Model(&healthRow{}).Where("source_id = ?", sourceID).
			Updates(map[string]any{"collecting": true, "last_run": at(now)}), "health of source", sourceID)
	})
}

// FinishRun records what a run amounted to. A second call for the same run changes nothing.
func (s *Store) FinishRun(ctx context.Context, run risk.SourceRun) error {
	return s.changeCoverage(ctx, run.Finished, func(tx *gorm.DB) error {
		var old healthRow
		if err := first(s.lock(tx).Where("source_id = ?", run.SourceID), &old, "health of source", run.SourceID); err != nil {
			return err
		}
		added := tx.Clauses(clause.OnConflict{DoNothing: true}).Create(&runRow{
			SourceID: run.SourceID, Started: at(run.Started), Finished: at(run.Finished),
			Fetched: run.Report.Pages, Matched: run.Matched, Failed: run.Failed,
		})
		if added.Error != nil {
			return fmt.Errorf("save run of source %d: %w", run.SourceID, added.Error)
		}
		if added.RowsAffected == 0 {
			return nil
		}
		if err := countDay(tx, run); err != nil {
			return err
		}
		next := healthAfter(old, run)
		return changedOne(tx.Model(&healthRow{}).Where("source_id = ?", run.SourceID).Select("*").Omit("source_id", "paused", "added").Updates(&next), "health of source", run.SourceID)
	})
}

// healthAfter is what a run leaves behind. One that ended because its source was paused says nothing about the source.
func healthAfter(h healthRow, run risk.SourceRun) healthRow {
	if run.State == risk.StatePaused {
		h.Collecting, h.LastRun = false, at(run.Finished)
		if run.Report.New > 0 {
			h.LastDocument = at(run.Finished)
		}
		return h
	}
	if h.State != string(run.State) {
		h.Since = at(run.Finished)
	}
	h.Collecting = false
	h.State, h.Why, h.LastRun, h.NextRun = string(run.State), clean(run.Why), at(run.Finished), at(run.NextRun)
	if run.Failed {
		h.Failures++
		return h
	}
	h.Failures, h.LastSuccess = 0, at(run.Finished)
	if run.Report.New > 0 {
		h = h.learned(run.Finished)
		h.LastDocument = at(run.Finished)
	}
	return h
}

// gapFades is the time in which a longest pause loses half of its length: long enough for weekends, short enough for a
// place that has become livelier.
const gapFades = 14 * 24 * time.Hour

// learned counts the pause that ends with new documents at now.
func (h healthRow) learned(now time.Time) healthRow {
	if h.LastDocument.IsZero() || !now.After(h.LastDocument.Time) {
		return h
	}
	pause := now.Sub(h.LastDocument.Time)
	faded := float64(h.Gap) * math.Exp2(-pause.Hours()/gapFades.Hours())
	h.Gap, h.Gaps = max(pause.Microseconds(), int64(faded)), h.Gaps+1
	return h
}

// fewGaps are too few to know a rhythm by.
const fewGaps = 5

// expects is how long a source may bring nothing new before that is silence; 0 = its rhythm is not known.
func (h healthRow) expects(src risk.Source) time.Duration {
	if h.Gaps < fewGaps || src.Kind == risk.SourceDrop || src.Kind == risk.SourceAccount {
		return 0
	}
	return 2 * max(time.Duration(h.Gap)*time.Microsecond, src.Every)
}

// quiet reports a source that is read, but has brought nothing new for longer than it ever does.
func (h healthRow) quiet(src risk.Source, now time.Time) bool {
	wait := h.expects(src)
	return wait > 0 && now.Sub(h.LastDocument.Time) > wait && risk.SourceState(h.State) == risk.StateHealthy
}

// countDay adds a run to its day and drops what no page shows any more.
func countDay(tx *gorm.DB, run risk.SourceRun) error {
	day := run.Finished.UTC().Truncate(24 * time.Hour)
	row := dayRow{SourceID: run.SourceID, Day: at(day), Runs: 1, Fetched: run.Report.Pages, Matched: run.Matched}
	if run.Failed {
		row.Failures = 1
	}
	add := map[string]any{}
	for _, c := range []string{"runs", "failures", "fetched", "matched"} {
		add[c] = gorm.Expr("source_days." + c + " + excluded." + c)
	}
	count := clause.OnConflict{Columns: []clause.Column{{Name: "source_id"}, {Name: "day"}}, DoUpdates: clause.Assignments(add)}
	if err := tx.Clauses(count).Create(&row).Error; err != nil {
		return fmt.Errorf("count day of source %d: %w", run.SourceID, err)
	}
	err := tx.Where("source_id = ? AND day <= ?", run.SourceID, at(day.AddDate(0, 0, -stripDays))).Delete(&dayRow{}).Error
	if err == nil {
		err = tx.Where("source_id = ? AND started < ?", run.SourceID, at(run.Finished.Add(-recentRuns))).Delete(&runRow{}).Error
	}
	if err != nil {
		return fmt.Errorf("drop old runs of source %d: %w", run.SourceID, err)
	}
	return nil
}

// PauseSource stops a source from being read, or lets it be read again; a new definition does not undo it.
func (s *Store) PauseSource(ctx context.Context, id int64, paused bool) error {
	return s.changeCoverage(ctx, s.now(), func(tx *gorm.DB) error {
		return changedOne(tx.Model(&healthRow{}).Where("source_id = ?", id).Update("paused", paused), "pause of source", id)
	})
}

// MayRead tells whether a source may be read now: not paused, not switched off, its legal basis not expired.
func (s *Store) MayRead(ctx context.Context, id int64) (bool, error) {
	var src sourceRow
	if err := first(s.find(ctx).Where("id = ?", id), &src, "source", id); err != nil {
		return false, err
	}
	var h healthRow
	if err := first(s.find(ctx).Where("source_id = ?", id), &h, "health of source", id); err != nil {
		return false, err
	}
	return src.Enabled && !h.Paused && !expired(src.source(), s.now()), nil
}

// changeCoverage makes a change to a source. When by it a kind of source begins or ceases to watch, every score says
// more or less than before: they are queued to be computed again.
func (s *Store) changeCoverage(ctx context.Context, now time.Time, do func(tx *gorm.DB) error) error {
	return s.change(ctx, func(tx *gorm.DB) error {
		if err := s.lockHealth(tx); err != nil {
			return err
		}
		before, err := coverage(tx, now)
		if err != nil {
			return err
		}
		if err := do(tx); err != nil {
			return err
		}
		after, err := coverage(tx, now)
		if err != nil || slices.Equal(before, after) {
			return err
		}
		return s.enqueue(ctx, tx, risk.Job{Kind: risk.JobRescore})
	})
}

// lockHealth makes changes to sources wait for each other: two sources of one kind that fail at once would each still see
// the other watch.
func (s *Store) lockHealth(tx *gorm.DB) error {
	if s.dialect == dialectSQLite {
		return nil // its write transactions wait for each other anyway
	}
	var ids []int64
	if err := s.lock(tx.Model(&healthRow{})).Order("source_id").Pluck("source_id", &ids).Error; err != nil {
		return fmt.Errorf("hold health of sources: %w", err)
	}
	return nil
}

// sourceHealth is all that is stored on how a source fares.
type sourceHealth struct {
	row        healthRow
	fetched24h int
	matched24h int
	days       []risk.SourceDay
}

func readHealth(db *gorm.DB, ids []int64, now time.Time) (map[int64]*sourceHealth, error) {
	out := map[int64]*sourceHealth{}
	for _, id := range ids {
		out[id] = &sourceHealth{row: healthRow{SourceID: id, State: string(risk.StateWaiting)}}
	}
	var rows []healthRow
	if err := db.Where("source_id IN ?", ids).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find health of sources: %w", err)
	}
	for _, r := range rows {
		out[r.SourceID].row = r
	}
	var days []dayRow
	if err := db.Where("source_id IN ? AND day > ?", ids, at(now.UTC().Truncate(24*time.Hour).AddDate(0, 0, -stripDays))).
		Order("source_id, day").Find(&days).Error; err != nil {
		return nil, fmt.Errorf("find days of sources: %w", err)
	}
	for _, d := range days {
		h := out[d.SourceID]
		h.days = append(h.days, risk.SourceDay{Day: d.Day.Time, Runs: d.Runs, Failures: d.Failures, Fetched: d.Fetched, Matched: d.Matched})
	}
	var recent []runRow
	err := db.Model(&runRow{}).Select("source_id, SUM(fetched) AS fetched, SUM(matched) AS matched").
		Where("source_id IN ? AND finished > ?", ids, at(now.Add(-24*time.Hour))).Group("source_id").Scan(&recent).Error
	if err != nil {
		return nil, fmt.Errorf("count last day of sources: %w", err)
	}
	for _, r := range recent {
		out[r.SourceID].fetched24h, out[r.SourceID].matched24h = r.Fetched, r.Matched
	}
	return out, nil
}

// health is what a source's stored state means at now: pause, expiry and silence are decided when read, for nothing
// runs that could write them down.
func (h *sourceHealth) health(src risk.Source, now time.Time) risk.SourceHealth {
	r := h.row
	out := risk.SourceHealth{
		SourceID: src.ID, State: risk.SourceState(r.State), Why: r.Why, Since: r.Since.Time, LastRun: r.LastRun.Time,
		LastSuccess: r.LastSuccess.Time, LastDocument: r.LastDocument.Time, Failures: r.Failures, NextRun: r.NextRun.Time,
		Fetched24h: h.fetched24h, Matched24h: h.matched24h, Days: h.days,
	}
	if r.Collecting {
		out.State, out.Why, out.Since = risk.StateCollecting, "", r.LastRun.Time
	}
	switch {
	case r.Paused:
		out.State, out.Why = risk.StatePaused, "Paused by an operator."
	case !src.Enabled:
		out.State, out.Why = risk.StatePaused, "Switched off in its definition, or its definition is gone."
	case expired(src, now):
		out.State, out.Since = risk.StateExpired, dayAfter(src.ReviewBy)
		out.Why = "The legal basis was to be reviewed by " + src.ReviewBy.UTC().Format(time.DateOnly) + "."
	case r.quiet(src, now):
		out.State, out.Since = risk.StateSilent, r.LastDocument.Add(r.expects(src))
		out.Why = fmt.Sprintf("It answers, but nothing new came since %s UTC; it used to bring something at least every %s.",
			r.LastDocument.UTC().Format("2006-01-02 15:04"), days(time.Duration(r.Gap)*time.Microsecond))
	case silent(r, src, now):
		out.State = risk.StateSilent
		out.Why, out.Since = whySilent(out), lastSign(r).Add(patience(src))
	}
	return out
}

// dayAfter is when the day of t has ended.
func dayAfter(t time.Time) time.Time { return t.UTC().Truncate(24*time.Hour).AddDate(0, 0, 1) }

func expired(src risk.Source, now time.Time) bool {
	return !src.ReviewBy.IsZero() && !now.Before(dayAfter(src.ReviewBy))
}

// patience is how long a source may go without success before that is silence.
func patience(src risk.Source) time.Duration { return max(3*src.Every, 24*time.Hour) }

// lastSign is the last success, or the beginning of the wait for a first one.
func lastSign(r healthRow) time.Time {
	if r.LastSuccess.IsZero() {
		return r.Added.Time
	}
	return r.LastSuccess.Time
}

// silent leaves captcha, a log-in form, a ban and a changed layout as they are: they say more, and count as coverage no more than silence does.
func silent(r healthRow, src risk.Source, now time.Time) bool {
	if slices.Contains([]risk.SourceState{risk.StateCaptcha, risk.StateNeedsLogin, risk.StateBanned, risk.StateLayoutChanged, risk.StateSilent}, risk.SourceState(r.State)) {
		return false
	}
	return now.Sub(lastSign(r)) > patience(src)
}

// days says a length of time in the largest whole unit.
func days(d time.Duration) string {
	switch {
	case d >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", int(d.Hours()))
	}
	return fmt.Sprintf("%d minutes", max(int(d.Minutes()), 1))
}

func whySilent(h risk.SourceHealth) string {
	if h.LastSuccess.IsZero() {
		return "Never read successfully."
	}
	return "Not read successfully since " + h.LastSuccess.UTC().Format("2006-01-02 15:04") + " UTC."
}

// coverage lists the kinds of sources that watch at now, in alphabetical order.
func coverage(db *gorm.DB, now time.Time) ([]risk.SourceKind, error) {
	var rows []sourceRow
	if err := db.Where("enabled = ?", true).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find enabled sources: %w", err)
	}
	var health []healthRow
	if err := db.Find(&health).Error; err != nil {
		return nil, fmt.Errorf("find health of sources: %w", err)
	}
	byID := map[int64]healthRow{}
	for _, h := range health {
		byID[h.SourceID] = h
	}
	var kinds []risk.SourceKind
	for _, r := range rows {
		src := r.source()
		h := (&sourceHealth{row: byID[r.ID]}).health(src, now)
		watches := h.State == risk.StateHealthy || h.State == risk.StateCollecting
		if watches && !h.LastSuccess.IsZero() && !slices.Contains(kinds, src.Kind) {
			kinds = append(kinds, src.Kind)
		}
	}
	slices.Sort(kinds)
	return kinds, nil
}
