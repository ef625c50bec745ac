package dump

import (
	"os"
	"path/filepath"
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
	files, err := Files(folder, now)
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
	if _, err := Files(filepath.Join(folder, "missing"), now); err == nil {
		t.Error("a missing folder is no error")
	}
}
