package store

import (
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

// raiseSeverities raises open exposures that are worse than they were when first seen: at a supplier that handles patient
// data by now, say, or under its own name instead of its like. It never lowers one: what was judged urgent, a person settles.
func raiseSeverities(tx *gorm.DB, findings []*risk.Finding, exposures map[string]*held, now time.Time) error {
	worst := map[string]*risk.Exposure{}
	var order []string
	for _, f := range findings {
		fp := f.Exposure.Fingerprint
		if h := exposures[fp]; !h.state.Open() || f.Exposure.Severity <= h.severity {
			continue
		}
		if worst[fp] == nil {
			order = append(order, fp)
		}
		if worst[fp] == nil || f.Exposure.Severity > worst[fp].Severity {
			worst[fp] = &f.Exposure
		}
	}
	for _, fp := range order {
		if err := raise(tx, exposures[fp], *worst[fp], now); err != nil {
			return err
		}
	}
	return nil
}

func raise(tx *gorm.DB, h *held, to risk.Exposure, now time.Time) error {
	due := at(now.Add(to.Severity.Limit()))
	res := tx.Model(&exposureRow{}).Where("id = ? AND severity < ?", h.id, int(to.Severity)).Updates(map[string]any{
		"severity": int(to.Severity), "reasons": docOf(to.Reasons), "class": string(to.Class), "match_kind": string(to.Match),
		"due": gorm.Expr("CASE WHEN due < ? THEN due ELSE ? END", due, due), "updated": at(now), "version": gorm.Expr("version + 1"),
	})
	if res.Error != nil {
		return fmt.Errorf("raise severity of exposure %d: %w", h.id, res.Error)
	}
	if res.RowsAffected == 0 {
		return nil
	}
	line := eventRow{ExposureID: h.id, At: at(now), What: "raised", Detail: clean(fmt.Sprintf("from %s to %s. %s", h.severity, to.Severity, strings.Join(to.Reasons, " ")))}
	if err := tx.Create(&line).Error; err != nil {
		return fmt.Errorf("write history of exposure %d: %w", h.id, err)
	}
	h.severity, h.raised = to.Severity, true
	return nil
}
