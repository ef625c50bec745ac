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

// readForNames reads a dump that was read before for the terms that were added since and that no index answers, if a hunt
// asked for that: it is searched for these terms alone, and only the blocks that hold one are read with the whole
// watchlist, as any reading would. It goes on where it was ended. False says that nothing was asked for, or not now.
func (p *Pipeline) readForNames(ctx context.Context, src risk.Source, there risk.File, list *watchlist) (begun bool, err error) {
	asked, err := p.Store.FindNameReads(ctx, src.ID, []string{there.Path})
	if err != nil {
		return false, fmt.Errorf("find files to read for names: %w", err)
	}
	read, found := asked[there.Path]
	if !found {
		return false, nil
	}
	file, err := p.Store.FindFile(ctx, read.FileID)
	if err != nil {
		return false, fmt.Errorf("find file: %w", err)
	}
	if !sameFile(file, there) {
		return false, nil
	}
	if file.Watchlist != list.version { // the hunt comes first, and asks for the names of today
		return true, nil
	}
	names, err := p.namesSince(ctx, read.Since, list)
	if errors.Is(err, risk.ErrNotFound) {
		return true, p.Store.FinishHunt(ctx, file, file.Watchlist, nil, risk.HuntWhole)
	}
	if err != nil {
		return true, err
	}
	scanner, err := match.Compile(names)
	if err != nil {
		return true, fmt.Errorf("compile %d names: %w", len(names), err)
	}
	s := nameScan{p: p, list: list, src: src, path: there.Path, names: scanner, wanted: termSet{}, read: read, undecided: map[int64]bool{}}
	for _, t := range names {
		s.wanted.add(t)
	}
	s.flood = p.emptyFlood(file.ID)
	s.flood.goOn(read.Counts)
	err = s.run(ctx)
	if errors.Is(err, risk.ErrConflict) { // asked for anew: the next listing brings it back
		return true, nil
	}
	return true, err
}

// namesSince are the terms that a version of the watchlist did not have and that no index answers.
func (p *Pipeline) namesSince(ctx context.Context, version string, list *watchlist) ([]risk.WatchTerm, error) {
	added, err := p.Store.NewTerms(ctx, version, list.terms)
	if err != nil {
		return nil, fmt.Errorf("find new terms: %w", err)
	}
	return slices.DeleteFunc(added, func(t risk.WatchTerm) bool {
		_, answered := match.CluesOf(t)
		return answered
	}), nil
}

// termSet is a set of watch terms, by whose they are and what they say.
type termSet map[risk.WatchTerm]bool

func (s termSet) add(t risk.WatchTerm) {
	s[risk.WatchTerm{SupplierID: t.SupplierID, Kind: t.Kind, Value: t.Value}] = true
}

// led tells whether one of the terms led to a finding.
func (s termSet) led(f risk.Finding) bool {
	return s[risk.WatchTerm{SupplierID: f.Exposure.SupplierID, Kind: f.Exposure.TermKind, Value: f.Exposure.Term}]
}

// nameScan is the reading of one dump for names.
type nameScan struct {
	p      *Pipeline
	list   *watchlist
	src    risk.Source
	path   string
	names  *match.Scanner // of wanted alone
	wanted termSet
	read   risk.NameRead

	flood     *flood
	waiting   []risk.Finding
	saved     time.Time
	undecided map[int64]bool
}

func (s *nameScan) run(ctx context.Context) error {
	if len(s.wanted) == 0 { // all were taken away again
		return s.p.Store.FinishNameRead(ctx, s.read, nil)
	}
	reading, stop := s.p.whileAllowed(ctx, s.p.inTime(ctx, func(ctx context.Context) (bool, error) { return s.p.Store.MayRead(ctx, s.src.ID) }))
	defer stop()
	s.saved = s.p.Now()
	_, err := s.p.Dumps.Read(reading, Reading{
		Folder: s.src.Address, Path: s.path, From: s.read.At,
		Arrived: func() {}, Read: func(int) {},
		Look: func(b risk.Block, l *Looked) { s.look(reading, b, l) },
		Take: func(l *Looked, _ []string) error { return s.take(reading, l) },
	})
	var ours *recordError
	switch {
	case errors.As(err, &ours) && reading.Err() == nil:
		return ours
	case reading.Err() != nil:
		return s.leave(ctx, context.Cause(reading))
	case err != nil: // as far as it can be read
		s.p.Log.WarnContext(ctx, "dump unreadable", slog.Int64("file", s.read.FileID), slog.Any("error", err))
	}
	return s.finish(ctx)
}

// look reads one block, at the same time as others.
func (s *nameScan) look(ctx context.Context, b risk.Block, l *Looked) {
	l.found, l.err, l.at = nil, nil, b.At
	if len(hits(s.names, b.Data)) == 0 {
		return
	}
	b.Source = s.src.Kind
	b.Place.Path = s.path
	l.found, l.err = s.p.find(ctx, s.list, s.src, b, risk.Sighting{Key: s.path, FileID: s.read.FileID})
	l.found = slices.DeleteFunc(l.found, func(f risk.Finding) bool { return !s.wanted.led(f) })
}

func (s *nameScan) take(ctx context.Context, l *Looked) error {
	if l.err != nil {
		return &recordError{l.err}
	}
	s.waiting = append(s.waiting, s.flood.keep(l.found, s.p.Now())...)
	s.read.At = l.at
	if ctx.Err() != nil || len(s.waiting) < findingsPerBatch && s.p.Now().Sub(s.saved) < saveEvery {
		return nil
	}
	return s.save(ctx)
}

// save records what waits, and then the place behind it: what is found once more after a kill is known by content.
func (s *nameScan) save(ctx context.Context) error {
	now := s.p.Now()
	s.saved = now
	if floods := s.flood.changed(); len(floods) > 0 {
		recorded, err := s.p.Store.Record(ctx, risk.Batch{Now: now, Source: s.src, Findings: s.waiting, Floods: floods, DecideBy: now.Add(decideWithin)}, s.p.decide(now))
		if err != nil {
			return &recordError{fmt.Errorf("record findings of names: %w", err)}
		}
		for _, id := range recorded.Suppliers {
			s.undecided[id] = true
		}
		s.waiting = s.waiting[:0]
		s.flood.saved()
	}
	s.read.Counts = s.flood.all()
	if err := s.p.Store.SaveNameRead(ctx, s.read); err != nil {
		return &recordError{err}
	}
	return nil
}

func (s *nameScan) leave(ctx context.Context, why error) error {
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second) // the job's own context may have ended
	defer cancel()
	if err := s.save(saving); err != nil {
		return err
	}
	return left(why)
}

func (s *nameScan) finish(ctx context.Context) error {
	if err := s.save(ctx); err != nil {
		return err
	}
	found := map[int64]int{}
	for _, c := range s.read.Counts {
		found[c.SupplierID] += int(c.Kept + c.Counted)
	}
	var hunts []risk.Hunt
	for _, id := range slices.Sorted(maps.Keys(found)) {
		hunts = append(hunts, risk.Hunt{SupplierID: id, FileID: s.read.FileID, State: risk.HuntDone, Findings: found[id], Updated: s.p.Now()})
	}
	if err := s.p.Store.FinishNameRead(ctx, s.read, hunts); err != nil {
		return err
	}
	return s.p.decideAbout(ctx, slices.Sorted(maps.Keys(s.undecided)))
}
