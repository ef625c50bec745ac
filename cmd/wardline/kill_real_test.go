//go:build real

package main

import (
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
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

// newFolderWorld is a wardline with a drop folder of plain and packed files and suppliers that stand in them.
func newFolderWorld(t *testing.T, size int64) *world {
	t.Helper()
	data := t.TempDir()
	drop := filepath.Join(data, "drop")
	w := &world{t: t, order: childOrder{
		Settings: map[string]string{"WARDLINE_DATA": data, "WARDLINE_ADDR": "127.0.0.1:0", "WARDLINE_LOG_LEVEL": "error",
			"WARDLINE_PUBLIC_URL": "https://wardline.st-aldhelm.example", "WARDLINE_RESCUE_AFTER": "8s"},
		Sources: []risk.Source{pipeline.DropSource(drop, time.Second)},
	}}
	if err := os.MkdirAll(drop, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "keys.json"), []byte(storyKeys), 0o600); err != nil {
		t.Fatal(err)
	}
	terms := corpus.Watchlist(5, 50)
	var text, packed bytes.Buffer
	if _, err := corpus.Write(&text, terms, corpus.Options{Seed: 5, Bytes: size, Share: 0.0002}); err != nil {
		t.Fatal(err)
	}
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(text.Bytes()[text.Len()/2:]); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"a.txt": text.Bytes()[:text.Len()/2], "b.gz": packed.Bytes()} {
		path := filepath.Join(drop, name)
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Unix(1_700_000_000, 0), time.Unix(1_700_000_000, 0)); err != nil {
			t.Fatal(err)
		}
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
	calm := newFolderWorld(t, size)
	calm.settle()
	want := calm.state()
	if len(want) < 1000 {
		t.Fatalf("the undisturbed run found too little to tell:\n%s", want)
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	w := newFolderWorld(t, size)
	for range 8 {
		child := w.start()
		time.Sleep(time.Duration(300+random.IntN(1500)) * time.Millisecond)
		_ = child.Process.Kill()
		_ = child.Wait()
	}
	w.settle()
	if got := w.state(); got != want {
		t.Errorf("after the kills:\n%.2000s\nundisturbed:\n%.2000s", got, want)
	}
}
