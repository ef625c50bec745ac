package portal

import (
	"fmt"

	"github.com/wardline/wardline/internal/risk"
)

// matrix counts suppliers by tier and grade; each cell is a filter.
type matrix struct {
	Bands []matrixBand
	Rows  []matrixRow
	Total int
}

type matrixBand struct{ Grade, Range string }

type matrixRow struct {
	Label string
	Cells []matrixCell
}

type matrixCell struct {
	Count int
	Tone  string
	Href  string
	Says  string
}

func newMatrix(cells []risk.MatrixCell) *matrix {
	counts := map[risk.Tier]map[string]int{}
	v := &matrix{}
	for _, c := range cells {
		if counts[c.Tier] == nil {
			counts[c.Tier] = map[string]int{}
		}
		counts[c.Tier][c.Band] += c.Count
		v.Total += c.Count
	}
	if v.Total == 0 {
		return nil
	}
	for _, g := range gradeOrder {
		band := matrixBand{Grade: g, Range: grades[g].band}
		if g == gradeNone {
			band = matrixBand{Grade: "?", Range: "no letter"}
		}
		v.Bands = append(v.Bands, band)
	}
	for _, tier := range []risk.Tier{1, 2, 3, 4, 0} {
		if counts[tier] == nil {
			continue
		}
		row := matrixRow{Label: tierName(tier)}
		for _, g := range gradeOrder {
			n := counts[tier][g]
			tone, what := grades[g].tone, "grade "+g
			if g == gradeNone {
				tone, what = "none", "insufficient evidence"
			}
			cell := matrixCell{Count: n, Tone: tone, Says: fmt.Sprintf("%s, %s: %s", row.Label, what, plural(n, "supplier", "suppliers"))}
			if n > 0 {
				cell.Href = fmt.Sprintf("/suppliers?tier=%d&grade=%s", tier, g)
			}
			row.Cells = append(row.Cells, cell)
		}
		v.Rows = append(v.Rows, row)
	}
	return v
}
