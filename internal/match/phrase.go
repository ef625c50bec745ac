package match

import (
	"math"
	"strings"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
)

// phrase is a term that is found by one of its words, the anchor, and then compared around it.
type phrase struct {
	kind   risk.TermKind
	text   []rune // folded; gap stands for what separates two words of a name
	from   int    // the anchor is text[from:to]
	to     int
	signs  string // punctuation that may stand in a gap, because the name is written with it
	anchor string
	term   int32
}

// gap is a run of spaces, hyphens and underscores.
const gap rune = -1

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

// newName folds a brand or product. Spaces, hyphens and underscores between its words become gaps; punctuation that is
// written without any of them (AT&T) is kept as it stands.
func newName(t risk.WatchTerm, term int32) (phrase, error) {
	p := phrase{kind: t.Kind, term: term}
	var between []rune
	for _, r := range t.Value {
		if !letter(r) {
			between = append(between, foldSign(r))
			continue
		}
		if len(p.text) > 0 && len(between) > 0 {
			p.addGap(string(between))
		}
		between = between[:0]
		p.text = append(p.text, foldRune(r))
	}
	return p, p.chooseAnchor(t)
}

func (p *phrase) addGap(between string) {
	if !strings.ContainsAny(between, gapRunes) {
		p.text = append(p.text, []rune(between)...)
		return
	}
	p.text = append(p.text, gap)
	for _, r := range between {
		if !strings.ContainsRune(gapRunes, r) {
			p.signs += string(r)
		}
	}
}

func foldSign(r rune) rune {
	if r == '’' || r == 'ʼ' {
		return '\''
	}
	return r
}

// newLogin folds a named account or an AD domain, which are compared as they are written but for case.
func newLogin(t risk.WatchTerm, term int32) (phrase, error) {
	p := phrase{kind: t.Kind, term: term, text: []rune(foldText(t.Value))}
	if t.Kind == risk.TermADDomain {
		p.text = append(p.text, '\\')
	}
	return p, p.chooseAnchor(t)
}

// chooseAnchor takes the longest word that is not a stop word; a word in ASCII before one that is not, because those
// are read rune by rune.
func (p *phrase) chooseAnchor(t risk.WatchTerm) error {
	best := math.MinInt
	for i := 0; i < len(p.text); {
		if !letter(p.text[i]) {
			i++
			continue
		}
		j := i
		for j < len(p.text) && letter(p.text[j]) {
			j++
		}
		word := string(p.text[i:j])
		value := min(j-i, 40)
		if asciiOnly([]byte(word)) {
			value += 100
		}
		if stopWords[word] || j-i < 4 {
			value -= 60
		}
		if value > best {
			best, p.from, p.to, p.anchor = value, i, j, word
		}
		i = j
	}
	if p.anchor == "" {
		return risk.Invalid("value", "%q holds no letter or digit to look for.", t.Value)
	}
	return nil
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
	for _, i := range c.s.anchors[string(c.fold)] {
		if p := &c.s.phrases[i]; p.kind == termIPv6 {
			c.tryIPv6(start)
		} else if from, to, ok := p.around(c.buf, start, end); ok {
			c.hits = append(c.hits, Hit{Start: from, End: to, Term: int(p.term), Kind: p.match()})
		}
	}
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
	for _, want := range p.text[p.to:] {
		n := 0
		switch want {
		case gap:
			n = p.gapAfter(buf[at:])
		case '\\':
			n = backslashes(buf[at:])
		default:
			if r, size := utf8.DecodeRune(buf[at:]); foldSign(foldRune(r)) == want {
				n = size
			}
		}
		if n == 0 {
			return 0, false
		}
		at += n
	}
	return at, true
}

func (p *phrase) before(buf []byte, at int) (start int, ok bool) {
	for i := p.from - 1; i >= 0; i-- {
		n := 0
		switch want := p.text[i]; want {
		case gap:
			n = p.gapBefore(buf[:at])
		case '\\':
			for n < 2 && n < at && buf[at-1-n] == '\\' {
				n++
			}
		default:
			if r, size := utf8.DecodeLastRune(buf[:at]); foldSign(foldRune(r)) == want {
				n = size
			}
		}
		if n == 0 {
			return 0, false
		}
		at -= n
	}
	return at, true
}

func (p *phrase) inGap(r rune) bool {
	return strings.ContainsRune(gapRunes, r) || p.signs != "" && strings.ContainsRune(p.signs, foldSign(r))
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
