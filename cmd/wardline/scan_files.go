package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/wardline/wardline/internal/dump"
	"github.com/wardline/wardline/internal/extract"
	"github.com/wardline/wardline/internal/risk"
)

// Several files are scanned at the same time, since an archive is unpacked by one thread alone. What they give comes out
// in the order of the files: the file at the front writes, those behind it keep what they found until it is their turn.

const (
	maxKept  = 1 << 20 // bytes of results that a file keeps before it waits
	maxAhead = 64      // files that are done and wait for their turn
)

// scanRun is one run of the command.
type scanRun struct {
	scanOptions
	look    func(risk.Block, *scanResult)
	out     io.Writer
	errs    io.Writer
	bar     *scanBar
	s3      *dump.S3
	words   []string // passwords of archives
	journal *journal // nil = none is kept
	copies  *copies  // nil = every copy is scanned

	mu    sync.Mutex
	turn  *sync.Cond
	front int // number of the file whose turn it is
	state scanState
}

// scanState is what was written, and of what.
type scanState struct {
	Total   scanTotals `json:"total"`
	Trouble bool       `json:"trouble"` // something could not be read
	Output  int64      `json:"output"`  // bytes written
}

// scannedFile is a file on its way.
type scannedFile struct {
	risk.File
	argument int
	number   int
	from     risk.Position
	at       risk.Position // up to which its results are in kept, or written
	kept     []byte
	total    scanTotals // of kept
	notes    []string
	began    *scanState // when it came to the front; nil = it has not
}

// scan scans the arguments in turn. Its error ends the command; what could not be read is said and counted as trouble.
func (r *scanRun) scan(ctx context.Context, paths []string) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.turn = sync.NewCond(&r.mu)
	defer context.AfterFunc(ctx, func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.turn.Broadcast()
	})()
	line := fileLine{ctx: ctx, cancel: cancel, r: r, running: make(chan struct{}, max(r.threads, 1)), ahead: make(chan struct{}, maxAhead)}
	for i, path := range paths {
		line.argument(i, path)
	}
	line.files.Wait()
	if err := context.Cause(ctx); err != nil {
		return errors.Join(err, r.journal.save(r))
	}
	return nil
}

// fileLine starts files, no more than so many at a time.
type fileLine struct {
	ctx     context.Context
	cancel  context.CancelCauseFunc
	r       *scanRun
	running chan struct{}
	ahead   chan struct{}
	files   sync.WaitGroup
	number  int
}

func (l *fileLine) argument(i int, path string) {
	skipped, err := dump.Walk(l.ctx, path, dump.Options{S3: l.r.s3}, func(f risk.File) error { return l.file(i, path, f) })
	if l.ctx.Err() != nil || l.r.journal.past(i) {
		return
	}
	last := &scannedFile{argument: i}
	for _, s := range skipped {
		last.notes = append(last.notes, notRead(s))
	}
	if err == nil {
		err = l.r.journal.missed(i)
	}
	if err != nil {
		last.notes = append(last.notes, plain(err).Error())
	}
	l.start(last, func() (bool, error) { return len(last.notes) > 0, nil })
}

func (l *fileLine) file(argument int, root string, f risk.File) error {
	s := &scannedFile{File: f, argument: argument}
	goOn, err := l.r.journal.reach(l.r, s)
	if err != nil {
		l.cancel(err)
		return err
	}
	same := l.r.copies.of(l.ctx, f, l.r.s3)
	if !goOn {
		return nil
	}
	if same != "" {
		l.start(s, func() (bool, error) {
			s.notes = append(s.notes, shown(f.Path)+": it has the same content as "+shown(same)+", and was not scanned again")
			return false, nil
		})
		return l.ctx.Err()
	}
	l.start(s, func() (bool, error) { return l.r.file(l.ctx, root, s) })
	return l.ctx.Err()
}

// start does something for a file beside others, and finishes it when it is its turn.
func (l *fileLine) start(s *scannedFile, do func() (trouble bool, err error)) {
	for _, slot := range []chan struct{}{l.ahead, l.running} {
		select {
		case slot <- struct{}{}:
		case <-l.ctx.Done():
			return
		}
	}
	s.number = l.number
	l.number++
	l.files.Go(func() {
		trouble, err := do()
		<-l.running
		if err == nil {
			err = l.r.finish(l.ctx, s, trouble)
		}
		if err != nil {
			l.cancel(err)
		}
		<-l.ahead
	})
}

// file scans one file, its blocks in parallel.
func (r *scanRun) file(ctx context.Context, root string, s *scannedFile) (trouble bool, err error) {
	o := dump.Options{Source: risk.SourceDrop, Read: r.bar.add, Context: extract.Context, Machine: extract.Machine, Root: root,
		Passwords: r.words, S3: r.s3, From: s.from}
	threads := r.threads
	if s.Bytes < 1<<20 && !dump.IsS3(s.Path) {
		threads = 1
	}
	skipped, err := dump.Parallel(ctx, s.Path, o, dump.Work[scanResult]{
		Threads: threads,
		Do: func(b risk.Block, res *scanResult) {
			res.reset()
			res.at = b.At
			r.look(b, res)
		},
		Done: func(res *scanResult, _ []dump.Skip) error { return r.take(ctx, s, res) },
	})
	if ctx.Err() != nil {
		return true, ctx.Err()
	}
	for _, k := range skipped {
		s.notes = append(s.notes, notRead(k))
	}
	var broken *outputError
	if errors.As(err, &broken) {
		return true, err
	}
	if err != nil {
		s.notes = append(s.notes, plain(err).Error())
	}
	return err != nil || len(skipped) > 0, nil
}

func notRead(s dump.Skip) string {
	return fmt.Sprintf("%s: not read: %s", shown(joinEntry(s.Path, s.Entry)), shown(s.Why))
}

// take takes what a block gave: it is written when the file is at the front, and kept as long as that is not too much.
func (r *scanRun) take(ctx context.Context, s *scannedFile, res *scanResult) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(s.kept)+res.text.Len() > maxKept {
		if err := r.await(ctx, s); err != nil {
			return err
		}
	}
	s.kept = append(s.kept, res.text.Bytes()...)
	s.total.add(res.total)
	s.at = res.at
	r.bar.found(res.total.Indicators)
	if r.front != s.number {
		return nil
	}
	return r.write(s)
}

// await waits until a file is at the front.
func (r *scanRun) await(ctx context.Context, s *scannedFile) error {
	for r.front != s.number && ctx.Err() == nil {
		r.turn.Wait()
	}
	return ctx.Err()
}

// write writes what a file at the front keeps, and notes down from time to time how far that is.
func (r *scanRun) write(s *scannedFile) error {
	s.before(r)
	if len(s.kept) > 0 {
		err := r.bar.aside(func() error {
			n, err := r.out.Write(s.kept)
			r.state.Output += int64(n)
			return err
		})
		if err != nil {
			return &outputError{err}
		}
	}
	if len(s.kept) > cap(s.kept)/2 && cap(s.kept) > maxKept {
		s.kept = nil
	}
	s.kept = s.kept[:0]
	r.state.Total.add(s.total)
	s.total = scanTotals{}
	return r.journal.note(r, s, false)
}

// before is what had been written when the file came to the front.
func (s *scannedFile) before(r *scanRun) scanState {
	if s.began == nil {
		began := r.state
		s.began = &began
	}
	return *s.began
}

// finish ends a file in its turn.
func (r *scanRun) finish(ctx context.Context, s *scannedFile, trouble bool) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.await(ctx, s); err != nil {
		return err
	}
	if err := r.write(s); err != nil {
		return err
	}
	for _, note := range s.notes {
		_ = r.bar.aside(func() error {
			fmt.Fprintf(r.errs, "wardline: %s\n", note)
			return nil
		})
	}
	r.state.Trouble = r.state.Trouble || trouble
	if err := r.journal.note(r, s, true); err != nil {
		return err
	}
	r.front++
	r.turn.Broadcast()
	return nil
}
