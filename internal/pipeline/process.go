// Package pipeline owns the order of the steps: what was captured is matched, what was matched is extracted, what was
// extracted becomes an exposure, and an exposure moves a score and tells someone, all in one transaction. It
// declares the few interfaces that it needs; cmd hands in the adapters.
package pipeline

import (
	"context"
	"fmt"
	"strings"
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
	for _, d := range documents(src, page.Items) {
		found, err := p.find(ctx, list, src, d.block, d.sighting, claimFacts(d.claim)...)
		if err != nil {
			return risk.Recorded{}, err
		}
		batch.Findings = append(batch.Findings, found...)
	}
	leaked, err := p.findLeaked(ctx, list, src, page)
	if err != nil {
		return risk.Recorded{}, err
	}
	batch.Findings = append(batch.Findings, leaked...)
	page.Capture.Items, page.Capture.Matched = len(page.Items)+len(page.Leaked), len(batch.Findings)
	recorded, err := p.Store.Record(ctx, batch, p.decide(batch.Now))
	if err != nil {
		return risk.Recorded{}, fmt.Errorf("record %s: %w", page.Capture.URL, err)
	}
	return recorded, nil
}

// find reads one block: bytes are scanned for watch terms first, and only what lies around a hit is ever parsed. facts
// are those of a claim in it.
func (p *Pipeline) find(ctx context.Context, list *watchlist, src risk.Source, b risk.Block, sighting risk.Sighting, facts ...risk.Fact) ([]risk.Finding, error) {
	var found []risk.Finding
	var err error
	extract.Indicators(list.scanner, b, hits(list.scanner, b.Data), func(in risk.Indicator) {
		if err != nil {
			return
		}
		if in.Kind == risk.KindVictimClaim { // a mention may stand in what is said of another victim
			in.Facts = append(in.Facts[:len(in.Facts):len(in.Facts)], facts...)
		}
		var supplier risk.Supplier
		if supplier, err = list.supplier(ctx, in.Term.SupplierID); err == nil {
			f := p.expose(in, supplier, src, sighting)
			f.Document = b.At.Document
			found = append(found, f)
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
		inputs := risk.ScoreInputs{At: now, Employees: st.Supplier.Employees, Evidence: st.Evidence, Coverage: st.Coverage, Counted: st.Counted}
		posture := score.Supplier(inputs, p.Weights)
		posture.SupplierID = st.Supplier.ID
		alerts, again := alert.Decide(st, p.WatchDuty, now)
		return risk.Consequences{Score: posture, Alerts: alerts, Again: again}, nil
	}
}

// document is a block of a page with what a sighting in it says of its place.
type document struct {
	block    risk.Block
	sighting risk.Sighting
	claim    risk.Claim
}

// documents are a page's items as the units that match and extract work on. A forum writes a thread's title on every
// post: it is read once, as a document of its own, or a named supplier would be found again in every reply.
func documents(src risk.Source, items []risk.Item) []document {
	docs := make([]document, 0, len(items)+1)
	read := map[string]bool{}
	for _, item := range items {
		if src.Kind != risk.SourceForum {
			d := newDocument(src, item, item.URL+"#"+item.PostID, withFiles(item))
			d.claim = item.Claim
			docs = append(docs, d)
			continue
		}
		if thread := item.Board + "\n" + item.Thread; item.Title != "" && !read[thread] {
			read[thread] = true
			docs = append(docs, newDocument(src, item, "thread "+thread, item.Title))
		}
		docs = append(docs, newDocument(src, item, item.URL+"#"+item.PostID, wholePost(item)))
	}
	return docs
}

// wholePost is a post with what it quotes and the names of its attachments below it: the post that is quoted may be gone.
func wholePost(item risk.Item) string {
	parts := []string{item.Text}
	for _, q := range item.Quotes {
		parts = append(parts, q.Text)
	}
	return strings.Join(append(parts, item.Attachments...), "\n")
}

func newDocument(src risk.Source, item risk.Item, key, text string) document {
	return document{
		block:    risk.Block{Place: risk.Place{Path: item.URL, Line: 1}, Source: src.Kind, Title: item.Title, Posted: item.Posted, Data: []byte(text)},
		sighting: risk.Sighting{Key: key, Board: item.Board, Thread: item.Thread, Author: item.Author, Posted: item.Posted},
	}
}

// withFiles is a document with the names of files that it lists below it: they may name whose they are.
func withFiles(item risk.Item) string {
	return strings.Join(append([]string{withTitle(item)}, item.Attachments...), "\n")
}

// withTitle puts the title above the text, where a reader sees it, unless the text begins with it.
func withTitle(item risk.Item) string {
	if item.Title == "" || strings.HasPrefix(item.Text, item.Title) {
		return item.Text
	}
	return item.Title + "\n" + item.Text
}
