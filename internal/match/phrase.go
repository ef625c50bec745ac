package match

import (
	"bytes"
	"encoding/binary"
	"math"
	"strings"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
)

// phrase is a term that is found by one of its words, the anchor, and then compared around it, as it stands in an
// image.
type phrase struct {
	kind  risk.TermKind
	text  []byte // folded; gap stands for what separates two words of a name
	from  int    // the anchor is text[from:to]
	to    int
	signs []byte // punctuation that may stand in a gap, because the name is written with it
	term  int
	more  bool // the next phrase has the same anchor
}

// gap is a run of spaces, hyphens and underscores. No text in UTF-8 holds this byte.
const gap = 0xff

const gapRunes = " \t\u00a0-_\u2010\u2011\u2013"

// stopWords are poor anchors: they stand in many texts.
var stopWords = map[string]bool{}

func init() {
	for _, w := range strings.Fields(`and care cloud clinic data dental digital global group health healthcare hospital
		insurance international lab labs logistics medical med network online partners pharma service services
		software solutions support system systems tech technologies technology the university admin info mail
		account login user users password http https html index main test www com net org gmx gmail yahoo hotmail
		outlook example windows chrome default profile application`) {
		stopWords[w] = true
	}
}

// phraseText is a phrase in the making.
type phraseText struct {
	kind     risk.TermKind
	text     string
	from, to int
	signs    string
}

// newName folds a brand or product. Spaces, hyphens and underscores between its words become gaps; punctuation that is
// written without any of them (AT&T) is kept as it stands.
func newName(t risk.WatchTerm) (phraseText, error) {
	p := phraseText{kind: t.Kind}
	var text, between []byte
	for _, r := range t.Value {
		if !letter(r) {
			between = utf8.AppendRune(between, foldSign(r))
			continue
		}
		if len(text) > 0 && len(between) > 0 {
			text = p.appendGap(text, string(between))
		}
		between = between[:0]
		text = utf8.AppendRune(text, foldRune(r))
	}
	p.text = string(text)
	return p, p.chooseAnchor(t)
}

func (p *phraseText) appendGap(text []byte, between string) []byte {
	if !strings.ContainsAny(between, gapRunes) {
		return append(text, between...)
	}
	for _, r := range between {
		if !strings.ContainsRune(gapRunes, r) {
			p.signs += string(r)
		}
	}
	return append(text, gap)
}

func foldSign(r rune) rune {
	if r == '’' || r == 'ʼ' {
		return '\''
	}
	return r
}

// newLogin folds a named account or an AD domain, which are compared as they are written but for case.
func newLogin(t risk.WatchTerm) (phraseText, error) {
	p := phraseText{kind: t.Kind, text: foldText(strings.ToValidUTF8(t.Value, "\ufffd"))}
	if t.Kind == risk.TermADDomain {
		p.text += `\`
	}
	return p, p.chooseAnchor(t)
}

func isLogin(kind risk.TermKind) bool { return kind == risk.TermAccount || kind == risk.TermADDomain }

// chooseAnchor takes the longest word that is not a stop word; a word in ASCII before one that is not, because those
// are read rune by rune.
func (p *phraseText) chooseAnchor(t risk.WatchTerm) error {
	best := math.MinInt
	for i := 0; i < len(p.text); {
		j, characters := i, 0
		for j < len(p.text) {
			r, n := utf8.DecodeRuneInString(p.text[j:])
			if !wordRune(r, n) {
				break
			}
			j += n
			characters++
		}
		if j == i {
			_, n := utf8.DecodeRuneInString(p.text[i:])
			i += n
			continue
		}
		if value := anchorValue(p.text[i:j], characters); value > best {
			best, p.from, p.to = value, i, j
		}
		i = j
	}
	if p.to == 0 {
		return risk.Invalid("value", "%q holds no letter or digit to look for.", t.Value)
	}
	return nil
}

func anchorValue(word string, characters int) int {
	value := min(characters, 40)
	if len(word) == characters {
		value += 100
	}
	if stopWords[word] || characters < 4 {
		value -= 60
	}
	return value
}

const phraseBytes = 16

// phraseRecord is a phrase as it stands in the image: its signs follow its text.
type phraseRecord struct {
	text, term     uint32
	size, from, to uint16
	kind, signs    byte
	more           bool
}

const moreBit = 0x80 // in the byte of the kind

func (p *phraseRecord) append(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, p.text)
	b = binary.LittleEndian.AppendUint32(b, p.term)
	b = binary.LittleEndian.AppendUint16(b, p.size)
	b = binary.LittleEndian.AppendUint16(b, p.from)
	b = binary.LittleEndian.AppendUint16(b, p.to)
	kind := p.kind
	if p.more {
		kind |= moreBit
	}
	return append(b, kind, p.signs)
}

func (p *phraseRecord) whole(text []byte) []byte { return text[p.text : p.text+uint32(p.size)] }

func (p *phraseRecord) anchor(text []byte) []byte { return p.whole(text)[p.from:p.to] }

func (s *Scanner) phraseRecord(i int) phraseRecord {
	b := s.phrases[phraseBytes*i : phraseBytes*i+phraseBytes]
	return phraseRecord{
		text: word32(b, 0), term: word32(b, 1), size: binary.LittleEndian.Uint16(b[8:]), from: binary.LittleEndian.Uint16(b[10:]),
		to: binary.LittleEndian.Uint16(b[12:]), kind: b[14] &^ moreBit, signs: b[15], more: b[14]&moreBit != 0,
	}
}

func (s *Scanner) phrase(i int) phrase {
	r := s.phraseRecord(i)
	end := r.text + uint32(r.size)
	return phrase{
		kind: kinds[r.kind], text: s.text[r.text:end], from: int(r.from), to: int(r.to),
		signs: s.text[end : end+uint32(r.signs)], term: int(r.term), more: r.more,
	}
}

// valid reports that what the record points to is there.
func (p *phraseRecord) valid(s *Scanner, last bool) bool {
	end := uint64(p.text) + uint64(p.size) + uint64(p.signs)
	return end <= uint64(len(s.text)) && p.from <= p.to && p.to <= p.size && int(p.kind) < len(kinds) && int(p.term) < s.Terms() && !(last && p.more)
}

// tryWord compares the phrases whose anchor may be the ASCII word that ends at end.
func (c *cursor) tryWord(end int) {
	start := end
	for start > 0 && isWord(c.buf[start-1]) {
		start--
	}
	if end-start > c.s.longest || touchesWord(c.buf, start, end) {
		return
	}
	c.fold = appendLower(c.fold[:0], c.buf[start:end])
	c.tryAnchor(start, end)
}

// tryAnchor compares the phrases whose anchor is the folded word in c.fold, which stands at start..end.
func (c *cursor) tryAnchor(start, end int) {
	i, ok := c.s.firstPhrase(c.fold)
	for ; ok; i++ {
		p := c.s.phrase(i)
		if p.kind == termIPv6 {
			c.tryIPv6(start)
		} else if from, to, ok := p.around(c.buf, start, end); ok {
			c.hits = append(c.hits, Hit{Start: from, End: to, Term: p.term, Kind: p.match()})
		}
		ok = p.more
	}
}

// firstPhrase finds the first phrase with this anchor.
func (s *Scanner) firstPhrase(anchor []byte) (int, bool) {
	for i := range probes(hashText(anchor), len(s.anchors)/4) {
		v := word32(s.anchors, i)
		if v == noSlot {
			break
		}
		if r := s.phraseRecord(int(v)); bytes.Equal(r.anchor(s.text), anchor) {
			return int(v), true
		}
	}
	return 0, false
}

// findLogin finds the first account of that folded text, or the AD domain with its backslash.
func (s *Scanner) findLogin(kind risk.TermKind, text []byte) (term int, ok bool) {
	for i := range probes(hashText(text), len(s.logins)/4) {
		v := word32(s.logins, i)
		if v == noSlot {
			break
		}
		if r := s.phraseRecord(int(v)); kinds[r.kind] == kind && bytes.Equal(r.whole(s.text), text) {
			return int(r.term), true
		}
	}
	return 0, false
}

func (p *phrase) match() risk.MatchKind {
	if p.kind == risk.TermBrand || p.kind == risk.TermProduct {
		return risk.MatchBrand
	}
	return risk.MatchAccount
}

// around compares the phrase whose anchor stands at buf[start:end] with what is there.
func (p *phrase) around(buf []byte, start, end int) (from, to int, ok bool) {
	to, ok = p.after(buf, end)
	if !ok {
		return 0, 0, false
	}
	from, ok = p.before(buf, start)
	if !ok {
		return 0, 0, false
	}
	switch p.kind {
	case risk.TermBrand, risk.TermProduct:
		return from, to, !touchesWord(buf, from, to)
	case risk.TermADDomain:
		login := loginEnd(buf, to)
		return from, login, login > to && !touchesAccount(buf, from, login)
	}
	return from, to, !touchesAccount(buf, from, to)
}

func (p *phrase) after(buf []byte, at int) (end int, ok bool) {
	for text := p.text[p.to:]; len(text) > 0; {
		n, size := 0, 1
		switch text[0] {
		case gap:
			n = p.gapAfter(buf[at:])
		case '\\':
			n = backslashes(buf[at:])
		default:
			var want, r rune
			var width int
			want, size = utf8.DecodeRune(text)
			if r, width = utf8.DecodeRune(buf[at:]); foldSign(foldRune(r)) == want {
				n = width
			}
		}
		if n == 0 {
			return 0, false
		}
		text, at = text[size:], at+n
	}
	return at, true
}

func (p *phrase) before(buf []byte, at int) (start int, ok bool) {
	for text := p.text[:p.from]; len(text) > 0; {
		n, size := 0, 1
		switch text[len(text)-1] {
		case gap:
			n = p.gapBefore(buf[:at])
		case '\\':
			for n < 2 && n < at && buf[at-1-n] == '\\' {
				n++
			}
		default:
			var want, r rune
			var width int
			want, size = utf8.DecodeLastRune(text)
			if r, width = utf8.DecodeLastRune(buf[:at]); foldSign(foldRune(r)) == want {
				n = width
			}
		}
		if n == 0 {
			return 0, false
		}
		text, at = text[:len(text)-size], at-n
	}
	return at, true
}

func (p *phrase) inGap(r rune) bool {
	return strings.ContainsRune(gapRunes, r) || len(p.signs) > 0 && bytes.ContainsRune(p.signs, foldSign(r))
}

func (p *phrase) gapAfter(b []byte) int {
	n := 0
	for n < len(b) {
		r, size := utf8.DecodeRune(b[n:])
		if !p.inGap(r) {
			break
		}
		n += size
	}
	return n
}

func (p *phrase) gapBefore(b []byte) int {
	n := 0
	for n < len(b) {
		r, size := utf8.DecodeLastRune(b[:len(b)-n])
		if !p.inGap(r) {
			break
		}
		n += size
	}
	return n
}

// backslashes accepts one, or two where the text is escaped.
func backslashes(b []byte) int {
	n := 0
	for n < 2 && n < len(b) && b[n] == '\\' {
		n++
	}
	return n
}

// touchesWord reports that buf[start:end] goes on in a letter or digit on either side.
func touchesWord(buf []byte, start, end int) bool {
	if r, n := utf8.DecodeLastRune(buf[:start]); n > 0 && wordRune(r, n) {
		return true
	}
	r, n := utf8.DecodeRune(buf[end:])
	return n > 0 && wordRune(r, n)
}

// accountRune reports characters that an account is made of. A slash is not one: accounts stand in paths.
func accountRune(r rune, n int) bool {
	switch r {
	case '.', '_', '-', '+', '@', '\\', '$':
		return true
	}
	return wordRune(r, n)
}

// touchesAccount reports that an account goes on beyond buf[start:end]; a full stop that ends a sentence does not
// count.
func touchesAccount(buf []byte, start, end int) bool {
	if r, n := utf8.DecodeLastRune(buf[:start]); n > 0 && accountRune(r, n) {
		return true
	}
	for end < len(buf) && buf[end] == '.' {
		end++
	}
	r, n := utf8.DecodeRune(buf[end:])
	return n > 0 && accountRune(r, n)
}

// loginEnd gives the end of the user name that begins at start, without trailing dots.
func loginEnd(buf []byte, start int) int {
	end := start
	for end < len(buf) {
		r, n := utf8.DecodeRune(buf[end:])
		if r == '@' || r == '\\' || !accountRune(r, n) {
			break
		}
		end += n
	}
	for end > start && buf[end-1] == '.' {
		end--
	}
	return end
}
