package portal

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

type supplierView struct {
	page
	ID        int64
	Name      string
	Kind      string
	Tags      []string
	Contact   risk.Person
	Tab       string
	Tabs      []chip
	CanEdit   bool
	SeesEx    bool
	Score     *scoreCard
	Line      *scoreLine
	Factors   []factor
	Exposures []exposureRow
	Open      int
	All       int
	InboxHref string
	Pager     pager
	Terms     []termGroup
	TermCount int
	Timeline  []event
	Hunt      *huntView
	Floods    []floodRow // only on the summary
	Counted   string     // in all of them
}

// scoreCard is the newest score as the page states it.
type scoreCard struct {
	Number, Range string
	Grade         badge
	Confidence    string
	Change        string // over 30 days; "" = no score that old
	At            string
	Weights       string
	Sum           string // the arithmetic in one line
}

// factor is one factor's bar with the rows that it is made of.
type factor struct {
	Key, Name string
	Points    float64
	Says      string // points, in words
	Tone      string
	Unknown   bool
	Width     string // share of the bar, 0…100
	Weight    string
	X         string
	Base      string
	Rows      []effectRow
	Rest      string // rows beyond those listed, in words; "" = all are listed
	Counted   string // what its points leave out, in words; "" = nothing

	sum risk.FactorSum
}

type termGroup struct {
	Label, Hint string
	Values      []string
}

const (
	tabSummary   = "summary"
	tabExposures = "exposures"
	tabTerms     = "terms"
	tabDumps     = "dumps"
	tabHistory   = "history"
)

func (p *portal) supplierPage(c *gin.Context) error {
	id, err := parseID(c.Param("id"))
	if err != nil {
		return err
	}
	ctx, a := c.Request.Context(), actor(c)
	s, err := p.Store.FindSupplier(ctx, id)
	if err != nil {
		return fmt.Errorf("find supplier %d: %w", id, err)
	}
	v := supplierView{page: p.chrome(c, visible(s.Name), "suppliers"), ID: s.ID, Name: visible(s.Name), Kind: visible(s.Kind), Tags: p.supplierTags(s),
		Contact: risk.Person{Name: visible(s.Contact.Name), Email: visible(s.Contact.Email)}, CanEdit: risk.Can(a, risk.ActEditSuppliers),
		SeesEx: risk.Can(a, risk.ActViewExposures), TermCount: len(s.Terms), InboxHref: fmt.Sprintf("/inbox?v=open&supplier=%d", id)}
	if v.Open, v.All, err = p.countOf(ctx, id, v.SeesEx); err != nil {
		return err
	}
	v.Tab = c.DefaultQuery("tab", tabSummary)
	if !v.addTabs() {
		return risk.ErrNotFound
	}
	switch v.Tab {
	case tabExposures:
		err = p.fillExposures(c, &v)
	case tabTerms:
		v.Terms = termGroups(s.Terms)
	case tabDumps:
		v.Hunt, err = p.huntView(ctx, s)
	case tabHistory:
		err = p.fillHistory(ctx, &v)
	default:
		if v.Floods, v.Counted, err = p.floodRows(ctx, risk.FloodFilter{SupplierID: s.ID}); err == nil {
			err = p.fillSummary(c, &v)
		}
	}
	if err != nil {
		return err
	}
	return p.render(c, http.StatusOK, "supplier", v)
}

// addTabs lists the tabs for the role and reports whether the one that was asked for is among them.
func (v *supplierView) addTabs() bool {
	tabs := []chip{{Label: "Summary", Href: tabSummary}}
	if v.SeesEx {
		tabs = append(tabs, chip{Label: "Exposures", Href: tabExposures, Count: number(v.All)})
	}
	tabs = append(tabs, chip{Label: "Watch terms", Href: tabTerms, Count: number(v.TermCount)})
	if v.SeesEx {
		tabs = append(tabs, chip{Label: "Where seen", Href: tabDumps})
	}
	tabs = append(tabs, chip{Label: "History", Href: tabHistory})
	found := false
	for i := range tabs {
		tabs[i].Current = tabs[i].Href == v.Tab
		found = found || tabs[i].Current
		tabs[i].Href = supplierHref(v.ID) + "?tab=" + tabs[i].Href
	}
	v.Tabs = tabs
	return found
}

func (p *portal) supplierTags(s risk.Supplier) []string {
	tags := []string{tierName(s.Tier)}
	if s.Relation != risk.ThirdParty {
		tags = append(tags, word(relationWords, s.Relation, string(s.Relation)))
	}
	switch s.PatientData {
	case risk.Yes:
		tags = append(tags, "Handles patient data")
	case risk.No:
		tags = append(tags, "No patient data")
	default:
		tags = append(tags, "Patient data: not known")
	}
	if s.BAASigned != nil {
		tags = append(tags, "BAA signed "+s.BAASigned.Format("2 Jan 2006"))
	}
	if s.ContractEnd != nil {
		tags = append(tags, "Contract ends "+s.ContractEnd.Format("2 Jan 2006"))
	}
	if s.Owner.Name != "" {
		tags = append(tags, "Owner "+visible(s.Owner.Name))
	}
	var domains []string
	for _, t := range s.Terms {
		if t.Kind == risk.TermDomain {
			domains = append(domains, t.Value)
		}
	}
	switch n := len(domains); {
	case n == 1:
		tags = append(tags, domains[0])
	case n > 1:
		tags = append(tags, fmt.Sprintf("%s +%d", domains[0], n-1))
	}
	return tags
}

func (p *portal) countOf(ctx context.Context, id int64, sees bool) (open, all int, err error) {
	if !sees {
		return 0, 0, nil
	}
	if _, open, err = p.Store.FindExposures(ctx, risk.ExposureFilter{SupplierID: id, States: risk.OpenStates, Limit: 1}); err == nil {
		_, all, err = p.Store.FindExposures(ctx, risk.ExposureFilter{SupplierID: id, Limit: 1})
	}
	if err != nil {
		return 0, 0, fmt.Errorf("count exposures of supplier %d: %w", id, err)
	}
	return open, all, nil
}

const (
	summaryExposures = 6
	summaryEvents    = 8
	scoreMove        = 2.0 // points: a smaller change of the score is no event of the timeline
)

func (p *portal) fillSummary(c *gin.Context, v *supplierView) error {
	ctx, now := c.Request.Context(), p.Now()
	past, err := p.Store.FindScores(ctx, v.ID, now.AddDate(-1, 0, 0))
	if err != nil {
		return fmt.Errorf("find scores of supplier %d: %w", v.ID, err)
	}
	past = p.daily(past)
	s, err := p.Store.FindScore(ctx, v.ID)
	if err != nil && !errors.Is(err, risk.ErrNotFound) {
		return fmt.Errorf("find score of supplier %d: %w", v.ID, err)
	}
	if err == nil {
		v.Score, v.Line, v.Factors = p.scoreCard(s, past), p.newScoreLine(past, now), p.factorBars(s, v.SeesEx)
	}
	if v.SeesEx {
		found, _, err := p.Store.FindExposures(ctx, risk.ExposureFilter{SupplierID: v.ID, States: risk.OpenStates, Limit: summaryExposures})
		if err != nil {
			return fmt.Errorf("find exposures of supplier %d: %w", v.ID, err)
		}
		v.Exposures = p.exposureRows(found, actor(c))
	}
	v.Timeline, err = p.supplierTimeline(c, v, past)
	return err
}

func (p *portal) scoreCard(s risk.Score, past []risk.Score) *scoreCard {
	v := &scoreCard{Number: whole(s.Number), Range: whole(s.Low) + " to " + whole(s.High), Grade: gradeBadge(&s),
		Confidence: fmt.Sprintf("%.0f %%", s.Confidence*100), At: p.stamp(s.At), Weights: s.Weights}
	monthAgo := p.Now().AddDate(0, 0, -30)
	for _, old := range past {
		if !old.At.After(monthAgo) {
			v.Change = signed(s.Number-old.Number, 0)
		}
	}
	sum := 0.0
	for _, r := range s.Contributions {
		sum += r.Points
	}
	v.Sum = fmt.Sprintf("85 for the average supplier %s for what follows = %s", strings.Replace(signed(sum, 1), "−", "− ", 1),
		strings.Replace(fmt.Sprintf("%.1f", 85+sum), "-", "−", 1))
	if 85+sum > 100 || 85+sum < 0 {
		v.Sum += fmt.Sprintf(", held within 0 and 100: %s", whole(s.Number))
	}
	return v
}

// factors are a score's factors as pages show them, in the order in which the score gives them.
func factors(s risk.Score) []factor {
	var out []factor
	for _, sum := range s.Factors() {
		own := sum.Own
		f := factor{Key: own.Factor, Name: factorName(own.Factor), Points: sum.Points, Unknown: own.Unknown, Says: signed(sum.Points, 1),
			Tone: factorTone(sum.Points, own.Weight, own.Unknown), X: fmt.Sprintf("%.2f", own.X), Weight: fmt.Sprintf("%.1f", own.Weight),
			Base: fmt.Sprintf("%.2f", own.Prevalence), sum: sum}
		if f.Unknown {
			f.Says = "unknown"
		}
		if n := int(own.Counted); n > 0 {
			f.Counted = plural(n, "further finding was", "further findings were") + " only counted in dumps: the points leave that out, the range of the score allows for it."
		}
		out = append(out, f)
	}
	return out
}

// factorTone colours a factor by how much of what it can take it has taken.
func factorTone(points, weight float64, unknown bool) string {
	if unknown {
		return "none"
	}
	switch share := -points / max(weight, 1); {
	case share > 0.5:
		return "critical"
	case share > 0.25:
		return "high"
	case share > 0.02:
		return "medium"
	}
	return "good"
}

// factorBars are the factors with their rows, what costs most first and what nobody watches last.
func (p *portal) factorBars(s risk.Score, seesExposures bool) []factor {
	out := factors(s)
	widest := 1.0
	for _, f := range out {
		widest = max(widest, math.Abs(f.Points))
	}
	for i := range out {
		f := &out[i]
		f.Width = fmt.Sprintf("%.1f", 100*math.Abs(f.Points)/widest)
		p.fillFactorRows(f, seesExposures)
	}
	slices.SortStableFunc(out, func(a, b factor) int {
		switch {
		case a.Unknown == b.Unknown:
			return cmp.Compare(a.Points, b.Points)
		case a.Unknown:
			return 1
		}
		return -1
	})
	return out
}

// factorRows is how many rows of a factor a page lists; a supplier in a large dump has thousands, each of hardly a point.
const factorRows = 20

// fillFactorRows lists the factor's own row and then those that move most.
func (p *portal) fillFactorRows(f *factor, seesExposures bool) {
	rows := slices.Clone(f.sum.Rows)
	slices.SortStableFunc(rows, func(a, b risk.Contribution) int { return cmp.Compare(math.Abs(b.Points), math.Abs(a.Points)) })
	rows = append([]risk.Contribution{f.sum.Own}, rows...)
	for _, r := range rows[:min(len(rows), factorRows)] {
		row := p.effectRow(r)
		if r.ExposureID != 0 && !seesExposures {
			row.Label = "One exposure"
		}
		f.Rows = append(f.Rows, row)
	}
	if rest := rows[len(f.Rows):]; len(rest) > 0 {
		sum := 0.0
		for _, r := range rest {
			sum += r.Points
		}
		f.Rest = plural(len(rest), "smaller row", "smaller rows") + " more: " + signed(sum, 2) + " points in all."
	}
}

// supplierTimeline tells what was found and how the score moved, newest first.
func (p *portal) supplierTimeline(c *gin.Context, v *supplierView, scores []risk.Score) ([]event, error) {
	type moment struct {
		at time.Time
		ev event
	}
	var all []moment
	if v.SeesEx {
		found, _, err := p.Store.FindExposures(c.Request.Context(), risk.ExposureFilter{SupplierID: v.ID, Sort: "new", Limit: summaryEvents})
		if err != nil {
			return nil, fmt.Errorf("find newest exposures of supplier %d: %w", v.ID, err)
		}
		for _, e := range found {
			all = append(all, moment{e.FirstSeen, event{At: p.stamp(e.FirstSeen), What: visible(e.Title), Detail: e.Ref() + " · " + visible(e.SourceName) + " · " + word(stateWords, e.State, string(e.State))}})
		}
	}
	for i := 1; i < len(scores); i++ {
		if d := scores[i].Number - scores[i-1].Number; math.Abs(d) >= scoreMove {
			s := scores[i]
			all = append(all, moment{s.At, event{At: p.stamp(s.At), What: fmt.Sprintf("Score %s (%s)", whole(s.Number), signed(d, 0)), Detail: gradeBadge(&s).Label}})
		}
	}
	slices.SortStableFunc(all, func(a, b moment) int { return b.at.Compare(a.at) })
	var out []event
	for _, m := range all[:min(len(all), summaryEvents)] {
		out = append(out, m.ev)
	}
	return out, nil
}

func (p *portal) fillExposures(c *gin.Context, v *supplierView) error {
	f := risk.ExposureFilter{SupplierID: v.ID, Sort: "new", Limit: inboxSize, Offset: (pageNumber(c) - 1) * inboxSize}
	found, total, err := p.Store.FindExposures(c.Request.Context(), f)
	if err != nil {
		return fmt.Errorf("find exposures of supplier %d: %w", v.ID, err)
	}
	if f.Offset > 0 && len(found) == 0 {
		return risk.ErrNotFound // past the end of the list
	}
	v.Exposures = p.exposureRows(found, actor(c))
	v.Pager = newPager(c.Request.URL, f.Offset/inboxSize+1, inboxSize, len(found), total)
	return nil
}

func (p *portal) fillHistory(ctx context.Context, v *supplierView) error {
	past, err := p.Store.FindScores(ctx, v.ID, p.Now().AddDate(-1, 0, 0))
	if err != nil {
		return fmt.Errorf("find scores of supplier %d: %w", v.ID, err)
	}
	past = p.daily(past)
	v.Line = p.newScoreLine(past, p.Now())
	return nil
}

func termGroups(terms []risk.WatchTerm) []termGroup {
	var out []termGroup
	for _, kind := range risk.TermKinds {
		g := termGroup{Label: termWords[kind], Hint: termHints[kind]}
		for _, t := range terms {
			if t.Kind == kind {
				g.Values = append(g.Values, visible(t.Value))
			}
		}
		if len(g.Values) > 0 {
			out = append(out, g)
		}
	}
	return out
}
