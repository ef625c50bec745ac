package dump

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/wardline/wardline/internal/risk"
)

// text cuts a document that is not an archive into blocks: at line ends where there are any, with whole lines before
// and after for context. head is what was read of it already.
func (w *walk) text(entry string, head []byte, src source) error {
	number, past := w.next()
	if past {
		return nil
	}
	c, err := w.start(number, entry, head, src)
	if err != nil {
		return err
	}
	return c.run()
}

// cutter holds the window over a document: lead, body, and what is read ahead.
type cutter struct {
	w      *walk
	number int // of the document
	in     *textReader
	place  risk.Place // of buf[0]
	at     int64      // of buf[0], in the document's text
	buf    []byte
	lead   int
	head   []byte // the document's beginning, once it left the window
	known  []byte // context of the next block
	until  int64  // blocks up to there are cut and not visited
	ended  error  // io.EOF or what broke the reading
}

// maxHead bounds how much of its document's beginning each block knows.
const maxHead = 4 << 10

func (c *cutter) run() error {
	for {
		c.fill()
		if len(c.buf) == c.lead {
			break
		}
		if err := c.w.ctx.Err(); err != nil {
			return stop{err}
		}
		if err := c.block(); err != nil {
			return stop{err}
		}
	}
	c.w.buf = c.buf
	if !errors.Is(c.ended, io.EOF) {
		return fmt.Errorf("it was read up to byte %d: %w", c.in.offset, c.ended)
	}
	if c.until > 0 {
		return errShrunk
	}
	return nil
}

// block passes on the block at the front of the window and moves the window behind it.
func (c *cutter) block() (err error) {
	body := c.bodyEnd()
	trail := c.trailEnd(body)
	b := risk.Block{Place: c.place, Source: c.w.o.Source, Data: c.buf[:trail:trail], Lead: c.lead, Trail: trail - body,
		Head: c.head, Context: c.known, Wide: c.in.wideIn(c.at, c.place.Offset, trail)}
	next := c.leadOf(body)
	place := risk.Place{Path: c.place.Path, Entry: c.place.Entry, Line: c.place.Line + lines(c.buf[:next]), Offset: b.OffsetOf(next)}
	b.At = risk.Position{Document: c.number, Entry: place.Entry, Offset: b.OffsetOf(body), Line: place.Line + lines(c.buf[next:body]),
		Lead: body - next, Context: c.w.o.Context(b)}
	if b.At.Offset-place.Offset != int64(b.At.Lead) { // UTF-16
		b.At.Lead = -1
	}
	buf := c.buf
	if c.ahead(b.At.Offset) {
		buf, err = c.w.callVisit(b, c.buf)
	}
	if next > 0 && c.head == nil {
		c.head = bytes.Clone(c.buf[:min(maxHead, len(c.buf))])
	}
	c.known, c.place, c.lead = b.At.Context, place, body-next
	c.at += int64(next)
	c.buf = append(c.sized(buf), c.buf[next:]...)
	return err
}

// ahead reports a block, ending at end, that does not lie in front of where the reading goes on.
func (c *cutter) ahead(end int64) bool {
	if c.until == 0 || end < c.until {
		return c.until == 0
	}
	past := end > c.until
	c.until = 0
	c.w.arrive()
	return past
}

// sized is a buffer, empty, with room for a whole window.
func (c *cutter) sized(buf []byte) []byte {
	if need := c.w.o.BlockBytes + 2*c.w.o.Overlap; cap(buf) < need {
		return make([]byte, 0, need)
	}
	return buf[:0]
}

// leadOf is where the lead of a body that begins at body begins: on a line, where there is one.
func (c *cutter) leadOf(body int) int {
	start := max(body-c.w.o.Overlap, 0)
	if start > 0 && c.buf[start-1] != '\n' {
		if i := bytes.IndexByte(c.buf[start:body-1], '\n'); i >= 0 {
			start += i + 1
		}
	}
	return start
}

func lines(b []byte) int { return bytes.Count(b, []byte("\n")) }

// fill reads until a whole block and its trail are there, or the document ends.
func (c *cutter) fill() {
	want := min(c.lead+c.w.o.BlockBytes+c.w.o.Overlap, cap(c.buf))
	for empty := 0; len(c.buf) < want && c.ended == nil; {
		n, err := c.in.Read(c.buf[len(c.buf):want])
		c.buf = c.buf[:len(c.buf)+n]
		c.ended = err
		if n > 0 {
			empty = 0
		} else if empty++; empty > 100 && err == nil {
			c.ended = io.ErrNoProgress
		}
	}
}

// bodyEnd is after the last line that ends inside the block; a longer line is cut.
func (c *cutter) bodyEnd() int {
	end := c.lead + c.w.o.BlockBytes
	if end >= len(c.buf) {
		return len(c.buf)
	}
	if i := bytes.LastIndexByte(c.buf[c.lead:end], '\n'); i >= 0 {
		end = c.lead + i + 1
		return end - afterObject(c.buf[max(c.lead, end-maxRowCut):end])
	}
	return betweenRows(c.buf[max(c.lead, end-maxRowCut):end], end)
}

// afterObject is how many bytes at the end of whole lines belong to an object that ends behind them, where objects are
// written over many lines: what stands behind the last line of nothing but "}" or "}," that is indented least.
func afterObject(b []byte) int {
	behind, least := 0, -1
	for end := len(b); least != 0; {
		start := bytes.LastIndexByte(b[:max(end-1, 0)], '\n') + 1
		if start == 0 {
			break // its beginning is not in sight
		}
		line := b[start:end]
		closed := bytes.TrimSuffix(bytes.TrimSpace(line), []byte(","))
		if indent := bytes.IndexByte(line, '}'); len(closed) == 1 && indent >= 0 && (least < 0 || indent < least) {
			behind, least = len(b)-end, indent
		}
		end = start
	}
	return behind
}

// maxRowCut bounds how far from the end of a block the end of a row is looked for.
const maxRowCut = 32 << 10

// betweenRows finds where a line that is cut at end is better cut: in front of the last "(" or "{" that follows one
// closed, since a dump of a database or an array of objects is one line of rows.
func betweenRows(b []byte, end int) int {
	for i := len(b) - 1; i >= 2; i-- {
		if b[i] != '(' && b[i] != '{' {
			continue
		}
		before := bytes.TrimRight(b[max(0, i-4):i], " \t")
		if n := len(before); n >= 2 && before[n-1] == ',' && before[n-2] == b[i]+closes(b[i]) {
			return end - len(b) + i
		}
	}
	return end
}

// closes is how far behind an opening sign its closing one is: ")" is next to "(", "}" the next but one to "{".
func closes(c byte) byte {
	if c == '(' {
		return 1
	}
	return 2
}

func (c *cutter) trailEnd(body int) int {
	end := min(body+c.w.o.Overlap, len(c.buf))
	if end == len(c.buf) && c.ended != nil {
		return end
	}
	if i := bytes.LastIndexByte(c.buf[body:end], '\n'); i >= 0 {
		return body + i + 1
	}
	return end
}
