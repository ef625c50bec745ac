package main

import (
	"context"

	"github.com/wardline/wardline/internal/risk"
)

// scanTask is a block on its way: scanned by any worker, printed in order.
type scanTask struct {
	block risk.Block
	data  []byte
	res   scanResult
	done  chan struct{}
}

// scanLine holds the tasks. There are only so many, so that a fast reader cannot run ahead.
type scanLine struct {
	free, todo, order chan *scanTask
}

func newScanLine(threads int) *scanLine {
	n := 2*threads + 1
	l := &scanLine{free: make(chan *scanTask, n), todo: make(chan *scanTask, n), order: make(chan *scanTask, n)}
	for range n {
		l.free <- &scanTask{done: make(chan struct{}, 1)}
	}
	return l
}

func (l *scanLine) put(ctx context.Context, b risk.Block) error {
	select {
	case t := <-l.free:
		t.data = append(t.data[:0], b.Data...)
		t.block = b
		t.block.Data = t.data
		l.todo <- t
		l.order <- t
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *scanLine) close() {
	close(l.todo)
	close(l.order)
}

func (l *scanLine) work(scan func(risk.Block, *scanResult)) {
	for t := range l.todo {
		t.res.reset()
		scan(t.block, &t.res)
		t.done <- struct{}{}
	}
}

// print hands results on in order. After a failure it cancels the reading and only empties the line.
func (l *scanLine) print(print func(*scanResult) error, cancel func()) error {
	var failed error
	for t := range l.order {
		<-t.done
		if failed == nil {
			if failed = print(&t.res); failed != nil {
				cancel()
			}
		}
		l.free <- t
	}
	return failed
}
