package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// Hunt looks for terms that were added after dumps were read. Each dump's index tells which stretches may hold them, and
// only these are read again, if the dump is still there. It ends when every dump has been looked through with the
// watchlist of that moment. Killed, it begins with the dump at hand again: what was found is known by content.
func (p *Pipeline) Hunt(ctx context.Context) error {
	if p.Traces == nil {
		return nil
	}
	for {
		list, err := p.watchlist(ctx)
		if err != nil {
			return err
		}
		h := hunt{p: p, list: list, added: map[string][]risk.WatchTerm{}, reach: map[int64]bool{}}
		if err := h.all(ctx); err != nil {
			return err
		}
		_, version, err := p.Store.WatchTerms(ctx)
		if err != nil {
			return fmt.Errorf("read watch terms: %w", err)
		}
		if version == list.version {
			return nil
		}
	}
}

// hunt is one way through all dumps.
type hunt struct {
	p     *Pipeline
	list  *watchlist
	run   risk.HuntRun
	shown time.Time                   // when run was saved last
	added map[string][]risk.WatchTerm // by the version of the watchlist that did not have them; nil = not known
	reach map[int64]bool              // which sources can be read
}

const dumpsAtOnce = 100

func (h *hunt) all(ctx context.Context) error {
	n, err := h.p.Store.CountStaleFiles(ctx, h.list.version)
	if err != nil {
		return fmt.Errorf("count dumps to hunt in: %w", err)
	}
	h.run = risk.HuntRun{Started: h.p.Now(), Dumps: n}
	if err := h.show(ctx); err != nil {
		return err
	}
	for last := int64(0); ; {
		stale, err := h.p.Store.FindStaleFiles(ctx, h.list.version, last, dumpsAtOnce)
		if err != nil {
			return fmt.Errorf("find dumps to hunt in: %w", err)
		}
		for _, s := range stale {
			if err := h.dump(ctx, s); err != nil {
				return fmt.Errorf("hunt in file %d: %w", s.File.ID, err)
			}
			h.run.Looked++
			last = s.File.ID
			if h.p.Now().Sub(h.shown) >= time.Second {
				if err := h.show(ctx); err != nil {
					return err
				}
			}
		}
		if len(stale) < dumpsAtOnce {
			break
		}
	}
	h.run.Dumps, h.run.Finished = h.run.Looked, h.p.Now()
	return h.show(ctx)
}

func (h *hunt) show(ctx context.Context) error {
	h.shown = h.p.Now()
	if err := h.p.Store.SaveHuntRun(ctx, h.run); err != nil {
		return fmt.Errorf("save how far the hunt is: %w", err)
	}
	return nil
}

// dump hunts in one dump. A source that may not be read now, or does not answer, keeps its dumps for the next time.
func (h *hunt) dump(ctx context.Context, s risk.StaleFile) error {
	if unspeakable(s.File.Path) { // the listing has it read again whole
		return nil
	}
	d := dumpHunt{p: h.p, list: h.list, src: s.Source, file: s.File, silent: termSet{}, hunts: map[int64]*risk.Hunt{}, undecided: map[int64]bool{}}
	known, err := h.newTerms(ctx, s.File.Watchlist, &d)
	if err != nil {
		return err
	}
	if known && len(d.terms) == 0 && !d.unanswered { // terms were only taken away
		return h.p.Store.FinishHunt(ctx, s.File, h.list.version, nil, risk.HuntNothing)
	}
	if reached, err := h.reached(ctx, s.Source); err != nil || !reached {
		return err
	}
	there, found, err := h.p.Dumps.File(ctx, s.Source.Address, s.File.Path)
	if err != nil {
		h.p.Log.WarnContext(ctx, "dump unreadable", slog.Int64("file", s.File.ID), slog.Any("error", err))
		return nil
	}
	d.held = found && sameFile(s.File, there)
	answered := d.ask()
	if errors.Is(answered, risk.ErrNotFound) {
		h.p.Log.WarnContext(ctx, "a dump's index is missing or damaged", slog.Int64("file", s.File.ID), slog.Any("error", answered))
	} else if answered != nil {
		return answered
	}
	rest := risk.HuntNothing
	if d.unanswered {
		rest = risk.HuntNames
	}
	if !known || answered != nil || d.unanswered && s.File.State == risk.FileFailed { // which may fail again, and is counted then
		rest = risk.HuntWhole
	}
	if !d.held { // it may come back, and is hunted in then
		if rest != risk.HuntNothing {
			h.run.Untold++
		}
		d.settle(risk.HuntGone)
		return h.p.Store.SaveHunts(ctx, d.all())
	}
	if err := d.reread(ctx); err != nil {
		return err
	}
	if d.failed {
		rest = risk.HuntWhole
	}
	d.settle(risk.HuntDone)
	if err := h.p.Store.FinishHunt(ctx, s.File, h.list.version, d.all(), rest); err != nil || rest == risk.HuntNothing {
		return err
	}
	return h.p.Queue.Insert(ctx, risk.Job{Kind: risk.JobScanFile, SourceKey: s.Source.Key, Path: s.File.Path, Low: true})
}

// newTerms gives d the terms that a version of the watchlist did not have. When that version is not known, the dump is to
// be read again whole.
func (h *hunt) newTerms(ctx context.Context, version string, d *dumpHunt) (known bool, err error) {
	added, asked := h.added[version]
	if !asked {
		added, err = h.p.Store.NewTerms(ctx, version, h.list.terms)
		if errors.Is(err, risk.ErrNotFound) {
			added, err = nil, nil
		} else if err == nil && added == nil {
			added = []risk.WatchTerm{}
		}
		if err != nil {
			return false, fmt.Errorf("find new terms: %w", err)
		}
		h.added[version] = added
	}
	for _, t := range added {
		clues, ok := match.CluesOf(t)
		if !ok {
			d.unanswered = true
			d.silent.add(t)
			continue
		}
		d.terms, d.clues = append(d.terms, t), append(d.clues, clues)
	}
	return added != nil, nil
}

// reached reports that a source may be read and its dumps can be listed: where a folder is not mounted, its dumps are not
// gone.
func (h *hunt) reached(ctx context.Context, src risk.Source) (bool, error) {
	if ok, asked := h.reach[src.ID]; asked {
		return ok, nil
	}
	may, err := h.p.Store.MayRead(ctx, src.ID)
	if err != nil {
		return false, fmt.Errorf("ask for source %s: %w", src.Key, err)
	}
	if may {
		if _, err := h.p.Dumps.Files(ctx, src.Address); err != nil {
			h.p.Log.WarnContext(ctx, "drop folder unreadable", slog.Any("error", err))
			may = false
		}
	}
	h.reach[src.ID] = may
	return may, nil
}

// dumpHunt is the hunt in one dump.
type dumpHunt struct {
	p     *Pipeline
	list  *watchlist
	src   risk.Source
	file  risk.File
	held  bool // it is still there as it was read
	terms []risk.WatchTerm
	clues []risk.Clues // of terms

	unanswered bool
	silent     termSet // that no index answers

	stretches []risk.Stretch       // that may hold one of terms
	suppliers [][]int64            // whose, for each
	hunts     map[int64]*risk.Hunt // by supplier
	flood     *flood
	failed    bool // it could not be read again as it was
	waiting   []risk.Finding
	saved     time.Time
	undecided map[int64]bool
}

// ask asks the index of the dump.
func (d *dumpHunt) ask() error {
	err := d.p.Traces.Ask(d.src, d.file, d.clues, func(s risk.Stretch, answers []int) error {
		var suppliers []int64
		for _, i := range answers {
			suppliers = append(suppliers, d.terms[i].SupplierID)
		}
		slices.Sort(suppliers)
		suppliers = slices.Compact(suppliers)
		for _, id := range suppliers {
			d.of(id).Stretches++
		}
		d.stretches, d.suppliers = append(d.stretches, s), append(d.suppliers, suppliers)
		return nil
	})
	if err != nil {
		d.stretches, d.suppliers = nil, nil
		clear(d.hunts)
		return err
	}
	for t := range d.silent {
		if h := d.hunts[t.SupplierID]; h != nil {
			h.Unanswered = append(h.Unanswered, shown(t))
			slices.Sort(h.Unanswered)
		}
	}
	return nil
}

func (d *dumpHunt) of(supplier int64) *risk.Hunt {
	h := d.hunts[supplier]
	if h == nil {
		h = &risk.Hunt{SupplierID: supplier, FileID: d.file.ID, State: risk.HuntReading}
		d.hunts[supplier] = h
	}
	return h
}

func (d *dumpHunt) all() []risk.Hunt {
	out := make([]risk.Hunt, 0, len(d.hunts))
	for _, id := range slices.Sorted(maps.Keys(d.hunts)) {
		h := *d.hunts[id]
		h.Updated = d.p.Now()
		out = append(out, h)
	}
	return out
}

func (d *dumpHunt) settle(state risk.HuntState) {
	for _, h := range d.hunts {
		h.State = state
		if state == risk.HuntDone && (len(h.Unanswered) > 0 || d.failed) {
			h.State = risk.HuntFullRead
		}
	}
}

// reread reads the stretches again, and records what is found for suppliers who have new terms.
func (d *dumpHunt) reread(ctx context.Context) error {
	d.flood = d.p.emptyFlood(d.file.ID) // killed, a hunt begins with the dump again, and so do its counts
	if len(d.stretches) == 0 {
		return nil
	}
	if err := d.save(ctx); err != nil {
		return err
	}
	err := d.p.Traces.Reread(ctx, d.src, d.file, d.stretches, func(b risk.Block) error {
		if err := d.block(ctx, b); err != nil {
			return &recordError{err}
		}
		return nil
	}, func(i int) {
		for _, id := range d.suppliers[i] {
			d.of(id).Looked++
		}
	})
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var ours *recordError
	if errors.As(err, &ours) {
		return ours
	}
	if err != nil {
		d.failed = true
		d.p.Log.WarnContext(ctx, "dump could not be read again where its index says", slog.Int64("file", d.file.ID), slog.Any("error", err))
	}
	return d.finish(ctx)
}

// block reads one block with today's whole watchlist, so that a host is told by its longest name and an account by whose it
// is, as any reading would; what is known of other suppliers stays out.
func (d *dumpHunt) block(ctx context.Context, b risk.Block) error {
	b.Source = d.src.Kind
	b.Place.Path = d.file.Path
	found, err := d.p.find(ctx, d.list, d.src, b, risk.Sighting{Key: d.file.Path, FileID: d.file.ID})
	if err != nil {
		return err
	}
	found = slices.DeleteFunc(found, func(f risk.Finding) bool {
		h := d.hunts[f.Exposure.SupplierID]
		if h != nil && !d.silent.led(f) { // what a name led to is counted when all of the dump is read for it
			h.Findings++
		}
		return h == nil
	})
	d.waiting = append(d.waiting, d.flood.keep(found, d.p.Now())...)
	if len(d.waiting) < findingsPerBatch && d.p.Now().Sub(d.saved) < time.Second {
		return nil
	}
	return d.save(ctx)
}

// save records what waits, puts the decision about it off, and tells how far the hunt is.
func (d *dumpHunt) save(ctx context.Context) error {
	now := d.p.Now()
	d.saved = now
	if floods := d.flood.changed(); len(d.waiting)+len(floods) > 0 {
		recorded, err := d.p.Store.Record(ctx, risk.Batch{Now: now, Source: d.src, Findings: d.waiting, Floods: floods, DecideBy: now.Add(decideWithin)}, d.p.decide(now))
		if err != nil {
			return fmt.Errorf("record findings of a hunt: %w", err)
		}
		for _, id := range recorded.Suppliers {
			d.undecided[id] = true
		}
		d.waiting = d.waiting[:0]
		d.flood.saved()
	}
	return d.p.Store.SaveHunts(ctx, d.all())
}

func (d *dumpHunt) finish(ctx context.Context) error {
	if err := d.save(ctx); err != nil {
		return err
	}
	return d.p.decideAbout(ctx, slices.Sorted(maps.Keys(d.undecided)))
}
