package portal

import (
	"errors"
	"fmt"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

// heatMap shows what takes points from the lowest tier 1 suppliers.
type heatMap struct {
	Factors []string
	Rows    []heatRow
}

type heatRow struct {
	Name, Href string
	Number     string
	Cells      []heatCell
}

type heatCell struct {
	Points, Tone, Says string
}

const heatRows = 6

func (p *portal) heatMap(c *gin.Context) (*heatMap, error) {
	ctx := c.Request.Context()
	first := risk.Tier(1)
	rows, _, err := p.Store.FindSuppliers(ctx, risk.SupplierFilter{Tier: &first, Sort: "score", Limit: heatRows}, p.Now())
	if err != nil {
		return nil, fmt.Errorf("find lowest tier 1 suppliers: %w", err)
	}
	v := &heatMap{}
	var scored []risk.Score
	var keys []string
	for _, r := range rows {
		s, err := p.Store.FindScore(ctx, r.Supplier.ID)
		if errors.Is(err, risk.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("find score of supplier %d: %w", r.Supplier.ID, err)
		}
		scored = append(scored, s)
		v.Rows = append(v.Rows, heatRow{Name: visible(r.Supplier.Name), Href: supplierHref(r.Supplier.ID), Number: whole(s.Number)})
		for _, f := range factors(s) {
			// A factor that no source watches for anybody would be a column of question marks.
			if !f.Unknown && !slices.Contains(keys, f.Key) {
				keys = append(keys, f.Key)
			}
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	for _, k := range keys {
		v.Factors = append(v.Factors, factorName(k))
	}
	for i, s := range scored {
		by := map[string]factor{}
		for _, f := range factors(s) {
			by[f.Key] = f
		}
		for _, k := range keys {
			v.Rows[i].Cells = append(v.Rows[i].Cells, newHeatCell(by[k], k))
		}
	}
	return v, nil
}

func newHeatCell(f factor, key string) heatCell {
	if f.Key == "" || f.Unknown {
		return heatCell{Points: "?", Tone: "none", Says: factorName(key) + ": not watched, so unknown"}
	}
	return heatCell{Points: signed(f.Points, 1), Tone: f.Tone, Says: factorName(key) + ": " + signed(f.Points, 1) + " points"}
}
