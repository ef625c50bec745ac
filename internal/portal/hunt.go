package portal

import (
	"context"
	"fmt"
	"strings"

	"github.com/wardline/wardline/internal/risk"
)

// huntView says where a supplier's terms have been seen that were added after dumps were read.
type huntView struct {
	Progress string
	Running  bool // or about to
	Done, Of int  // dumps, while they are asked
	Notes    []string
	Rows     []huntRow
	Rest     string // rows beyond those listed; "" = all are
	Empty    string
}

type huntRow struct {
	Path, Source     string
	FileID           int64
	State            badge
	Unanswered       string
	Stretches        string
	Looked, Findings string
	Asked            string
}

// huntRows is how many dumps the page lists.
const huntRows = 200

var huntStates = map[risk.HuntState]badge{
	risk.HuntReading:  {"Being read again", "medium", "clock"},
	risk.HuntDone:     {"Held, read again", "good", "check"},
	risk.HuntFullRead: {"To be read whole", "medium", "clock"},
	risk.HuntGone:     {"No longer held", "none", "unknown"},
}

func (p *portal) huntView(ctx context.Context, s risk.Supplier) (*huntView, error) {
	run, err := p.Store.FindHuntRun(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the last hunt: %w", err)
	}
	found, total, err := p.Store.FindHunts(ctx, s.ID, huntRows)
	if err != nil {
		return nil, fmt.Errorf("find hunts for supplier %d: %w", s.ID, err)
	}
	v := p.huntProgress(run, s)
	for _, h := range found {
		v.Rows = append(v.Rows, p.huntRow(h))
	}
	if rest := total - len(found); rest > 0 {
		v.Rest = plural(rest, "more dump is", "more dumps are") + " not listed."
	}
	return v, nil
}

func (p *portal) huntProgress(run risk.HuntRun, s risk.Supplier) *huntView {
	v := &huntView{Empty: "None of the dumps that were read earlier may hold a term that was added since."}
	switch {
	case run.Started.IsZero(), run.Started.Before(s.Updated):
		v.Running, v.Progress, v.Empty = true, "The dumps are about to be asked", "Nothing is known yet."
	case run.Finished.IsZero():
		v.Running, v.Empty = true, "Nothing has been seen so far."
		v.Progress = fmt.Sprintf("%s of %s asked", number(run.Looked), plural(run.Dumps, "dump", "dumps"))
		v.Done, v.Of = run.Looked, run.Dumps
	default:
		v.Progress = "Last asked " + p.stamp(run.Finished)
	}
	if run.Names > 0 {
		v.Notes = append(v.Notes, plural(run.Names, "dump is", "dumps are")+" still to be read for names: no index holds them.")
	}
	if run.Whole > 0 {
		v.Notes = append(v.Notes, plural(run.Whole, "dump is", "dumps are")+" still to be read again whole, because the index is missing or damaged.")
	}
	if run.Untold > 0 {
		v.Notes = append(v.Notes, plural(run.Untold, "dump is", "dumps are")+" no longer held and cannot be searched for names: no index holds them.")
	}
	return v
}

func (p *portal) huntRow(h risk.Hunt) huntRow {
	row := huntRow{FileID: h.FileID, Path: visible(h.Path), Source: visible(h.Source), State: huntStates[h.State], Stretches: number(h.Stretches), Looked: number(h.Looked),
		Findings: number(h.Findings), Asked: p.stamp(h.Updated)}
	if h.State == risk.HuntGone {
		row.Looked, row.Findings = "–", "–"
	}
	if len(h.Unanswered) > 0 {
		row.Unanswered = "still to be read for " + visible(strings.Join(h.Unanswered, ", "))
		if h.State == risk.HuntGone {
			row.Unanswered = "cannot be searched for " + visible(strings.Join(h.Unanswered, ", "))
		}
	}
	return row
}
