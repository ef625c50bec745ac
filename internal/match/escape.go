package match

import (
	"bytes"
	"html"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// escape is a way of writing a character by others: as in URLs (%40), HTML (&#64;), JSON and JavaScript (\u0040),
// quoted-printable mail (=40), or as people write addresses that nobody shall click or gather (jdoe[at]hospital[.]example).
type escape struct {
	start, end int // where it stands
	text       [utf8.UTFMax]byte
	size       int // of text; 0 for a line end that belongs to the writing
	kind       escapeKind
}

// escapeKind says how much an escape decides.
type escapeKind byte

const (
	escapeNone   escapeKind = iota
	escapeSure              // what stands beside it is read as decoded only
	escapeMaybe             // it may be what it looks like: C:\new, password=40
	escapeByte              // a byte that is no UTF-8, taken for Windows-1252
	escapeForm              // a letter and its accent, written as two characters
	escapeHidden            // a character that shows nothing
	escapeLooks             // a letter of another script in a word of ASCII letters
)

func (e *escape) set(r rune) { e.size = utf8.EncodeRune(e.text[:], r) }

func (e *escape) setByte(b byte) { e.text[0], e.size = b, 1 }

// mayEscape refuses most of the places at which an escape could begin, at a glance.
func mayEscape(b []byte, at int) bool {
	if at+2 >= len(b) {
		return false
	}
	next, third := b[at+1], b[at+2]
	switch b[at] {
	case '%':
		return isHex(next) && isHex(third) || next|0x20 == 'u'
	case '&':
		return next == '#' && isWord(third) || endsEntity(b[at+1:])
	case '\\':
		return mayBackslash(next, third)
	case '=':
		if next == '\n' || next == '\r' {
			return at == 0 || b[at-1] != '=' // a rule of ===== is no quoted text, and there are many
		}
		return isUpperHex(next) && isUpperHex(third)
	}
	switch next | 0x20 {
	case 'a':
		return third|0x20 == 't'
	case 'd':
		return third|0x20 == 'o'
	default:
		return (next == '.' || next == '@' || next == ':') && third == b[at]+closes(b[at])
	}
}

// endsEntity reports that b begins with a short word and a semicolon.
func endsEntity(b []byte) bool {
	for i, x := range b[:min(len(b), maxEntity+1)] {
		if !isWord(x) {
			return i > 0 && x == ';'
		}
	}
	return false
}

func mayBackslash(next, third byte) bool {
	switch next {
	case '\\', '.', '-', '_', '@':
		return true
	case 'u', 'x':
		return isHex(third)
	case 'n', 't', 'r', 'b', 'f', 'v':
		return runByte(third)
	}
	return false
}

// readEscape reads the escape whose sign is b[at]; q goes with b.
func readEscape(b []byte, at int, q *quoted) (e escape, ok bool) {
	e.start = at
	switch b[at] {
	case '%':
		return e, e.readPercent(b)
	case '&':
		return e, e.readEntity(b)
	case '\\':
		return e, e.readBackslash(b)
	case '=':
		return e, e.readQuoted(b) && q.near(b, at)
	}
	return e, e.readBracket(b)
}

// readPercent reads %40, %2540 and so on, and %u0040.
func (e *escape) readPercent(b []byte) bool {
	const most = 4 // times that a URL is escaped
	e.kind = escapeSure
	at := e.start + 1
	for range most {
		rest := b[at:]
		if len(rest) >= 4 && rest[0] == '2' && rest[1] == '5' && isHex(rest[2]) && isHex(rest[3]) {
			at += 2
			continue
		}
		break
	}
	if e.readByte(b, at, "%") {
		return e.text[0] != '%'
	}
	if at < len(b) && b[at]|0x20 == 'u' {
		if v, ok := hexValue(b, at+1, 4); ok {
			e.set(rune(v))
			e.end = at + 5
			return true
		}
	}
	return false
}

// readByte reads two digits, and those of the bytes behind them that make one character of UTF-8 with them. A byte
// ≥ 0x80 that is none is taken for Windows-1252.
func (e *escape) readByte(b []byte, at int, sign string) bool {
	v, ok := hexValue(b, at, 2)
	if !ok {
		return false
	}
	e.end = at + 2
	if v < utf8.RuneSelf {
		e.setByte(byte(v))
		return true
	}
	raw := [utf8.UTFMax]byte{byte(v)}
	for n, next := 1, e.end; n < len(raw); n++ {
		v, ok := hexValue(b, next+len(sign), 2)
		if !ok || !bytes.HasPrefix(b[next:], []byte(sign)) {
			break
		}
		raw[n] = byte(v)
		next += len(sign) + 2
		if r, size := utf8.DecodeRune(raw[:n+1]); size == n+1 {
			e.set(r)
			e.end = next
			return true
		}
	}
	e.set(charmap.Windows1252.DecodeByte(raw[0]))
	return true
}

// entities are the named ones that can stand in a name, an account or between the words of a name.
var entities = func() map[string]rune {
	m := map[string]rune{}
	const names = `amp commat period colon sol bsol lowbar hyphen dash ndash apos rsquo nbsp plus num dollar
		Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde
		Ograve Oacute Ocirc Otilde Ouml Oslash Ugrave Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde
		auml aring aelig ccedil egrave eacute ecirc euml igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde
		ouml oslash ugrave uacute ucirc uuml yacute thorn yuml OElig oelig Scaron scaron Yuml Zcaron zcaron`
	for _, name := range strings.Fields(names) {
		r, _ := utf8.DecodeRuneInString(html.UnescapeString("&" + name + ";"))
		m[name] = r
	}
	return m
}()

// maxEntity is the length of the longest name in entities.
const maxEntity = 8

// readEntity reads &#64; &#x40; &commat; and the same behind &amp; where a text was escaped more than once.
func (e *escape) readEntity(b []byte) bool {
	const most = 4
	e.kind = escapeSure
	at := e.start + 1
	for range most {
		rest := b[at:]
		if !bytes.HasPrefix(rest, []byte("amp;")) || !isEntity(rest[4:]) {
			break
		}
		at += 4
	}
	if at < len(b) && b[at] == '#' {
		return e.readNumber(b, at+1)
	}
	end := at
	for end < len(b) && end-at < maxEntity && isWord(b[end]) {
		end++
	}
	r, known := entities[string(b[at:end])]
	if !known || end == len(b) || b[end] != ';' {
		return false
	}
	e.set(r)
	e.end = end + 1
	return true
}

// isEntity tells what follows the sign of an entity, or looks so.
func isEntity(b []byte) bool {
	if len(b) > 0 && b[0] == '#' {
		return true
	}
	end := 0
	for end < len(b) && end < maxEntity && isWord(b[end]) {
		end++
	}
	_, known := entities[string(b[:end])]
	return known && end < len(b) && b[end] == ';'
}

func (e *escape) readNumber(b []byte, at int) bool {
	base, digits := rune(10), 0
	if at < len(b) && b[at]|0x20 == 'x' {
		base = 16
		at++
	}
	r := rune(0)
	for ; at < len(b) && digits < 7 && isHex(b[at]) && (base == 16 || b[at]-'0' < 10); at++ {
		r = r*base + rune(hexDigit(b[at]))
		digits++
	}
	if digits == 0 || !utf8.ValidRune(r) {
		return false
	}
	if at < len(b) && b[at] == ';' {
		at++
	}
	e.set(r)
	e.end = at
	return true
}

// controls are the letters that stand for a character between lines and columns.
const controls = "ntrbfv"

// readBackslash reads \u0040, \x40 and what else hides the beginning or the inside of a name: \n in front of it, the
// escaped dots of patterns and of Markdown.
func (e *escape) readBackslash(b []byte) bool {
	const most = 4
	e.kind = escapeMaybe
	at := e.start
	for at < len(b) && at-e.start < most && b[at] == '\\' {
		at++
	}
	if at == len(b) || at-e.start == most {
		return false
	}
	switch c := b[at]; {
	case c == 'u':
		return e.readUnicode(b, at+1)
	case c == 'x':
		return e.readByte(b, at+1, `\x`)
	case c == '.' || c == '-' || c == '_' || c == '@':
		e.setByte(c)
	case strings.IndexByte(controls, c) >= 0 && at+1 < len(b) && runByte(b[at+1]):
		e.setByte('\n')
	default:
		return false
	}
	e.end = at + 1
	return true
}

func (e *escape) readUnicode(b []byte, at int) bool {
	v, ok := hexValue(b, at, 4)
	if !ok {
		return false
	}
	e.kind = escapeSure
	e.end = at + 4
	r := rune(v)
	if utf16.IsSurrogate(r) {
		low, ok := hexValue(b, at+6, 4)
		if !ok || b[at+4] != '\\' || b[at+5] != 'u' {
			return false
		}
		r = utf16.DecodeRune(r, rune(low))
		e.end = at + 10
	}
	e.set(r)
	return true
}

// quotedNear is how far around an escape of quoted-printable a sign is looked for that it is one.
const quotedNear = 1 << 10

// readQuoted reads quoted-printable; in the text around it there must be other signs of it.
func (e *escape) readQuoted(b []byte) bool {
	e.kind = escapeMaybe
	at := e.start + 1
	switch {
	case bytes.HasPrefix(b[at:], []byte("\n")):
		e.end = at + 1
	case bytes.HasPrefix(b[at:], []byte("\r\n")):
		e.end = at + 2
	default:
		if !e.readByte(b, at, "=") || !isUpperHex(b[at]) || !isUpperHex(b[at+1]) {
			return false
		}
	}
	return true
}

// quoted remembers where signs of quoted-printable stand in a text that is read from its beginning to its end.
type quoted struct {
	read int // up to here signs were looked for
	last int // one more than the place of the last one that was found
}

var quotedSigns = [][]byte{[]byte("=3D"), []byte("=20"), []byte("=C3="), []byte("uoted-printable"), []byte("UOTED-PRINTABLE")}

// near reports a sign around b[at]; at is no less than it was before.
func (q *quoted) near(b []byte, at int) bool {
	from, to := max(0, at-quotedNear), min(len(b), at+quotedNear)
	for _, sign := range quotedSigns {
		start := max(from, q.read-len(sign)+1)
		for start < to {
			i := bytes.Index(b[start:to], sign)
			if i < 0 {
				break
			}
			start += i + 1
			q.last = max(q.last, start)
		}
	}
	q.read = max(q.read, to)
	return q.last > from
}

// readBracket reads [.] (dot) [at] and their like, with blanks around a word.
func (e *escape) readBracket(b []byte) bool {
	at := e.start
	inner := b[at+1 : min(len(b), at+6)]
	n := bytes.IndexByte(inner, b[at]+closes(b[at]))
	if n <= 0 {
		return false
	}
	e.kind = escapeSure
	e.end = at + n + 2
	switch word := inner[:n]; {
	case n == 1 && (word[0] == '.' || word[0] == '@' || word[0] == ':'):
		e.setByte(word[0])
		return true
	case bytes.EqualFold(word, []byte("dot")):
		e.setByte('.')
	case bytes.EqualFold(word, []byte("at")):
		e.setByte('@')
	default:
		return false
	}
	if e.start > 0 && b[e.start-1] == ' ' {
		e.start--
		e.kind = escapeMaybe
	}
	if e.end < len(b) && b[e.end] == ' ' {
		e.end++
		e.kind = escapeMaybe
	}
	return true
}

// closes is how far behind an opening bracket its closing one is.
func closes(b byte) byte {
	if b == '(' {
		return 1
	}
	return 2
}

func hexValue(b []byte, at, n int) (v uint32, ok bool) {
	if at+n > len(b) {
		return 0, false
	}
	for _, c := range b[at : at+n] {
		if !isHex(c) {
			return 0, false
		}
		v = v<<4 | uint32(hexDigit(c))
	}
	return v, true
}

func isUpperHex(c byte) bool { return c-'0' < 10 || c-'A' < 6 }

func hexDigit(c byte) byte {
	if c-'0' < 10 {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

// Unescape appends src to dst with its escapes decoded, hxxp:// as http:// and \/ as a slash. Scan finds what is watched
// in text as it is decoded here.
func Unescape(dst, src []byte) []byte {
	if len(src) > 6 && bytes.EqualFold(src[:4], []byte("hxxp")) {
		dst = append(dst, "http"...)
		src = src[4:]
	}
	for {
		at := bytes.IndexAny(src, escapeSigns)
		if at < 0 {
			return append(dst, src...)
		}
		var q quoted
		if src[at] == '\\' && at+1 < len(src) && src[at+1] == '/' {
			dst = append(dst, src[:at]...)
			src = src[at+1:]
			continue
		}
		e, ok := readEscape(src, at, &q)
		if !ok {
			dst = append(dst, src[:at+1]...)
			src = src[at+1:]
			continue
		}
		dst = append(dst, src[:e.start]...)
		dst = append(dst, e.text[:e.size]...)
		src = src[e.end:]
	}
}

// escapeSigns are what escapes begin with.
const escapeSigns = `%&\=[(`
