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

var (
	lateName    = risk.WatchTerm{Supplier: "Corvane Billing", Kind: risk.TermBrand, Value: "Corvane Cares"}
	laterName   = risk.WatchTerm{Supplier: "Otterly Linen", Kind: risk.TermBrand, Value: "Otterly Linen"}
	namedInText = "Corvane Cares is hiring\n" + readingText("u") + "Corvane Cares was here\n" + readingText("v") + "Ask Otterly Linen, or Corvane Cares\n"
)

// newNamed is a dump that was read before anybody added the names in it, and one read with these names at once.
func newNamed(t *testing.T, names ...risk.WatchTerm) (w *aviary, d *haltingDumps, want string) {
	t.Helper()
	atOnce, _ := newReading(t, "a.txt")
	atOnce.addTerms(names)
	w, d = newReading(t, "a.txt")
	for _, a := range []*aviary{atOnce, w} {
		a.must(os.WriteFile(filepath.Join(a.drop, "a.txt"), []byte(namedInText), 0o600))
		a.settle()
	}
	d.blocks = 0
	return w, d, atOnce.exposed()
}

// Names are in no index. A dump is read for those that were added alone: what its first reading left stays as it is.
func TestDumpIsReadForNewNamesAlone(t *testing.T) {
	w, _, want := newNamed(t, lateName)
	before := w.readFile("a.txt")
	w.addTerms([]risk.WatchTerm{lateName})
	w.must(w.steps.Hunt(t.Context()))
	waiting, err := w.app.store.FindHuntRun(t.Context())
	w.must(err)
	if jobs := w.settle(); !slices.Equal(jobs, []risk.JobKind{risk.JobScanFile}) {
		t.Errorf("jobs %v, want one reading", jobs)
	}
	if got := w.exposed(); got != want || want == "" {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
	after := w.readFile("a.txt")
	if after.Watchlist == before.Watchlist || !after.Started.Equal(before.Started) || after.Records != before.Records {
		t.Errorf("read %+v\nfor names %+v", before, after)
	}
	run, err := w.app.store.FindHuntRun(t.Context())
	w.must(err)
	hunts := w.hunts("Corvane Billing")
	if waiting.Names != 1 || waiting.Whole != 0 || run.Names != 0 || len(hunts) != 1 || hunts[0].State != risk.HuntDone || hunts[0].Findings != 3 || hunts[0].Stretches != 0 {
		t.Errorf("waiting %+v, run %+v, hunts %+v", waiting, run, hunts)
	}
}

func (w *aviary) hunts(supplier string) []risk.Hunt {
	w.t.Helper()
	s, err := w.app.store.FindSupplierByName(w.t.Context(), supplier)
	w.must(err)
	hunts, _, err := w.app.store.FindHunts(w.t.Context(), s.ID, 10)
	w.must(err)
	return hunts
}

// A reading for names that was ended goes on where it was, and counts nothing twice.
func TestReadingForNamesGoesOn(t *testing.T) {
	w, d, want := newNamed(t, lateName)
	w.addTerms([]risk.WatchTerm{lateName})
	w.must(w.steps.Hunt(t.Context()))
	d.endAt(w, 3)
	d.endAt(w, 3)
	w.settle()
	if got, hunts := w.exposed(), w.hunts("Corvane Billing"); got != want || d.blocks > 2*readingBlocks-6 || len(hunts) != 1 || hunts[0].Findings != 3 {
		t.Errorf("after two ends %d blocks were read, of %d; hunts %+v, found\n%s\nwant\n%s", d.blocks, 2*readingBlocks, hunts, got, want)
	}
}

// Further names, and one that was away for a while, are looked for in all of the dump.
func TestReadingForNamesBeginsAnewForFurtherOnes(t *testing.T) {
	w, d, want := newNamed(t, lateName, laterName)
	w.addTerms([]risk.WatchTerm{lateName, laterName})
	w.must(w.steps.Hunt(t.Context()))
	d.endAt(w, 3)
	w.changeTerms("Corvane Billing", nil)
	w.must(w.steps.Hunt(t.Context()))
	d.endAt(w, 3)
	w.changeTerms("Corvane Billing", []risk.WatchTerm{lateName})
	w.settle()
	if got, hunts := w.exposed(), w.hunts("Corvane Billing"); got != want || len(hunts) != 1 || hunts[0].Findings != 3 {
		t.Errorf("hunts %+v, found\n%s\nwant\n%s", hunts, got, want)
	}
}

// A further name that is asked for while a dump is read ends that reading, which would not look for it in the beginning.
func TestReadingForNamesGivesWay(t *testing.T) {
	w, d, want := newNamed(t, lateName, laterName)
	w.addTerms([]risk.WatchTerm{laterName})
	w.must(w.steps.Hunt(t.Context()))
	d.before = func(block int) {
		if block == 5 {
			w.addTerms([]risk.WatchTerm{lateName})
			w.must(w.steps.Hunt(t.Context()))
		}
	}
	w.settle()
	if got := w.exposed(); got != want {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
}
