package extract

import (
	"bytes"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// maxEscaped bounds the lines that are read a second time.
const maxEscaped = 1 << 10

// readEscaped reads the line of a hit whose account or address is written with escapes (jdoe%40hospital.example:pw), as
// it decodes. It gives where the line ends, 0 when that gives no credential. Only the field of the
// hit is decoded: a password is what is written.
func (r *reader) readEscaped(line span, h match.Hit) (end int) {
	if r.decoded || r.effort <= 0 || line.end-line.start > maxEscaped {
		return 0
	}
	if !mayUnescape(r.data[line.start:min(h.End, line.end)]) || !r.spend(line.end-line.start) {
		return 0
	}
	return r.readDecoded(line, h)
}

func (r *reader) readDecoded(line span, h match.Hit) (end int) {
	field := fieldAround(r.data, line, h)
	begun := span{field.start, min(h.End, field.end)}
	if bytes.Equal(match.Unescape(nil, begun.of(r.data)), begun.of(r.data)) {
		return 0
	}
	text := match.Unescape(r.data[line.start:field.start:field.start], field.of(r.data))
	text = append(text, r.data[field.end:line.end]...)
	var hits []match.Hit
	r.scanner.Scan(text, func(h match.Hit) { hits = append(hits, h) })
	block := risk.Block{Place: r.block.Place, Source: r.block.Source, Posted: r.block.Posted, Facts: r.block.Facts, Data: text}
	inner := newReader(r.scanner, block, func(in risk.Indicator) {
		if in.Kind != risk.KindCredential || in.Secret.Empty() {
			return
		}
		in.Place = r.place(h.Start)
		in.Account = clean(match.Unescape(nil, []byte(in.Account)))
		if r.body(h.Start) {
			r.visit(in)
		}
		end = line.end
	})
	inner.decoded = true // a line of many escapes would be decoded for each, and each of these for all others
	inner.effort = r.effort
	inner.readHits(hits)
	r.effort = inner.effort
	return end
}

// mayUnescape says that something may change when bytes, or the end of them, are decoded: most lines are seen at a
// glance to hold no escape.
func mayUnescape(b []byte) bool {
	for i, c := range b {
		if beginsEscape[c] && (c|0x20 != 'x' || i+1 < len(b) && b[i+1]|0x20 == 'x') {
			return true
		}
	}
	return false
}

// beginsEscape are the signs of escapes, and the letter that stands twice in hxxp.
var beginsEscape = [256]bool{'%': true, '&': true, '\\': true, '=': true, '[': true, '(': true, 'x': true, 'X': true}

// fieldAround is the part of a line between separators that a hit stands in, with what stands before a bracket that
// means an at sign. The colon behind a scheme is no separator.
func fieldAround(b []byte, line span, h match.Hit) span {
	f := span{h.Start, min(h.End, line.end)}
	if before := bytes.TrimRight(b[line.start:f.start], " "); len(before) > 0 && (before[len(before)-1] == ']' || before[len(before)-1] == ')') {
		if i := bytes.LastIndexAny(before, "[("); i > 0 {
			f.start = line.start + len(bytes.TrimRight(before[:i], " "))
		}
	}
	for f.start > line.start && !endsField(b, f.start-1, line.end) {
		f.start--
	}
	for f.end < line.end && !endsField(b, f.end, line.end) {
		f.end++
	}
	return f
}

func endsField(b []byte, at, end int) bool {
	switch b[at] {
	case ':':
		return !bytes.HasPrefix(b[at+1:end], []byte("//")) && !bytes.HasPrefix(b[at+1:end], []byte("]//"))
	case ';':
		const longest = 10 // "&amp;#x40;" ends twice
		entity := b[max(0, at-longest):at]
		entity = entity[bytes.LastIndexByte(entity, '&')+1:]
		return len(entity) == 0 || len(entity) == min(at, longest) || bytes.ContainsAny(entity, ":|; \t")
	}
	return isSep(b[at]) || endsToken(b[at])
}
