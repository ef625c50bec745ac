package portal

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

const decisionsShown = 7

type overviewView struct {
	page
	Today     string
	Suppliers int
	Terms     int
	Empty     bool
	CanEdit   bool
	Troubles  []string // what Wardline itself could not do
	CanSee    bool     // exposures
	CanTriage bool
	SeesList  bool // suppliers
	SeesWhere bool // sources
	Decisions []exposureRow
	Waiting   int // decisions in all
	Cards     []card
	Weeks     *weekChart
	Matrix    *matrix
	Heat      *heatMap
}

// card is one counted number that leads to what it counts.
type card struct {
	Value, Label, Note, Href string
	Spark                    *sparkline
}

func (p *portal) overviewPage(c *gin.Context) error {
	ctx, a, now := c.Request.Context(), actor(c), p.Now()
	o, err := p.Store.CountOverview(ctx, now)
	if err != nil {
		return fmt.Errorf("count overview: %w", err)
	}
	v := overviewView{page: p.chrome(c, "Overview", "overview"), Today: now.Format("Monday 2 January 2006, 15:04 MST"), Suppliers: o.Suppliers,
		Terms: o.Terms, Empty: o.Suppliers == 0, CanEdit: risk.Can(a, risk.ActEditSuppliers), CanSee: risk.Can(a, risk.ActViewExposures),
		CanTriage: risk.Can(a, risk.ActTriage), SeesList: risk.Can(a, risk.ActViewSuppliers), SeesWhere: risk.Can(a, risk.ActViewSources), Troubles: troubles(o)}
	if v.CanSee {
		f := risk.ExposureFilter{States: decideStates, Limit: decisionsShown}
		found, total, err := p.Store.FindExposures(ctx, f)
		if err != nil {
			return fmt.Errorf("find exposures to decide on: %w", err)
		}
		v.Decisions, v.Waiting = p.exposureRows(found, a), total
	}
	v.Cards = p.overviewCards(v, o)
	v.Weeks = newWeekChart(o.Weeks)
	if v.SeesList {
		v.Matrix = newMatrix(o.Matrix)
		if v.Heat, err = p.heatMap(c); err != nil {
			return err
		}
	}
	return p.render(c, http.StatusOK, "overview", v)
}

func troubles(o risk.Overview) []string {
	var out []string
	if o.MessagesStuck > 0 {
		out = append(out, plural(o.MessagesStuck, "alert mail has", "alert mails have")+" not been delivered: check the mail server.")
	}
	if o.FilesFailed > 0 {
		out = append(out, plural(o.FilesFailed, "file in the drop folder", "files in the drop folder")+" could not be read.")
	}
	return out
}

func (p *portal) overviewCards(v overviewView, o risk.Overview) []card {
	open := 0
	for _, n := range o.OpenBy {
		open += n
	}
	urgent := o.OpenBy[risk.SeverityCritical] + o.OpenBy[risk.SeverityHigh]
	note := fmt.Sprintf("%s critical or high", number(urgent))
	if o.OpenWeekAgo >= 0 {
		note += fmt.Sprintf(" · %s in 7 d", signed(float64(open-o.OpenWeekAgo), 0))
	}
	cards := []card{{Value: number(open), Label: "Open exposures", Note: note, Href: "/inbox?v=open"}}
	if !v.CanSee {
		cards[0].Href = ""
	}
	cards[0].Spark = newSparkline(newPerWeek(o.Weeks), "New exposures per week")
	if look := o.FirstLook; look != nil {
		cards = append(cards, card{Value: span(look.Median), Label: "Median time to first look", Note: "90th percentile " + span(look.P90) + " · " + plural(look.Count, "exposure", "exposures") + " in 90 d"})
	}
	if o.Tier1 > 0 {
		n := card{Value: fmt.Sprintf("%d / %d", o.Tier1BelowD, o.Tier1), Label: "Tier 1 with a score under 60", Note: "every one has sufficient evidence"}
		if o.Tier1Unknown > 0 {
			n.Note = number(o.Tier1Unknown) + " more without sufficient evidence"
		}
		if v.SeesList {
			n.Href = "/suppliers?tier=1&grade=F"
		}
		cards = append(cards, n)
	}
	if total := v.Coverage.Sources; total > 0 {
		n := card{Value: fmt.Sprintf("%d / %d", total-len(v.Coverage.Blind), total), Label: "Sources that we can see now", Note: "all of them answer"}
		if blind := len(v.Coverage.Blind); blind > 0 {
			n.Note = plural(blind, "source is", "sources are") + " blind"
		}
		if v.SeesWhere {
			n.Href = "/sources"
		}
		cards = append(cards, n)
	}
	return cards
}

func newPerWeek(weeks []risk.WeekCount) []float64 {
	var out []float64
	any := 0
	for _, w := range weeks {
		n := 0
		for _, k := range w.New {
			n += k
		}
		any += n
		out = append(out, float64(n))
	}
	if any == 0 {
		return nil
	}
	return out
}

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

// exposureRow is an exposure as lists show it.
type exposureRow struct {
	ID           int64
	Ref, Title   string
	Href         string // full page
	Pick         string // the same list with this one opened
	Severity     risk.Severity
	Supplier     string
	SupplierHref string
	Source       string
	Kind, State  string
	Due          string
	Overdue      bool
	Owner        string
	Mine         bool
	Age          string
	Seen         string // first seen, in full
	Version      int
	Picked       bool
}

func (p *portal) exposureRows(found []risk.Exposure, a risk.Actor) []exposureRow {
	rows := make([]exposureRow, len(found))
	for i, e := range found {
		rows[i] = p.exposureRow(e, a, p.Now())
	}
	return rows
}

func (p *portal) exposureRow(e risk.Exposure, a risk.Actor, now time.Time) exposureRow {
	r := exposureRow{ID: e.ID, Ref: e.Ref(), Title: visible(e.Title), Href: fmt.Sprintf("/exposures/%d", e.ID), Severity: e.Severity, Supplier: visible(e.Supplier),
		SupplierHref: supplierHref(e.SupplierID), Source: visible(e.SourceName), Kind: word(kindWords, e.Kind, string(e.Kind)), State: word(stateWords, e.State, string(e.State)),
		Owner: e.Owner, Mine: e.OwnerID == a.UserID, Age: span(now.Sub(e.FirstSeen)), Seen: p.stamp(e.FirstSeen), Version: e.Version}
	if e.State.Open() {
		r.Due, r.Overdue = dueWords(now, e.Due), !e.Due.IsZero() && now.After(e.Due)
	} else {
		r.Due = r.State
	}
	if r.Owner == "" {
		r.Owner = "Unassigned"
	}
	return r
}

func supplierHref(id int64) string { return fmt.Sprintf("/suppliers/%d", id) }
