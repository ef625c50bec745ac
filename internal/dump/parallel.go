package dump

import (
	"context"
	"sync"

	"github.com/wardline/wardline/internal/risk"
)

// Work is what is done with the blocks of a file on several threads.
type Work[R any] struct {
	Threads int                  // blocks worked on at the same time; 1 or less = no other threads
	Do      func(risk.Block, *R) // fills a result anew, at the same time as others; results are used again
	// Done gets the results one after the other, in the order of the reading, and all that had been skipped when the block
	// was read. Its error ends everything.
	Done func(r *R, skipped []Skip) error
}

// Parallel is Blocks with the work on the blocks spread over threads. One more reads and unpacks ahead, a few blocks at
// most, into buffers that are handed on and not copied.
func Parallel[R any](ctx context.Context, path string, o Options, work Work[R]) (skipped []Skip, err error) {
	if work.Threads <= 1 {
		var r R
		return read(ctx, path, o, func(b risk.Block, buf []byte, skipped []Skip) ([]byte, error) {
			work.Do(b, &r)
			return buf, work.Done(&r, skipped)
		})
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	l := newLine(work)
	var workers sync.WaitGroup
	for range work.Threads {
		workers.Go(l.work)
	}
	finished := make(chan error, 1)
	go func() { finished <- l.finish(cancel) }()
	var failed error
	func() {
		defer func() { // also when the reading panics, by what the caller gave it
			close(l.todo)
			close(l.order)
			workers.Wait()
			failed = <-finished
		}()
		skipped, err = read(ctx, path, o, func(b risk.Block, buf []byte, skipped []Skip) ([]byte, error) {
			return l.put(ctx, b, buf, skipped)
		})
	}()
	if failed != nil {
		err = failed
	}
	if l.broken != nil {
		panic(l.broken) // where the caller can recover it
	}
	return skipped, err
}

// line holds the blocks on their way: worked on by any thread, finished in order. There are only so many, so that a
// fast reader cannot run ahead.
type line[R any] struct {
	Work[R]
	free    chan *task[R]
	buffers chan []byte
	todo    chan *task[R]
	order   chan *task[R]
	broken  any // what a thread panicked with, once finish has ended
}

type task[R any] struct {
	block   risk.Block
	buf     []byte
	skipped []Skip
	result  R
	broken  any
	done    chan struct{}
}

func newLine[R any](work Work[R]) *line[R] {
	ahead := work.Threads + 2 // a buffer for each thread, one that is being filled, one that is full
	tasks := 2 * ahead        // finished ones wait for those in front without a buffer
	l := &line[R]{
		Work: work, free: make(chan *task[R], tasks), buffers: make(chan []byte, ahead),
		todo: make(chan *task[R], tasks), order: make(chan *task[R], tasks),
	}
	for range tasks {
		l.free <- &task[R]{done: make(chan struct{}, 1)}
	}
	for range ahead - 1 { // the reader has one of its own
		l.buffers <- nil
	}
	return l
}

// put hands a block on with the buffer it lies in, and gives a free one.
func (l *line[R]) put(ctx context.Context, b risk.Block, buf []byte, skipped []Skip) ([]byte, error) {
	select {
	case t := <-l.free:
		t.block, t.buf, t.skipped = b, buf, skipped
		l.todo <- t
		l.order <- t
	case <-ctx.Done():
		return buf, ctx.Err()
	}
	return <-l.buffers, nil // some thread always gives one back
}

func (l *line[R]) work() {
	for t := range l.todo {
		l.do(t)
		l.buffers <- t.buf
		t.block, t.buf = risk.Block{}, nil
		t.done <- struct{}{}
	}
}

func (l *line[R]) do(t *task[R]) {
	defer func() { t.broken = recover() }()
	l.Do(t.block, &t.result)
}

// finish hands results on in order. After a failure it cancels the reading and only empties the line.
func (l *line[R]) finish(cancel func()) (failed error) {
	for t := range l.order {
		<-t.done
		if t.broken != nil && l.broken == nil {
			l.broken = t.broken
			cancel()
		}
		if failed == nil && l.broken == nil {
			if failed = l.Done(&t.result, t.skipped); failed != nil {
				cancel()
			}
		}
		l.free <- t
	}
	return failed
}
