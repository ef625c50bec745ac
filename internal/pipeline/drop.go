package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
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

// listDrop queues a scan for each file that has not been read with today's watch terms: a new supplier is looked for
// in every dump that is still there.
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
	var jobs []risk.Job
	for _, f := range files {
		known, found, err := p.Store.FindFile(ctx, src.ID, f.Path)
		if err != nil {
			return nil, fmt.Errorf("find file: %w", err)
		}
		if !found || !sameFile(known, f) || known.Watchlist != version || known.State == risk.FileReading {
			jobs = append(jobs, risk.Job{Kind: risk.JobScanFile, SourceKey: src.Key, Path: f.Path})
		}
	}
	return jobs, nil
}

func sameFile(a, b risk.File) bool { return a.Bytes == b.Bytes && a.Modified.Equal(b.Modified) }

// findingsPerBatch bounds a transaction; a page of a dump can hold thousands.
const findingsPerBatch = 2000

// ScanFile reads one file of the drop folder from its beginning. A second reading changes nothing: what it finds is
// known by content, and where by place.
func (p *Pipeline) ScanFile(ctx context.Context, key, path string) error {
	status, err := p.Store.FindSource(ctx, key)
	if err != nil {
		return fmt.Errorf("find source %s: %w", key, err)
	}
	file, err := p.fileNow(status.Source, path)
	if err != nil || file == nil {
		return err
	}
	list, err := p.watchlist(ctx)
	if err != nil {
		return err
	}
	file.SourceID, file.Watchlist, file.State, file.Started = status.Source.ID, list.version, risk.FileReading, p.Now()
	scan := &fileScan{p: p, list: list, src: status.Source, file: file}
	skipped, err := p.Dumps.Blocks(ctx, filepath.Join(status.Source.Address, path), func(b risk.Block) error { return scan.block(ctx, b) })
	if ctx.Err() != nil {
		return fmt.Errorf("scan file: %w", ctx.Err())
	}
	file.State, file.Skipped, file.Finished = risk.FileDone, skipped, p.Now()
	var ours *recordError
	if errors.As(err, &ours) {
		return ours
	}
	if err != nil {
		file.State, file.Why = risk.FileFailed, "It could not be read to its end."
		p.Log.WarnContext(ctx, "dump unreadable", slog.Any("error", err))
	}
	if err := scan.flush(ctx); err != nil {
		return err
	}
	read := risk.SourceRun{SourceID: file.SourceID, Started: file.Started, Finished: file.Finished, State: risk.StateHealthy,
		Report: risk.CrawlReport{Pages: 1, New: 1}, Matched: file.Records, Failed: file.State == risk.FileFailed, Why: file.Why}
	if err := p.Store.FinishRun(ctx, read); err != nil {
		return fmt.Errorf("count a file as read: %w", err)
	}
	p.Log.InfoContext(ctx, "file scanned", slog.Int64("bytes", file.Read), slog.Int("records", file.Records),
		slog.Int("skipped", len(skipped)), slog.Duration("took", file.Finished.Sub(file.Started)))
	return nil
}

// fileNow is the file as it lies there now; nil when it is gone, which is the operator's right.
func (p *Pipeline) fileNow(src risk.Source, path string) (*risk.File, error) {
	files, err := p.Dumps.Files(src.Address)
	if err != nil {
		return nil, fmt.Errorf("list drop folder: %w", err)
	}
	for _, f := range files {
		if f.Path == path {
			return &f, nil
		}
	}
	return nil, nil
}

// fileScan gathers the findings of one file into batches.
type fileScan struct {
	p       *Pipeline
	list    *watchlist
	src     risk.Source
	file    *risk.File
	waiting []risk.Finding
}

// recordError tells our own failure to record apart from a file's failure to be read.
type recordError struct{ error }

func (e *recordError) Unwrap() error { return e.error }

func (s *fileScan) block(ctx context.Context, b risk.Block) error {
	b.Source = s.src.Kind
	b.Place.Path = s.file.Path
	found, err := s.p.find(ctx, s.list, s.src, b, risk.Sighting{Key: s.file.Path})
	if err != nil {
		return &recordError{err}
	}
	s.waiting = append(s.waiting, found...)
	s.file.Read += int64(len(b.Body()))
	s.file.Records += len(found)
	if len(s.waiting) < findingsPerBatch {
		return nil
	}
	return s.flush(ctx)
}

func (s *fileScan) flush(ctx context.Context) error {
	now := s.p.Now()
	batch := risk.Batch{Now: now, Source: s.src, Findings: s.waiting, File: s.file}
	if _, err := s.p.Store.Record(ctx, batch, s.p.decide(now)); err != nil {
		return &recordError{fmt.Errorf("record findings of a file: %w", err)}
	}
	s.waiting = s.waiting[:0]
	return nil
}
