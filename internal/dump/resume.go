package dump

import (
	"errors"
	"io"

	"github.com/wardline/wardline/internal/risk"
)

// The reading of a file is taken up at a position. Documents in front of it are opened only as far as it takes to see
// that they are no archives; in its own document it is sought, or, where bytes come unpacked one after the other, read
// up to without being looked at. Blocks are cut as if the reading had begun at the beginning.

// resume is how far the walk is from the place where it goes on.
type resume struct {
	from    risk.Position
	arrived bool
	number  int // of the next document
}

func newResume(from risk.Position) resume {
	return resume{from: from, arrived: from.Document == 0 && from.Offset == 0}
}

// next counts a document, and says whether it lies in front of the place.
func (w *walk) next() (number int, past bool) {
	number = w.at.number
	w.at.number++
	if w.at.arrived || number < w.at.from.Document {
		return number, !w.at.arrived
	}
	if number > w.at.from.Document || w.at.from.Offset == 0 {
		w.arrive()
	}
	return number, false
}

// arrive ends what is only gone over again.
func (w *walk) arrive() {
	if !w.at.arrived {
		w.at.arrived = true
		w.o.Arrived()
	}
}

// errShrunk says that a file does not hold the place at which its reading was to go on.
var errShrunk = errors.New("it ends in front of the place where its reading was to go on")

// start makes a cutter for a document, at its beginning or where its reading goes on.
func (w *walk) start(number int, entry string, head []byte, src source) (*cutter, error) {
	in := newTextReader(head, src.reader)
	c := &cutter{w: w, number: number, in: in, place: risk.Place{Path: w.path, Entry: entry, Line: 1, Offset: in.offset}}
	c.buf, w.buf = c.sized(w.buf), nil // if a decoder breaks down, whoever has it by then keeps it
	if w.at.arrived {
		return c, nil
	}
	from := w.at.from
	if src.at == nil || in.order != nil || in.cr || from.Lead < 0 || from.Offset-int64(from.Lead) <= in.offset {
		c.until = from.Offset
		return c, nil
	}
	if from.Offset > src.size {
		return nil, errShrunk
	}
	return c, c.seek(from, head, src)
}

// seek sets the window to where a document of eight-bit text goes on; head is its first bytes.
func (c *cutter) seek(from risk.Position, head []byte, src source) error {
	start := from.Offset - int64(from.Lead)
	rest := io.NewSectionReader(src.at, int64(len(head)), src.size-int64(len(head)))
	c.head = make([]byte, maxHead)
	n, err := io.ReadFull(newTextReader(head, rest), c.head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	c.head, c.known = c.head[:n], from.Context
	c.in = &textReader{in: io.NewSectionReader(src.at, start, src.size-start), offset: start}
	c.lead, c.place.Offset, c.place.Line = from.Lead, start, from.Line
	if c.fill(); len(c.buf) < c.lead {
		return errShrunk
	}
	c.place.Line -= lines(c.buf[:c.lead])
	c.w.arrive()
	return nil
}
