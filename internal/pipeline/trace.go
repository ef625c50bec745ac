package pipeline

import (
	"context"
	"log/slog"
	"sync"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// Traces keeps what the reading of each dump leaves: its block index, which is asked where a term that was added later
// may stand.
type Traces interface {
	// Begin begins the index of a dump, or goes on with it, as the reading does, at f.At.
	Begin(src risk.Source, f risk.File) (Trace, error)
	// Ask gives the stretches of a dump, in reading order, that may hold what is asked, with the numbers of these clues.
	// risk.ErrNotFound says that there is no index which could be trusted.
	Ask(src risk.Source, f risk.File, asked []risk.Clues, visit func(s risk.Stretch, answers []int) error) error
	// Reread reads stretches of a dump that is still there again, as the same blocks as at first, and tells when one of them
	// was read to its end. The error is visit's, the context's, or says that the dump could not be read again.
	Reread(ctx context.Context, src risk.Source, f risk.File, stretches []risk.Stretch, visit func(risk.Block) error, done func(i int)) error
}

// Trace is the index of one dump in the making.
type Trace interface {
	Add(until risk.Position, bytes int64, keys []uint64) error
	Save() error   // what was added so far is kept, whatever happens
	Finish() error // the dump was read to its end
	Close() error
}

// tracer writes the index of a dump while it is read. A failure to do so ends the index, not the reading: the dump is then
// read again whole when somebody is added.
type tracer struct {
	ctx   context.Context
	log   *slog.Logger
	trace Trace // nil = none is kept
}

func (p *Pipeline) newTracer(ctx context.Context, src risk.Source, f risk.File) *tracer {
	t := &tracer{ctx: ctx, log: p.Log}
	if p.Traces == nil {
		return t
	}
	trace, err := p.Traces.Begin(src, f)
	if err != nil {
		t.warn(err)
		return t
	}
	t.trace = trace
	return t
}

// add takes in a block, in reading order, with its keys as keysOf gave them.
func (t *tracer) add(until risk.Position, bytes int64, keys []uint64) {
	if t.trace != nil {
		t.check(t.trace.Add(until, bytes, keys))
	}
}

// save comes before the position of the reading is saved: an index never lags behind that.
func (t *tracer) save() {
	if t.trace != nil {
		t.check(t.trace.Save())
	}
}

func (t *tracer) finish() {
	if t.trace != nil {
		t.check(t.trace.Finish())
		t.trace = nil
	}
}

// close leaves the index for a later reading to go on with. After finish it does nothing.
func (t *tracer) close() {
	if t.trace != nil {
		t.check(t.trace.Close())
		t.trace = nil
	}
}

func (t *tracer) check(err error) {
	if err == nil {
		return
	}
	t.warn(err)
	if t.trace != nil {
		_ = t.trace.Close() // what was written stays unfinished, and so unused
		t.trace = nil
	}
}

func (t *tracer) warn(err error) {
	t.log.WarnContext(t.ctx, "no index is kept of a dump", slog.Any("error", err))
}

// keyers are reused: each holds the tables of a block.
var keyers = sync.Pool{New: func() any { return new(match.Keyer) }}

// keysOf are the keys of a block's whole text, in dst. They may be made beside other blocks'.
func keysOf(dst []uint64, text []byte) []uint64 {
	k := keyers.Get().(*match.Keyer)
	defer keyers.Put(k)
	k.Reset()
	k.Read(text)
	return append(dst[:0], k.Keys()...)
}
