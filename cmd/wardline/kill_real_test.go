//go:build real

package main

import (
	"archive/zip"
	"compress/gzip"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/corpus"
	"github.com/wardline/wardline/internal/job"
	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/risk"
)

// killBytes is how much text the folder of TestRealKilledScan holds.
func killBytes(t *testing.T) int64 {
	t.Helper()
	said := os.Getenv("WARDLINE_KILL_BYTES")
	if said == "" {
		return 32 << 20
	}
	n, err := strconv.ParseInt(said, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// killFolder makes plain and packed dumps that are about terms.
func killFolder(t *testing.T, terms []risk.WatchTerm, size int64) string {
	t.Helper()
	folder := t.TempDir()
	write := func(name string, seed uint64, size int64, pack func(io.Writer) (io.Writer, io.Closer)) {
		path := filepath.Join(folder, name)
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		w, end := pack(f)
		_, err = corpus.Write(w, terms, corpus.Options{Seed: seed, Bytes: size, Share: 0.0005})
		if err := errors.Join(err, end.Close(), f.Close(), os.Chtimes(path, time.Unix(1_700_000_000, 0), time.Unix(1_700_000_000, 0))); err != nil {
			t.Fatal(err)
		}
	}
	write("a.txt", 5, size/2, func(w io.Writer) (io.Writer, io.Closer) { return w, io.NopCloser(nil) })
	write("b.gz", 6, size/4, func(w io.Writer) (io.Writer, io.Closer) { z := gzip.NewWriter(w); return z, z })
	write("c.zip", 7, size/4, func(w io.Writer) (io.Writer, io.Closer) {
		z := zip.NewWriter(w)
		entry, err := z.Create("log.txt")
		if err != nil {
			t.Fatal(err)
		}
		return entry, z
	})
	return folder
}

// newFolderWorld is a wardline over a folder of dumps with a supplier who stands in them.
func newFolderWorld(t *testing.T, terms []risk.WatchTerm, folder string) *world {
	t.Helper()
	data := t.TempDir()
	w := &world{t: t, order: childOrder{
		Settings: map[string]string{"WARDLINE_DATA": data, "WARDLINE_ADDR": "127.0.0.1:0", "WARDLINE_LOG_LEVEL": "error",
			"WARDLINE_PUBLIC_URL": "https://wardline.st-aldhelm.example", "WARDLINE_RESCUE_AFTER": "8s"},
		Sources: []risk.Source{pipeline.DropSource(folder, time.Second)},
	}}
	if err := os.WriteFile(filepath.Join(data, "keys.json"), []byte(storyKeys), 0o600); err != nil {
		t.Fatal(err)
	}
	w.inside(func(a *app) {
		if err := a.migrate(t.Context()); err != nil {
			t.Fatal(err)
		}
		queue, err := a.newJobs("", nil, nil, job.Workers{})
		if err != nil {
			t.Fatal(err)
		}
		a.store.UseQueue(queue)
		s := risk.Supplier{Name: "Meridian Lab", Relation: risk.ThirdParty, Tier: 2}
		for _, term := range terms {
			term.ID, term.SupplierID, term.Supplier = 0, 0, ""
			s.Terms = append(s.Terms, term)
		}
		if _, err := a.store.CreateSupplier(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	})
	return w
}

// A folder whose reading is killed again and again ends with what an undisturbed reading finds, none of it twice.
func TestRealKilledScan(t *testing.T) {
	size := killBytes(t)
	terms := corpus.Watchlist(5, 50)
	folder := killFolder(t, terms, size)
	calm := newFolderWorld(t, terms, folder)
	began := time.Now()
	calm.settle()
	t.Logf("undisturbed: %s", time.Since(began).Round(time.Second))
	want := calm.state()
	if strings.Count(want, "\n") < 100 {
		t.Fatalf("the undisturbed run found too little to tell:\n%s", want)
	}
	t.Logf("%d exposures and files", strings.Count(want, "\n")+1)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	w := newFolderWorld(t, terms, folder)
	for i := range 8 {
		stood := w.pulse()
		child := w.start()
		for i%3 > 0 && w.pulse() == stood && !w.done() { // a third of the kills comes while the process is still starting
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
		_ = child.Process.Kill()
		_ = child.Wait()
		t.Logf("killed at:\n%s", strings.Join(w.files(), "\n"))
	}
	w.settle()
	compareStates(t, w.state(), want)
}

// compareStates tells what two runs did not both find.
func compareStates(t *testing.T, got, want string) {
	t.Helper()
	if got == want {
		return
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	only := func(of, in []string) []string {
		return slices.DeleteFunc(slices.Clone(of), func(line string) bool { return slices.Contains(in, line) })
	}
	t.Errorf("after the kills only:\n%.3000s\nundisturbed only:\n%.3000s", strings.Join(only(gotLines, wantLines), "\n"), strings.Join(only(wantLines, gotLines), "\n"))
}
