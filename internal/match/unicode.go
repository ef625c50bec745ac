package match

import (
	"math/bits"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/wardline/wardline/internal/risk"
)

// readHigh reads the runs of label characters and bytes ≥ 0x80 that hold the high bytes of one block, rune by rune.
// What the ASCII way finds is not found again here: only tokens and words with a character beyond ASCII count.
func (c *cursor) readHigh(base int, high uint64) {
	buf := c.buf
	for ; high != 0; high &= high - 1 {
		at := base + bits.TrailingZeros64(high)
		if at < c.unicodeDone {
			continue
		}
		start := at
		for start > c.unicodeDone && runByte(buf[start-1]) {
			start--
		}
		end := at
		for end < len(buf) && runByte(buf[end]) {
			end++
		}
		c.unicodeDone = end
		c.readRun(start, end)
	}
}

func runByte(b byte) bool { return b >= utf8.RuneSelf || isLabel(b) }

// readRun splits buf[start:end] into host tokens and words.
func (c *cursor) readRun(start, end int) {
	token, word := runeSpan{start: start}, runeSpan{start: start}
	noted, broken := len(c.decoder.sites), 0
	for i := start; i < end; {
		b := c.buf[i]
		if b < utf8.RuneSelf {
			i++
			token.dots = token.dots || b == '.'
			if !isWord(b) {
				c.endWord(word, i-1)
				word = runeSpan{start: i}
			}
			continue
		}
		r, n := utf8.DecodeRune(c.buf[i:end])
		c.note(i, r, n)
		if r == utf8.RuneError && n == 1 {
			broken++
		}
		if wordRune(r, n) {
			word.high = true
		} else {
			c.endWord(word, i)
			word = runeSpan{start: i + n}
		}
		if carriesOn(r, n) {
			token.high = true
		} else {
			c.endToken(token, i)
			token = runeSpan{start: i + n}
		}
		i += n
	}
	c.endWord(word, end)
	c.endToken(token, end)
	if 3*broken > end-start { // noise: words of any language have more letters of ASCII
		c.decoder.sites = c.decoder.sites[:noted]
	}
}

// runeSpan is a token or word in the making.
type runeSpan struct {
	start      int
	high, dots bool
}

func (c *cursor) endToken(t runeSpan, end int) {
	if !t.high || !t.dots || end < len(c.buf) && c.buf[end] == '@' {
		return
	}
	start, end := trimToken(c.buf, t.start, end)
	if c.s.addresses.v4 {
		c.emit(start, end, c.s.addresses.findText(c.buf[start:end]), risk.MatchIP)
	}
	r := reading{fold: c.fold, skel: c.skel}
	terms, kind := r.matchToken(c.s, c.buf[max(start, end-maxToken):end])
	c.emit(start, end, terms, kind)
	c.fold, c.skel = r.fold, r.skel
}

// maxToken bounds the part of a token that is decoded: a name of 253 characters in its longest writing.
const maxToken = 4 * (maxHost + 3)

// trimToken takes ignorable characters off both ends, dots off the end and then off the start.
func trimToken(buf []byte, start, end int) (int, int) {
	for end > start {
		if buf[end-1] == '.' {
			end--
			continue
		}
		r, n := utf8.DecodeLastRune(buf[start:end])
		if !ignorable(r) {
			break
		}
		end -= n
	}
	for start < end {
		if buf[start] == '.' {
			start++
			continue
		}
		r, n := utf8.DecodeRune(buf[start:end])
		if !ignorable(r) {
			break
		}
		start += n
	}
	return start, end
}

func asciiOnly(b []byte) bool {
	for _, x := range b {
		if x >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func (c *cursor) endWord(w runeSpan, end int) {
	if !w.high || !c.s.words() || end-w.start > 4*c.s.longest {
		return
	}
	c.noteMixed(w.start, end)
	c.fold = appendFold(c.fold[:0], c.buf[w.start:end])
	if c.s.wordKeys.may(keyOf(c.fold)) != 0 {
		c.tryAnchor(w.start, end)
	}
}

// reading holds the buffers in which a token is folded.
type reading struct{ fold, skel []byte }

// matchToken compares a whole host token in any script: as written first, then by its look.
func (r *reading) matchToken(s *Scanner, token []byte) (termList, risk.MatchKind) {
	hidden := false
	r.fold = r.fold[:0]
	if asciiOnly(token) {
		r.fold = appendLower(r.fold, token)
	} else {
		r.skel = norm.NFKC.Append(r.skel[:0], token...)
		r.fold = appendFold(r.fold, r.skel)
		hidden = hasIgnorable(r.fold)
	}
	if !hidden {
		if terms, sub := s.findSuffix(s.exact, r.fold); terms != nil {
			return terms, exactOr(sub)
		}
	}
	r.skel = appendSkeleton(r.skel[:0], r.fold)
	if terms, _ := s.findSuffix(s.alike, r.skel); terms != nil {
		return terms, risk.MatchLookalike
	}
	return nil, ""
}

// findPunycode decodes the tokens around "xn--" whose second dash each bit of pairs stands for. Watched names in
// punycode are found like any other; this finds names that only look like a watched one once they are decoded.
func (c *cursor) findPunycode(base int, pairs uint64) {
	for ; pairs != 0; pairs &= pairs - 1 {
		at := base + bits.TrailingZeros64(pairs)
		if at < c.punyDone || at < 3 || c.buf[at-1] != '-' || c.buf[at] != '-' || c.buf[at-2]|0x20 != 'n' || c.buf[at-3]|0x20 != 'x' {
			continue
		}
		end := at
		for end < len(c.buf) && isLabel(c.buf[end]) {
			end++
		}
		c.punyDone = end
		for c.buf[end-1] == '.' {
			end--
		}
		c.tryPunycode(end)
	}
}

func (c *cursor) tryPunycode(end int) {
	start, ok := c.tokenAround(end)
	if !ok || !c.s.hosts() {
		return
	}
	r := reading{fold: c.fold, skel: c.skel}
	r.fold = appendLower(r.fold[:0], c.buf[max(start, end-maxHost-1):end])
	known, _ := c.s.findSuffix(c.s.exact, r.fold)
	if known == nil {
		known, _ = c.s.findSuffix(c.s.alike, r.fold)
	}
	if known == nil {
		r.skel = appendSkeleton(r.skel[:0], r.fold)
		terms, _ := c.s.findSuffix(c.s.alike, r.skel)
		c.emit(start, end, terms, risk.MatchLookalike)
	}
	c.fold, c.skel = r.fold, r.skel
}

// carriesOn reports whether a rune of n bytes beyond ASCII belongs to a host token. One that shows nothing does: what
// stands on both sides of it looks like one name.
func carriesOn(r rune, n int) bool { return ignorable(r) || wordRune(r, n) }

// wordRune reports whether a rune of n bytes belongs to a word; a broken byte does not.
func wordRune(r rune, n int) bool {
	if r == utf8.RuneError && n <= 1 {
		return false
	}
	return letter(r)
}

// letter reports letters, digits and the marks that combine with them.
func letter(r rune) bool {
	if r < utf8.RuneSelf {
		return isWord(byte(r))
	}
	if r <= unicode.MaxLatin1 { // which has neither marks nor further digits
		return unicode.IsLetter(r)
	}
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd)
}

// ignorable reports characters that show nothing: soft hyphen, zero-width characters, direction marks.
func ignorable(r rune) bool {
	switch {
	case r < 0xad:
		return false
	case r == 0xad, r == 0x34f, r == 0x61c, r == 0xfeff:
		return true
	case r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x2069:
		return true
	}
	return false
}

func hasIgnorable(b []byte) bool {
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		if ignorable(r) {
			return true
		}
		i += n
	}
	return false
}

// foldRune takes away case, in Unicode's simple folding (long s is s, the Kelvin sign is k), and width. Accents stay.
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		if r-'A' < 26 && r >= 'A' {
			return r + 0x20
		}
		return r
	}
	if r >= 0xff01 && r <= 0xff5e {
		return foldRune(r - 0xff01 + '!')
	}
	if r < foldedRunes {
		return rune(folded[r])
	}
	return foldBySearch(r)
}

// foldedRunes bounds the characters whose folding is kept: the alphabets of Europe.
const foldedRunes = 0x600

var folded = func() (of [foldedRunes]uint16) {
	for r := range of {
		of[r] = uint16(foldBySearch(rune(r)))
	}
	return of
}()

func foldBySearch(r rune) rune {
	least := r
	for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
		least = min(least, f)
	}
	if least-'A' < 26 && least >= 'A' {
		return least + 0x20
	}
	if least < utf8.RuneSelf {
		return least
	}
	return unicode.ToLower(least)
}

func appendFold(dst, src []byte) []byte {
	for len(src) > 0 {
		r, n := utf8.DecodeRune(src)
		if r == utf8.RuneError && n <= 1 {
			dst = append(dst, src[0])
		} else {
			dst = utf8.AppendRune(dst, foldRune(r))
		}
		src = src[n:]
	}
	return dst
}

func foldText(s string) string { return string(appendFold(nil, []byte(s))) }

func appendLower(dst, src []byte) []byte {
	for _, b := range src {
		if b-'A' < 26 {
			b |= 0x20
		}
		dst = append(dst, b)
	}
	return dst
}
