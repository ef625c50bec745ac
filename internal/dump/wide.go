package dump

import (
	"bytes"
	"encoding/binary"
	"io"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
)

// byteOrder is the order of the bytes of UTF-16; nil where text has eight bits.
type byteOrder = binary.ByteOrder

// textReader reads a document as text for match and extract: UTF-16 becomes UTF-8, whether the document is all of it or
// holds stretches of it between 8-bit text, as dumps put together from many files do. Lone carriage returns of documents
// that end their lines with them become line feeds. All else passes as it is, without a copy.
type textReader struct {
	in     io.Reader
	err    error  // with which in ended
	raw    []byte // read of in, but not passed on
	room   []byte // where raw is held, and
	out    []byte // where text is; nil until a document holds UTF-16
	text   []byte // transcoded, but not passed on yet
	offset int64  // in the document of raw[0]
	order  byteOrder
	begun  bool // the document began in this order: it may hold alphabets that look like pairs of ASCII bytes
	cr     bool
	done   int64       // bytes of text passed on
	wide   []risk.Wide // those of them that were UTF-16; Start and End count from the beginning of the text
}

const (
	wideRoom  = 32 << 10
	wideRead  = 128 << 10 // read at once: it is looked at while it is still in the second-level cache
	widePiece = 2 << 10   // bytes of UTF-16 that share an entry in wide: an offset in them is found by counting
	wideTail  = 512       // bytes at the end of what was read in which a stretch may begin
)

// newTextReader reads a document whose beginning is head. A byte order mark is left out.
func newTextReader(head []byte, rest io.Reader) *textReader {
	t := &textReader{in: rest, order: utf16Order(head), cr: endsLinesWithCR(head)}
	t.begun = t.order != nil
	marks := [...]string{"\xef\xbb\xbf", "\xff\xfe", "\xfe\xff"}
	for i, mark := range marks {
		if bytes.HasPrefix(head, []byte(mark)) && (i == 0 || t.begun) {
			head = head[len(mark):]
			t.offset = int64(len(mark))
			break
		}
	}
	t.in = &prefixed{head: head, rest: rest}
	return t
}

func endsLinesWithCR(head []byte) bool {
	return bytes.IndexByte(head, '\r') >= 0 && bytes.IndexByte(head, '\n') < 0
}

func (t *textReader) Read(p []byte) (int, error) {
	n, err := t.read(p)
	t.done += int64(n)
	if t.cr {
		for i, b := range p[:n] {
			if b == '\r' {
				p[i] = '\n'
			}
		}
	}
	return n, err
}

func (t *textReader) read(p []byte) (int, error) {
	if len(t.text) == 0 {
		if t.order == nil && len(t.raw) <= wideTail && len(p) >= 2*wideTail {
			return t.readNarrow(p)
		}
		t.fill()
		if t.order == nil {
			return t.passNarrow(p)
		}
		t.readWide()
	}
	n := copy(p, t.text)
	t.text = t.text[n:]
	return n, t.ended()
}

// readWide transcodes the next piece into t.text. What is left of the document after the last whole character passes
// as it is.
func (t *textReader) readWide() {
	if len(t.raw) >= 2 && t.order.Uint16(t.raw) == '\ufeff' {
		t.drop(2)
	}
	if t.out == nil {
		t.out = make([]byte, 0, 2*widePiece)
	}
	piece := t.raw[:min(len(t.raw), widePiece)]
	text, used, ended := appendText(t.out, piece, wideText{order: t.order, begun: t.begun, last: t.err != nil && len(piece) == len(t.raw)})
	if used > 0 {
		part := risk.Wide{Start: int(t.done), End: int(t.done) + len(text), Offset: t.offset, After: t.offset + int64(used)}
		t.wide = append(t.wide, part)
	}
	t.text = text
	t.drop(used)
	if ended || used == 0 {
		t.order, t.begun = nil, false
	}
}

// readNarrow reads straight into p, which is nearly always all that there is to do, and keeps back from where UTF-16
// begins or may begin.
func (t *textReader) readNarrow(p []byte) (int, error) {
	p = p[:min(len(p), wideRead)]
	n := copy(p, t.raw)
	t.raw = nil
	if t.err == nil {
		var more int
		more, t.err = t.in.Read(p[n:])
		n += more
	}
	end, order := t.narrowEnd(p[:n])
	t.order = order
	t.offset += int64(end)
	if end < n {
		t.hold(p[end:n])
	}
	return end, t.ended()
}

// narrowEnd is where the 8-bit text in b, as far as it can be passed on, ends, and the order of what follows it.
func (t *textReader) narrowEnd(b []byte) (end int, order byteOrder) {
	if at, order := findWide(b); order != nil {
		return at, order
	}
	if t.err != nil {
		return len(b), nil
	}
	tail := max(0, len(b)-wideTail)
	for i, c := range b[tail:] {
		if c < 7 { // as in utf16Order
			return max(0, tail+i-3), nil // a mark and half a character may stand in front
		}
	}
	return len(b), nil
}

func (t *textReader) passNarrow(p []byte) (int, error) {
	end, order := t.narrowEnd(t.raw)
	n := copy(p, t.raw[:end])
	t.drop(n)
	if n == end && order != nil {
		t.order = order
	}
	return n, t.ended()
}

// hold moves what was read and not passed on to the beginning of the room for it.
func (t *textReader) hold(raw []byte) {
	if cap(t.room) < max(len(raw), wideRoom) {
		t.room = make([]byte, max(len(raw), wideRoom))
	}
	t.raw = t.room[:copy(t.room[:cap(t.room)], raw)]
}

func (t *textReader) drop(n int) {
	t.raw = t.raw[n:]
	t.offset += int64(n)
}

// ended is how the document ended, once all of it was passed on.
func (t *textReader) ended() error {
	if len(t.raw) > 0 || len(t.text) > 0 {
		return nil
	}
	return t.err
}

// fill reads on until there is a piece's worth of bytes.
func (t *textReader) fill() {
	if t.err != nil || len(t.raw) >= widePiece+2*patience {
		return
	}
	t.hold(t.raw)
	for empty := 0; t.err == nil && len(t.raw) < widePiece+2*patience; {
		n, err := t.in.Read(t.raw[len(t.raw):cap(t.raw)])
		t.raw = t.raw[:len(t.raw)+n]
		t.err = err
		if n > 0 {
			empty = 0
		} else if empty++; empty > 100 && err == nil {
			t.err = io.ErrNoProgress
		}
	}
}

// wideIn gives the parts of a window on the text that were UTF-16. The window begins at byte from, which stands at
// offset in the document, and is size long. Parts in front of it are forgotten.
func (t *textReader) wideIn(from, offset int64, size int) (parts []risk.Wide) {
	for len(t.wide) > 0 && int64(t.wide[0].End) <= from {
		t.wide = t.wide[1:]
	}
	for _, w := range t.wide {
		w.Start, w.End = w.Start-int(from), w.End-int(from)
		if w.Start >= size {
			break
		}
		if w.Start < 0 { // the window begins inside
			w.Start, w.Offset = 0, offset
		}
		parts = append(parts, w)
	}
	return parts
}

// wideStride is how far apart UTF-16 is looked for in 8-bit text: a stretch of twenty characters is seen for certain.
const wideStride = 32

const (
	oddBytes  = 0xff00ff00ff00ff00
	evenBytes = 0x00ff00ff00ff00ff
)

// findWide finds where the first stretch of UTF-16 in b begins; order is nil when there is none.
func findWide(b []byte) (at int, order byteOrder) {
	for i := 0; i+8 <= len(b); i += wideStride {
		x := binary.LittleEndian.Uint64(b[i : i+8])
		if x&oddBytes != 0 && x&evenBytes != 0 || x == 0 {
			continue
		}
		zero := i // where a NUL stands of those between the characters
		if x&oddBytes == 0 {
			zero++
		}
		if at, order = wideAround(b, zero); order != nil {
			return at, order
		}
	}
	return 0, nil
}

// leastWide is how many characters of ASCII or Latin-1 in a row make a stretch: numbers of two bytes rarely are so many
// letters.
const leastWide = 8

// wideAround finds the beginning of the stretch in which every second byte around b[zero] is NUL.
func wideAround(b []byte, zero int) (at int, order byteOrder) {
	first, last := zero, zero // NULs
	for first >= 2 && b[first-2] == 0 && printable(b[first-1]) {
		first -= 2
	}
	for last+2 < len(b) && b[last+2] == 0 && printable(b[last+1]) {
		last += 2
	}
	if last-first < 2*(leastWide-1) {
		return 0, nil
	}
	at, order = beginOf(b, first)
	if first > 0 {
		// Counted over the same characters, save perhaps the first and the last.
		if little, big := blanks(b, first+1, binary.LittleEndian), blanks(b, first, binary.BigEndian); little > big+2 {
			at, order = first-1, binary.LittleEndian
		} else if big > little+2 {
			at, order = first, binary.BigEndian
		}
	}
	for at >= 2 && wideLetter(order.Uint16(b[at-2:])) {
		at -= 2
	}
	return at, order
}

// blanks counts spaces and line ends around b[at]. In the wrong order, those next to a letter of another alphabet are none.
func blanks(b []byte, at int, order byteOrder) (n int) {
	const most = 128
	for i := max(at%2, at-most); i+2 <= min(len(b), at+most); i += 2 {
		if u := order.Uint16(b[i:]); u == ' ' || u == '\n' {
			n++
		}
	}
	return n
}

// beginOf is where a stretch whose first NUL is b[zero] begins, and its order: "x\0y\0" is little-endian from x on, or
// big-endian from the NUL on, and reads the same. A mark tells, or that a stretch begins behind the end of a line.
func beginOf(b []byte, zero int) (int, byteOrder) {
	before := b[:zero]
	switch {
	case bytes.HasSuffix(before, []byte("\xfe\xff")):
		return zero, binary.BigEndian
	case zero >= 3 && bytes.HasPrefix(before[zero-3:], []byte("\xff\xfe")):
		return zero - 1, binary.LittleEndian
	case zero == 0 || before[zero-1] == '\n' || !printable(before[zero-1]):
		return zero, binary.BigEndian
	}
	return zero - 1, binary.LittleEndian
}

func printable(b byte) bool {
	return b >= ' ' && b < 0x7f || b >= 0xa0 || b == '\n' || b == '\r' || b == '\t'
}

// wideLetter tells characters in front of which a stretch may begin: a mark, and the alphabets whose first byte is one
// that no text of eight bits holds.
func wideLetter(u uint16) bool {
	return u == 0xfeff || u < 0x100 && printable(byte(u)) || u >= 0x100 && u < 0x0900
}

// wideText says how a piece of UTF-16 is read.
type wideText struct {
	order byteOrder
	begun bool
	last  bool // nothing follows the piece
}

// appendText appends the UTF-16 in src as UTF-8, as far as it goes. ended says that other text follows.
func appendText(dst, src []byte, t wideText) (text []byte, used int, ended bool) {
	for used+2 <= len(src) {
		rest := src[used:]
		u := t.order.Uint16(rest)
		if u == '\ufeff' && used > 0 { // left out in front of the next piece
			break
		}
		if u < ' ' && u != '\n' || u >= 0x100 {
			if len(rest) < 2*patience && !t.last {
				break
			}
			if t.ends(rest) {
				return dst, used, true
			}
		}
		r, size := rune(u), 2
		if utf16.IsSurrogate(r) {
			r = utf8.RuneError
			if len(rest) >= 4 {
				if pair := utf16.DecodeRune(rune(u), rune(t.order.Uint16(rest[2:]))); pair != utf8.RuneError {
					r, size = pair, 4
				}
			}
		}
		dst = utf8.AppendRune(dst, r)
		used += size
	}
	return dst, used, false
}

// patience is how many characters are looked at before a document that began as UTF-16 is taken to go on otherwise.
const patience = 16

// ends reports that text of eight bits, or no text, follows: two of the next four characters are none, are of the
// other order, or look like two ASCII bytes; in a document that began as UTF-16, where they may be Chinese, all of the next sixteen.
func (t wideText) ends(b []byte) bool {
	if !t.doubtful(b) {
		return false
	}
	look, most := 4, 2
	if t.begun {
		look, most = patience, patience
	}
	doubts := 0
	for i := 0; i < look && 2*i+2 <= len(b); i++ {
		if t.doubtful(b[2*i:]) {
			doubts++
		}
	}
	return doubts >= most
}

func (t wideText) doubtful(b []byte) bool {
	switch u := t.order.Uint16(b); {
	case u < ' ':
		return u != '\n' && u != '\r' && u != '\t' && u != '\f' && u != '\v'
	case u >= 0xfffe, u&0xff == 0 && narrow(byte(u>>8)): // of the other order
		return true
	}
	return narrow(b[0]) && narrow(b[1])
}

func narrow(b byte) bool {
	return b >= ' ' && b < 0x7f || b == '\n' || b == '\r' || b == '\t'
}

// utf16Order tells UTF-16 by its mark, or by how text in the alphabets of Europe and the Near East looks in it: every
// second byte is below 7, which no text holds otherwise, and some of these are NUL.
func utf16Order(head []byte) byteOrder {
	switch {
	case bytes.HasPrefix(head, []byte("\xff\xfe\x00\x00")): // UTF-32, or no text
		return nil
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return binary.LittleEndian
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return binary.BigEndian
	}
	head = head[:min(len(head), 512)] // what follows may be of another kind
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
	wide := func(high, low int, order byteOrder) bool {
		return zeros[high] > half/32 && small[high] > half*3/4 && small[low] < half/16 && !wideText{order: order}.doubtful(head)
	}
	switch {
	case half < 8:
		return nil
	case wide(1, 0, binary.LittleEndian):
		return binary.LittleEndian
	case wide(0, 1, binary.BigEndian):
		return binary.BigEndian
	}
	return nil
}
