package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/corpus"
)

// scanFolder writes a folder of plain and packed files, one of them twice, and a watchlist beside it.
func scanFolder(t *testing.T, size int64) {
	t.Helper()
	t.Chdir(t.TempDir())
	terms := corpus.Watchlist(5, 300)
	var list, text bytes.Buffer
	if err := corpus.WriteWatchlist(&list, terms); err != nil {
		t.Fatal(err)
	}
	if _, err := corpus.Write(&text, terms, corpus.Options{Seed: 5, Bytes: size, Share: 0.002}); err != nil {
		t.Fatal(err)
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write(text.Bytes()[size/2:]); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll("x/d", 0o700); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"w.csv": list.Bytes(), "x/a.txt": text.Bytes()[:size/2], "x/b.gz": packed.Bytes(), "x/d/copy.gz": packed.Bytes(), "x/d/e.txt": text.Bytes()[size/3:], "x/f.txt": []byte("nothing\n")} {
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func scanNow(ctx context.Context, args ...string) (out, errs string, err error) {
	var stdout, stderr bytes.Buffer
	cmd := scanCommand()
	cmd.SetArgs(args)
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	cmd.SilenceErrors, cmd.SilenceUsage = true, true
	err = cmd.ExecuteContext(ctx)
	return stdout.String(), stderr.String(), err
}

func TestScanGoesOnWhereItWasEnded(t *testing.T) {
	scanFolder(t, 8<<20)
	want, errs, err := scanNow(t.Context(), "--json", "-w", "w.csv", "x", "x/a.txt")
	if err != nil || strings.Count(errs, "has the same content as x/") != 2 || want == "" {
		t.Fatalf("%v %s", err, errs)
	}
	random := rand.New(rand.NewPCG(1, 2))
	args := []string{"--json", "-w", "w.csv", "--output", "out", "--resume", "place", "x", "x/a.txt"}
	ended := 0
	for range 40 {
		ctx, cancel := context.WithCancel(t.Context())
		stop := make(chan struct{})
		go func() {
			defer close(stop)
			for range random.IntN(4000) {
				if info, err := os.Stat("out"); err == nil && info.Size() > int64(len(want))*int64(ended+1)/12 {
					break
				}
			}
			cancel()
		}()
		_, _, err = scanNow(ctx, args...)
		cancel()
		<-stop
		if !errors.Is(err, context.Canceled) {
			break
		}
		ended++
	}
	_, errs, last := scanNow(t.Context(), args...)
	if err == nil {
		last = nil // it had come to its end in the loop, and the place is gone: this was a new scan
	}
	got, readErr := os.ReadFile("out")
	if readErr != nil || last != nil || string(got) != want {
		t.Fatalf("ended %d times, %v %v %s: %d bytes of output, want the %d of an undisturbed run", ended, readErr, last, errs, len(got), len(want))
	}
	if _, err := os.Stat("place"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the journal is left: %v", err)
	}
	t.Logf("ended %d times", ended)
}

func TestJournalsAreForOneCommandOnly(t *testing.T) {
	scanFolder(t, 1<<20)
	command, err := commandDigest(scanOptions{watchlist: "w.csv"}, []string{"x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("place", []byte(`{"version":1,"command":"`+command+`"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		say  string
	}{
		{[]string{"-w", "w.csv", "--json", "-o", "out", "--resume", "place", "x"}, "another watchlist"},
		{[]string{"-w", "w.csv", "-o", "out", "--resume", "w.csv", "x"}, "no journal"},
		{[]string{"-w", "w.csv", "--resume", "place", "x"}, "needs --output"},
	} {
		if _, _, err := scanNow(t.Context(), c.args...); err == nil || !strings.Contains(fmt.Sprint(err), c.say) {
			t.Errorf("%v: %v", c.args, err)
		}
	}
}

// A scan that is ended before it has written anything begins anew.
func TestScanEndedAtOnceLeavesNoPlace(t *testing.T) {
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"w.csv": "supplier,kind,value\nLab,domain,lab.example\n", "x.txt": "jdoe@lab.example:Winter-24\n"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"--count", "-w", "w.csv", "--output", "out", "--resume", "place", "x.txt"}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := scanNow(ended, args...); !errors.Is(err, context.Canceled) {
		t.Fatalf("an ended scan: %v", err)
	}
	if _, errs, err := scanNow(t.Context(), args...); err != nil {
		t.Fatalf("%v %s", err, errs)
	}
	got, err := os.ReadFile("out")
	if want := "1 indicator from 1 hit in 1 document, 27 bytes\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}
