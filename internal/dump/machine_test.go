package dump

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/risk"
)

// machineOf takes any file named system.txt for a system file that says its own text.
func machineOf(name string, text []byte) []risk.Fact {
	if path.Base(name) != "system.txt" {
		return nil
	}
	return []risk.Fact{{Name: "machine", Value: strings.TrimSpace(string(text))}}
}

type file struct{ name, text string }

func zipOf(t *testing.T, files []file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, f := range files {
		e, err := w.Create(f.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := e.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func tarOf(t *testing.T, files []file) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Name: f.name, Mode: 0o600, Size: int64(len(f.text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f.text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// machines reads what is at path and lists each document with the machine that its first block belongs to.
func machines(t *testing.T, at string, o Options) []string {
	t.Helper()
	o.Machine = machineOf
	var got []string
	last := ""
	_, err := Blocks(t.Context(), at, o, func(b risk.Block) error {
		name := b.Place.Entry
		if name == "" {
			rel, err := filepath.Rel(at, b.Place.Path)
			if err != nil {
				t.Fatal(err)
			}
			name = filepath.ToSlash(rel)
		}
		if name == last {
			return nil
		}
		last = name
		machine := "-"
		if len(b.Facts) > 0 {
			machine = b.Facts[0].Value
		}
		got = append(got, name+"="+machine)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

var logFiles = []file{
	{"one/Chrome/Default/Passwords.txt", "a"},
	{"one/Cookies/c.txt", "b"},
	{"one/system.txt", "WARD-1"},
	{"one/zuletzt.txt", "c"},
	{"three/Passwords.txt", "without a system file"},
	{"two/a/b/c/d/deep.txt", "too deep"},
	{"two/system.txt", "WARD-2"},
	{"two/x/y.txt", "d"},
}

var logMachines = []string{
	"one/Chrome/Default/Passwords.txt=WARD-1", "one/Cookies/c.txt=WARD-1", "one/system.txt=WARD-1", "one/zuletzt.txt=WARD-1",
	"three/Passwords.txt=-", "two/a/b/c/d/deep.txt=-", "two/system.txt=WARD-2", "two/x/y.txt=WARD-2",
}

func TestMachineOfALogInAnArchive(t *testing.T) {
	for name, packed := range map[string][]byte{
		"zip": zipOf(t, logFiles), "tar": tarOf(t, logFiles), "zip in tar": tarOf(t, []file{{"logs.zip", string(zipOf(t, logFiles))}}),
	} {
		at := filepath.Join(t.TempDir(), "logs")
		if err := os.WriteFile(at, packed, 0o600); err != nil {
			t.Fatal(err)
		}
		got := machines(t, at, Options{})
		for i := range got {
			got[i] = strings.TrimPrefix(got[i], "logs.zip/")
		}
		if !slices.Equal(got, logMachines) {
			t.Errorf("%s:\n got %q\nwant %q", name, got, logMachines)
		}
	}
}

// An archive that is a log itself has its system file at the top, and maybe as the first of its files.
func TestMachineOfAnArchiveThatIsALog(t *testing.T) {
	at := filepath.Join(t.TempDir(), "log.zip")
	if err := os.WriteFile(at, zipOf(t, []file{{"system.txt", "WARD-1"}, {"Chrome/p.txt", "a"}, {"p.txt", "b"}}), 0o600); err != nil {
		t.Fatal(err)
	}
	want := []string{"system.txt=WARD-1", "Chrome/p.txt=WARD-1", "p.txt=WARD-1"}
	if got := machines(t, at, Options{}); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMachineOfALogInAFolder(t *testing.T) {
	root := t.TempDir()
	for _, f := range logFiles {
		name := filepath.Join(root, filepath.FromSlash(f.name))
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(f.text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := machines(t, root, Options{}); !slices.Equal(got, logMachines) {
		t.Errorf("got %q, want %q", got, logMachines)
	}
	wide := append([]byte("\xff\xfe"), "W\x00A\x00R\x00D\x00-\x009\x00"...)
	if err := os.WriteFile(filepath.Join(root, "three", "system.txt"), wide, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := machines(t, filepath.Join(root, "three", "Passwords.txt"), Options{}); !slices.Equal(got, []string{".=WARD-9"}) {
		t.Errorf("a system file in UTF-16: %q", got)
	}
	one := filepath.Join(root, "one", "Chrome", "Default", "Passwords.txt")
	if got := machines(t, one, Options{Root: root}); !slices.Equal(got, []string{".=WARD-1"}) {
		t.Errorf("one file of it: %q", got)
	}
	if got := machines(t, one, Options{Root: filepath.Join(root, "one", "Chrome")}); !slices.Equal(got, []string{".=-"}) {
		t.Errorf("looked above the root: %q", got)
	}
}

// What waits is bounded: a log that goes on for longer is let go without facts, whole and in order.
func TestMachineThatComesTooLate(t *testing.T) {
	var files []file
	for i := range 12 {
		files = append(files, file{fmt.Sprintf("log/%02d.txt", i), strings.Repeat("x", 1<<20)})
	}
	files = append(files, file{"log/system.txt", "WARD-1"}, file{"log/z.txt", "z"})
	at := filepath.Join(t.TempDir(), "log.tar")
	if err := os.WriteFile(at, tarOf(t, files), 0o600); err != nil {
		t.Fatal(err)
	}
	got := machines(t, at, Options{BlockBytes: 1 << 20})
	with := 0
	for i, line := range got {
		if name, _, _ := strings.Cut(line, "="); name != files[i].name {
			t.Fatalf("document %d is %s, want %s", i, name, files[i].name)
		}
		if strings.HasSuffix(line, "=WARD-1") {
			with++
		}
	}
	if len(got) != len(files) || with < 3 || with > 7 {
		t.Errorf("%d documents of which %d have the machine: %q", len(got), with, got)
	}
}

func TestPositionKeepsTheMachine(t *testing.T) {
	at := filepath.Join(t.TempDir(), "logs.zip")
	if err := os.WriteFile(at, zipOf(t, logFiles), 0o600); err != nil {
		t.Fatal(err)
	}
	var kept risk.Position
	if _, err := Blocks(t.Context(), at, Options{Machine: machineOf}, func(b risk.Block) error {
		if b.Place.Entry == "one/system.txt" {
			kept = b.At
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	l := newLogs(t.Context(), at, Options{Machine: machineOf}, nil)
	l.begin(at, kept)
	if got := l.factsOf("one/zuletzt.txt").facts; len(got) != 1 || got[0].Value != "WARD-1" {
		t.Errorf("after a kill the log's documents have %v", got)
	}
	if got := l.factsOf("two/x/y.txt").facts; got != nil {
		t.Errorf("another log's have %v", got)
	}
}

// What visit says ends the reading, also when the block had waited.
func TestHeldBlocksPassOnAnError(t *testing.T) {
	at := filepath.Join(t.TempDir(), "logs.zip")
	if err := os.WriteFile(at, zipOf(t, []file{{"a.txt", "a"}, {"b.txt", "b"}}), 0o600); err != nil {
		t.Fatal(err)
	}
	seen := 0
	_, err := Blocks(t.Context(), at, Options{Machine: machineOf}, func(risk.Block) error {
		seen++
		return os.ErrDeadlineExceeded
	})
	if err == nil || seen != 1 {
		t.Errorf("visited %d blocks, error %v", seen, err)
	}
}
