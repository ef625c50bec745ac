package dump

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"
	"time"
)

func TestFilesLeavesOutWhatIsNotADumpYet(t *testing.T) {
	folder := t.TempDir()
	now := time.Now()
	write := func(name string, age time.Duration) {
		path := filepath.Join(folder, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	write("b.txt", time.Hour)
	write("sub/a.zip", time.Minute)
	write("growing.txt", time.Second)
	write(".hidden", time.Hour)
	write(".git/config", time.Hour)
	write("future.txt", -time.Hour) // a wrong clock must not hide a file for ever
	if err := os.Symlink("/etc/passwd", filepath.Join(folder, "link.txt")); err != nil {
		t.Fatal(err)
	}
	files, err := Files(t.Context(), folder, Options{}, now)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range files {
		names = append(names, f.Path)
	}
	if want := []string{"b.txt", "future.txt", "sub/a.zip"}; !slices.Equal(names, want) {
		t.Errorf("files %v, want %v", names, want)
	}
	if files[0].Bytes != 1 {
		t.Errorf("size %d, want 1", files[0].Bytes)
	}
	if _, err := Files(t.Context(), filepath.Join(folder, "missing"), Options{}, now); err == nil {
		t.Error("a missing folder is no error")
	}
}

func TestFileIsWhatFilesWouldList(t *testing.T) {
	folder := t.TempDir()
	now := time.Now()
	for name, age := range map[string]time.Duration{"a\n\xe9.txt": time.Hour, "growing.txt": time.Second} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte("xyz"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("/etc/passwd", filepath.Join(folder, "link.txt")); err != nil {
		t.Fatal(err)
	}
	listed, err := Files(t.Context(), folder, Options{}, now)
	if err != nil || len(listed) != 1 {
		t.Fatal(listed, err)
	}
	if f, found, err := File(t.Context(), folder, "a\n\xe9.txt", Options{}, now); err != nil || !found || f.Bytes != 3 || !f.Modified.Equal(listed[0].Modified) || f.Path != listed[0].Path {
		t.Errorf("%+v %v %v, listed as %+v", f, found, err, listed[0])
	}
	for _, name := range []string{"growing.txt", "link.txt", "missing", "../etc/passwd", "/etc/passwd", ""} {
		if f, found, err := File(t.Context(), folder, name, Options{}, now); found || err != nil {
			t.Errorf("%q: %+v %v", name, f, err)
		}
	}
}

func TestFilesListsPartsAsOneOnceAllAreThere(t *testing.T) {
	folder := t.TempDir()
	now := time.Now()
	write := func(name string, size int, age time.Duration) {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now.Add(-age), now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	list := func() (listed []string) {
		files, err := Files(t.Context(), folder, Options{}, now)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			listed = append(listed, fmt.Sprint(f.Path, " ", f.Bytes, " ", now.Sub(f.Modified).Round(time.Second)))
			again, found, err := File(t.Context(), folder, f.Path, Options{}, now)
			if err != nil || !found || !reflect.DeepEqual(again, f) {
				t.Errorf("File(%s) is %+v, %v, %v; Files has %+v", f.Path, again, found, err, f)
			}
		}
		return listed
	}
	write("dump.7z.001", 5, time.Hour)
	write("dump.7z.002", 5, time.Minute)
	write("log.zip", 1, time.Hour)
	write("log.z01", 2, time.Hour)
	write("other.txt", 3, time.Hour)
	if got, want := list(), []string{"dump.7z.001 10 1m0s", "log.z01 3 1h0m0s", "other.txt 3 1h0m0s"}; !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	for _, later := range []string{"dump.7z.002", "log.zip"} {
		if f, found, err := File(t.Context(), folder, later, Options{}, now); found || err != nil {
			t.Errorf("File(%s) is %+v, %v, %v, though it is read with the first part", later, f, found, err)
		}
	}
	write("dump.7z.003", 4, time.Second) // is still being written to
	if got, want := list(), []string{"log.z01 3 1h0m0s", "other.txt 3 1h0m0s"}; !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
	now = now.Add(time.Minute)
	if got, want := list(), []string{"dump.7z.001 14 1m1s", "log.z01 3 1h1m0s", "other.txt 3 1h1m0s"}; !slices.Equal(got, want) {
		t.Errorf("listed %q, want %q", got, want)
	}
}
