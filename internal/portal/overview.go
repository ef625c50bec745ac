package portal

import (
	"fmt"
	"net/http"

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
	SeesList  bool   // suppliers
	SeesWhere bool   // sources
	Reading   string // which dumps are being read; "" = none
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
	if v.SeesWhere {
		if v.Reading, err = p.readingNow(ctx); err != nil {
			return err
		}
	}
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
	cards[0].Spark = newSparkline(foundPerWeek(o.Weeks), "New exposures per week")
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

// foundPerWeek counts new exposures a week; nil when there are none.
func foundPerWeek(weeks []risk.WeekCount) []float64 {
	var out []float64
	total := 0
	for _, w := range weeks {
		n := 0
		for _, k := range w.New {
			n += k
		}
		total += n
		out = append(out, float64(n))
	}
	if total == 0 {
		return nil
	}
	return out
}
