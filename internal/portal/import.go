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
		rejected = append(rejected, risk.ImportRow{Outcome: "rejected", Why: sentence(err)})
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
	var b strings.Builder
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"supplier", "kind", "value"}) // a strings.Builder takes everything
	stored := map[string]*watched{}
	for _, s := range suppliers {
		old := stored[strings.ToLower(s.Name)]
		if old == nil {
			if old, err = p.watchedFor(ctx, s.Name); err != nil {
				return nil, nil, "", err
			}
			stored[strings.ToLower(s.Name)] = old
		}
		for _, t := range s.Terms {
			row := risk.ImportRow{Supplier: s.Name, Kind: t.Kind, Value: t.Value, Outcome: "new"}
			key := risk.WatchTerm{Kind: t.Kind, Value: t.Value}
			if old.terms[key] {
				row.Outcome = "known"
				known = append(known, row)
				continue
			}
			old.terms[key] = true
			if !old.exists {
				row.Why = "new supplier"
			}
			fresh = append(fresh, row)
			_ = w.Write([]string{s.Name, string(t.Kind), t.Value})
		}
	}
	w.Flush()
	return fresh, known, b.String(), nil
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
