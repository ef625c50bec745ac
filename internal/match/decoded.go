package match

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"

	"github.com/wardline/wardline/internal/risk"
)

// decoder reads a second time what stands around escapes, decoded. It scans copies of these stretches of the buffer and
// says where in the buffer their hits stand.
type decoder struct {
	sites  []int // where escapes seem to stand
	signs  signs // of the chunk at hand
	quoted quoted
	text   []byte   // decoded stretches
	pieces []escape // what was decoded, and the beginnings of stretches
	places []int    // of pieces, in text
	inner  *cursor
	read   func(text []byte) // takes what was decoded instead of a scan; nil = it is scanned
}

const (
	decodeAround = 256     // bytes on either side of an escape that are read with it, within its line
	decodeToken  = 1 << 10 // and then to the end of the token
	decodeAtOnce = 256 << 10
)

// walkSigns notes the escapes of a chunk.
func (c *cursor) walkSigns(p []byte, base, n int) {
	if c.decoded {
		return
	}
	d := &c.decoder
	for groups := findSigns(&d.signs, p, n); groups != 0; groups &= groups - 1 {
		first := bits.TrailingZeros64(groups) * signGroup
		for b := first; b < min(first+signGroup, n); b++ {
			for found := d.signs[b]; found != 0; found &= found - 1 {
				if at := base + b*blockBytes + bits.TrailingZeros64(found); mayEscape(c.buf, at) {
					d.sites = append(d.sites, at)
				}
			}
		}
	}
}

// readSites scans the stretches around what was noted, and puts their hits in place of those of the text as it stands.
func (c *cursor) readSites() {
	d := &c.decoder
	if len(d.sites) == 0 {
		return
	}
	if !slices.IsSorted(d.sites) {
		slices.Sort(d.sites)
	}
	sortHits(c.hits)
	raw := len(c.hits)
	done := 0 // the buffer is decoded up to here
	for sites := d.sites; len(sites) > 0; {
		e, ok := c.escapeAt(sites[0])
		if !ok || sites[0] < done {
			sites = sites[1:]
			continue // or what lies before the next escape would be decoded with it
		}
		start := max(done, c.stretchStart(sites[0]))
		d.begin(c.buf, start)
		at, end := start, start
		for {
			if ok && e.start >= at {
				d.add(c.buf[at:e.start], &e)
				at = e.end
				if end < at || end == len(c.buf) || c.buf[end] != '\n' { // or the line is known to end there
					end = max(end, c.stretchEnd(at))
				}
			}
			if sites = sites[1:]; len(sites) == 0 || at > start && sites[0]-decodeAround > end {
				break
			}
			e, ok = c.escapeAt(sites[0])
		}
		if end > at {
			d.text = append(d.text, c.buf[at:end]...)
		}
		done = max(at, end)
		if done < len(c.buf) && runByte(c.buf[done]) {
			d.text = append(d.text, c.buf[done])
		}
		if len(d.text) >= decodeAtOnce {
			c.scanDecoded(raw)
		}
	}
	c.scanDecoded(raw)
	c.hits = slices.DeleteFunc(c.hits, func(h Hit) bool { return h.Start == h.End })
}

// begin begins a stretch, which nothing in front of it touches but what it goes on from.
func (d *decoder) begin(buf []byte, start int) {
	d.text = append(d.text, '\n')
	if start > 0 && runByte(buf[start-1]) {
		d.text = append(d.text, 'x')
	}
	d.pieces = append(d.pieces, escape{start: start, end: start})
	d.places = append(d.places, len(d.text))
}

func (d *decoder) add(before []byte, e *escape) {
	d.text = append(d.text, before...)
	d.pieces = append(d.pieces, *e)
	d.places = append(d.places, len(d.text))
	d.text = append(d.text, e.text[:e.size]...)
}

func (c *cursor) stretchStart(at int) int {
	low := max(0, at-decodeAround)
	if i := bytes.LastIndexByte(c.buf[low:at], '\n'); i >= 0 {
		return low + i + 1
	}
	for start := low; ; start-- {
		if start == 0 || at-start > decodeToken || !runByte(c.buf[start-1]) {
			return start
		}
	}
}

func (c *cursor) stretchEnd(at int) int {
	high := min(len(c.buf), at+decodeAround)
	if i := bytes.IndexByte(c.buf[at:high], '\n'); i >= 0 {
		return at + i
	}
	for high < len(c.buf) && high-at < decodeToken && runByte(c.buf[high]) {
		high++
	}
	return high
}

// scanDecoded scans what was decoded. Its hits are new, save those that no escape touches: these are known.
func (c *cursor) scanDecoded(raw int) {
	d := &c.decoder
	if d.read != nil {
		d.read(d.text)
		d.text, d.pieces, d.places = d.text[:0], d.pieces[:0], d.places[:0]
		return
	}
	if d.inner == nil {
		d.inner = &cursor{decoded: true}
	}
	d.inner.start(c.s, d.text)
	d.inner.run()
	for _, h := range d.inner.hits {
		if kind, ok := d.judge(h); ok {
			h.Start, h.End, h.Kind = d.startOf(h.Start), d.endOf(h.End), kind
			c.replace(h, raw)
			c.hits = append(c.hits, h)
		}
	}
	c.forget(c.hits[:raw])
	d.text, d.pieces, d.places = d.text[:0], d.pieces[:0], d.places[:0]
}

// judge says whether a hit is owed to an escape, and what kind of hit it is.
func (d *decoder) judge(h Hit) (kind risk.MatchKind, ok bool) {
	escaped, other, disguised := false, false, false
	first, _ := slices.BinarySearch(d.places, h.Start-utf8.UTFMax)
	for i := first; i < len(d.pieces) && d.places[i] <= h.End; i++ {
		p, at := &d.pieces[i], d.places[i]
		inside := at < h.End && at+p.size > h.Start && (p.size > 0 || at > h.Start)
		switch p.kind {
		case escapeNone:
			if inside = at > h.Start && at < h.End; inside {
				return "", false // it begins in front of the stretch
			}
		case escapeSure, escapeMaybe:
			escaped = escaped || at+p.size >= h.Start
		case escapeHidden:
			disguised = disguised || inside && h.Kind != risk.MatchBrand
			other = other || inside
		case escapeLooks:
			disguised = disguised || inside
		default:
			other = other || inside
		}
	}
	switch host := h.Kind == risk.MatchExact || h.Kind == risk.MatchSubdomain; {
	case !disguised:
		return h.Kind, escaped || other
	case host && !escaped: // found as it stands, with what is below the watched name in any script
		return "", false
	}
	return risk.MatchLookalike, true
}

func (d *decoder) startOf(at int) int {
	i, p := d.pieceAt(at)
	if at < d.places[i]+p.size {
		return p.start
	}
	return p.end + at - d.places[i] - p.size
}

func (d *decoder) endOf(end int) int {
	i, p := d.pieceAt(end - 1)
	if end <= d.places[i]+p.size {
		return p.end
	}
	return p.end + end - d.places[i] - p.size
}

// pieceAt is the last piece that begins at or in front of a place in text.
func (d *decoder) pieceAt(at int) (int, *escape) {
	i, _ := slices.BinarySearch(d.places, at+1)
	i = max(i-1, 0)
	return i, &d.pieces[i]
}

// replace forgets the hit for the same term that the text shows there as it stands.
func (c *cursor) replace(h Hit, raw int) {
	c.eachRaw(h.Start, h.End, raw, func(r *Hit) {
		if r.Term == h.Term && r.Start < h.End && r.End > h.Start {
			r.End = r.Start
		}
	})
}

// forget forgets those hits, which are in order, that an escape touches: what they are was judged with the escape
// decoded.
func (c *cursor) forget(raw []Hit) {
	pieces := c.decoder.pieces
	if len(pieces) == 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(raw, pieces[0].start-decodeToken, func(h Hit, at int) int { return cmp.Compare(h.Start, at) })
	for ; i < len(raw) && raw[i].Start <= pieces[len(pieces)-1].end; i++ {
		h := &raw[i]
		k, _ := slices.BinarySearchFunc(pieces, h.Start, func(p escape, at int) int { return cmp.Compare(p.end, at) })
		for ; k < len(pieces) && pieces[k].start <= h.End; k++ {
			if pieces[k].kind == escapeSure {
				h.End = h.Start
			}
		}
	}
}

// eachRaw visits those of the first raw hits, which are in order, that may touch start..end.
func (c *cursor) eachRaw(start, end, raw int, visit func(*Hit)) {
	hits := c.hits[:raw]
	i, _ := slices.BinarySearchFunc(hits, end+1, func(h Hit, at int) int { return cmp.Compare(h.Start, at) })
	for i--; i >= 0 && hits[i].Start >= start-decodeToken; i-- {
		visit(&hits[i])
	}
}

// escapeAt reads what was noted at a place.
func (c *cursor) escapeAt(at int) (escape, bool) {
	switch b := c.buf[at]; {
	case isWord(b), b >= utf8.RuneSelf:
		return readCharacter(c.buf, at)
	}
	return readEscape(c.buf, at, &c.decoder.quoted)
}

// note notes a character of readRun's that is to be read in another way too.
func (c *cursor) note(at int, r rune, n int) {
	switch {
	case c.decoded:
		return
	case r == utf8.RuneError && n == 1, ignorable(r):
		if (at == 0 || !isWord(c.buf[at-1])) && (at+n >= len(c.buf) || !isWord(c.buf[at+n])) {
			return
		}
	case at > 0 && c.s.words() && unicode.Is(unicode.Mn, r):
		_, size := utf8.DecodeLastRune(c.buf[:at])
		at -= size
	default:
		return
	}
	c.decoder.sites = append(c.decoder.sites, at)
}

// noteMixed notes the letters of other scripts in a word that holds ASCII letters too.
func (c *cursor) noteMixed(start, end int) {
	if c.decoded || !slices.ContainsFunc(c.buf[start:end], isWord) {
		return
	}
	for at := start; at < end; {
		r, n := utf8.DecodeRune(c.buf[at:end])
		if r >= utf8.RuneSelf && confusables[foldRune(r)] != 0 {
			c.decoder.sites = append(c.decoder.sites, at)
		}
		at += n
	}
}

// readCharacter reads a character that stands for another one.
func readCharacter(b []byte, at int) (e escape, ok bool) {
	r, n := utf8.DecodeRune(b[at:])
	e.start, e.end = at, at+n
	if mark, size := utf8.DecodeRune(b[at+n:]); size > 1 && unicode.Is(unicode.Mn, mark) {
		var room [utf8.UTFMax * 2]byte
		composed := norm.NFC.Append(room[:0], b[at:at+n+size]...)
		if utf8.RuneCount(composed) != 1 {
			return e, false
		}
		e.kind, e.end, e.size = escapeForm, at+n+size, copy(e.text[:], composed)
		return e, true
	}
	switch {
	case r == utf8.RuneError && n == 1:
		e.kind = escapeByte
		e.set(charmap.Windows1252.DecodeByte(b[at]))
	case ignorable(r):
		e.kind = escapeHidden
	case confusables[foldRune(r)] != 0:
		e.kind = escapeLooks
		e.set(confusables[foldRune(r)])
	default:
		return e, false
	}
	return e, true
}
