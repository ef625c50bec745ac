package store

import (
	"cmp"
	"fmt"
	"slices"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

// singleEvidence is how many of a supplier's newest exposures stand for themselves in its score. Older ones that are alike
// in all that the score reads, and of one day, stand together: a dump of fifty thousand logins would otherwise be stored
// again, row by row, with every score.
const singleEvidence = 500

type evidenceRow struct {
	ID          int64   `gorm:"column:id"`
	Count       int     `gorm:"column:count"`
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

func (r evidenceRow) evidence() risk.Evidence {
	e := risk.Evidence{
		ExposureID: r.ID, Count: r.Count, Kind: risk.IndicatorKind(r.Kind), Format: risk.Format(r.Format), SourceKind: risk.SourceKind(r.SourceKind),
		Quality: r.Reliability * matchConfidence[risk.MatchKind(r.MatchKind)], Observed: r.Observed.Time,
		FirstSeen: r.FirstSeen.Time, LastSeen: r.LastSeen.Time, State: risk.ExposureState(r.State),
	}
	if e.Count == 1 {
		e.Count = 0
	}
	return e
}

// evidence reads what the score needs of all of a supplier's exposures, whatever their state: what counts is the score's to
// say. The newest come one by one, the rest in groups.
func evidence(tx *gorm.DB, supplierID int64) ([]risk.Evidence, error) {
	of := func() *gorm.DB {
		return tx.Table("exposures").Joins("JOIN sources ON sources.id = exposures.source_id").Where("exposures.supplier_id = ?", supplierID)
	}
	var rows, groups []evidenceRow
	err := of().Select(`exposures.id, 0 AS count, exposures.kind, exposures.format, exposures.match_kind, exposures.source_kind, sources.reliability,
		exposures.observed, exposures.first_seen, exposures.last_seen, exposures.state`).
		Order("exposures.observed DESC, exposures.id DESC").Limit(singleEvidence).Scan(&rows).Error
	if err == nil && len(rows) == singleEvidence {
		last := rows[len(rows)-1]
		err = of().Select(`MAX(exposures.id) AS id, COUNT(*) AS count, exposures.kind, exposures.format, exposures.match_kind, exposures.source_kind,
			sources.reliability, MAX(exposures.observed) AS observed, MIN(exposures.first_seen) AS first_seen, MAX(exposures.last_seen) AS last_seen, exposures.state`).
			Where("(exposures.observed < ? OR (exposures.observed = ? AND exposures.id < ?))", last.Observed, last.Observed, last.ID).
			Group("exposures.kind, exposures.format, exposures.match_kind, exposures.source_kind, sources.reliability, exposures.state, exposures.observed / 86400000000").
			Scan(&groups).Error
	}
	if err != nil {
		return nil, fmt.Errorf("find evidence on supplier %d: %w", supplierID, err)
	}
	out := make([]risk.Evidence, 0, len(rows)+len(groups))
	for _, r := range append(groups, rows...) {
		out = append(out, r.evidence())
	}
	slices.SortFunc(out, func(a, b risk.Evidence) int { return cmp.Compare(a.ExposureID, b.ExposureID) })
	return out, nil
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
