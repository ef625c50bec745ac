//go:build real

package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/corpus"
	"github.com/wardline/wardline/internal/job"
	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/risk"
)

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

// A folder whose reading is killed again and again, whenever another file is begun and at places all over its length, ends
// with what an undisturbed reading finds, none of it twice.
func TestRealKilledScan(t *testing.T) {
	terms := corpus.Watchlist(5, 50)
	folder := killFolder(t, terms, killBytes(t), 0.001)
	calm := newFolderWorld(t, terms, folder)
	began := time.Now()
	calm.settle()
	t.Logf("undisturbed: %s", time.Since(began).Round(time.Second))
	want := calm.state()
	if strings.Count(want, "\n") < 100 {
		t.Fatalf("the undisturbed run found too little to tell:\n%s", want)
	}
	t.Logf("%d exposures and files", strings.Count(want, "\n")+1)
	whole, _ := calm.reading()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	w := newFolderWorld(t, terms, folder)
	const kills = 10
	points := []int64{0}
	for i := range int64(kills) {
		points = append(points, (whole*i+random.Int64N(whole))/kills)
	}
	met, inside := map[string]bool{}, 0
	for len(points) > 0 {
		child := w.start()
		read, files := w.reading()
		for !w.done() && read < points[0] && !begun(files, met) {
			time.Sleep(5 * time.Millisecond)
			read, files = w.reading()
		}
		_ = child.Process.Kill()
		_ = child.Wait()
		read, files = w.reading()
		for len(points) > 0 && points[0] <= read {
			points = points[1:]
		}
		for path, at := range files {
			met[path] = true
			if at > 0 {
				inside++
			}
		}
		t.Logf("killed at %d %% of it, in %v", read*100/whole, files)
		if w.done() {
			break
		}
	}
	if len(met) < 4 || inside < kills/2 {
		t.Errorf("killed in %v, %d times inside a file", met, inside)
	}
	w.settle()
	compareStates(t, w.state(), want)
}

// reading is how many bytes of text were read so far, and the files that are being read with how much of each.
func (w *world) reading() (read int64, now map[string]int64) {
	w.inside(func(a *app) {
		files, _, err := a.store.FindFiles(w.t.Context(), risk.FileFilter{Limit: 1000})
		if err != nil {
			w.t.Fatal(err)
		}
		now = map[string]int64{}
		for _, f := range files {
			if read += f.Read; f.State == risk.FileReading {
				now[f.Path] = f.Read
			}
		}
	})
	return read, now
}

// begun reports a file that was not met before.
func begun(files map[string]int64, met map[string]bool) bool {
	for path := range files {
		if !met[path] {
			return true
		}
	}
	return false
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
