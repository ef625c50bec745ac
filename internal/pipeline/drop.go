package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
)

// DropKey is the key of the drop folder's source.
const DropKey = "drop"

// DropSource is the drop folder as a source: dump files that the operator gives.
func DropSource(folder string, every time.Duration) risk.Source {
	return risk.Source{
		Key: DropKey, Name: "Drop folder", Kind: risk.SourceDrop, Route: risk.RouteFile, Address: folder, Every: every,
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
	files, err := p.Dumps.Files(ctx, src.Address)
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
	names, err := p.Store.FindNameReads(ctx, src.ID, paths)
	if err != nil {
		return nil, fmt.Errorf("find files to read for names: %w", err)
	}
	var jobs []risk.Job
	hunt := false
	for _, f := range files {
		known, begun := begun[f.Path]
		scan := risk.Job{Kind: risk.JobScanFile, SourceKey: src.Key, Path: f.Path, Low: whole[f.Path]}
		switch {
		case !begun, !sameFile(known, f):
			jobs = append(jobs, scan)
		case known.State == risk.FileCancelled: // by a person, who may let it go on
		case known.State == risk.FileReading, whole[f.Path]:
			jobs = append(jobs, scan)
		case known.Watchlist == version:
			if _, asked := names[f.Path]; asked {
				scan.Low = true
				jobs = append(jobs, scan)
			}
		case p.huntsIn(known, f.Path):
			hunt = true
		default:
			jobs = append(jobs, scan)
		}
	}
	jobs = jobs[:min(len(jobs), scansAhead)]
	if hunt {
		jobs = append(jobs, risk.Job{Kind: risk.JobHunt})
	}
	return jobs, nil
}

// huntsIn tells whether a hunt can bring a file that was read with an older watchlist up to date. The twin of one that was
// not read may be gone; and a hunt could not name a file whose name the database does not hold.
func (p *Pipeline) huntsIn(f risk.File, path string) bool {
	return p.Traces != nil && f.State != risk.FileSame && !unspeakable(path)
}

// unspeakable reports a name that the database does not hold byte for byte.
func unspeakable(path string) bool {
	return !utf8.ValidString(path) || strings.ContainsAny(path, "\x00\uFFFD")
}

// scansAhead bounds what is queued at a time; the next listing brings the rest.
const scansAhead = 500

// sameFile compares times as exactly as the database keeps them.
func sameFile(a, b risk.File) bool {
	return a.Bytes == b.Bytes && a.Version == b.Version && a.Modified.Truncate(time.Microsecond).Equal(b.Modified.Truncate(time.Microsecond))
}
