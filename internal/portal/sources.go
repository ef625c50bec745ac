package portal

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

type sourcesView struct {
	page
	Rows      []sourceRow
	Cards     []card
	Days      *dayChart
	CanManage bool
	SeesEx    bool
}

type sourceRow struct {
	Key, Name, Kind, Route, Every string
	State                         badge
	Why                           string
	Since                         string
	Strip                         strip
	LastDocument                  string
	Next                          string
	Fetched, Matched, Open        string
	OpenHref                      string // "" = none is open
	Basis, Review                 string
	ReviewSoon                    bool
	Paused                        bool
	CanRun                        bool
}

// reviewSoon is how long before a legal basis runs out the page begins to say so.
const reviewSoon = 30 * 24 * time.Hour

func (p *portal) sourcesPage(c *gin.Context) error {
	a, now := actor(c), p.Now()
	found, err := p.Store.FindSources(c.Request.Context(), now)
	if err != nil {
		return fmt.Errorf("find sources: %w", err)
	}
	v := sourcesView{page: p.chrome(c, "Source health", "sources"), CanManage: risk.Can(a, risk.ActManageSources), SeesEx: risk.Can(a, risk.ActViewExposures)}
	for _, s := range found {
		v.Rows = append(v.Rows, p.sourceRow(s, now))
	}
	if len(found) > 0 {
		v.Cards = p.sourceCards(found, len(v.Coverage.Blind), now)
		v.Days = newDayChart(found)
	}
	return p.render(c, http.StatusOK, "sources", v)
}

func (p *portal) sourceRow(s risk.SourceStatus, now time.Time) sourceRow {
	h := s.Health
	state, known := sourceStates[h.State]
	if !known {
		state = badge{string(h.State), "none", "unknown"}
	}
	if h.State == risk.StateSilent && !h.Since.IsZero() {
		state.Label += " " + span(now.Sub(h.Since))
	}
	r := sourceRow{Key: s.Source.Key, Name: visible(s.Source.Name), Kind: word(sourceKindWords, s.Source.Kind, string(s.Source.Kind)), Route: word(routeWords, s.Source.Route, string(s.Source.Route)),
		Every: "every " + interval(s.Source.Every), State: state, Why: visible(h.Why), Strip: newStrip(h.Days, now), LastDocument: ago(now, h.LastDocument), Fetched: number(h.Fetched24h),
		Matched: number(h.Matched24h), Open: number(s.Open), Basis: visible(s.Source.LegalBasis), Paused: h.State == risk.StatePaused, CanRun: s.Source.Enabled && h.State != risk.StatePaused && h.State != risk.StateExpired}
	if s.Open > 0 {
		r.OpenHref = fmt.Sprintf("/inbox?v=open&source=%d", s.Source.ID)
	}
	if !h.Since.IsZero() {
		r.Since = p.stamp(h.Since)
	}
	if !h.NextRun.IsZero() && h.NextRun.After(now) {
		r.Next = "next in " + span(h.NextRun.Sub(now))
	}
	if !s.Source.ReviewBy.IsZero() {
		r.Review, r.ReviewSoon = s.Source.ReviewBy.Format("2 Jan 2006"), s.Source.ReviewBy.Sub(now) < reviewSoon
	}
	return r
}

func (p *portal) sourceCards(found []risk.SourceStatus, blind int, now time.Time) []card {
	var fresh []time.Duration
	fetched, matched, soon := 0, 0, 0
	for _, s := range found {
		fetched, matched = fetched+s.Health.Fetched24h, matched+s.Health.Matched24h
		if !s.Health.LastDocument.IsZero() {
			fresh = append(fresh, now.Sub(s.Health.LastDocument))
		}
		if !s.Source.ReviewBy.IsZero() && s.Source.ReviewBy.Sub(now) < reviewSoon {
			soon++
		}
	}
	cards := []card{{Value: fmt.Sprintf("%d / %d", len(found)-blind, len(found)), Label: "Can be seen now", Note: "none is blind"}}
	if blind > 0 {
		cards[0].Note = plural(blind, "source is", "sources are") + " blind"
	}
	if len(fresh) > 0 {
		slices.Sort(fresh)
		cards = append(cards, card{Value: span(fresh[len(fresh)/2]), Label: "Median age of the newest document", Note: "oldest " + span(fresh[len(fresh)-1])})
	}
	cards = append(cards, card{Value: number(fetched), Label: "Documents in 24 h", Note: plural(matched, "match", "matches") + " in them"})
	return append(cards, card{Value: number(soon), Label: "Legal reviews due within 30 d", Note: "a source stops on its review date"})
}

func (p *portal) pauseSource(c *gin.Context) error  { return p.setPaused(c, true) }
func (p *portal) resumeSource(c *gin.Context) error { return p.setPaused(c, false) }

func (p *portal) setPaused(c *gin.Context, paused bool) error {
	s, err := p.sourceOf(c)
	if err != nil {
		return err
	}
	if err := p.Store.PauseSource(c.Request.Context(), s.Source.ID, paused); err != nil {
		return fmt.Errorf("pause source %s: %w", s.Source.Key, err)
	}
	say := s.Source.Name + " runs again."
	if paused {
		say = s.Source.Name + " is paused. What appears there meanwhile is not seen."
	}
	return p.backToSources(c, say)
}

func (p *portal) runSource(c *gin.Context) error {
	s, err := p.sourceOf(c)
	if err != nil {
		return err
	}
	if !p.sourceRow(s, p.Now()).CanRun {
		return risk.Invalid("key", "A source that is paused or whose legal review is overdue does not run.")
	}
	if err := p.Enqueue(c.Request.Context(), risk.Job{Kind: risk.JobCollect, SourceKey: s.Source.Key}); err != nil {
		return fmt.Errorf("queue a run of source %s: %w", s.Source.Key, err)
	}
	return p.backToSources(c, s.Source.Name+" will be read next.")
}

func (p *portal) sourceOf(c *gin.Context) (risk.SourceStatus, error) {
	if _, err := p.form(c); err != nil {
		return risk.SourceStatus{}, err
	}
	s, err := p.Store.FindSource(c.Request.Context(), c.Param("key"))
	if err != nil {
		return s, fmt.Errorf("find source: %w", err)
	}
	return s, nil
}

func (p *portal) backToSources(c *gin.Context, say string) error {
	p.say(c, flash{Say: say})
	c.Redirect(http.StatusSeeOther, "/sources")
	return nil
}
