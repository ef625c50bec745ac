package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/risk"
)

// A dump with thousands of one supplier's logins is recorded in several batches: who must know gets one mail, and the
// score stays of a size that can be stored with every change.
func TestAFloodIsOneMail(t *testing.T) {
	w := newAviary(t, canaries(5000))
	began := time.Now()
	w.must(w.steps.ScanFile(t.Context(), "drop", "dump.txt"))
	w.must(w.steps.Deliver(t.Context(), 0))
	t.Logf("scanned in %v", time.Since(began))

	_, total, err := w.app.store.FindExposures(t.Context(), risk.ExposureFilter{Severities: []risk.Severity{risk.SeverityHigh, risk.SeverityCritical}})
	w.must(err)
	mails := w.mailbox.Messages()
	if len(mails) != 2 || mails[0].To == mails[1].To {
		t.Fatalf("%d mails, want one to the owner and one to the watch duty", len(mails))
	}
	if want := fmt.Sprintf("%d new exposures of Meridian Lab", total); total < 2000 || !strings.Contains(mails[0].Subject, want) {
		t.Errorf("subject %q, want %q", mails[0].Subject, want)
	}
	suppliers, _, err := w.app.store.FindSuppliers(t.Context(), risk.SupplierFilter{}, w.app.now())
	w.must(err)
	scores, err := w.app.store.FindScores(t.Context(), suppliers[0].Supplier.ID, time.Time{})
	w.must(err)
	posture, err := w.app.store.FindScore(t.Context(), suppliers[0].Supplier.ID)
	w.must(err)
	if len(scores) != 1 || len(posture.Contributions) > 600 || len(posture.Inputs.Evidence) > 600 {
		t.Errorf("%d scores, the last with %d rows from %d pieces of evidence", len(scores), len(posture.Contributions), len(posture.Inputs.Evidence))
	}
	sum := 85.0
	for _, c := range posture.Contributions {
		sum += c.Points
	}
	if diff := sum - posture.Number; diff > 1e-9 || diff < -1e-9 {
		t.Errorf("rows add up to %v, the score is %v", sum, posture.Number)
	}
}

// A folder of any size and with any names is read once. When watch terms are added, its dumps are asked for these by what
// their reading left, and only files that cannot be named in a database are read again.
func TestDropFolderIsReadOncePerWatchlist(t *testing.T) {
	w := newAviary(t, canaries(1))
	ctx := t.Context()
	drop := w.drop
	names := []string{"dump.txt", "a\nb.txt", "caf\xe9.txt", "caf\xe8.txt", "sub/'; DROP.txt", "-rf", "🦉.txt"}
	w.must(os.MkdirAll(filepath.Join(drop, "sub"), 0o700))
	for i, name := range names[1:] {
		w.must(os.WriteFile(filepath.Join(drop, name), fmt.Appendf(nil, "u%d@meridian-lab.example:invented-%d\n", i, i), 0o600))
	}
	hunts := 0
	read := func() (scanned int) {
		w.queue.jobs = nil
		w.must(w.steps.Collect(ctx, "drop"))
		for _, j := range w.queue.jobs {
			if j.Kind == risk.JobHunt {
				hunts++
				w.must(w.steps.Hunt(ctx))
				continue
			}
			scanned++
			w.must(w.steps.ScanFile(ctx, j.SourceKey, j.Path))
		}
		return scanned
	}
	if first, second := read(), read(); first != len(names) || second != 0 {
		t.Fatalf("read %d files and then %d, want %d and 0", first, second, len(names))
	}
	if _, total, err := w.app.store.FindExposures(ctx, risk.ExposureFilter{}); err != nil || total != len(names) {
		t.Errorf("%d exposures from %d files (%v)", total, len(names), err)
	}
	_, _, err := w.app.store.ImportTerms(ctx, []risk.Supplier{{Name: "Other", Terms: []risk.WatchTerm{{Kind: risk.TermDomain, Value: "other.example"}}}})
	w.must(err)
	if again, then := read(), read(); again != 2 || then != 0 || hunts != 1 {
		t.Errorf("a new term: read %d files and then %d, hunted %d times, want 2, 0 and 1", again, then, hunts)
	}
	w.must(os.WriteFile(filepath.Join(drop, "dump.txt"), []byte("replaced@meridian-lab.example:invented-x\n"), 0o600))
	if again, then := read(), read(); again != 1 || then != 0 {
		t.Errorf("one file replaced: read %d files and then %d, want 1 and 0", again, then)
	}
}

func (w *aviary) health(key string) risk.SourceHealth {
	w.t.Helper()
	status, err := w.app.store.FindSource(w.t.Context(), key)
	w.must(err)
	return status.Health
}

// A source whose legal basis expired is not read, is not called read, and goes on when the basis is renewed.
func TestExpiredSourceGoesOnWhenRenewed(t *testing.T) {
	w := newAviary(t, canaries(1))
	src := risk.Source{Key: "paste", Name: "Paste", Kind: risk.SourcePaste, Every: time.Minute, Reliability: 1, Enabled: true}
	for _, review := range []time.Time{w.app.now().AddDate(0, 0, -2), w.app.now()} { // the day itself is still covered
		src.ReviewBy = review.UTC().Truncate(24 * time.Hour)
		_, err := w.app.store.SyncSources(t.Context(), []risk.Source{src})
		w.must(err)
		w.must(w.steps.Collect(t.Context(), "paste"))
		if h := w.health("paste"); h.LastSuccess.IsZero() != (h.State == risk.StateExpired) || (h.State == risk.StateExpired) == src.ReviewBy.After(w.app.now().AddDate(0, 0, -1)) {
			t.Errorf("review by %v: %+v", src.ReviewBy, h)
		}
	}
}

// A run that was put off while the clock was a year ahead is not put off for a year.
func TestClockThatWasAheadHoldsNothingBack(t *testing.T) {
	w := newAviary(t, canaries(1))
	src, err := w.app.store.FindSource(t.Context(), "paste")
	w.must(err)
	for ahead, read := range map[time.Duration]bool{12 * time.Hour: false, 365 * 24 * time.Hour: true} {
		next := w.app.now().Add(ahead)
		w.must(w.app.store.FinishRun(t.Context(), risk.SourceRun{SourceID: src.Source.ID, Started: next, Finished: next, NextRun: next, State: risk.StateBackingOff, Failed: true}))
		w.must(w.steps.Collect(t.Context(), "paste"))
		if h := w.health("paste"); (h.State == risk.StateHealthy) != read {
			t.Errorf("next run in %v: %s", ahead, h.State)
		}
	}
}

// A paused folder's files are left alone, and read when it goes on.
func TestPausedFolderIsNotRead(t *testing.T) {
	w := newAviary(t, canaries(20))
	src, err := w.app.store.FindSource(t.Context(), "drop")
	w.must(err)
	for _, paused := range []bool{true, false} {
		w.must(w.app.store.PauseSource(t.Context(), src.Source.ID, paused))
		w.must(w.steps.ScanFile(t.Context(), "drop", "dump.txt"))
		_, total, err := w.app.store.FindExposures(t.Context(), risk.ExposureFilter{})
		w.must(err)
		if (total == 0) != paused {
			t.Errorf("paused %v: %d exposures", paused, total)
		}
	}
}

// dyingStore stops the process after the first findings of a file.
type dyingStore struct {
	pipeline.Store
	die func()
}

func (d dyingStore) Record(ctx context.Context, b risk.Batch, decide risk.Decide) (risk.Recorded, error) {
	if len(b.Findings) > 0 {
		defer d.die()
	}
	return d.Store.Record(ctx, b, decide)
}

// A scan that dies in the middle of a file has told nobody yet: its suppliers are still to be decided about, and are,
// though the file never comes back.
func TestDeadScanStillTells(t *testing.T) {
	w := newAviary(t, canaries(9000))
	ctx, die := context.WithCancel(t.Context())
	alive, began := w.steps.Store, w.app.now()
	var asked atomic.Int64 // it takes seconds, so that the place is saved before its end, and not half a minute
	clock := func() time.Time { return began.Add(time.Duration(asked.Load()) * time.Millisecond) }
	w.steps.Now = func() time.Time { asked.Add(1); return clock() }
	w.steps.Store = dyingStore{alive, die}
	if err := w.steps.ScanFile(ctx, "drop", "dump.txt"); err == nil {
		t.Fatal("the scan did not die")
	}
	w.steps.Store = alive
	w.must(os.Remove(filepath.Join(w.drop, "dump.txt")))
	for _, c := range []struct {
		after time.Duration
		mails int
	}{{0, 0}, {time.Minute, 2}, {2 * time.Hour, 2}} {
		w.steps.Now = func() time.Time { return clock().Add(c.after) }
		w.must(w.steps.DecideDue(t.Context()))
		w.must(w.steps.Deliver(t.Context(), 0))
		if got := len(w.mailbox.Messages()); got != c.mails {
			t.Errorf("%v after the death: %d mails, want %d", c.after, got, c.mails)
		}
	}
}
