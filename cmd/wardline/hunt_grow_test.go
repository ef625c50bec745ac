package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/wardline/wardline/internal/risk"
)

// newGrowing is a reading of one dump that shows a late supplier in its first and in its last block.
func newGrowing(t *testing.T) (*aviary, *haltingDumps) {
	w, d := newReading(t, "a.txt")
	w.must(os.WriteFile(filepath.Join(w.drop, "a.txt"), []byte(lateLeak+readingText("u")+lateLater), 0o600))
	return w, d
}

const lateLater = "https://vpn.corvane.example/login:tom.wold@corvane.example:invented-2\n"

// endAt reads on and ends the reading when so many blocks have been read.
func (d *haltingDumps) endAt(w *aviary, block int) {
	w.t.Helper()
	ctx, end := context.WithCancel(w.t.Context())
	d.blocks, d.before = 0, func(b int) {
		if b == block {
			end()
			<-d.reading.Done()
		}
	}
	if err := w.steps.ScanFile(ctx, "drop", "a.txt"); !errors.Is(err, context.Canceled) {
		w.t.Fatalf("ended at block %d: %v", block, err)
	}
	d.blocks, d.before = 0, nil
}

// A reading that was ended goes on where it was, whoever was added meanwhile: they are hunted for at its end.
func TestReadingGoesOnUnderALongerWatchlist(t *testing.T) {
	atOnce, _ := newGrowing(t)
	atOnce.addTerms(late)
	atOnce.settle()
	w, d := newGrowing(t)
	d.endAt(w, 5)
	before := w.readFile("a.txt")
	w.addTerms(late)
	if jobs := w.settle(); !slices.Equal(jobs, []risk.JobKind{risk.JobScanFile, risk.JobHunt}) || d.blocks > readingBlocks-4 {
		t.Errorf("jobs %v, %d blocks were read after 4 of %d: it began anew", jobs, d.blocks, readingBlocks)
	}
	if after := w.readFile("a.txt"); before.At.Offset == 0 || after.Watchlist == before.Watchlist || after.Read != after.Bytes {
		t.Errorf("ended %+v\nread to the end %+v", before, after)
	}
	if got, want := w.exposed(), atOnce.exposed(); got != want || want == "" {
		t.Errorf("the reading that grew found\n%s\none with all terms\n%s", got, want)
	}
}

// A term that was taken away for a while was not looked for meanwhile: such a reading begins anew.
func TestReadingBeginsAnewWhenATermWasTakenAway(t *testing.T) {
	atOnce, _ := newGrowing(t)
	atOnce.addTerms(late)
	atOnce.settle()
	w, d := newGrowing(t)
	w.addTerms(late)
	d.endAt(w, 5)
	w.changeTerms("Corvane Billing", nil)
	d.endAt(w, 6)
	w.changeTerms("Corvane Billing", late)
	w.settle()
	if got, want := w.exposed(), atOnce.exposed(); got != want || want == "" {
		t.Errorf("a term that was away for a while: found\n%s\nwant\n%s", got, want)
	}
}

// changeTerms gives a supplier other terms.
func (w *aviary) changeTerms(name string, terms []risk.WatchTerm) {
	w.t.Helper()
	found, _, err := w.app.store.FindSuppliers(w.t.Context(), risk.SupplierFilter{Text: name}, w.app.now())
	w.must(err)
	if len(found) != 1 {
		w.t.Fatalf("%d suppliers are called %s", len(found), name)
	}
	s, err := w.app.store.FindSupplier(w.t.Context(), found[0].Supplier.ID)
	w.must(err)
	s.Terms = terms
	_, err = w.app.store.UpdateSupplier(w.t.Context(), s)
	w.must(err)
}
