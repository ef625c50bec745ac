package portal

import (
	"bytes"
	"context"
	"fmt"
	"mime"
	"strings"

	"github.com/wardline/wardline/internal/risk"
)

// apiLines bounds the look-ups that one request can ask for.
const apiLines = 20_000

type watchlistRequest struct {
	DryRun      bool   `query:"dry_run" doc:"true = answer what the import would do, and change nothing"`
	ContentType string `header:"Content-Type" hidden:"true"`
	Encoding    string `header:"Content-Encoding" hidden:"true"`
	RawBody     []byte `contentType:"text/csv"`
}

type watchlistAnswer struct {
	Body struct {
		DryRun   bool          `json:"dry_run"`
		New      int           `json:"new" doc:"terms added, or that would be"`
		Known    int           `json:"known"`
		Rejected int           `json:"rejected"`
		Lines    []lineOutcome `json:"lines" nullable:"false"`
	}
}

type lineOutcome struct {
	Line     int    `json:"line"`
	Supplier string `json:"supplier,omitempty"`
	Kind     string `json:"kind,omitempty"`
	Value    string `json:"value,omitempty" doc:"normalised, as it is looked for"`
	Outcome  string `json:"outcome" enum:"new,known,rejected"`
	Why      string `json:"why,omitempty"`
}

// apiImport imports what is new in a watchlist, and says of every line what became of it.
func (p *portal) apiImport(ctx context.Context, in *watchlistRequest) (*watchlistAnswer, error) {
	if !isCSV(in.ContentType) || in.Encoding != "" {
		return nil, errMedia
	}
	rows, err := p.ReadWatchlist(bytes.NewReader(in.RawBody))
	if err != nil {
		return nil, fmt.Errorf("read watchlist: %w", err)
	}
	if len(rows) > apiLines {
		return nil, risk.Invalid("", "A watchlist sent here has at most %d lines. Split it, or use the command line: wardline supplier import.", apiLines)
	}
	if err := p.compare(ctx, rows); err != nil {
		return nil, err
	}
	out := &watchlistAnswer{}
	out.Body.DryRun, out.Body.Lines = in.DryRun, []lineOutcome{}
	var fresh []risk.Supplier
	for _, r := range rows {
		out.Body.Lines = append(out.Body.Lines, lineOutcome{r.Line, r.Supplier, string(r.Kind), r.Value, r.Outcome, r.Why})
		switch r.Outcome {
		case risk.ImportRejected:
			out.Body.Rejected++
		case risk.ImportKnown:
			out.Body.Known++
		default:
			out.Body.New++
			fresh = append(fresh, risk.Supplier{Name: r.Supplier, Relation: risk.ThirdParty, Terms: []risk.WatchTerm{{Kind: r.Kind, Value: r.Value}}})
		}
	}
	if out.Body.New+out.Body.Known == 0 {
		return nil, nothingToImport(rows)
	}
	if in.DryRun || len(fresh) == 0 {
		return out, nil
	}
	if _, _, err := p.Store.ImportTerms(ctx, fresh); err != nil {
		return nil, fmt.Errorf("import watchlist: %w", err)
	}
	return out, nil
}

func isCSV(contentType string) bool {
	kind, params, err := mime.ParseMediaType(contentType)
	charset, given := params["charset"]
	return err == nil && kind == "text/csv" && (!given || strings.EqualFold(charset, "utf-8"))
}

// nothingToImport says why, by the first line that was rejected.
func nothingToImport(rows []risk.ImportRow) error {
	if len(rows) == 0 {
		return risk.Invalid("", "The watchlist has no line below its header.")
	}
	return risk.Invalid("", "No line of the watchlist could be read. Line %d: %s", rows[0].Line, rows[0].Why)
}
