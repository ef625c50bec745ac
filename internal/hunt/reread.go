package hunt

import (
	"errors"
	"fmt"

	"github.com/wardline/wardline/internal/risk"
)

// ErrMoved says that a dump does not hold what its index says: it was changed without a trace, or is damaged.
var ErrMoved = errors.New("the dump is not what its index says")

// errFar ends a reading that is over, or is better begun anew further on.
var errFar = errors.New("what is asked for lies further on")

// farEnough is how much text a reading goes through rather than begin anew behind it.
const farEnough = 4 << 20

// Reader reads a dump from a position on, block by block as at first, until visit ends it.
type Reader func(from risk.Position, visit func(risk.Block) error) error

// Reread reads stretches of a dump again, which are in reading order: it calls visit for each of their blocks and done
// when one of them was read to its end. seeks says that read need not go through what lies in front of a position. The
// error is visit's or read's, or ErrMoved.
func Reread(stretches []risk.Stretch, seeks bool, read Reader, visit func(risk.Block) error, done func(i int)) error {
	r := rereading{stretches: stretches, seeks: seeks, visit: visit, done: done}
	for r.next < len(stretches) {
		begun := r.next
		r.at = stretches[begun].From
		err := read(r.at, r.block)
		switch {
		case errors.Is(err, errFar) && r.next > begun:
		case err != nil && !errors.Is(err, errFar):
			return err
		case r.next < len(stretches):
			return fmt.Errorf("read stretch %d of %d again: %w", r.next+1, len(stretches), ErrMoved)
		}
	}
	return nil
}

type rereading struct {
	stretches []risk.Stretch
	seeks     bool
	visit     func(risk.Block) error
	done      func(i int)

	next int           // the stretch that is to be read, or is being read
	at   risk.Position // where reading stands
}

func (r *rereading) block(b risk.Block) error {
	begins := r.at
	r.at = b.At
	wanted := r.stretches[r.next].From
	if begins.Before(wanted) {
		if r.seeks && begins.Document == wanted.Document && wanted.Offset-begins.Offset > farEnough {
			return errFar
		}
		if !wanted.Before(b.At) {
			return nil
		}
	}
	if err := r.visit(b); err != nil {
		return err
	}
	for !b.At.Before(r.stretches[r.next].Until) {
		r.done(r.next)
		if r.next++; r.next == len(r.stretches) {
			return errFar
		}
	}
	return nil
}
