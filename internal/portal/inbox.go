package portal

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

const inboxSize = 25

// inboxTab is a view of the inbox: a filter with its name.
type inboxTab struct {
	key, label string
	says       string // what it counts
	states     []risk.ExposureState
	mine       bool
	empty      string
}

var inboxViews = []inboxTab{
	{"triage", "To triage", "to triage", []risk.ExposureState{risk.ExposureNew}, false, "Nothing waits for triage."},
	{"decide", "To decide", "to decide", decideStates, false, "Nothing waits for a decision."},
	{"mine", "Mine", "open and yours", risk.OpenStates, true, "No open exposure is yours."},
	{"confirmed", "Confirmed", "confirmed", []risk.ExposureState{risk.ExposureConfirmed}, false, "No confirmed exposure is waiting for its next step."},
	{"supplier", "With supplier", "with a supplier", []risk.ExposureState{risk.ExposureWithSupplier}, false, "No exposure is with a supplier."},
	{"fixed", "Fixed", "fixed", []risk.ExposureState{risk.ExposureFixed}, false, "No fixed exposure waits to be closed."},
	{"closed", "Closed", "closed", []risk.ExposureState{risk.ExposureClosed, risk.ExposureDuplicate, risk.ExposureDismissed, risk.ExposureWaived}, false, "Nothing has been closed."},
	{"open", "All open", "open", risk.OpenStates, false, "No exposure is open."},
}

// decideStates are those in which the next step is the hospital's: the overview lists them, most urgent first.
var decideStates = []risk.ExposureState{risk.ExposureNew, risk.ExposureConfirmed}

// count is how many exposures the view holds for somebody, without further filters.
func (t inboxTab) count(counts []risk.ExposureCount, a risk.Actor) int {
	n := 0
	for _, c := range counts {
		if slices.Contains(t.states, c.State) && (!t.mine || c.OwnerID == a.UserID) {
			n += c.Count
		}
	}
	return n
}

type inboxView struct {
	page
	View, Label string
	Chips       []chip
	Severities  []option
	Supplier    string // name, when the list is narrowed to one
	Source      string // likewise
	File        string // likewise
	Nobodys     bool   // narrowed to what nobody owns
	Widen       string // the same view without further filters; "" = there are none
	Search      string
	Open        int
	Unowned     int
	Rows        []exposureRow
	Pager       pager
	Empty       string
	CanTriage   bool
	Detail      *exposureDetail
	State       []hiddenField // the filter, for the search form
}

type chip struct {
	Label, Href, Count string
	Current            bool
}

type option struct {
	Value, Label string
	Selected     bool
}

type hiddenField struct{ Name, Value string }

func (p *portal) inboxPage(c *gin.Context) error {
	if p.dropsAddress(c) {
		return nil
	}
	ctx, a := c.Request.Context(), actor(c)
	tab, f, err := inboxFilter(c, a)
	if err != nil {
		return err
	}
	found, total, err := p.Store.FindExposures(ctx, f)
	if err != nil {
		return fmt.Errorf("find exposures: %w", err)
	}
	if f.Offset > 0 && len(found) == 0 {
		return risk.ErrNotFound // past the end of the list
	}
	v := inboxView{page: p.chrome(c, "Exposure inbox", "exposures"), View: tab.key, Label: tab.label, Search: f.Text, Rows: p.exposureRows(found, a), CanTriage: risk.Can(a, risk.ActTriage)}
	v.Pager = newPager(c.Request.URL, f.Offset/inboxSize+1, inboxSize, len(found), total)
	counts, err := p.exposureCounts(c)
	if err != nil {
		return err
	}
	v.Chips = inboxChips(counts, a, tab.key)
	v.Open, v.Unowned = countOpen(counts)
	v.Severities = severityOptions(c.Query("sev"))
	if err := p.narrow(ctx, &v, tab, f); err != nil {
		return err
	}
	if len(found) == 0 {
		v.Empty = tab.empty
	}
	if err := p.fillDetail(c, &v, found); err != nil {
		return err
	}
	return p.render(c, http.StatusOK, "inbox", v)
}

// narrow says what the list is narrowed to beyond its view, and keeps it for the search form.
func (p *portal) narrow(ctx context.Context, v *inboxView, tab inboxTab, f risk.ExposureFilter) error {
	v.State = []hiddenField{{"v", tab.key}}
	if f.SupplierID != 0 {
		s, err := p.Store.FindSupplier(ctx, f.SupplierID)
		if err != nil {
			return fmt.Errorf("find supplier %d: %w", f.SupplierID, err)
		}
		v.Supplier = visible(s.Name)
		v.State = append(v.State, hiddenField{"supplier", strconv.FormatInt(s.ID, 10)})
	}
	if f.SourceID != 0 {
		name, err := p.sourceName(ctx, f.SourceID)
		if err != nil {
			return err
		}
		v.Source = name
		v.State = append(v.State, hiddenField{"source", strconv.FormatInt(f.SourceID, 10)})
	}
	if f.FileID != 0 {
		file, err := p.Store.FindFile(ctx, f.FileID)
		if err != nil {
			return fmt.Errorf("find file %d: %w", f.FileID, err)
		}
		v.File = visible(file.Path)
		v.State = append(v.State, hiddenField{"file", strconv.FormatInt(f.FileID, 10)})
	}
	if f.OwnerID != nil && !tab.mine {
		v.Nobodys = true
		v.State = append(v.State, hiddenField{"owner", "none"})
	}
	if f.SupplierID != 0 || f.SourceID != 0 || f.FileID != 0 || v.Nobodys || f.Text != "" || len(f.Severities) > 0 {
		v.Widen = "/inbox?v=" + tab.key
	}
	return nil
}

// fillDetail opens one exposure of the list beside it, and gives every row the address that opens it.
func (p *portal) fillDetail(c *gin.Context, v *inboxView, found []risk.Exposure) error {
	picked, err := p.pick(c, found)
	if err != nil {
		return err
	}
	for i := range v.Rows {
		v.Rows[i].Pick = with(c.Request.URL, "id", strconv.FormatInt(v.Rows[i].ID, 10))
		v.Rows[i].Picked = picked != nil && v.Rows[i].ID == picked.ID
	}
	if picked == nil {
		return nil
	}
	v.Detail, err = p.exposureDetail(c, *picked, c.Request.URL.RequestURI())
	return err
}

// inboxFilter reads the address: the view, and what it is narrowed to.
func inboxFilter(c *gin.Context, a risk.Actor) (inboxTab, risk.ExposureFilter, error) {
	tab := inboxViews[0]
	if key := c.Query("v"); key != "" {
		i := slices.IndexFunc(inboxViews, func(t inboxTab) bool { return t.key == key })
		if i < 0 {
			return tab, risk.ExposureFilter{}, risk.Invalid("v", "There is no view of that name.")
		}
		tab = inboxViews[i]
	}
	f := risk.ExposureFilter{States: tab.states, Text: c.Query("q"), Limit: inboxSize, Offset: (pageNumber(c) - 1) * inboxSize}
	if tab.mine {
		f.OwnerID = &a.UserID
	}
	if !tab.states[0].Open() {
		f.Sort = "new"
	}
	if s := c.Query("sev"); s != "" {
		sev, err := risk.ParseSeverity(s)
		if err != nil {
			return tab, f, err
		}
		f.Severities = []risk.Severity{sev}
	}
	if s := c.Query("supplier"); s != "" {
		id, err := parseID(s)
		if err != nil {
			return tab, f, err
		}
		f.SupplierID = id
	}
	if s := c.Query("source"); s != "" {
		id, err := parseID(s)
		if err != nil {
			return tab, f, err
		}
		f.SourceID = id
	}
	if s := c.Query("file"); s != "" {
		id, err := parseID(s)
		if err != nil {
			return tab, f, err
		}
		f.FileID = id
	}
	switch owner := c.Query("owner"); {
	case owner == "":
	case owner == "none" && !tab.mine:
		nobody := int64(0)
		f.OwnerID = &nobody
	default:
		return tab, f, risk.Invalid("owner", "Only what nobody owns can be chosen by owner.")
	}
	return tab, f, nil
}

func (p *portal) sourceName(ctx context.Context, id int64) (string, error) {
	found, err := p.Store.FindSources(ctx, p.Now())
	if err != nil {
		return "", fmt.Errorf("find sources: %w", err)
	}
	i := slices.IndexFunc(found, func(s risk.SourceStatus) bool { return s.Source.ID == id })
	if i < 0 {
		return "", fmt.Errorf("source %d: %w", id, risk.ErrNotFound)
	}
	return visible(found[i].Source.Name), nil
}

func pageNumber(c *gin.Context) int {
	n, err := strconv.Atoi(c.Query("page"))
	if err != nil {
		return 1
	}
	return min(max(n, 1), 1_000_000)
}

// parseID reads an id from an address; what is no id names nothing.
func parseID(s string) (int64, error) {
	id, err := strconv.ParseInt(s, 10, 64)
	if err != nil || id <= 0 {
		return 0, fmt.Errorf("id %q: %w", s, risk.ErrNotFound)
	}
	return id, nil
}

func inboxChips(counts []risk.ExposureCount, a risk.Actor, current string) []chip {
	var chips []chip
	for _, tab := range inboxViews {
		chips = append(chips, chip{Label: tab.label, Href: "/inbox?v=" + tab.key, Count: number(tab.count(counts, a)), Current: tab.key == current})
	}
	return chips
}

const countsKey = "counts"

// exposureCounts counts once a request: the page's frame and the page itself then agree.
func (p *portal) exposureCounts(c *gin.Context) ([]risk.ExposureCount, error) {
	if kept, ok := c.Get(countsKey); ok {
		counts, _ := kept.([]risk.ExposureCount)
		return counts, nil
	}
	counts, err := p.Store.CountExposures(c.Request.Context())
	if err != nil {
		return nil, fmt.Errorf("count exposures: %w", err)
	}
	c.Set(countsKey, counts)
	return counts, nil
}

func countOpen(counts []risk.ExposureCount) (open, unowned int) {
	for _, c := range counts {
		if c.State.Open() {
			open += c.Count
			if c.OwnerID == 0 {
				unowned += c.Count
			}
		}
	}
	return open, unowned
}

func severityOptions(selected string) []option {
	opts := []option{{"", "Any severity", selected == ""}}
	for _, s := range stackOrder {
		opts = append(opts, option{s.String(), title(s), selected == s.String()})
	}
	return opts
}

// pick is the exposure that the address names, else the list's first.
func (p *portal) pick(c *gin.Context, found []risk.Exposure) (*risk.Exposure, error) {
	s := c.Query("id")
	if s == "" {
		if len(found) == 0 {
			return nil, nil
		}
		return &found[0], nil
	}
	id, err := parseID(s)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(found, func(e risk.Exposure) bool { return e.ID == id }); i >= 0 {
		return &found[i], nil
	}
	e, err := p.Store.FindExposure(c.Request.Context(), id)
	if err != nil {
		return nil, fmt.Errorf("find exposure %d: %w", id, err)
	}
	return &e, nil
}
