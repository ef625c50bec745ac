package dump

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"github.com/wardline/wardline/internal/risk"
)

// text cuts a document that is not an archive into blocks: at line ends where there are any, with whole lines before
// and after for context. head is what was read of it already.
func (w *walk) text(entry string, head []byte, rest io.Reader) error {
	c := cutter{w: w, place: risk.Place{Path: w.path, Entry: entry, Line: 1}}
	order := utf16Order(head)
	switch {
	case order != nil:
		c.in = transform.NewReader(&prefixed{head: head, rest: rest}, order.NewDecoder())
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		c.place.Offset = 3
		c.in = &prefixed{head: head[3:], rest: rest}
	default:
		c.in = &prefixed{head: head, rest: rest}
	}
	return c.run()
}

// cutter holds the window over a document: lead, body, and what is read ahead.
type cutter struct {
	w     *walk
	in    io.Reader
	place risk.Place // of buf[0]
	buf   []byte
	lead  int
	head  []byte // the document's beginning, once it left the window
	known []byte // context of the next block
	ended error  // io.EOF or what broke the reading
}

// maxHead bounds how much of its document's beginning each block knows.
const maxHead = 4 << 10

func (c *cutter) run() error {
	w := c.w
	if w.buf == nil {
		w.buf = make([]byte, w.o.BlockBytes+2*w.o.Overlap)
	}
	c.buf = w.buf[:0]
	for {
		c.fill()
		if len(c.buf) == c.lead {
			break
		}
		if err := w.ctx.Err(); err != nil {
			return stop{err}
		}
		body := c.bodyEnd()
		trail := c.trailEnd(body)
		block := risk.Block{Place: c.place, Source: w.o.Source, Data: c.buf[:trail:trail], Lead: c.lead, Trail: trail - body,
			Head: c.head, Context: c.known}
		if err := w.callVisit(block); err != nil {
			return stop{err}
		}
		c.known = w.o.Context(block)
		c.advance(body)
	}
	if !errors.Is(c.ended, io.EOF) {
		return fmt.Errorf("it was read up to byte %d: %w", c.place.Offset+int64(len(c.buf)), c.ended)
	}
	return nil
}

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
		return c.lead + i + 1
	}
	return betweenRows(c.buf[max(c.lead, end-maxRowCut):end], end)
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

// advance moves the window so that what was the body's end becomes the start of the next body.
func (c *cutter) advance(body int) {
	start := max(body-c.w.o.Overlap, 0)
	if start > 0 && c.buf[start-1] != '\n' {
		if i := bytes.IndexByte(c.buf[start:body-1], '\n'); i >= 0 {
			start += i + 1
		}
	}
	if start > 0 && c.head == nil {
		c.head = bytes.Clone(c.buf[:min(maxHead, len(c.buf))])
	}
	c.place.Line += bytes.Count(c.buf[:start], []byte("\n"))
	c.place.Offset += int64(start)
	c.lead = body - start
	c.buf = c.buf[:copy(c.buf, c.buf[start:])]
}

// utf16Order tells UTF-16 by its mark, or by how text in the alphabets of Europe and the Near East looks in it: every
// second byte is below 7, which no text holds otherwise, and some of these are NUL.
func utf16Order(head []byte) encoding.Encoding {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")): // UTF-32, or no text
		return nil
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
	}
	var zeros, small [2]int
	for i, b := range head {
		if b == 0 {
			zeros[i&1]++
		}
		if b < 7 {
			small[i&1]++
		}
	}
	half := len(head) / 2
	wide := func(high, low int) bool {
		return zeros[high] > half/32 && small[high] > half*3/4 && small[low] < half/16
	}
	switch {
	case half < 8:
		return nil
	case wide(1, 0):
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	case wide(0, 1):
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	}
	return nil
}
