// Package pipeline owns the order of the steps: what was captured is matched, what was matched is extracted, what was
// extracted becomes an exposure, and an exposure moves a score and tells someone, all in one transaction. It
// declares the few interfaces that it needs; cmd hands in the adapters.
package pipeline

import (
	"context"
	"fmt"
	"time"

	"github.com/wardline/wardline/internal/alert"
	"github.com/wardline/wardline/internal/extract"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/score"
)

// process takes one page of a source all the way: the contents page of this program.
func (p *Pipeline) process(ctx context.Context, list *watchlist, src risk.Source, page risk.Page) (risk.Recorded, error) {
	batch := risk.Batch{Now: p.Now(), Source: src, Capture: &page.Capture, Marks: page.Marks}
	for _, item := range page.Items {
		found, err := p.find(ctx, list, src, itemBlock(src, item), itemSighting(item))
		if err != nil {
			return risk.Recorded{}, err
		}
		batch.Findings = append(batch.Findings, found...)
	}
	page.Capture.Items, page.Capture.Matched = len(page.Items), len(batch.Findings)
	recorded, err := p.Store.Record(ctx, batch, p.decide(batch.Now))
	if err != nil {
		return risk.Recorded{}, fmt.Errorf("record %s: %w", page.Capture.URL, err)
	}
	return recorded, nil
}

// find reads one block: bytes are scanned for watch terms first, and only what lies around a hit is ever parsed.
func (p *Pipeline) find(ctx context.Context, list *watchlist, src risk.Source, b risk.Block, sighting risk.Sighting) ([]risk.Finding, error) {
	var found []risk.Finding
	var err error
	extract.Indicators(list.scanner, b, hits(list.scanner, b.Data), func(in risk.Indicator) {
		if err != nil {
			return
		}
		var supplier risk.Supplier
		if supplier, err = list.supplier(ctx, in.Term.SupplierID); err == nil {
			found = append(found, p.expose(in, supplier, src, sighting))
		}
	})
	return found, err
}

func hits(scanner *match.Scanner, data []byte) []match.Hit {
	var found []match.Hit
	scanner.Scan(data, func(h match.Hit) { found = append(found, h) })
	return found
}

// decide is the pure end of the way: what is true of a supplier now gives its score and whom to tell.
func (p *Pipeline) decide(now time.Time) risk.Decide {
	return func(st risk.Standing) (risk.Consequences, error) {
		inputs := risk.ScoreInputs{At: now, Employees: st.Supplier.Employees, Evidence: st.Evidence, Coverage: st.Coverage}
		posture := score.Supplier(inputs, p.Weights)
		posture.SupplierID = st.Supplier.ID
		return risk.Consequences{Score: posture, Alerts: alert.Decide(st, p.WatchDuty, now)}, nil
	}
}

// itemBlock is a page's item as the unit that match and extract work on.
func itemBlock(src risk.Source, item risk.Item) risk.Block {
	return risk.Block{
		Place:  risk.Place{Path: item.URL, Line: 1},
		Source: src.Kind,
		Title:  item.Title,
		Posted: item.Posted,
		Data:   []byte(itemText(item)),
	}
}

// itemText puts the title above the text, where a reader would see it.
func itemText(item risk.Item) string {
	if item.Title == "" {
		return item.Text
	}
	return item.Title + "\n" + item.Text
}

func itemSighting(item risk.Item) risk.Sighting {
	return risk.Sighting{
		Key:   item.URL + "#" + item.PostID,
		Board: item.Board, Thread: item.Thread, Author: item.Author, Posted: item.Posted,
	}
}
