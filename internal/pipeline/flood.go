package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// floodAfter is how many findings of one sort about one supplier a file brings before the rest is only counted.
const floodAfter = 10_000

// flood keeps a file that brings millions of findings about one supplier, such as a mail provider, from filling the disk:
// so many of a kind and class become exposures, further ones are counted. Each sort has a count of its own, so that
// customers never crowd out employees. Which findings are kept depends on their order in the file alone: after a kill
// the reading goes on with the counts that were saved with its position.
type flood struct {
	file   int64
	most   int64
	counts map[floodKey]*risk.Flood
	dirty  map[floodKey]bool // not saved yet
}

type floodKey struct {
	supplier int64
	kind     risk.IndicatorKind
	class    risk.Class
}

// newFlood takes up the counts of a file where they stand.
func (p *Pipeline) newFlood(ctx context.Context, fileID int64) (*flood, error) {
	known, err := p.Store.CountsOf(ctx, fileID)
	if err != nil {
		return nil, fmt.Errorf("find what was counted: %w", err)
	}
	f := p.emptyFlood(fileID)
	f.goOn(known)
	return f, nil
}

// goOn takes up counts where they stand.
func (f *flood) goOn(known []risk.Flood) {
	for _, k := range known {
		f.counts[floodKey{k.SupplierID, k.Kind, k.Class}] = &k
	}
}

func (p *Pipeline) emptyFlood(fileID int64) *flood {
	return &flood{file: fileID, most: int64(cmp.Or(p.FloodAfter, floodAfter)), counts: map[floodKey]*risk.Flood{}, dirty: map[floodKey]bool{}}
}

// keep counts findings, in the order of the file, and gives back those that are to be recorded.
func (f *flood) keep(found []risk.Finding, now time.Time) []risk.Finding {
	return slices.DeleteFunc(found, func(x risk.Finding) bool { return !f.take(x.Exposure, now) })
}

func (f *flood) take(e risk.Exposure, now time.Time) bool {
	key := floodKey{e.SupplierID, e.Kind, e.Class}
	c := f.counts[key]
	if c == nil {
		c = &risk.Flood{FileID: f.file, SupplierID: e.SupplierID, Kind: e.Kind, Class: e.Class}
		f.counts[key] = c
	}
	f.dirty[key] = true
	if c.Kept < f.most {
		c.Kept++
		return true
	}
	if c.Counted == 0 {
		c.Since = now
	}
	c.Counted++
	c.Last = now
	return false
}

// changed are the counts to be saved with what they count.
func (f *flood) changed() []risk.Flood {
	return f.sorted(maps.Keys(f.dirty))
}

// all are the counts.
func (f *flood) all() []risk.Flood { return f.sorted(maps.Keys(f.counts)) }

func (f *flood) sorted(keys iter.Seq[floodKey]) (out []risk.Flood) {
	for key := range keys {
		out = append(out, *f.counts[key])
	}
	slices.SortFunc(out, func(a, b risk.Flood) int {
		return cmp.Or(cmp.Compare(a.SupplierID, b.SupplierID), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Class, b.Class))
	})
	return out
}

// saved notes that what changed gave was recorded.
func (f *flood) saved() { clear(f.dirty) }
