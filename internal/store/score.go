package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

type scoreRow struct {
	ID         int64                 `gorm:"column:id;primaryKey"`
	SupplierID int64                 `gorm:"column:supplier_id"`
	At         stamp                 `gorm:"column:at"`
	Number     float64               `gorm:"column:number"`
	Low        float64               `gorm:"column:low"`
	High       float64               `gorm:"column:high"`
	Confidence float64               `gorm:"column:confidence"`
	Grade      string                `gorm:"column:grade"`
	Weights    string                `gorm:"column:weights"`
	Inputs     doc[risk.ScoreInputs] `gorm:"column:inputs"`
}

func (scoreRow) TableName() string { return "scores" }

// bareScore are the columns of a score without its inputs, which can be large.
var bareScore = []string{"id", "supplier_id", "at", "number", "low", "high", "confidence", "grade", "weights"}

func newScoreRow(s risk.Score) scoreRow {
	return scoreRow{
		ID: s.ID, SupplierID: s.SupplierID, At: at(s.At), Number: s.Number, Low: s.Low, High: s.High,
		Confidence: s.Confidence, Grade: s.Grade, Weights: s.Weights, Inputs: docOf(s.Inputs),
	}
}

func (r scoreRow) score() risk.Score {
	return risk.Score{
		ID: r.ID, SupplierID: r.SupplierID, At: r.At.Time, Number: r.Number, Low: r.Low, High: r.High,
		Confidence: r.Confidence, Grade: r.Grade, Weights: r.Weights, Inputs: r.Inputs.v,
	}
}

type contributionRow struct {
	ScoreID     int64   `gorm:"column:score_id;primaryKey;autoIncrement:false"`
	Position    int     `gorm:"column:position;primaryKey;autoIncrement:false"`
	Factor      string  `gorm:"column:factor"`
	ExposureID  ref     `gorm:"column:exposure_id"`
	Label       string  `gorm:"column:label"`
	Points      float64 `gorm:"column:points"`
	Unknown     bool    `gorm:"column:unknown"`
	X           float64 `gorm:"column:x"`
	Weight      float64 `gorm:"column:weight"`
	Prevalence  float64 `gorm:"column:prevalence"`
	AgeFactor   float64 `gorm:"column:age_factor"`
	SizeFactor  float64 `gorm:"column:size_factor"`
	Quality     float64 `gorm:"column:quality"`
	FirstSeen   stamp   `gorm:"column:first_seen"`
	LastSeen    stamp   `gorm:"column:last_seen"`
	ClearsOn    stamp   `gorm:"column:clears_on"`
	HowToRefute string  `gorm:"column:how_to_refute"`
	Counted     int64   `gorm:"column:counted"`
}

func (contributionRow) TableName() string { return "contributions" }

func newContributionRow(scoreID int64, position int, c risk.Contribution) contributionRow {
	return contributionRow{
		ScoreID: scoreID, Position: position, Factor: c.Factor, ExposureID: ref(c.ExposureID), Label: clean(c.Label), Points: c.Points,
		Unknown: c.Unknown, X: c.X, Weight: c.Weight, Prevalence: c.Prevalence, AgeFactor: c.AgeFactor, SizeFactor: c.SizeFactor,
		Quality: c.Quality, FirstSeen: at(c.FirstSeen), LastSeen: at(c.LastSeen), ClearsOn: at(c.ClearsOn), HowToRefute: clean(c.HowToRefute), Counted: c.Counted,
	}
}

func (r contributionRow) contribution() risk.Contribution {
	return risk.Contribution{
		Factor: r.Factor, ExposureID: int64(r.ExposureID), Label: r.Label, Points: r.Points, Unknown: r.Unknown, X: r.X, Weight: r.Weight,
		Prevalence: r.Prevalence, AgeFactor: r.AgeFactor, SizeFactor: r.SizeFactor, Quality: r.Quality,
		FirstSeen: r.FirstSeen.Time, LastSeen: r.LastSeen.Time, ClearsOn: r.ClearsOn.Time, HowToRefute: r.HowToRefute, Counted: r.Counted,
	}
}

func saveScore(ctx context.Context, tx *gorm.DB, sc risk.Score) error {
	row := newScoreRow(sc)
	row.ID = 0
	if err := tx.Create(&row).Error; err != nil {
		return fmt.Errorf("save score of supplier %d: %w", sc.SupplierID, err)
	}
	rows := make([]contributionRow, len(sc.Contributions))
	for i, c := range sc.Contributions {
		rows[i] = newContributionRow(row.ID, i, c)
	}
	_, err := insertRows(ctx, tx, rows, "", nil)
	return err
}

// FindScore reads a supplier's newest score with all of its arithmetic.
func (s *Store) FindScore(ctx context.Context, supplierID int64) (risk.Score, error) {
	var row scoreRow
	q := s.find(ctx).Where("supplier_id = ?", supplierID).Order("at DESC, id DESC")
	if err := first(q, &row, "score of supplier", supplierID); err != nil {
		return risk.Score{}, err
	}
	var rows []contributionRow
	if err := s.find(ctx).Where("score_id = ?", row.ID).Order("position").Find(&rows).Error; err != nil {
		return risk.Score{}, fmt.Errorf("find contributions of score %d: %w", row.ID, err)
	}
	out := row.score()
	for _, r := range rows {
		out.Contributions = append(out.Contributions, r.contribution())
	}
	return out, nil
}

// FindScores reads a supplier's scores from since on, the oldest first, without inputs and contributions.
func (s *Store) FindScores(ctx context.Context, supplierID int64, since time.Time) ([]risk.Score, error) {
	var rows []scoreRow
	q := s.find(ctx).Select(bareScore).Where("supplier_id = ?", supplierID)
	if !since.IsZero() {
		q = q.Where("at >= ?", at(since))
	}
	if err := q.Order("at, id").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find scores of supplier %d: %w", supplierID, err)
	}
	return converted(rows, scoreRow.score), nil
}

// previousScore is the newest score without contributions; nil = never scored.
func previousScore(tx *gorm.DB, supplierID int64) (*risk.Score, error) {
	var rows []scoreRow
	err := tx.Select(bareScore).Where("supplier_id = ?", supplierID).Order("at DESC, id DESC").Limit(1).Find(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find score of supplier %d: %w", supplierID, err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	sc := rows[0].score()
	return &sc, nil
}

// lineWeeks is the length of the line that lists draw beside a score.
const lineWeeks = 12

// fillScores reads each listed supplier's newest score, the one of a week ago and the line of the last weeks: one query
// a week finds the last score of all suppliers, by index, so that one that is scored often costs no more than another.
func (s *Store) fillScores(ctx context.Context, rows []risk.SupplierRow, now time.Time) error {
	place := map[int64]int{}
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i], place[r.Supplier.ID] = r.Supplier.ID, i
	}
	points, err := s.scoresBefore(ctx, ids, weekEnds(now))
	if err != nil {
		return err
	}
	for _, p := range points {
		row := &rows[place[p.Row.SupplierID]]
		sc := p.Row.score()
		switch {
		case p.Week == 0:
			row.Score = &sc
		case p.Week == 1:
			row.Before = &sc
		}
	}
	slices.SortStableFunc(points, func(a, b weekScore) int { return b.Week - a.Week })
	for _, p := range points {
		row := &rows[place[p.Row.SupplierID]]
		row.Line = append(row.Line, p.Row.Number)
	}
	return nil
}

// weekEnds are now and the same time in each of the weeks before, the newest first.
func weekEnds(now time.Time) []time.Time {
	ends := make([]time.Time, lineWeeks)
	for i := range ends {
		ends[i] = now.AddDate(0, 0, -7*i)
	}
	return ends
}

// weekScore is the newest score of a supplier at the end of a week.
type weekScore struct {
	Row  scoreRow `gorm:"embedded"`
	Week int      `gorm:"column:week"` // index in the ends asked for
}

func (s *Store) scoresBefore(ctx context.Context, ids []int64, ends []time.Time) ([]weekScore, error) {
	var out []weekScore
	for week, end := range ends {
		var rows []weekScore
		err := s.find(ctx).Table("scores").Select("scores.id, scores.supplier_id, scores.at, scores.number, scores.low, scores.high, scores.confidence, scores.grade, scores.weights").
			Joins(`JOIN suppliers ON scores.id = (SELECT newest.id FROM scores AS newest
				WHERE newest.supplier_id = suppliers.id AND newest.at <= ? ORDER BY newest.at DESC, newest.id DESC LIMIT 1)`, at(end)).
			Where("suppliers.id IN ?", ids).Scan(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("find scores of week %d: %w", week, err)
		}
		for i := range rows {
			rows[i].Week = week
		}
		out = append(out, rows...)
	}
	return out, nil
}
