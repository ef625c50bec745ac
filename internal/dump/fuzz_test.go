package dump_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/risk"
)

// partNames are the ways in which a file comes in three parts; the first is one that does not.
var partNames = [][]string{
	{"x"}, {"x.001", "x.002", "x.003"}, {"x.part1.rar", "x.part2.rar", "x.part3.rar"}, {"x.rar", "x.r00", "x.r01"}, {"x.z01", "x.z02", "x.zip"},
	{"x.gz.aa", "x.gz.ab", "x.gz.ac"}, {"x.z01", "x.z03", "x.zip"}, {"x.7z.001", "x.7z.003"}, {"x (pass open-sesame).zip"},
}

// FuzzContainer reads any bytes as one file or as several, with a password that fits many of the seeds.
func FuzzContainer(f *testing.F) {
	seeds, err := filepath.Glob("testdata/containers/*.*")
	if err != nil {
		f.Fatal(err)
	}
	for i, path := range seeds {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 5000 {
			f.Add(data, uint8(i), uint8(50+20*i))
		}
	}
	f.Add(sevenZipped(member{"a", "text"}), uint8(1), uint8(100))
	f.Add(rarred(member{"a", "text"}), uint8(0), uint8(0))
	f.Add(rarVolume(0, member{"a", "te"}, 4, rarGoesOn), uint8(2), uint8(128))
	f.Add([]byte("PK\x07\x08PK\x03\x04"), uint8(4), uint8(9))
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte, style, cut uint8) {
		folder := filepath.Join(dir, fmt.Sprint(os.Getpid()))
		if err := os.RemoveAll(folder); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(folder, 0o700); err != nil {
			t.Fatal(err)
		}
		names := partNames[int(style)%len(partNames)]
		piece := len(data) * int(cut) / 512
		for i, name := range names {
			part := data
			if i+1 < len(names) {
				part = data[:piece]
			}
			data = data[len(part):]
			if err := os.WriteFile(filepath.Join(folder, name), part, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		var total int
		o := dump.Options{BlockBytes: 4096, MaxMemory: 8 << 20, MaxRounds: 1 << 19, MaxRatio: 100, MaxEntries: 1000, Passwords: []string{password}}
		_, err := dump.Blocks(t.Context(), folder, o, func(b risk.Block) error {
			total += len(b.Body())
			return nil
		})
		if err != nil || total > 400<<20 {
			t.Fatalf("%d bytes, error %v", total, err)
		}
	})
}
