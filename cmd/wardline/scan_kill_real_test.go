//go:build real

package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/flate"

	"github.com/wardline/wardline/internal/corpus"
	"github.com/wardline/wardline/internal/risk"
)

// killBytes is how much text the folders of the kill tests hold.
func killBytes(t *testing.T) int64 {
	t.Helper()
	said := os.Getenv("WARDLINE_KILL_BYTES")
	if said == "" {
		return 24 << 20
	}
	n, err := strconv.ParseInt(said, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// killFolder makes plain and packed dumps that are about terms.
func killFolder(t *testing.T, terms []risk.WatchTerm, size int64, share float64) string {
	t.Helper()
	folder := t.TempDir()
	for i, f := range []struct {
		name string
		pack func(*os.File, func(io.Writer) error) error
	}{{"a.txt", func(f *os.File, write func(io.Writer) error) error { return write(f) }}, {"b.gz", packGzip}, {"c.zip", packZip}, {"d.7z", packSeven}} {
		path, seed := filepath.Join(folder, f.name), uint64(5+10*i)
		out, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		err = f.pack(out, func(w io.Writer) error {
			seed++ // a further member is another
			_, err := corpus.Write(w, terms, corpus.Options{Seed: seed, Bytes: size / 4, Share: share})
			return err
		})
		if err := errors.Join(err, out.Close(), os.Chtimes(path, time.Unix(1_700_000_000, 0), time.Unix(1_700_000_000, 0))); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

func packGzip(f *os.File, write func(io.Writer) error) error {
	z := gzip.NewWriter(f)
	return errors.Join(write(z), z.Close())
}

func packZip(f *os.File, write func(io.Writer) error) error {
	z := zip.NewWriter(f)
	for _, name := range []string{"log.txt", "more/log.txt"} {
		entry, err := z.Create(name)
		if err != nil {
			return err
		}
		if err := write(entry); err != nil {
			return err
		}
	}
	return z.Close()
}

// packSeven writes a 7z archive with one file, packed by deflate, as the format's description has it.
func packSeven(f *os.File, write func(io.Writer) error) error {
	if _, err := f.Seek(32, io.SeekStart); err != nil {
		return err
	}
	packed := &tally{w: f, sum: crc32.NewIEEE()}
	z, err := flate.NewWriter(packed, flate.BestSpeed)
	if err != nil {
		return err
	}
	text := &tally{w: z, sum: crc32.NewIEEE()}
	if err := errors.Join(write(text), z.Close()); err != nil {
		return err
	}
	le := binary.LittleEndian
	number := func(n uint64) string { return "\xff" + string(le.AppendUint64(nil, n)) }
	header := []byte("\x01\x04\x06\x00\x01\x09" + number(packed.n) + "\x00\x07\x0b\x01\x00\x01\x03\x04\x01\x08\x0c" + number(text.n) + "\x00\x08\x0a\x01")
	header = append(le.AppendUint32(header, text.sum.Sum32()), "\x00\x00\x05\x01\x11\x05\x00a\x00\x00\x00\x00\x00"...)
	if _, err := f.Write(header); err != nil {
		return err
	}
	start := le.AppendUint64(le.AppendUint64(nil, packed.n), uint64(len(header)))
	start = le.AppendUint32(start, crc32.ChecksumIEEE(header))
	_, err = f.WriteAt(append(le.AppendUint32([]byte("7z\xbc\xaf\x27\x1c\x00\x04"), crc32.ChecksumIEEE(start)), start...), 0)
	return err
}

// tally counts what is written, and makes a checksum of it.
type tally struct {
	w   io.Writer
	n   uint64
	sum hash.Hash32
}

func (t *tally) Write(b []byte) (int, error) {
	n, err := t.w.Write(b)
	t.n += uint64(n)
	t.sum.Write(b[:n])
	return n, err
}

// buildWardline builds the program as users have it.
func buildWardline(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "wardline")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", binary, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

// shot is a place in the output at which a scan is ended.
type shot struct {
	at     int64
	file   string
	signal syscall.Signal
}

// shots are spread over all that a scan writes: in each file so many.
func shots(t *testing.T, output []byte, each int, random *rand.Rand) (all []shot) {
	t.Helper()
	type stretch struct{ from, to int64 }
	files := map[string]stretch{}
	at := int64(0)
	for line := range bytes.Lines(output) {
		var found struct{ Path string }
		if err := json.Unmarshal(line, &found); err != nil {
			t.Fatal(err)
		}
		s, met := files[found.Path]
		if !met {
			s.from = at
		}
		at += int64(len(line))
		s.to = at
		files[found.Path] = s
	}
	for name, s := range files {
		step := (s.to - s.from) / int64(each)
		for i := range int64(each) {
			signal := syscall.SIGKILL
			if i%3 == 1 {
				signal = syscall.SIGINT
			}
			all = append(all, shot{s.from + i*step + random.Int64N(step), filepath.Base(name), signal})
		}
	}
	slices.SortFunc(all, func(a, b shot) int { return cmp.Compare(a.at, b.at) })
	return all
}

// The program is killed at places all over a folder, also inside the members of archives, and goes on: its output is
// that of an undisturbed run, byte for byte.
func TestRealScanKilledAnywhere(t *testing.T) {
	program, terms := buildWardline(t), corpus.Watchlist(5, 300)
	size, share, each := killBytes(t), 0.02, 3
	if size > 1<<30 {
		share, each = 0.001, 8
	}
	folder := killFolder(t, terms, size, share)
	t.Chdir(t.TempDir())
	var list bytes.Buffer
	if err := errors.Join(corpus.WriteWatchlist(&list, terms), os.WriteFile("w.csv", list.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if out, err := exec.CommandContext(t.Context(), program, "scan", "--json", "-w", "w.csv", "-o", "calm", folder).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	want, err := os.ReadFile("calm")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("undisturbed: %s, %d bytes of output", time.Since(began).Round(time.Millisecond), len(want))
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random, hit := rand.New(rand.NewPCG(seed, 0)), map[string]int{}
	for i, s := range shots(t, want, each, random) {
		args := []string{"scan", "--json", "-w", "w.csv", "-o", "out", "--resume", "place", "--threads", strconv.Itoa(1 + i%4/3), folder}
		if !shoot(t, s, program, args...) {
			break
		}
		if place := placeOf(t); place != "" {
			hit[s.file]++
			t.Logf("%s at byte %d of the output, in %s; it goes on from %s", s.signal, s.at, s.file, place)
		}
	}
	for _, file := range []string{"a.txt", "b.gz", "c.zip", "d.7z"} {
		if hit[file] == 0 {
			t.Errorf("%s was not hit: %v", file, hit)
		}
	}
	out, err := exec.CommandContext(t.Context(), program, "scan", "--json", "-w", "w.csv", "-o", "out", "--resume", "place", folder).CombinedOutput()
	got, readErr := os.ReadFile("out")
	if err != nil || readErr != nil || !bytes.Equal(got, want) {
		t.Errorf("%v %v %s: %d bytes of output, want the %d of an undisturbed run", err, readErr, out, len(got), len(want))
	}
	if _, err := os.Stat("place"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the journal is left: %v", err)
	}
}

// shoot starts a scan and ends it once it has written so much; false when it came to its end before.
func shoot(t *testing.T, s shot, program string, args ...string) bool {
	t.Helper()
	var errs bytes.Buffer
	long := time.Unix(0, 0) // what an earlier run wrote is older than what this one cuts back or writes
	if err := os.Chtimes("out", long, long); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for tick := time.Tick(200 * time.Microsecond); ; {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v %s", err, errs.String())
			}
			t.Logf("it came to its end in front of byte %d, or faster than it was seen", s.at)
			return false
		case <-tick:
			if info, err := os.Stat("out"); err != nil || info.Size() < s.at || info.ModTime().Equal(long) {
				continue
			}
			_ = cmd.Process.Signal(s.signal)
			err := <-ended
			if errs.Len() > 0 && s.signal == syscall.SIGKILL {
				t.Errorf("it said %s", errs.String())
			}
			return err != nil
		}
	}
}

// placeOf is where a journal says that a scan goes on; "" = there is none yet.
func placeOf(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("place")
	if errors.Is(err, os.ErrNotExist) {
		return ""
	}
	var e journalEntry
	if err := errors.Join(err, json.Unmarshal(text, &e)); err != nil {
		t.Fatal(err)
	}
	if e.Done {
		return filepath.Base(e.Path) + ", which is done"
	}
	return fmt.Sprintf("%s:%s, document %d, byte %d", filepath.Base(e.Path), e.At.Entry, e.At.Document, e.At.Offset)
}
