//go:build real

package main

import (
	"bufio"
	"context"
	"errors"
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

const (
	floodLines = 300_000
	floodEvery = 3_000 // lines of the mail provider for one of the lab
	floodMost  = 1_000
)

// doomedStore takes a few batches of findings and then fails for good, as a killed process does.
type doomedStore struct {
	pipeline.Store
	left int
}

var errKilled = errors.New("killed")

func (d *doomedStore) Record(ctx context.Context, b risk.Batch, decide risk.Decide) (risk.Recorded, error) {
	if d.left == 0 {
		return risk.Recorded{}, errKilled
	}
	if len(b.Findings) > 0 {
		d.left--
	}
	return d.Store.Record(ctx, b, decide)
}

// writeFlood writes a list of a mail provider's logins, with a lab's between them.
func writeFlood(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for i := range floodLines {
		fmt.Fprintf(w, "person%d@freemail.example:invented-%d\n", i, i*7)
		if i%floodEvery == 0 {
			fmt.Fprintf(w, "worker%d@meridian-lab.example:invented-%d\n", i, i*3)
		}
	}
	return errors.Join(w.Flush(), f.Close())
}

// A dump with hundreds of thousands of a mail provider's logins keeps as many as it may and counts the others, also when
// the process dies in the middle; it makes one score and one mail, and hides nothing of another supplier.
func TestRealFloodOfAMailProvider(t *testing.T) {
	w := newAviary(t, canaries(1))
	ctx := t.Context()
	w.must(writeFlood(filepath.Join(w.drop, "dump.txt")))
	freemail, err := w.app.store.CreateSupplier(ctx, risk.Supplier{Name: "Freemail", Relation: risk.ThirdParty, Tier: 3, Owner: risk.Person{Name: "F. Post", Email: "f.post@hospital.example"},
		Terms: []risk.WatchTerm{{Kind: risk.TermDomain, Value: "freemail.example"}}})
	w.must(err)
	w.steps.FloodAfter = floodMost
	alive := w.steps.Store
	w.steps.Store = &doomedStore{alive, 3}
	var seconds atomic.Int64 // a slow reading, whose place is saved with every block
	w.steps.Now = func() time.Time { return w.app.now().Add(time.Duration(seconds.Add(1)) * time.Second) }
	if err := w.steps.ScanFile(ctx, "drop", "dump.txt"); !errors.Is(err, errKilled) {
		t.Fatalf("the scan ended with %v", err)
	}
	w.steps.Store, w.steps.Now = alive, w.app.now
	files, _, err := w.app.store.FindFiles(ctx, risk.FileFilter{})
	w.must(err)
	if len(files) != 1 || files[0].State != risk.FileReading || files[0].Read == 0 || files[0].Left() == 0 {
		t.Fatalf("killed in the middle, the files are %+v", files)
	}
	began := time.Now()
	w.must(w.steps.ScanFile(ctx, "drop", "dump.txt"))
	t.Logf("the rest in %v", time.Since(began))
	// Of the provider the dead process had recorded all that may be kept: its mark is what is left to decide by.
	w.steps.Now = func() time.Time { return w.app.now().Add(time.Hour) }
	w.must(w.steps.DecideDue(ctx))
	w.must(w.steps.Deliver(ctx, 0))

	for id, want := range map[int64]int{freemail.ID: floodMost, freemail.ID - 1: floodLines / floodEvery} {
		_, total, err := w.app.store.FindExposures(ctx, risk.ExposureFilter{SupplierID: id})
		w.must(err)
		if total != want {
			t.Errorf("supplier %d has %d exposures, want %d", id, total, want)
		}
		scores, err := w.app.store.FindScores(ctx, id, time.Time{})
		w.must(err)
		if len(scores) != 1 {
			t.Errorf("supplier %d was scored %d times", id, len(scores))
		}
	}
	floods, counted, err := w.app.store.FindFloods(ctx, risk.FloodFilter{})
	w.must(err)
	if len(floods) != 1 || floods[0].SupplierID != freemail.ID || floods[0].Kept != floodMost || counted != floodLines-floodMost {
		t.Errorf("%d were only counted, want %d: %+v", counted, floodLines-floodMost, floods)
	}
	toOwner := 0
	for _, m := range w.mailbox.Messages() {
		if strings.Contains(fmt.Sprint(m.To), "f.post@hospital.example") {
			toOwner++
		}
	}
	if toOwner != 1 {
		t.Errorf("the provider's owner got %d mails, want 1", toOwner)
	}
	size := 0
	for name, data := range w.everything() {
		if strings.HasPrefix(name, "wardline.db") {
			size += len(data)
		}
	}
	if size == 0 || size > 64<<20 {
		t.Errorf("the database takes %d bytes", size)
	}
	t.Logf("the database takes %d KiB", size>>10)
}
