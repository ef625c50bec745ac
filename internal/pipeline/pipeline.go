package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/wardline/wardline/internal/alert"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/score"
	"github.com/wardline/wardline/internal/seal"
)

// Store keeps what the steps find. Each method is one transaction.
type Store interface {
	WatchTerms(ctx context.Context) (terms []risk.WatchTerm, version string, err error)
	FindSupplier(ctx context.Context, id int64) (risk.Supplier, error)
	SupplierIDs(ctx context.Context) ([]int64, error)

	FindSource(ctx context.Context, key string) (risk.SourceStatus, error)
	// MayRead tells whether a source may be read now: not paused, not switched off, its legal basis not expired.
	MayRead(ctx context.Context, sourceID int64) (bool, error)
	FindSourceSession(ctx context.Context, sourceID int64) (risk.SealedSession, error)
	// KeepSession keeps what a run left; a session that a person gave since the run began stays.
	KeepSession(ctx context.Context, left, began risk.SealedSession) error
	StartRun(ctx context.Context, sourceID int64, now time.Time) error
	FinishRun(ctx context.Context, run risk.SourceRun) error
	FindMark(ctx context.Context, sourceID int64, key string) (risk.Mark, bool, error)
	// FindFilesAt gives the files at paths that were begun, by path.
	FindFilesAt(ctx context.Context, sourceID int64, paths []string) (map[string]risk.File, error)
	FindFile(ctx context.Context, id int64) (risk.File, error)
	BeginFile(ctx context.Context, f risk.File) (risk.File, error)
	// MayReadFile is MayRead for one file: false also when it was cancelled.
	MayReadFile(ctx context.Context, fileID int64) (bool, error)
	// FindTwins gives files of the same source and sample that were read, or are being read.
	FindTwins(ctx context.Context, f risk.File) ([]risk.File, error)
	SaveDigest(ctx context.Context, fileID int64, digest string) error

	SaveWatchlist(ctx context.Context, version string, terms []risk.WatchTerm) error
	// NewTerms gives those of terms that a version of the watchlist did not have; risk.ErrNotFound when it is not known.
	NewTerms(ctx context.Context, version string, terms []risk.WatchTerm) ([]risk.WatchTerm, error)
	// KeepsTerms tells whether all terms of a version of the watchlist are among terms; false when it is not known.
	KeepsTerms(ctx context.Context, version string, terms []risk.WatchTerm) (bool, error)
	// FindStaleFiles lists, by id and from behind one, the files that were read with another version of the watchlist.
	FindStaleFiles(ctx context.Context, version string, after int64, limit int) ([]risk.StaleFile, error)
	CountStaleFiles(ctx context.Context, version string) (int, error)
	FindWholeReads(ctx context.Context, sourceID int64, paths []string) (map[string]bool, error)
	SaveHunts(ctx context.Context, hunts []risk.Hunt) error
	FinishHunt(ctx context.Context, f risk.File, version string, hunts []risk.Hunt, rest risk.HuntRest) error
	FindNameReads(ctx context.Context, sourceID int64, paths []string) (map[string]risk.NameRead, error)
	// SaveNameRead and FinishNameRead are risk.ErrConflict when the reading was asked for anew meanwhile.
	SaveNameRead(ctx context.Context, r risk.NameRead) error
	FinishNameRead(ctx context.Context, r risk.NameRead, found []risk.Hunt) error
	SaveHuntRun(ctx context.Context, run risk.HuntRun) error

	// CountsOf are the counts of a file's findings by supplier and sort, as far as they were saved.
	CountsOf(ctx context.Context, fileID int64) ([]risk.Flood, error)

	Record(ctx context.Context, batch risk.Batch, decide risk.Decide) (risk.Recorded, error)
	Rescore(ctx context.Context, supplierID int64, now time.Time, decide risk.Decide) error
	FindUndecided(ctx context.Context, now time.Time) ([]int64, error)

	// FindTroubles reads the sources as they stand at now, and the keys of the alerts that were ever decided about them.
	FindTroubles(ctx context.Context, now time.Time) (sources []risk.SourceStatus, told map[string]bool, err error)
	SaveAlerts(ctx context.Context, alerts []risk.Alert, now time.Time) error

	DueMessages(ctx context.Context, now time.Time, limit int) ([]int64, error)
	ClaimMessage(ctx context.Context, id int64, now time.Time) (risk.Message, bool, error)
	FinishMessage(ctx context.Context, m risk.Message) error
	CountSent(ctx context.Context, address string, since time.Time) (int, error)
}

// Crawler reads a source page by page. visit must have kept a page's items and marks when it returns.
type Crawler interface {
	Crawl(ctx context.Context, src risk.Source, known func(ctx context.Context, key string) (risk.Mark, bool, error),
		visit func(ctx context.Context, p risk.Page) error) (risk.CrawlReport, error)
}

// Dumps reads drop folders, on this machine or in an object store.
type Dumps interface {
	// Files lists what lies in the folder and is no longer being written; paths are relative to it.
	Files(ctx context.Context, folder string) ([]risk.File, error)
	// File is one of them; false when Files would not list it.
	File(ctx context.Context, folder, path string) (risk.File, bool, error)
	// Read reads a file or archive; what cannot be read is named in skipped and the rest is read.
	Read(ctx context.Context, r Reading) (skipped []string, err error)
	// Sample is a digest of a few stretches, by which files that may have the same content are found.
	Sample(ctx context.Context, folder, path string) (string, error)
	// Digest is the hex SHA-256 of the whole.
	Digest(ctx context.Context, folder, path string) (string, error)
}

// Mailer sends one message to one person.
type Mailer interface {
	Send(ctx context.Context, m risk.Message) error
	Retryable(err error) bool
	Why(err error) string // one sentence for the portal, without addresses
	Backoff(attempts int) time.Duration
}

// Queue takes further jobs.
type Queue interface {
	Insert(ctx context.Context, jobs ...risk.Job) error
}

// Pipeline runs the steps. All fields but Mailer, Traces and Stopping must be set; without a Mailer messages wait in the
// outbox, without Traces no dump leaves an index.
type Pipeline struct {
	Store     Store
	Crawler   Crawler
	Dumps     Dumps
	Traces    Traces
	Mailer    Mailer
	Queue     Queue
	Keys      *seal.Keys
	Weights   score.Weights
	WatchDuty risk.Person
	// FloodAfter is how many findings of one sort about one supplier in one file become exposures; 0 = 10 000.
	FloodAfter int
	Log        *slog.Logger
	Now        func() time.Time
	Stopping   <-chan struct{} // closed when the process is to end: what takes long saves its place; nil = never

	mu      sync.Mutex
	scanner *match.Scanner // compiled from the terms of version
	terms   []risk.WatchTerm
	version string
}

// watchlist is the compiled watch terms of one run, with the suppliers that they lead to.
type watchlist struct {
	scanner *match.Scanner
	terms   []risk.WatchTerm
	version string
	store   Store
	mu      sync.Mutex
	known   map[int64]risk.Supplier
}

// watchlist compiles the terms when they have changed since the last run.
func (p *Pipeline) watchlist(ctx context.Context) (*watchlist, error) {
	terms, version, err := p.Store.WatchTerms(ctx)
	if err != nil {
		return nil, fmt.Errorf("read watch terms: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.scanner == nil || version != p.version {
		scanner, err := match.Compile(terms)
		if err != nil {
			return nil, fmt.Errorf("compile %d watch terms: %w", len(terms), err)
		}
		if err := p.Store.SaveWatchlist(ctx, version, terms); err != nil {
			return nil, err
		}
		p.scanner, p.terms, p.version = scanner, terms, version
	}
	return &watchlist{scanner: p.scanner, terms: p.terms, version: version, store: p.Store, known: map[int64]risk.Supplier{}}, nil
}

func (l *watchlist) supplier(ctx context.Context, id int64) (risk.Supplier, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s, ok := l.known[id]; ok {
		return s, nil
	}
	s, err := l.store.FindSupplier(ctx, id)
	if err != nil {
		return s, fmt.Errorf("find supplier %d of a hit: %w", id, err)
	}
	l.known[id] = s
	return s, nil
}

// Rescore recomputes a supplier's score, or every supplier's for id 0: evidence ages by the day.
func (p *Pipeline) Rescore(ctx context.Context, id int64) error {
	ids := []int64{id}
	if id == 0 {
		var err error
		if ids, err = p.Store.SupplierIDs(ctx); err != nil {
			return fmt.Errorf("list suppliers to rescore: %w", err)
		}
	}
	return p.decideAbout(ctx, ids)
}

// DecideDue decides about the suppliers whose decision was put off: what a killed scan left behind, what a long one found
// a while ago, and alerts that were held back; and about sources from which nothing reaches us.
func (p *Pipeline) DecideDue(ctx context.Context) error {
	ids, err := p.Store.FindUndecided(ctx, p.Now())
	if err != nil {
		return fmt.Errorf("find undecided suppliers: %w", err)
	}
	return errors.Join(p.decideAbout(ctx, ids), p.tellTroubles(ctx))
}

// tellTroubles tells of sources that nobody was told of yet. A source that is dead must not pass for one that is quiet.
func (p *Pipeline) tellTroubles(ctx context.Context) error {
	now := p.Now()
	sources, told, err := p.Store.FindTroubles(ctx, now)
	if err != nil {
		return err
	}
	alerts := alert.Sources(sources, told, p.WatchDuty, now)
	if len(alerts) == 0 {
		return nil
	}
	if err := p.Store.SaveAlerts(ctx, alerts, now); err != nil {
		return fmt.Errorf("save alerts about %d sources: %w", len(alerts), err)
	}
	return nil
}

// decideAbout goes on when one supplier fails, or all behind it would wait for it.
func (p *Pipeline) decideAbout(ctx context.Context, ids []int64) error {
	var failed []error
	for _, id := range ids {
		if ctx.Err() != nil {
			return errors.Join(append(failed, ctx.Err())...)
		}
		now := p.Now()
		if err := p.Store.Rescore(ctx, id, now, p.decide(now)); err != nil {
			failed = append(failed, fmt.Errorf("rescore supplier %d: %w", id, err))
		}
	}
	return errors.Join(failed...)
}
