package portal

import (
	"context"
	"encoding/csv"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

const suppliersSize = 50

type suppliersView struct {
	page
	Chips   []chip
	Search  string
	Tiers   []option
	Grades  []option
	State   []hiddenField
	Columns []column
	Rows    []supplierRow
	Pager   pager
	Any     int // suppliers without any filter
	CanEdit bool
	Export  string
	Widen   string
	SeesEx  bool // exposures
}

type column struct {
	Label, Href string
	Sorted      string // "ascending", "descending" or ""
	Number      bool
}

type supplierRow struct {
	Name, Href, Kind string
	Own              bool // the hospital itself
	Tier             string
	Number, Change   string
	Range            string
	Grade            badge
	Spark            *sparkline
	Open, Critical   int
	OpenHref         string
	LastSeen         string
	Owner            string
	PatientData      bool
}

func (p *portal) suppliersPage(c *gin.Context) error {
	if p.dropsAddress(c) {
		return nil
	}
	ctx, a := c.Request.Context(), actor(c)
	f, err := supplierFilter(c)
	if err != nil {
		return err
	}
	f.Limit, f.Offset = suppliersSize, (pageNumber(c)-1)*suppliersSize
	found, total, err := p.Store.FindSuppliers(ctx, f, p.Now())
	if err != nil {
		return fmt.Errorf("find suppliers: %w", err)
	}
	if f.Offset > 0 && len(found) == 0 {
		return risk.ErrNotFound // past the end of the list
	}
	v := suppliersView{page: p.chrome(c, "Suppliers", "suppliers"), Search: f.Text, CanEdit: risk.Can(a, risk.ActEditSuppliers), SeesEx: risk.Can(a, risk.ActViewExposures),
		Tiers: tierOptions(c.Query("tier"), "Any tier"), Grades: gradeOptions(f.Grade), Columns: supplierColumns(c.Request.URL, f.Sort)}
	v.Pager = newPager(c.Request.URL, f.Offset/suppliersSize+1, suppliersSize, len(found), total)
	v.Export = strings.Replace(with(c.Request.URL, "page", ""), "/suppliers", "/suppliers/export", 1)
	for _, name := range []string{"relation", "owner", "sort"} {
		if value := c.Query(name); value != "" {
			v.State = append(v.State, hiddenField{name, value})
		}
	}
	if v.Chips, v.Any, err = p.supplierChips(ctx, c.Request.URL, currentUser(c)); err != nil {
		return err
	}
	if total != v.Any {
		v.Widen = "/suppliers"
	}
	for _, r := range found {
		v.Rows = append(v.Rows, p.supplierRow(r))
	}
	return p.render(c, http.StatusOK, "suppliers", v)
}

// supplierFilter reads the address. An owner is only ever "me": an address has no place in one of ours.
func supplierFilter(c *gin.Context) (risk.SupplierFilter, error) {
	f := risk.SupplierFilter{Text: c.Query("q"), Relation: risk.Relation(c.Query("relation")), Grade: c.Query("grade"), Sort: c.Query("sort")}
	if s := c.Query("tier"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 0 || n > 4 {
			return f, risk.Invalid("tier", "The tier is 1, 2, 3 or 4, or 0 for those without one.")
		}
		tier := risk.Tier(n)
		f.Tier = &tier
	}
	if f.Grade != "" && !slices.Contains(gradeOrder, f.Grade) {
		return f, risk.Invalid("grade", "There is no such grade.")
	}
	if f.Relation != "" && relationWords[f.Relation] == "" {
		return f, risk.Invalid("relation", "There is no such relation.")
	}
	if _, known := supplierSorts[strings.TrimPrefix(f.Sort, "-")]; f.Sort != "" && !known {
		return f, risk.Invalid("sort", "The list cannot be sorted by that.")
	}
	switch c.Query("owner") {
	case "":
	case "me":
		f.Owner = currentUser(c).Email
	default:
		return f, risk.Invalid("owner", "Only your own suppliers can be chosen by owner.")
	}
	return f, nil
}

var supplierSorts = map[string]string{"name": "Supplier", "tier": "Tier", "score": "Score", "open": "Open", "seen": "Last seen"}

func supplierColumns(u *url.URL, sort string) []column {
	if sort == "" {
		sort = "name"
	}
	col := func(label, key string, number bool) column {
		v := column{Label: label, Number: number}
		if key == "" {
			return v
		}
		v.Href = with(u, "sort", key, "page", "")
		switch sort {
		case key:
			v.Sorted, v.Href = "ascending", with(u, "sort", "-"+key, "page", "")
		case "-" + key:
			v.Sorted = "descending"
		}
		return v
	}
	return []column{col("Supplier", "name", false), col("Tier", "tier", false), col("Score", "score", true), col("Grade", "", false), col("12 weeks", "", false),
		col("Open", "open", true), col("Last seen", "seen", false), col("Owner", "", false)}
}

func tierOptions(selected, any string) []option {
	opts := []option{{"", any, selected == ""}}
	for _, t := range []risk.Tier{1, 2, 3, 4, 0} {
		s := strconv.Itoa(int(t))
		opts = append(opts, option{s, tierName(t), s == selected})
	}
	return opts
}

func gradeOptions(selected string) []option {
	opts := []option{{"", "Any grade", selected == ""}}
	for _, g := range gradeOrder {
		label := "Insufficient evidence"
		if g != gradeNone {
			label = g + " · " + grades[g].word
		}
		opts = append(opts, option{g, label, g == selected})
	}
	return opts
}

func (p *portal) supplierChips(ctx context.Context, u *url.URL, user risk.User) (chips []chip, all int, err error) {
	first := risk.Tier(1)
	for i, v := range []struct {
		label, query string
		f            risk.SupplierFilter
	}{
		{"All", "", risk.SupplierFilter{}},
		{"Tier 1", "tier=1", risk.SupplierFilter{Tier: &first}},
		{"Tier 1 under 60", "grade=F&tier=1", risk.SupplierFilter{Tier: &first, Grade: "F"}},
		{"Insufficient evidence", "grade=none", risk.SupplierFilter{Grade: gradeNone}},
		{"Mine", "owner=me", risk.SupplierFilter{Owner: user.Email}},
	} {
		n, err := p.Store.CountSuppliers(ctx, v.f)
		if err != nil {
			return nil, 0, fmt.Errorf("count suppliers %q: %w", v.label, err)
		}
		if i == 0 {
			all = n
		}
		href := strings.TrimSuffix("/suppliers?"+v.query, "?")
		chips = append(chips, chip{Label: v.label, Href: href, Count: number(n), Current: with(u, "sort", "", "page", "") == href})
	}
	return chips, all, nil
}

func (p *portal) supplierRow(r risk.SupplierRow) supplierRow {
	s := r.Supplier
	v := supplierRow{Name: visible(s.Name), Href: supplierHref(s.ID), Kind: visible(s.Kind), Own: s.Relation == risk.FirstParty, Tier: "–", Grade: gradeBadge(r.Score), Open: r.Open,
		Critical: r.OpenCritical, OpenHref: fmt.Sprintf("/inbox?v=open&supplier=%d", s.ID), LastSeen: ago(p.Now(), r.LastSeen), Owner: visible(s.Owner.Name), PatientData: s.PatientData == risk.Yes}
	if s.Tier > 0 {
		v.Tier = strconv.Itoa(int(s.Tier))
	}
	if v.Owner == "" {
		v.Owner = "–"
	}
	if r.Score != nil {
		v.Number = whole(r.Score.Number)
		v.Range = fmt.Sprintf("80 %% range %s to %s", whole(r.Score.Low), whole(r.Score.High))
		if r.Before != nil {
			v.Change = signed(r.Score.Number-r.Before.Number, 0)
		}
		v.Spark = newSparkline(r.Line, fmt.Sprintf("Score of the last %d weeks, now %s", len(r.Line), v.Number))
	}
	return v
}

var exportHeader = []string{"supplier", "kind", "relation", "tier", "score", "range_low", "range_high", "grade", "confidence", "open", "open_critical", "owner", "last_seen"}

// exportSuppliers writes the filtered list as CSV. Every cell is made safe for spreadsheets.
func (p *portal) exportSuppliers(c *gin.Context) error {
	f, err := supplierFilter(c)
	if err != nil {
		return err
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	write := func(cells []string) {
		for i := range cells {
			cells[i] = cell(cells[i])
		}
		_ = w.Write(cells) // a strings.Builder takes everything
	}
	write(slices.Clone(exportHeader))
	f.Limit = 500
	for {
		found, total, err := p.Store.FindSuppliers(c.Request.Context(), f, p.Now())
		if err != nil {
			return fmt.Errorf("find suppliers to export: %w", err)
		}
		for _, r := range found {
			write(exportCells(r))
		}
		f.Offset += len(found)
		if len(found) == 0 || f.Offset >= total {
			break
		}
	}
	w.Flush()
	c.Header("Content-Disposition", fmt.Sprintf(`attachment; filename="wardline-suppliers-%s.csv"`, p.Now().Format("2006-01-02")))
	c.Data(http.StatusOK, "text/csv; charset=utf-8", []byte(b.String()))
	return nil
}

func exportCells(r risk.SupplierRow) []string {
	s := r.Supplier
	cells := []string{s.Name, s.Kind, string(s.Relation), "", "", "", "", "", "", strconv.Itoa(r.Open), strconv.Itoa(r.OpenCritical), s.Owner.Name, ""}
	if s.Tier > 0 {
		cells[3] = strconv.Itoa(int(s.Tier))
	}
	if sc := r.Score; sc != nil {
		cells[4], cells[5], cells[6] = fmt.Sprintf("%.1f", sc.Number), fmt.Sprintf("%.1f", sc.Low), fmt.Sprintf("%.1f", sc.High)
		cells[7], cells[8] = sc.Grade, fmt.Sprintf("%.2f", sc.Confidence)
		if !sc.Sufficient() {
			cells[7] = "insufficient evidence"
		}
	}
	if !r.LastSeen.IsZero() {
		cells[12] = r.LastSeen.UTC().Format("2006-01-02T15:04:05Z")
	}
	return cells
}

// cell keeps a spreadsheet from reading a text as a formula: quoting alone does not.
func cell(s string) string {
	for _, r := range s {
		switch {
		case strings.ContainsRune("=+-@\t\r\x00＝＋－＠", r):
			return "'" + s
		case unicode.IsSpace(r) || unicode.Is(unicode.Cf, r):
		default:
			return s
		}
	}
	return s
}

func supplierHref(id int64) string { return fmt.Sprintf("/suppliers/%d", id) }
