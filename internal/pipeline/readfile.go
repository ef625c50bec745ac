package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync/atomic"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// Reading is how the pipeline has a file read: several blocks at once by Look, and what they gave, in the order of the
// file, by Take. An error of Take ends the reading.
type Reading struct {
	Folder  string
	Path    string // in the folder
	From    risk.Position
	Arrived func()      // all in front of From has been gone over
	Read    func(n int) // bytes of the file itself
	Look    func(b risk.Block, l *Looked)
	Take    func(l *Looked, skipped []string) error
}

// Looked is what one block gave.
type Looked struct {
	found []risk.Finding
	keys  []uint64 // for the file's index
	bytes int64
	at    risk.Position
	err   error
}

// findingsPerBatch bounds a transaction, and what waits for it in memory.
const findingsPerBatch = 10_000

// saveEvery is how often the progress of a file is saved, found or not.
const saveEvery = time.Second

// ScanFile reads one file of the drop folder, from its beginning or from where the last reading was ended, however that
// was. A second reading changes nothing: what it finds is known by content, and where by place. It is risk.ErrTryLater
// when the file is to be read on in another job.
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
	file, found, err := p.Dumps.File(ctx, status.Source.Address, path)
	if err != nil || !found { // gone, which is the operator's right, or being written: the next listing tells
		return err
	}
	list, err := p.watchlist(ctx)
	if err != nil {
		return err
	}
	file.SourceID, file.Watchlist = status.Source.ID, list.version
	if begun, err := p.readForNames(ctx, status.Source, file, list); err != nil || begun {
		return err
	}
	scan := &fileScan{p: p, list: list, src: status.Source, file: &file, path: path, undecided: map[int64]bool{}}
	if goOn, err := scan.begin(ctx); err != nil || !goOn {
		return err
	}
	if file.State == risk.FileReading {
		if scan.flood, err = p.newFlood(ctx, file.ID); err != nil {
			return err
		}
		scan.trace = p.newTracer(ctx, status.Source, file)
		defer scan.trace.close()
		if err := scan.read(ctx); err != nil || file.State == risk.FileReading {
			return err
		}
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
	p.Log.InfoContext(ctx, "file scanned", slog.String("state", string(f.State)), slog.Int64("bytes", f.Read), slog.Int("records", f.Records),
		slog.Int("skipped", len(f.Skipped)), slog.Duration("took", f.Finished.Sub(f.Started)))
	return nil
}

// fileScan gathers the findings of one file into batches.
type fileScan struct {
	p       *Pipeline
	list    *watchlist
	src     risk.Source
	file    *risk.File
	path    string // in the folder, byte for byte
	waiting []risk.Finding

	undecided map[int64]bool // suppliers whose findings were recorded without a decision
	trace     *tracer        // nil while the file is not read
	flood     *flood         // likewise

	packed  atomic.Int64 // bytes of the file that were read since the reading arrived at file.At
	before  int64        // file.Packed then
	arrived time.Time
	saved   time.Time
	named   int   // of what was skipped in this reading, how much is in file.Skipped
	broken  error // that the arrival could not be recorded
	careful bool  // the last reading ended with its process: every block is saved, until some time has passed
}

// recordError tells our own failure to record apart from a file's failure to be read.
type recordError struct{ error }

func (e *recordError) Unwrap() error { return e.error }

// mostTries is how often in a row the process may end while a file is read without getting a single block further. Then it
// is the file's doing, by taking more memory than there is. One that is ended from outside hits the moment between the
// arrival at a place and the first block behind it only now and then, so a few times prove nothing.
const mostTries = 5

// begin finds out from where the file is to be read, and whether: false when nothing is to be done now. A file that
// needs no reading has got its final state.
func (s *fileScan) begin(ctx context.Context) (goOn bool, err error) {
	known, found, err := s.known(ctx)
	if err != nil {
		return false, err
	}
	again, err := s.p.Store.FindWholeReads(ctx, s.src.ID, []string{s.path})
	if err != nil {
		return false, fmt.Errorf("find files to read again: %w", err)
	}
	switch {
	case !found || again[s.path]:
		s.file.State, s.file.Started = risk.FileReading, s.p.Now()
		if goOn, err := s.sameAsAnother(ctx); err != nil || !goOn || s.file.State == risk.FileSame {
			return goOn, err
		}
	case known.State != risk.FileReading: // read meanwhile, or cancelled
		return false, nil
	default:
		s.goOnFrom(known)
	}
	begun, err := s.p.Store.BeginFile(ctx, *s.file)
	if err != nil {
		return false, fmt.Errorf("begin file: %w", err)
	}
	s.file.ID = begun.ID
	return true, nil
}

// known is what the database holds of a reading of this very content that goes on, or that a hunt brings up to date.
func (s *fileScan) known(ctx context.Context) (known risk.File, found bool, err error) {
	begun, err := s.p.Store.FindFilesAt(ctx, s.src.ID, []string{s.path})
	if err != nil {
		return known, false, fmt.Errorf("find file: %w", err)
	}
	at, found := begun[s.path]
	s.file.ID = at.ID
	if !found || !sameFile(at, *s.file) {
		return known, false, nil
	}
	if kept, err := s.keeps(ctx, at); err != nil || !kept {
		return known, false, err
	}
	if known, err = s.p.Store.FindFile(ctx, at.ID); err != nil {
		return known, false, fmt.Errorf("find file: %w", err)
	}
	return known, true, nil
}

// keeps tells whether what was read of a file counts, though the watchlist may be another one today. The rest is read with
// today's terms, and the file stays one of the older watchlist: what was added since is hunted for in all of it at its
// end. A term that was taken away is not looked for in the rest; should it be added again, nothing would tell.
func (s *fileScan) keeps(ctx context.Context, begun risk.File) (bool, error) {
	switch {
	case begun.Watchlist == s.file.Watchlist, begun.State == risk.FileCancelled:
		return true, nil
	case !s.p.huntsIn(begun, s.path):
		return false, nil
	case begun.State != risk.FileReading:
		return true, nil
	}
	kept, err := s.p.Store.KeepsTerms(ctx, begun.Watchlist, s.list.terms)
	if err != nil {
		return false, fmt.Errorf("compare watchlists: %w", err)
	}
	return kept, nil
}

func (s *fileScan) goOnFrom(known risk.File) {
	path := s.file.Path
	*s.file = known
	s.file.Path, s.file.Why, s.file.Rate = path, "", 0
	s.before, s.careful = known.Packed, known.Tries > 0
	if known.Tries >= mostTries {
		s.file.State, s.file.Finished = risk.FileFailed, s.p.Now()
		s.file.Why = "Wardline was ended five times while it read on from the same place, perhaps for want of memory. The rest was not read."
	}
}

// sameAsAnother looks for a file with the same content that was read with the same terms, or that is still there and will
// be hunted through for those that it lacks. It is found by a sample, and proved by the whole. One that is being read just
// now is waited for: false, and the next listing asks again.
func (s *fileScan) sameAsAnother(ctx context.Context) (goOn bool, err error) {
	if s.file.Sample, err = s.p.Dumps.Sample(ctx, s.src.Address, s.path); err != nil {
		if ctx.Err() != nil {
			return false, ctx.Err()
		}
		return true, nil // the reading itself will say what is wrong with the file
	}
	twins, err := s.p.Store.FindTwins(ctx, *s.file)
	if err != nil {
		return false, fmt.Errorf("find files of the same content: %w", err)
	}
	for _, twin := range twins {
		if twin.State == risk.FileReading {
			if s.file.ID == 0 || twin.ID < s.file.ID {
				return false, nil
			}
			continue
		}
		same, err := s.sameContent(ctx, &twin)
		if err != nil {
			return false, err
		}
		if same {
			s.file.State, s.file.SameAs, s.file.Finished = risk.FileSame, twin.Path, s.p.Now()
			s.file.Why = "It has the same content as " + twin.Path + "."
			return true, nil
		}
	}
	return true, nil
}

// sameContent compares digests. A twin's is made when it is first asked for: most files never have one, and to make it
// while they are read would cost as much as the search itself.
func (s *fileScan) sameContent(ctx context.Context, twin *risk.File) (bool, error) {
	if twin.Digest == "" || twin.Watchlist != s.file.Watchlist {
		there, found, err := s.p.Dumps.File(ctx, s.src.Address, twin.Path)
		if err != nil || !found || !sameFile(there, *twin) {
			return false, ctx.Err() // it cannot be proved any more, or will not be hunted through
		}
	}
	if twin.Digest == "" {
		var err error
		if twin.Digest, err = s.p.Dumps.Digest(ctx, s.src.Address, twin.Path); err != nil {
			return false, ctx.Err()
		}
		if err := s.p.Store.SaveDigest(ctx, twin.ID, twin.Digest); err != nil {
			return false, fmt.Errorf("save digest of a file: %w", err)
		}
	}
	if s.file.Digest == "" {
		var err error
		if s.file.Digest, err = s.p.Dumps.Digest(ctx, s.src.Address, s.path); err != nil {
			return false, ctx.Err()
		}
	}
	return s.file.Digest == twin.Digest, nil
}

// errStopping ends a reading with its place saved, to be read on in another job.
var errStopping = errors.New("the reading goes on later")

// read reads the file as far as it can be read, and notes how that ended. Its error is ours alone.
func (s *fileScan) read(ctx context.Context) error {
	reading, stop := s.p.whileAllowed(ctx, s.p.inTime(ctx, func(ctx context.Context) (bool, error) { return s.p.Store.MayReadFile(ctx, s.file.ID) }))
	defer stop()
	s.arrived, s.saved = s.p.Now(), s.p.Now()
	skipped, err := s.p.Dumps.Read(reading, Reading{
		Folder: s.src.Address, Path: s.path, From: s.file.At,
		Arrived: func() { s.arrive(reading) },
		Read:    func(n int) { s.packed.Add(int64(n)) },
		Look:    func(b risk.Block, l *Looked) { s.look(reading, b, l) },
		Take:    func(l *Looked, skipped []string) error { return s.take(reading, l, skipped) },
	})
	var ours *recordError
	switch {
	case errors.As(err, &ours) && reading.Err() == nil:
		return ours
	case reading.Err() != nil:
		return s.leave(ctx, context.Cause(reading))
	}
	s.file.State, s.file.Finished, s.file.Tries = risk.FileDone, s.p.Now(), 0
	s.file.Skipped = append(s.file.Skipped[:len(s.file.Skipped):len(s.file.Skipped)], skipped[min(s.named, len(skipped)):]...)
	if err != nil {
		s.file.State, s.file.Why = risk.FileFailed, "It could not be read to its end."
		s.p.Log.WarnContext(ctx, "dump unreadable", slog.Any("error", err))
	}
	s.file.Packed, s.file.Rate = s.file.Bytes, 0
	return nil
}

// inTime asks whether to read on. A job's time is not to run out, nor the process to end, without the place being saved.
func (p *Pipeline) inTime(ctx context.Context, may func(context.Context) (bool, error)) func(context.Context) (bool, error) {
	deadline, limited := ctx.Deadline()
	margin := min(time.Until(deadline)/10, time.Minute)
	return func(ctx context.Context) (bool, error) {
		if limited && time.Until(deadline) < margin {
			return false, errStopping
		}
		select {
		case <-p.Stopping:
			return false, errStopping
		default:
		}
		return may(ctx)
	}
}

// leave saves how far the file was read, whatever it was that ended the reading.
func (s *fileScan) leave(ctx context.Context, why error) error {
	s.file.Tries, s.file.Rate = 0, 0
	saving, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second) // the job's own context may have ended
	defer cancel()
	if _, err := s.record(saving, s.p.Now().Add(decideWithin)); err != nil {
		return err
	}
	return left(why)
}

// left is what a job gives back whose reading was ended.
func left(why error) error {
	switch {
	case errors.Is(why, errHalted): // cancelled, or its source paused
		return nil
	case errors.Is(why, errStopping):
		return fmt.Errorf("scan file: %w", risk.ErrTryLater)
	}
	return fmt.Errorf("scan file: %w", why)
}

// arrive notes that from now on the file is read from its place. Should the process end before it gets any further, that
// was a try.
func (s *fileScan) arrive(ctx context.Context) {
	s.packed.Store(0)
	s.arrived, s.saved = s.p.Now(), s.p.Now()
	s.file.Tries++
	if _, err := s.record(ctx, s.saved.Add(decideWithin)); err != nil {
		s.broken = err
	}
}

// look reads one block, at the same time as others.
func (s *fileScan) look(ctx context.Context, b risk.Block, l *Looked) {
	b.Source = s.src.Kind
	b.Place.Path = s.file.Path
	l.found, l.err = s.p.find(ctx, s.list, s.src, b, risk.Sighting{Key: s.file.Path, FileID: s.file.ID})
	l.keys = keysOf(l.keys[:0], b.Data)
	l.bytes, l.at = int64(len(b.Body())), b.At
}

// take adds what a block gave, and saves it with the place behind it when there is enough of it, or some time has passed.
func (s *fileScan) take(ctx context.Context, l *Looked, skipped []string) error {
	if err := cmp.Or(s.broken, l.err); err != nil {
		return &recordError{err}
	}
	s.trace.add(l.at, l.bytes, l.keys)
	s.file.Read += l.bytes
	s.file.Records += len(l.found)
	s.waiting = append(s.waiting, s.flood.keep(l.found, s.p.Now())...)
	s.file.At, s.file.Tries = l.at, 1
	s.file.Skipped = append(s.file.Skipped, skipped[s.named:]...)
	s.named = len(skipped)
	if ctx.Err() != nil { // what is left is saved when all have been taken
		return nil
	}
	now := s.p.Now()
	if len(s.waiting) < findingsPerBatch && now.Sub(s.saved) < saveEvery && !s.careful {
		return nil
	}
	s.careful = s.careful && now.Sub(s.arrived) < carefully
	s.saved = now
	recorded, err := s.record(ctx, now.Add(decideWithin))
	for _, id := range recorded.Suppliers {
		s.undecided[id] = true
	}
	return err
}

// carefully is for how long every block is saved after the process was ended: by it, or by one of those behind it.
const carefully = 5 * time.Second

// decideWithin is how long a finding may wait while its file is read on: a dump brings thousands about one supplier, who
// is scored and told of once.
const decideWithin = 30 * time.Second

// record records what waits, and decides about it unless that is put off.
func (s *fileScan) record(ctx context.Context, decideBy time.Time) (risk.Recorded, error) {
	if s.trace != nil {
		s.trace.save()
	}
	now := s.p.Now()
	s.file.Updated = now
	if s.file.State == risk.FileReading {
		s.measure(now)
	}
	batch := risk.Batch{Now: now, Source: s.src, Findings: s.waiting, File: s.file, DecideBy: decideBy}
	if s.flood != nil {
		batch.Floods = s.flood.changed()
	}
	recorded, err := s.p.Store.Record(ctx, batch, s.p.decide(now))
	if err != nil {
		return recorded, &recordError{fmt.Errorf("record findings of a file: %w", err)}
	}
	s.waiting = s.waiting[:0]
	if s.flood != nil {
		s.flood.saved()
	}
	return recorded, nil
}

// measure says how far in the file's own bytes the reading is, and how fast it goes.
func (s *fileScan) measure(now time.Time) {
	packed := s.packed.Load()
	s.file.Packed = min(s.before+packed, s.file.Bytes)
	if took := now.Sub(s.arrived); took > 0 {
		s.file.Rate = int64(float64(packed) / took.Seconds())
	}
}

// finish records the rest and decides about all that was put off. Killed before that, the suppliers stay marked.
func (s *fileScan) finish(ctx context.Context) error {
	if s.trace != nil {
		s.trace.finish()
	}
	recorded, err := s.record(ctx, time.Time{})
	if err != nil {
		return err
	}
	for _, id := range recorded.Suppliers {
		delete(s.undecided, id)
	}
	return s.p.decideAbout(ctx, slices.Sorted(maps.Keys(s.undecided)))
}
