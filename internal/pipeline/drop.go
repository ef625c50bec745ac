package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// DropSource is the drop folder as a source: dump files that the operator gives.
func DropSource(folder string, every time.Duration) risk.Source {
	return risk.Source{
		Key: "drop", Name: "Drop folder", Kind: risk.SourceDrop, Route: risk.RouteFile, Address: folder, Every: every,
		Owner: "Operator", LegalBasis: "Files that the operator placed here", Reliability: 1, Enabled: true,
	}
}

// listDrop queues a scan for each file that has not been read, and a hunt when one was read with other watch terms than
// today's: a new supplier is looked for in every dump that is still there.
func (p *Pipeline) listDrop(ctx context.Context, status risk.SourceStatus, now time.Time) error {
	src := status.Source
	run := risk.SourceRun{SourceID: src.ID, Started: now, State: risk.StateHealthy}
	jobs, err := p.unread(ctx, src)
	switch {
	case errors.Is(err, errFolder):
		run.Failed, run.State, run.Why = true, risk.StateSilent, "The folder cannot be read."
		p.Log.WarnContext(ctx, "drop folder unreadable", slog.Any("error", err))
	case err != nil:
		return err
	case len(jobs) > 0:
		if err := p.Queue.Insert(ctx, jobs...); err != nil {
			return fmt.Errorf("queue %d files: %w", len(jobs), err)
		}
	}
	run.Finished = p.Now()
	return p.Store.FinishRun(ctx, run)
}

var errFolder = errors.New("drop folder cannot be read")

func (p *Pipeline) unread(ctx context.Context, src risk.Source) ([]risk.Job, error) {
	files, err := p.Dumps.Files(src.Address)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errFolder, err)
	}
	_, version, err := p.Store.WatchTerms(ctx)
	if err != nil {
		return nil, fmt.Errorf("read watch terms: %w", err)
	}
	paths := make([]string, len(files))
	for i, f := range files {
		paths[i] = f.Path
	}
	begun, err := p.Store.FindFilesAt(ctx, src.ID, paths)
	if err != nil {
		return nil, fmt.Errorf("find files: %w", err)
	}
	whole, err := p.Store.FindWholeReads(ctx, src.ID, paths)
	if err != nil {
		return nil, fmt.Errorf("find files to read again: %w", err)
	}
	var jobs []risk.Job
	hunt := false
	for _, f := range files {
		known, begun := begun[f.Path]
		scan := risk.Job{Kind: risk.JobScanFile, SourceKey: src.Key, Path: f.Path, Low: whole[f.Path]}
		switch {
		case !begun, !sameFile(known, f), known.State == risk.FileReading, whole[f.Path]:
			jobs = append(jobs, scan)
		case known.Watchlist == version:
		case p.Traces == nil:
			jobs = append(jobs, scan)
		default:
			hunt = true
		}
	}
	jobs = jobs[:min(len(jobs), scansAhead)]
	if hunt {
		jobs = append(jobs, risk.Job{Kind: risk.JobHunt})
	}
	return jobs, nil
}

// scansAhead bounds what is queued at a time; the next listing brings the rest.
const scansAhead = 500

// sameFile compares times as exactly as the database keeps them.
func sameFile(a, b risk.File) bool {
	return a.Bytes == b.Bytes && a.Modified.Truncate(time.Microsecond).Equal(b.Modified.Truncate(time.Microsecond))
}

// findingsPerBatch bounds a transaction; a page of a dump can hold thousands.
const findingsPerBatch = 2000

// ScanFile reads one file of the drop folder from its beginning. A second reading changes nothing: what it finds is
// known by content, and where by place.
func (p *Pipeline) ScanFile(ctx context.Context, key, path string) error {
	status, err := p.Store.FindSource(ctx, key)
	if errors.Is(err, risk.ErrNotFound) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find source %s: %w", key, err)
	}
	if !mayRead(status) { // paused since the job was queued; the listing brings the file back
		return nil
	}
	file, found, err := p.Dumps.File(status.Source.Address, path)
	if err != nil || !found { // gone, which is the operator's right, or being written: the next listing tells
		return err
	}
	list, err := p.watchlist(ctx)
	if err != nil {
		return err
	}
	file.SourceID, file.Watchlist, file.State, file.Started = status.Source.ID, list.version, risk.FileReading, p.Now()
	scan := &fileScan{p: p, list: list, src: status.Source, file: &file, undecided: map[int64]bool{}, trace: p.newTracer(ctx, status.Source, file)}
	defer scan.trace.close()
	if err := scan.read(ctx, filepath.Join(status.Source.Address, path)); err != nil {
		return err
	}
	if err := scan.finish(ctx); err != nil {
		return err
	}
	return p.countFile(ctx, file)
}

// countFile counts a file as a run of the drop folder.
func (p *Pipeline) countFile(ctx context.Context, f risk.File) error {
	run := risk.SourceRun{SourceID: f.SourceID, Started: f.Started, Finished: f.Finished, State: risk.StateHealthy,
		Report: risk.CrawlReport{Pages: 1, New: 1}, Matched: f.Records, Failed: f.State == risk.FileFailed, Why: f.Why}
	if err := p.Store.FinishRun(ctx, run); err != nil {
		return fmt.Errorf("count a file as read: %w", err)
	}
	p.Log.InfoContext(ctx, "file scanned", slog.Int64("bytes", f.Read), slog.Int("records", f.Records),
		slog.Int("skipped", len(f.Skipped)), slog.Duration("took", f.Finished.Sub(f.Started)))
	return nil
}

// fileScan gathers the findings of one file into batches.
type fileScan struct {
	p       *Pipeline
	list    *watchlist
	src     risk.Source
	file    *risk.File
	waiting []risk.Finding

	undecided map[int64]bool // suppliers whose findings were recorded without a decision
	trace     *tracer
}

// recordError tells our own failure to record apart from a file's failure to be read.
type recordError struct{ error }

func (e *recordError) Unwrap() error { return e.error }

// read reads the file as far as it can be read, and notes how that ended. Its error is ours alone.
func (s *fileScan) read(ctx context.Context, path string) error {
	skipped, err := s.p.Dumps.Blocks(ctx, path, func(b risk.Block) error { return s.block(ctx, b) })
	if ctx.Err() != nil {
		return fmt.Errorf("scan file: %w", ctx.Err())
	}
	var ours *recordError
	if errors.As(err, &ours) {
		return ours
	}
	s.file.State, s.file.Skipped, s.file.Finished = risk.FileDone, skipped, s.p.Now()
	if err != nil {
		s.file.State, s.file.Why = risk.FileFailed, "It could not be read to its end."
		s.p.Log.WarnContext(ctx, "dump unreadable", slog.Any("error", err))
	}
	return nil
}

func (s *fileScan) block(ctx context.Context, b risk.Block) error {
	b.Source = s.src.Kind
	b.Place.Path = s.file.Path
	found, err := s.p.find(ctx, s.list, s.src, b, risk.Sighting{Key: s.file.Path})
	if err != nil {
		return &recordError{err}
	}
	s.trace.add(b, keysOf(nil, b.Data))
	s.waiting = append(s.waiting, found...)
	s.file.Read += int64(len(b.Body()))
	s.file.Records += len(found)
	if len(s.waiting) < findingsPerBatch {
		return nil
	}
	recorded, err := s.record(ctx, s.p.Now().Add(decideWithin))
	for _, id := range recorded.Suppliers {
		s.undecided[id] = true
	}
	return err
}

// decideWithin is how long a finding may wait while its file is read on: a dump brings thousands about one supplier, who
// is scored and told of once.
const decideWithin = 30 * time.Second

// record records what waits, and decides about it unless that is put off.
func (s *fileScan) record(ctx context.Context, decideBy time.Time) (risk.Recorded, error) {
	s.trace.save()
	now := s.p.Now()
	batch := risk.Batch{Now: now, Source: s.src, Findings: s.waiting, File: s.file, DecideBy: decideBy}
	recorded, err := s.p.Store.Record(ctx, batch, s.p.decide(now))
	if err != nil {
		return recorded, &recordError{fmt.Errorf("record findings of a file: %w", err)}
	}
	s.waiting = s.waiting[:0]
	return recorded, nil
}

// finish records the rest and decides about all that was put off. Killed before that, the suppliers stay marked.
func (s *fileScan) finish(ctx context.Context) error {
	s.trace.finish()
	recorded, err := s.record(ctx, time.Time{})
	if err != nil {
		return err
	}
	for _, id := range recorded.Suppliers {
		delete(s.undecided, id)
	}
	return s.p.decideAbout(ctx, slices.Sorted(maps.Keys(s.undecided)))
}
