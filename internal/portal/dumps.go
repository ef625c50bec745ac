package portal

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

// Dumps finds the files of drop folders, and ends or resumes their reading.
type Dumps interface {
	FindFiles(ctx context.Context, f risk.FileFilter) ([]risk.File, int, error)
	FindFile(ctx context.Context, id int64) (risk.File, error)
	CancelFile(ctx context.Context, id int64, by risk.Actor, now time.Time) error
	ResumeFile(ctx context.Context, id int64, now time.Time) error
	FindFloods(ctx context.Context, f risk.FloodFilter) (floods []risk.Flood, counted int64, err error)
	// CountedIn sums up what was only counted in each of the files.
	CountedIn(ctx context.Context, fileIDs []int64) (map[int64]int64, error)
	// FindRepeats lists the files that hold more sightings of an exposure than are kept.
	FindRepeats(ctx context.Context, exposureID int64) ([]risk.Repeats, error)
}

type dumpsView struct {
	page
	Chips     []chip
	State     string
	Search    string
	Rows      []dumpRow
	Reading   int // in all
	Total     int
	Pager     pager
	Empty     string
	CanManage bool
	SeesEx    bool
}

// dumpRow is a file as the list and its own page show it.
type dumpRow struct {
	ID        int64
	Href      string
	Path      string
	Source    string
	Size      string
	State     badge
	Why       string
	SameAs    string
	Bar       *progress // nil = there is none to show
	Unpacked  string    // how much was looked through
	Found     string
	FoundHref string
	Skipped   int
	Counted   string // "" = nothing was only counted
	Began     string
	Ended     string
	CanCancel bool
	CanResume bool
}

// progress is how far the reading of a file has come.
type progress struct {
	Done, Of int64
	Share    string
	Rate     string // "" = not known
	Left     string
}

type dumpView struct {
	page
	D         dumpRow
	Modified  string
	Digest    string
	Heard     string
	Tries     int
	Skipped   []string
	More      int // skipped places that are not listed
	Floods    []floodRow
	Counted   string
	CanManage bool
	SeesEx    bool
}

type floodRow struct {
	Supplier, SupplierHref, Path, FileHref, Sort, Kept, Counted, Since, Last string
}

const (
	dumpsSize    = 50
	skippedShown = 500
)

// silentAfter is when a file that is said to be read, but of which nothing was heard, waits for a worker.
const silentAfter = time.Minute

var dumpTabs = []struct {
	key, label, empty string
	states            []risk.FileState
}{
	{"", "All", "No dump has been read yet. Put files or archives into a drop folder; they are found within a minute.", nil},
	{"reading", "Being read", "No dump is being read now.", []risk.FileState{risk.FileReading}},
	{"done", "Read", "No dump has been read to its end yet.", []risk.FileState{risk.FileDone, risk.FileSame}},
	{"failed", "Failed", "No dump has failed.", []risk.FileState{risk.FileFailed}},
	{"cancelled", "Cancelled", "No dump was cancelled.", []risk.FileState{risk.FileCancelled}},
}

var fileStates = map[risk.FileState]badge{
	risk.FileReading: {"Being read", "info", "clock"}, risk.FileDone: {"Read", "good", "check"}, risk.FileFailed: {"Failed", "critical", "cross"},
	risk.FileSame: {"Same as another", "none", "check"}, risk.FileCancelled: {"Cancelled", "none", "pause"},
}

func (p *portal) dumpsPage(c *gin.Context) error {
	ctx, a := c.Request.Context(), actor(c)
	f := risk.FileFilter{Text: strings.TrimSpace(c.Query("q")), Limit: dumpsSize, Offset: (pageNumber(c) - 1) * dumpsSize}
	v := dumpsView{State: c.Query("state"), Search: f.Text, CanManage: risk.Can(a, risk.ActManageSources), SeesEx: risk.Can(a, risk.ActViewExposures)}
	known := false
	for _, t := range dumpTabs {
		_, n, err := p.Store.FindFiles(ctx, risk.FileFilter{States: t.states, Limit: 1})
		if err != nil {
			return fmt.Errorf("count files: %w", err)
		}
		tab := chip{Label: t.label, Href: "/dumps", Count: number(n), Current: t.key == v.State}
		if t.key != "" {
			tab.Href += "?state=" + t.key
		}
		v.Chips = append(v.Chips, tab)
		switch t.key {
		case "":
			v.Total = n
		case "reading":
			v.Reading = n
		}
		if tab.Current {
			known, f.States, v.Empty = true, t.states, t.empty
		}
	}
	if !known {
		return risk.Invalid("state", "There is no list of that name.")
	}
	found, total, err := p.Store.FindFiles(ctx, f)
	if err != nil {
		return fmt.Errorf("find files: %w", err)
	}
	if f.Offset > 0 && len(found) == 0 {
		return risk.ErrNotFound // past the end of the list
	}
	v.page = p.chrome(c, "Dumps", "dumps")
	v.Pager = newPager(c.Request.URL, f.Offset/dumpsSize+1, dumpsSize, len(found), total)
	if v.Rows, err = p.dumpRows(ctx, found, a); err != nil {
		return err
	}
	if f.Text != "" {
		v.Empty = "No dump's name holds what you search for."
	}
	return p.render(c, http.StatusOK, "dumps", v)
}

func (p *portal) dumpRows(ctx context.Context, files []risk.File, a risk.Actor) ([]dumpRow, error) {
	sources, err := p.Store.FindSources(ctx, p.Now())
	if err != nil {
		return nil, fmt.Errorf("find sources: %w", err)
	}
	names := map[int64]string{}
	for _, s := range sources {
		names[s.Source.ID] = visible(s.Source.Name)
	}
	ids := make([]int64, len(files))
	for i, f := range files {
		ids[i] = f.ID
	}
	counted, err := p.Store.CountedIn(ctx, ids)
	if err != nil {
		return nil, fmt.Errorf("sum up what was only counted: %w", err)
	}
	rows := make([]dumpRow, len(files))
	for i, f := range files {
		rows[i] = p.dumpRow(f, a)
		rows[i].Source = names[f.SourceID]
		if n := counted[f.ID]; n > 0 {
			rows[i].Counted = number(int(n))
		}
	}
	return rows, nil
}

func (p *portal) dumpRow(f risk.File, a risk.Actor) dumpRow {
	now, manage := p.Now(), risk.Can(a, risk.ActManageSources)
	r := dumpRow{ID: f.ID, Href: fmt.Sprintf("/dumps/%d", f.ID), Path: visible(f.Path), Size: bytesOf(f.Bytes), State: fileState(f, now), Why: visible(f.Why),
		SameAs: visible(f.SameAs), Found: number(f.Records), FoundHref: fmt.Sprintf("/inbox?v=open&file=%d", f.ID), Skipped: len(f.Skipped),
		CanCancel: manage && f.State == risk.FileReading, CanResume: manage && f.State == risk.FileCancelled}
	if f.State == risk.FileReading || f.State == risk.FileCancelled || f.State == risk.FileFailed {
		r.Bar = newProgress(f)
	}
	if f.Read > 0 {
		r.Unpacked = bytesOf(f.Read) + " looked through"
	}
	if !f.Started.IsZero() {
		r.Began = p.stamp(f.Started)
	}
	if !f.Finished.IsZero() && f.State != risk.FileReading {
		r.Ended = p.stamp(f.Finished)
	}
	return r
}

func fileState(f risk.File, now time.Time) badge {
	if f.State == risk.FileReading && now.Sub(f.Updated) > silentAfter {
		return badge{"Waiting", "none", "clock"}
	}
	if b, ok := fileStates[f.State]; ok {
		return b
	}
	return badge{title(word(map[risk.FileState]string{}, f.State, string(f.State))), "none", "unknown"}
}

func newProgress(f risk.File) *progress {
	if f.Bytes <= 0 {
		return nil
	}
	done := min(f.Packed, f.Bytes)
	v := &progress{Done: done, Of: f.Bytes, Share: fmt.Sprintf("%d %%", done*100/f.Bytes)}
	if f.Bytes > 1<<50 { // times 100 would not fit
		v.Share = fmt.Sprintf("%d %%", done/(f.Bytes/100))
	}
	if f.State == risk.FileReading && f.Rate > 0 {
		v.Rate = bytesOf(f.Rate) + "/s"
	}
	if left := f.Left(); left > 0 {
		v.Left = span(left) + " left"
	}
	return v
}

// bytesOf writes a size in its largest sensible unit.
func bytesOf(n int64) string {
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	x, unit := float64(n), 0
	for ; x >= 999.5 && unit < 5; unit++ {
		x /= 1000
	}
	if x < 9.95 {
		return fmt.Sprintf("%.1f %cB", x, "kMGTP"[unit-1])
	}
	return fmt.Sprintf("%.0f %cB", x, "kMGTP"[unit-1])
}

func (p *portal) dumpPage(c *gin.Context) error {
	ctx, a := c.Request.Context(), actor(c)
	f, err := p.dumpOf(c)
	if err != nil {
		return err
	}
	rows, err := p.dumpRows(ctx, []risk.File{f}, a)
	if err != nil {
		return err
	}
	v := dumpView{page: p.chrome(c, rows[0].Path, "dumps"), D: rows[0], Digest: f.Digest, Tries: f.Tries, CanManage: risk.Can(a, risk.ActManageSources),
		SeesEx: risk.Can(a, risk.ActViewExposures)}
	if f.State == risk.FileReading && f.Tries > 0 {
		v.Tries-- // the reading that is under way counts itself from its beginning
	}
	if !f.Modified.IsZero() {
		v.Modified = p.stamp(f.Modified)
	}
	if !f.Updated.IsZero() {
		v.Heard = ago(p.Now(), f.Updated)
	}
	for _, s := range f.Skipped[:min(len(f.Skipped), skippedShown)] {
		v.Skipped = append(v.Skipped, visible(s))
	}
	v.More = len(f.Skipped) - len(v.Skipped)
	if v.Floods, v.Counted, err = p.floodRows(ctx, risk.FloodFilter{FileID: f.ID, Limit: 200}); err != nil {
		return err
	}
	return p.render(c, http.StatusOK, "dump", v)
}

// floodRows lists what was only counted, and how much that is in all; "" = nothing.
func (p *portal) floodRows(ctx context.Context, f risk.FloodFilter) (rows []floodRow, counted string, err error) {
	floods, n, err := p.Store.FindFloods(ctx, f)
	if err != nil {
		return nil, "", fmt.Errorf("find what was only counted: %w", err)
	}
	for _, x := range floods {
		rows = append(rows, floodRow{Supplier: visible(x.Supplier), SupplierHref: fmt.Sprintf("/suppliers/%d", x.SupplierID), Path: visible(x.Path),
			FileHref: fmt.Sprintf("/dumps/%d", x.FileID), Sort: sortOf(x), Kept: number(int(x.Kept)), Counted: number(int(x.Counted)),
			Since: p.stamp(x.Since), Last: p.stamp(x.Last)})
	}
	if n > 0 {
		counted = number(int(n))
	}
	return rows, counted, nil
}

func sortOf(f risk.Flood) string {
	kind := word(kindWords, f.Kind, string(f.Kind))
	if class := word(classWords, f.Class, string(f.Class)); class != "" {
		return kind + " · " + strings.ToLower(class)
	}
	return kind
}

func (p *portal) dumpOf(c *gin.Context) (risk.File, error) {
	id, err := parseID(c.Param("id"))
	if err != nil {
		return risk.File{}, err
	}
	f, err := p.Store.FindFile(c.Request.Context(), id)
	if err != nil {
		return f, fmt.Errorf("find file %d: %w", id, err)
	}
	return f, nil
}

func (p *portal) cancelDump(c *gin.Context) error {
	return p.turnDump(c, func(ctx context.Context, id int64) error { return p.Store.CancelFile(ctx, id, actor(c), p.Now()) },
		"The reading ends within a second. What was found so far stays.")
}

func (p *portal) resumeDump(c *gin.Context) error {
	return p.turnDump(c, func(ctx context.Context, id int64) error { return p.Store.ResumeFile(ctx, id, p.Now()) },
		"The reading goes on from where it stands as soon as a worker is free.")
}

func (p *portal) turnDump(c *gin.Context, turn func(context.Context, int64) error, say string) error {
	form, err := p.form(c, "back")
	if err != nil {
		return err
	}
	f, err := p.dumpOf(c)
	if err != nil {
		return err
	}
	if err := turn(c.Request.Context(), f.ID); err != nil {
		return fmt.Errorf("change the reading of file %d: %w", f.ID, err)
	}
	p.say(c, flash{Say: say})
	c.Redirect(http.StatusSeeOther, cmp.Or(localPath(form.Get("back")), fmt.Sprintf("/dumps/%d", f.ID)))
	return nil
}

// readingNow says how many dumps are being read; "" = none.
func (p *portal) readingNow(ctx context.Context) (string, error) {
	files, n, err := p.Store.FindFiles(ctx, risk.FileFilter{States: []risk.FileState{risk.FileReading}, Limit: 1})
	if err != nil {
		return "", fmt.Errorf("find files that are being read: %w", err)
	}
	if n == 0 {
		return "", nil
	}
	says := plural(n, "dump is", "dumps are") + " being read"
	if b := newProgress(files[0]); b != nil && n == 1 {
		says += ": " + b.Share
		for _, more := range []string{b.Rate, b.Left} {
			if more != "" {
				says += " · " + more
			}
		}
	}
	return says, nil
}
