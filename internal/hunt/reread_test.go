package hunt_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/wardline/wardline/internal/hunt"
	"github.com/wardline/wardline/internal/risk"
)

// paper is a dump of documents of so many mebibytes, in blocks of one, that counts what is read of it.
type paper struct {
	documents []int
	begun     []risk.Position
	read      int
}

func (p *paper) blocks(from risk.Position, visit func(risk.Block) error) error {
	p.begun = append(p.begun, from)
	for d := from.Document; d < len(p.documents); d++ {
		first := 0
		if d == from.Document {
			first = int(from.Offset >> 20)
		}
		for b := first; b < p.documents[d]; b++ {
			p.read++
			if err := visit(risk.Block{At: risk.Position{Document: d, Offset: int64(b+1) << 20}}); err != nil {
				return err
			}
		}
	}
	return nil
}

func stretch(document, from, until int) risk.Stretch {
	return risk.Stretch{From: risk.Position{Document: document, Offset: int64(from) << 20}, Until: risk.Position{Document: document, Offset: int64(until) << 20}}
}

func TestRereadReadsStretchesOnly(t *testing.T) {
	for name, c := range map[string]struct {
		stretches []risk.Stretch
		seeks     bool
		want      []int // the ends of what was visited, in mebibytes; 1000 more for each document
		begun     int
		read      int
	}{
		"one, in the middle":          {[]risk.Stretch{stretch(0, 5, 7)}, true, []int{6, 7}, 1, 2},
		"near each other":             {[]risk.Stretch{stretch(0, 5, 6), stretch(0, 8, 9)}, true, []int{6, 9}, 1, 4},
		"far apart":                   {[]risk.Stretch{stretch(0, 5, 6), stretch(0, 90, 91)}, true, []int{6, 91}, 2, 3},
		"far apart, without seeking":  {[]risk.Stretch{stretch(0, 5, 6), stretch(0, 90, 91)}, false, []int{6, 91}, 1, 86},
		"in two documents":            {[]risk.Stretch{stretch(0, 98, 99), stretch(1, 2, 3)}, false, []int{99, 1003}, 1, 5},
		"from one into the next":      {[]risk.Stretch{{From: stretch(0, 99, 100).From, Until: stretch(1, 0, 1).Until}}, true, []int{100, 1001}, 1, 2},
		"the first and the very last": {[]risk.Stretch{stretch(0, 0, 1), stretch(1, 9, 10)}, false, []int{1, 1010}, 1, 110},
	} {
		t.Run(name, func(t *testing.T) {
			p := paper{documents: []int{100, 10}}
			var visited, done []int
			err := hunt.Reread(c.stretches, c.seeks, p.blocks, func(b risk.Block) error {
				visited = append(visited, b.At.Document*1000+int(b.At.Offset>>20))
				return nil
			}, func(i int) { done = append(done, i) })
			if err != nil || !slices.Equal(visited, c.want) || len(done) != len(c.stretches) {
				t.Errorf("visited %v, done %v, %v; want %v", visited, done, err, c.want)
			}
			if len(p.begun) != c.begun || p.read > c.read+1 {
				t.Errorf("begun at %v, %d blocks read, want %d begun and %d read", p.begun, p.read, c.begun, c.read)
			}
		})
	}
}

func TestRereadTellsWhatIsNotThere(t *testing.T) {
	p := paper{documents: []int{3}}
	none := func(int) {}
	err := hunt.Reread([]risk.Stretch{stretch(0, 1, 2), stretch(0, 7, 8)}, true, p.blocks, func(risk.Block) error { return nil }, none)
	if !errors.Is(err, hunt.ErrMoved) {
		t.Errorf("a stretch behind the end: %v", err)
	}
	failed := errors.New("failed")
	if err := hunt.Reread([]risk.Stretch{stretch(0, 1, 2)}, true, p.blocks, func(risk.Block) error { return failed }, none); !errors.Is(err, failed) {
		t.Errorf("visit failed: %v", err)
	}
	broken := func(risk.Position, func(risk.Block) error) error { return failed }
	if err := hunt.Reread([]risk.Stretch{stretch(0, 1, 2)}, true, broken, nil, none); !errors.Is(err, failed) {
		t.Errorf("the reading failed: %v", err)
	}
}
