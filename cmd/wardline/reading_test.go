package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/risk"
)

// haltingDumps does something before a block of a file is taken in.
type haltingDumps struct {
	pipeline.Dumps
	blocks int
	before func(block int)

	reading context.Context
}

func (d *haltingDumps) Read(ctx context.Context, r pipeline.Reading) ([]string, error) {
	d.reading = ctx
	take := r.Take
	r.Take = func(l *pipeline.Looked, skipped []string) error {
		d.blocks++
		if d.before != nil {
			d.before(d.blocks)
		}
		return take(l, skipped)
	}
	return d.Dumps.Read(ctx, r)
}

// newReading is an aviary with one dump of several blocks, each of which exposes one account.
func newReading(t *testing.T, name string) (*aviary, *haltingDumps) {
	t.Helper()
	w := newAviary(t, canaries(1))
	w.must(os.Remove(filepath.Join(w.drop, "dump.txt")))
	w.must(os.WriteFile(filepath.Join(w.drop, name), []byte(readingText("u")), 0o600))
	d := &haltingDumps{Dumps: w.steps.Dumps}
	w.steps.Dumps = d
	return w, d
}

const readingBlocks = 12

func readingText(user string) string {
	var b strings.Builder
	for i := range readingBlocks {
		fmt.Fprintf(&b, "%s%d@meridian-lab.example:invented-%d\n%s", user, i, i, strings.Repeat("nobody@elsewhere.test:nothing\n", 256<<10/30))
	}
	return b.String()
}

func (w *aviary) readFile(path string) risk.File {
	w.t.Helper()
	files, _, err := w.app.store.FindFiles(w.t.Context(), risk.FileFilter{})
	w.must(err)
	for _, f := range files {
		if f.Path == path {
			return f
		}
	}
	w.t.Fatalf("no file %s among %d", path, len(files))
	return risk.File{}
}

// wholly checks that a file was read to its end and each of its accounts found once.
func (w *aviary) wholly(path string) {
	w.t.Helper()
	f := w.readFile(path)
	exposures, total, err := w.app.store.FindExposures(w.t.Context(), risk.ExposureFilter{Limit: 100})
	w.must(err)
	if f.State != risk.FileDone || f.Read != f.Bytes || total != readingBlocks {
		w.t.Errorf("%+v\n%d exposures, want %d", f, total, readingBlocks)
	}
	for _, e := range exposures {
		if e.Sightings != 1 {
			w.t.Errorf("%s was seen %d times", e.Title, e.Sightings)
		}
	}
}

func TestCancelledFileGoesOnWhereItWasLeft(t *testing.T) {
	w, d := newReading(t, "a.txt")
	ctx := t.Context()
	d.before = func(block int) {
		if block == 3 {
			w.must(w.app.store.CancelFile(ctx, w.readFile("a.txt").ID, risk.Actor{Name: "N. Okafor"}, w.app.now()))
			<-d.reading.Done() // which the pipeline ends when it notices
		}
	}
	w.must(w.steps.ScanFile(ctx, "drop", "a.txt"))
	f := w.readFile("a.txt")
	if f.State != risk.FileCancelled || f.At.Offset == 0 || f.Read >= f.Bytes {
		t.Fatalf("%+v", f)
	}
	w.must(w.steps.ScanFile(ctx, "drop", "a.txt"))
	if again := w.readFile("a.txt"); again.State != risk.FileCancelled || again.Read != f.Read {
		t.Errorf("a cancelled file was read on: %+v", again)
	}
	d.before, d.blocks = nil, 0
	w.must(w.app.store.ResumeFile(ctx, f.ID, w.app.now()))
	w.must(w.steps.ScanFile(ctx, "drop", "a.txt"))
	w.wholly("a.txt")
	if d.blocks >= readingBlocks {
		t.Errorf("%d blocks were read after the cancellation: it began anew", d.blocks)
	}
}

// A source that is paused while one of its files is read lets go of it, and the file goes on when the pause ends.
func TestPausedFileGoesOn(t *testing.T) {
	w, d := newReading(t, "a.txt")
	ctx := t.Context()
	status, err := w.app.store.FindSource(ctx, "drop")
	w.must(err)
	d.before = func(block int) {
		if block == 3 {
			w.must(w.app.store.PauseSource(ctx, status.Source.ID, true))
			<-d.reading.Done()
		}
	}
	w.must(w.steps.ScanFile(ctx, "drop", "a.txt"))
	f := w.readFile("a.txt")
	if f.State != risk.FileReading || f.At.Offset == 0 || f.Read >= f.Bytes {
		t.Fatalf("%+v", f)
	}
	d.before, d.blocks = nil, 0
	w.must(w.steps.ScanFile(ctx, "drop", "a.txt"))
	if d.blocks > 0 {
		t.Error("a file of a paused source was read")
	}
	w.must(w.app.store.PauseSource(ctx, status.Source.ID, false))
	w.must(w.steps.ScanFile(ctx, "drop", "a.txt"))
	w.wholly("a.txt")
	if d.blocks >= readingBlocks {
		t.Error("it began anew")
	}
}

// A process that is about to end saves the place, and the next job goes on from it.
func TestStoppingSavesThePlace(t *testing.T) {
	w, d := newReading(t, "a.txt")
	stopping := make(chan struct{})
	w.steps.Stopping = stopping
	d.before = func(block int) {
		if block == 3 {
			close(stopping)
			<-d.reading.Done()
		}
	}
	if err := w.steps.ScanFile(t.Context(), "drop", "a.txt"); !errors.Is(err, risk.ErrTryLater) {
		t.Fatal(err)
	}
	w.steps.Stopping, d.before, d.blocks = nil, nil, 0
	w.must(w.steps.ScanFile(t.Context(), "drop", "a.txt"))
	w.wholly("a.txt")
	if d.blocks >= readingBlocks {
		t.Error("it began anew")
	}
}

// A job whose time runs out saves the place, and the next one goes on from it.
func TestFileOutlastsItsJob(t *testing.T) {
	w, d := newReading(t, "a.txt")
	job, end := context.WithCancel(t.Context())
	d.before = func(block int) {
		if block == 4 {
			end()
		}
	}
	if err := w.steps.ScanFile(job, "drop", "a.txt"); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	f := w.readFile("a.txt")
	if f.State != risk.FileReading || f.At.Offset == 0 || f.Tries != 0 {
		t.Fatalf("%+v", f)
	}
	before := d.blocks
	d.before = nil
	w.must(w.steps.ScanFile(t.Context(), "drop", "a.txt"))
	w.wholly("a.txt")
	if d.blocks-before >= readingBlocks {
		t.Error("it began anew")
	}
}

// A file on which the process dies without getting a block further is given up after five times, and with a reason; what
// was found stays. A block that was read in between begins the count anew.
func TestFileThatEndsTheProcessIsGivenUp(t *testing.T) {
	w, d := newReading(t, "a.txt")
	ctx := t.Context()
	one := d.Dumps.(dumps)
	one.threads = 1 // so that the panic comes out here
	d.Dumps = one
	died := errors.New("died")
	die := func(at int) {
		t.Helper()
		d.blocks = 0
		d.before = func(block int) {
			if block == at {
				panic(died) // as a killed process, it saves nothing
			}
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Fatal("it was not read")
				}
			}()
			_ = w.steps.ScanFile(ctx, "drop", "a.txt")
		}()
	}
	for range 4 {
		die(1)
	}
	die(3)
	for range 4 {
		die(1)
	}
	if f := w.readFile("a.txt"); f.State != risk.FileReading || f.At.Offset == 0 {
		t.Fatalf("%+v", f)
	}
	d.before = nil
	w.must(w.steps.ScanFile(ctx, "drop", "a.txt"))
	f := w.readFile("a.txt")
	_, total, err := w.app.store.FindExposures(ctx, risk.ExposureFilter{})
	w.must(err)
	if f.State != risk.FileFailed || !strings.Contains(f.Why, "ended five times") || total == 0 {
		t.Errorf("%+v\n%d exposures", f, total)
	}
}

func TestCopyIsNotReadAgain(t *testing.T) {
	w, d := newReading(t, "a.txt")
	w.must(os.WriteFile(filepath.Join(w.drop, "b.txt"), []byte(readingText("u")), 0o600))
	almost := []byte(readingText("u"))
	almost[len(almost)/3] = '!' // as long, and not the same
	w.must(os.WriteFile(filepath.Join(w.drop, "c.txt"), almost, 0o600))
	for _, name := range []string{"a.txt", "b.txt"} {
		w.must(w.steps.ScanFile(t.Context(), "drop", name))
	}
	w.wholly("a.txt")
	if f := w.readFile("b.txt"); f.State != risk.FileSame || f.SameAs != "a.txt" {
		t.Errorf("%+v", f)
	}
	before := d.blocks
	w.must(w.steps.ScanFile(t.Context(), "drop", "c.txt"))
	if f := w.readFile("c.txt"); f.State != risk.FileDone || d.blocks-before < readingBlocks {
		t.Errorf("%+v", f)
	}
}

// What replaces a file that was half read is another file, and is read from its beginning.
func TestReplacedFileIsReadFromItsBeginning(t *testing.T) {
	w, d := newReading(t, "a.txt")
	job, end := context.WithCancel(t.Context())
	d.before = func(block int) {
		if block == 4 {
			end()
		}
	}
	if err := w.steps.ScanFile(job, "drop", "a.txt"); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	path := filepath.Join(w.drop, "a.txt")
	w.must(os.WriteFile(path, []byte(readingText("other")), 0o600))
	d.before, d.blocks = nil, 0
	w.must(w.steps.ScanFile(t.Context(), "drop", "a.txt"))
	if f := w.readFile("a.txt"); f.State != risk.FileDone || f.Read != f.Bytes || d.blocks < readingBlocks {
		t.Errorf("%+v after %d blocks", f, d.blocks)
	}
	found, _, err := w.app.store.FindExposures(t.Context(), risk.ExposureFilter{Limit: 100})
	w.must(err)
	others := 0
	for _, e := range found {
		if strings.Contains(e.Title, "o•") {
			others++
		}
	}
	if others != readingBlocks {
		t.Errorf("%d accounts of the new file, want %d", others, readingBlocks)
	}
}
