package portal

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"

	"github.com/wardline/wardline/internal/risk"
)

const (
	importBytes = 5 << 20
	importShown = 300 // rows of each outcome that the dry run lists; it counts all of them
)

type importView struct {
	page
	Wrong     string
	Done      bool // a dry run was made
	File      string
	Groups    []importGroup
	New       int // rows that the import would add
	Watchlist string
}

type importGroup struct {
	Label, Tone string
	Count       int
	Rows        []risk.ImportRow
}

func (p *portal) importPage(c *gin.Context) error {
	return p.render(c, http.StatusOK, "import", importView{page: p.chrome(c, "Import a watchlist", "suppliers")})
}

// importWatchlist makes a dry run of an uploaded file, and imports what the dry run's own form sends back: what is
// imported is exactly what was shown as new.
func (p *portal) importWatchlist(c *gin.Context) error {
	// What comes back to be imported can be longer than the file: names are normalised.
	form, err := readForm(c, 2*importBytes, []string{"watchlist", "sure"})
	if err != nil {
		return err
	}
	if form.Get("sure") == "yes" {
		return p.importSure(c, form.Get("watchlist"))
	}
	text, name, wrong := uploaded(c)
	if wrong != "" {
		return p.render(c, http.StatusUnprocessableEntity, "import", importView{page: p.chrome(c, "Import a watchlist", "suppliers"), Wrong: wrong})
	}
	suppliers, problems := p.ParseWatchlist(name, strings.NewReader(text))
	v := importView{page: p.chrome(c, "Check the import", "suppliers"), Done: true, File: visible(name)}
	fresh, known, list, err := p.dryRun(c.Request.Context(), suppliers)
	if err != nil {
		return err
	}
	var rejected []risk.ImportRow
	for _, err := range problems {
		rejected = append(rejected, risk.ImportRow{Outcome: risk.ImportRejected, Why: sentence(err)})
	}
	v.New, v.Watchlist = len(fresh), list
	v.Groups = []importGroup{newImportGroup("New", "good", fresh), newImportGroup("Rejected", "critical", rejected), newImportGroup("Known already", "none", known)}
	return p.render(c, http.StatusOK, "import", v)
}

func newImportGroup(label, tone string, rows []risk.ImportRow) importGroup {
	return importGroup{Label: label, Tone: tone, Count: len(rows), Rows: rows[:min(len(rows), importShown)]}
}

// uploaded is the text of the form's file, or a sentence on what is wrong with it.
func uploaded(c *gin.Context) (text, name, wrong string) {
	file, header, err := c.Request.FormFile("file")
	if err != nil {
		return "", "", "Choose a CSV file first."
	}
	defer file.Close()
	if header.Size > importBytes {
		return "", "", "The file is larger than 5 MiB. Split it, or use the command line: wardline supplier import."
	}
	var b strings.Builder
	if _, err := io.Copy(&b, file); err != nil {
		return "", "", "The file could not be read."
	}
	return b.String(), header.Filename, ""
}

// dryRun compares the file with what is stored. The list is the new rows as a watchlist of their own.
func (p *portal) dryRun(ctx context.Context, suppliers []risk.Supplier) (fresh, known []risk.ImportRow, list string, err error) {
	var rows []risk.ImportRow
	for _, s := range suppliers {
		for _, t := range s.Terms {
			rows = append(rows, risk.ImportRow{Supplier: s.Name, Kind: t.Kind, Value: t.Value})
		}
	}
	if err := p.compare(ctx, rows); err != nil {
		return nil, nil, "", err
	}
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"supplier", "kind", "value"}) // a strings.Builder takes everything
	for _, row := range rows {
		if row.Outcome == risk.ImportKnown {
			known = append(known, row)
			continue
		}
		fresh = append(fresh, row)
		_ = w.Write([]string{row.Supplier, string(row.Kind), row.Value})
	}
	w.Flush()
	return fresh, known, b.String(), nil
}

// compare says of every row that was read whether it is new or known, by what is stored or by a row before it.
func (p *portal) compare(ctx context.Context, rows []risk.ImportRow) error {
	stored := map[string]*watched{}
	for i := range rows {
		row := &rows[i]
		if row.Outcome == risk.ImportRejected {
			continue
		}
		old := stored[strings.ToLower(row.Supplier)]
		if old == nil {
			var err error
			if old, err = p.watchedFor(ctx, row.Supplier); err != nil {
				return err
			}
			stored[strings.ToLower(row.Supplier)] = old
		}
		key := risk.WatchTerm{Kind: row.Kind, Value: row.Value}
		switch {
		case old.terms[key]:
			row.Outcome = risk.ImportKnown
		case old.exists:
			row.Outcome = risk.ImportNew
		default:
			row.Outcome, row.Why = risk.ImportNew, "new supplier"
		}
		old.terms[key] = true
	}
	return nil
}

// watched is what is stored for a supplier's name, and what the file has added to it so far.
type watched struct {
	exists bool
	terms  map[risk.WatchTerm]bool
}

func (p *portal) watchedFor(ctx context.Context, name string) (*watched, error) {
	w := &watched{terms: map[risk.WatchTerm]bool{}}
	s, err := p.Store.FindSupplierByName(ctx, name)
	if errors.Is(err, risk.ErrNotFound) {
		return w, nil
	}
	if err != nil {
		return nil, fmt.Errorf("find supplier to import into: %w", err)
	}
	w.exists = true
	for _, t := range s.Terms {
		w.terms[risk.WatchTerm{Kind: t.Kind, Value: t.Value}] = true
	}
	return w, nil
}

func (p *portal) importSure(c *gin.Context, list string) error {
	suppliers, problems := p.ParseWatchlist("import.csv", strings.NewReader(list))
	if len(problems) > 0 {
		return risk.Invalid("watchlist", "The import no longer reads as it was shown. Upload the file again.")
	}
	newSuppliers, newTerms, err := p.Store.ImportTerms(c.Request.Context(), suppliers)
	if err != nil {
		return fmt.Errorf("import watchlist: %w", err)
	}
	p.say(c, flash{Say: fmt.Sprintf("Imported: %s, %s.", plural(newSuppliers, "new supplier", "new suppliers"), plural(newTerms, "new watch term", "new watch terms"))})
	c.Redirect(http.StatusSeeOther, "/suppliers")
	return nil
}

// sentence is what of an error may be shown: a Problem's own words, with whatever names its file and line before it.
func sentence(err error) string {
	var pr risk.Problem
	if !errors.As(err, &pr) {
		return "This line could not be read."
	}
	return visible(err.Error())
}
