package hunt_test

import (
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wardline/wardline/internal/hunt"
	"github.com/wardline/wardline/internal/risk"
)

var mail = hunt.Dump{Source: "drop", Folder: "/drop", Path: "caf\xe9.txt", Bytes: 1 << 30, Modified: time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC), Keys: 1}

// block is one that a test adds: where reading stands behind it, and its keys.
type block struct {
	until risk.Position
	bytes int64
	keys  []uint64
}

func write(t rapid.TB, w *hunt.Writer, blocks []block) {
	t.Helper()
	for _, b := range blocks {
		if err := w.Add(b.until, b.bytes, b.keys); err != nil {
			t.Fatal(err)
		}
	}
}

func create(t rapid.TB, folder string, from risk.Position) *hunt.Writer {
	t.Helper()
	w, err := hunt.Create(folder, mail, from)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func finish(t rapid.TB, w *hunt.Writer) {
	t.Helper()
	if err := w.Finish(); err != nil {
		t.Fatal(err)
	}
}

func search(t rapid.TB, folder string, keys ...uint64) (found []risk.Stretch) {
	t.Helper()
	x, err := hunt.Open(folder, mail)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	err = x.Search([]risk.Clues{{keys}}, func(s risk.Stretch, _ []int) error {
		found = append(found, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// spreadKey is an arbitrary key, as spread over all numbers as a hash.
func spreadKey(n int) uint64 { return rand.NewPCG(uint64(n), 7).Uint64() }

func holds(s risk.Stretch, b block) bool {
	return s.From.Offset < b.until.Offset && b.until.Offset <= s.Until.Offset
}

// Whatever is added, saved and taken up again: a stretch that holds what is asked is always given.
func TestSearchMissesNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		folder := t.TempDir()
		w, at := create(rt, folder, risk.Position{}), int64(0)
		var all []block
		for range rapid.IntRange(0, 150).Draw(rt, "blocks") {
			b := block{bytes: rapid.Int64Range(1, 1<<20).Draw(rt, "bytes")}
			for _, n := range rapid.SliceOfN(rapid.IntRange(0, 300), 0, 20).Draw(rt, "keys") {
				b.keys = append(b.keys, spreadKey(n))
			}
			at += b.bytes
			b.until = risk.Position{Offset: at, Line: len(all) + 2}
			all = append(all, b)
			write(rt, w, []block{b})
			switch rapid.IntRange(0, 20).Draw(rt, "then") {
			case 0:
				if err := w.Save(); err != nil {
					rt.Fatal(err)
				}
			case 1: // killed: what was not saved is not known
				if err := w.Close(); err != nil {
					rt.Fatal(err)
				}
				w = create(rt, folder, b.until)
			}
		}
		finish(rt, w)
		for n := range 300 {
			found := search(rt, folder, spreadKey(n))
			for _, b := range all {
				if slices.Contains(b.keys, spreadKey(n)) && !slices.ContainsFunc(found, func(s risk.Stretch) bool { return holds(s, b) }) {
					rt.Fatalf("key %d in the block up to %d: found %v", n, b.until.Offset, found)
				}
			}
		}
	})
}

// blocksOf makes n blocks of a mebibyte with keys that no other block has, and one that all have.
func blocksOf(n, keys int) []block {
	var all []block
	for i := range n {
		b := block{until: risk.Position{Offset: int64(i+1) << 20, Line: i + 2}, bytes: 1 << 20, keys: []uint64{spreadKey(-1)}}
		for k := range keys {
			b.keys = append(b.keys, spreadKey(i*keys+k))
		}
		all = append(all, b)
	}
	return all
}

func TestSearchGivesStretchesInOrder(t *testing.T) {
	folder := t.TempDir()
	w := create(t, folder, risk.Position{})
	write(t, w, blocksOf(200, 1000))
	finish(t, w)
	found := search(t, folder, spreadKey(77_003))
	want := risk.Stretch{From: risk.Position{Offset: 77 << 20, Line: 78}, Until: risk.Position{Offset: 78 << 20, Line: 79}, Bytes: 1 << 20}
	if len(found) == 0 || !slices.ContainsFunc(found, func(s risk.Stretch) bool {
		return s.From.Offset == want.From.Offset && s.Until.Line == want.Until.Line && s.Bytes == want.Bytes
	}) {
		t.Errorf("found %v, want %v", found, want)
	}
	if all := search(t, folder, spreadKey(-1)); len(all) != 200 || !slices.IsSortedFunc(all, func(a, b risk.Stretch) int { return int(a.From.Offset - b.From.Offset) }) {
		t.Errorf("%d of 200 stretches in order", len(all))
	}
	if both := search(t, folder, spreadKey(-1), spreadKey(77_003)); len(both) != len(found) {
		t.Errorf("a question for two keys: %v, for the rarer alone %v", both, found)
	}
	wrong := 0
	for n := range 2000 {
		wrong += len(search(t, folder, spreadKey(1_000_000+n)))
	}
	if rate := float64(wrong) / (2000 * 200); rate > 0.001 {
		t.Errorf("%.4f of stretches are given for keys that they do not hold", rate)
	}
}

// What a position says comes back as it was.
func TestPositionsKeepTheirContext(t *testing.T) {
	folder := t.TempDir()
	w := create(t, folder, risk.Position{})
	first := risk.Position{Document: 3, Entry: "a.zip/log.sql", Offset: 9 << 20, Line: 12, Lead: 4000, Context: []byte("columns"), Facts: []risk.Fact{{Name: "HWID", Value: "1"}}}
	second := first
	second.Offset, second.Line = 11<<20, 15
	third := risk.Position{Document: 4, Entry: "a.zip/other.txt", Offset: 7, Line: 2, Lead: -1}
	write(t, w, []block{{first, 2 << 20, []uint64{spreadKey(1)}}, {second, 2 << 20, []uint64{spreadKey(2)}}, {third, 2 << 20, []uint64{spreadKey(3)}}})
	finish(t, w)
	got := search(t, folder, spreadKey(3))
	if len(got) != 1 || string(got[0].From.Context) != "columns" || got[0].From.Entry != "a.zip/log.sql" || got[0].From.Line != 15 || got[0].From.Lead != 4000 || got[0].Until.Lead != -1 || got[0].From.Facts[0].Value != "1" ||
		got[0].Until.Entry != "a.zip/other.txt" || got[0].Until.Context != nil || got[0].Until.Facts != nil || got[0].Until.Document != 4 {
		t.Errorf("%+v", got)
	}
}

// A reading that was killed goes on from a position that is behind, at, or in front of what the index has.
func TestIndexIsTakenUpAgain(t *testing.T) {
	blocks := blocksOf(100, 100)
	for name, from := range map[string]int{"all of it": 0, "as far as was saved": 70, "less than was saved": 33, "more than was saved": 90} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			w := create(t, folder, risk.Position{})
			write(t, w, blocks[:70])
			if err := w.Save(); err != nil {
				t.Fatal(err)
			}
			write(t, w, blocks[70:80])
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if _, err := hunt.Open(folder, mail); !errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("open an unfinished index: %v", err)
			}
			at := risk.Position{}
			if from > 0 {
				at = blocks[from-1].until
			}
			w = create(t, folder, at)
			write(t, w, blocks[from:])
			finish(t, w)
			for i, b := range blocks {
				if found := search(t, folder, b.keys[1]); !slices.ContainsFunc(found, func(s risk.Stretch) bool { return holds(s, b) }) {
					t.Errorf("block %d: %v", i, found)
				}
			}
		})
	}
}

// A reading that was killed after its index had been finished, and before that was noted, goes on with it.
func TestFinishedIndexIsTakenUpAgain(t *testing.T) {
	folder, blocks := t.TempDir(), blocksOf(10, 100)
	w := create(t, folder, risk.Position{})
	write(t, w, blocks)
	finish(t, w)
	w = create(t, folder, blocks[9].until)
	finish(t, w)
	if found := search(t, folder, blocks[3].keys[1]); len(found) != 1 || !holds(found[0], blocks[3]) {
		t.Errorf("found %v", found)
	}
}

// Only a dump whose text is as long as itself can be sought in.
func TestPlainDumps(t *testing.T) {
	for bytes, want := range map[int64]bool{mail.Bytes: true, mail.Bytes - 3: true, mail.Bytes - 4: false, 3 * mail.Bytes: false} {
		folder := t.TempDir()
		w := create(t, folder, risk.Position{})
		write(t, w, []block{{until: risk.Position{Offset: bytes}, bytes: bytes}})
		finish(t, w)
		x, err := hunt.Open(folder, mail)
		if err != nil {
			t.Fatal(err)
		}
		if x.Plain() != want {
			t.Errorf("%d bytes of text in a dump of %d: plain %v", bytes, mail.Bytes, !want)
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Another content under the same name has an index of its own, and the old one stays.
func TestEachContentHasItsIndex(t *testing.T) {
	folder := t.TempDir()
	w := create(t, folder, risk.Position{})
	write(t, w, blocksOf(1, 3))
	finish(t, w)
	other := mail
	other.Bytes++
	if _, err := hunt.Open(folder, other); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open: %v", err)
	}
	if dumps, damaged, err := hunt.Dumps(folder); err != nil || len(damaged) > 0 || !slices.Equal(dumps, []hunt.Dump{mail}) {
		t.Errorf("%v %v %v", dumps, damaged, err)
	}
}

// No index that was changed or cut off anywhere answers wrongly: it is damaged, or nothing that matters was hit.
func FuzzIndex(f *testing.F) {
	f.Add(uint32(40), byte(1), uint32(0))
	f.Add(uint32(9000), byte(0x80), uint32(0))
	f.Add(uint32(0), byte(0), uint32(300))
	folder := f.TempDir()
	w, err := hunt.Create(folder, mail, risk.Position{})
	if err != nil {
		f.Fatal(err)
	}
	blocks := blocksOf(70, 60)
	for _, b := range blocks {
		if err := w.Add(b.until, b.bytes, b.keys); err != nil {
			f.Fatal(err)
		}
	}
	if err := w.Finish(); err != nil {
		f.Fatal(err)
	}
	whole, err := os.ReadFile(hunt.File(folder, mail))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, at uint32, flip byte, cut uint32) {
		folder := t.TempDir()
		b := slices.Clone(whole[:len(whole)-int(cut)%len(whole)])
		b[int(at)%len(b)] ^= flip
		if err := os.WriteFile(hunt.File(folder, mail), b, 0o600); err != nil {
			t.Fatal(err)
		}
		x, err := hunt.Open(folder, mail)
		if errors.Is(err, hunt.ErrDamaged) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		defer x.Close()
		for i := 0; i < len(blocks); i += 7 {
			found := false
			err := x.Search([]risk.Clues{{{blocks[i].keys[1]}}}, func(s risk.Stretch, _ []int) error {
				found = found || holds(s, blocks[i])
				return nil
			})
			if !found && !errors.Is(err, hunt.ErrDamaged) {
				t.Fatalf("byte %d ^ %x, %d cut off: block %d is missed, and %v", at, flip, cut, i, err)
			}
		}
	})
}
