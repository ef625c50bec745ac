package extract

import (
	"bytes"
	"unicode/utf8"
)

// sepSpan is a separator with the blanks around it.
type sepSpan struct {
	span
	blank bool // a blank alone, which also separates words
	leans bool // as in "host: text": punctuation of a sentence, or a careless list
}

// weak separators also stand in sentences and tables.
func (s sepSpan) weak(b []byte) bool {
	return s.blank || s.leans || bytes.IndexByte(s.of(b), ',') >= 0
}

// readSep reads a separator at the beginning of s.
func readSep(b []byte, s span) (sepSpan, bool) {
	at := s.start
	for at < s.end && b[at] == ' ' {
		at++
	}
	spaced := at > s.start
	if at == s.end || !isSep(b[at]) && b[at] != ',' {
		return sepSpan{span: span{s.start, at}, blank: true}, spaced
	}
	end := at + 1
	for end < s.end && b[end] == ' ' {
		end++
	}
	leans := end > at+1 && !spaced && b[at] != '|' && b[at] != '\t'
	return sepSpan{span: span{s.start, end}, leans: leans}, true
}

// cutLogin cuts the login off the rest of a line. found is false when no separator follows it.
func cutLogin(b []byte, s span, afterBlank bool) (login span, sep sepSpan, found bool) {
	i := bytes.IndexAny(s.of(b), ":|;\t")
	// An address ends at a blank, and so does everything in a line that separates by blanks; a name may hold one.
	sp := bytes.IndexByte(s.of(b), ' ')
	if sp >= 0 && (i < 0 || sp < i && (afterBlank || isAddress(b[s.start:s.start+sp]))) {
		i = sp
	}
	if i < 0 {
		return s, sepSpan{}, false
	}
	login = span{s.start, s.start + i}
	for !login.empty() && b[login.end-1] == ' ' { // "login : password"
		login.end--
	}
	sep, found = readSep(b, span{login.end, s.end})
	return login, sep, found
}

// cutTail takes the last separator off.
func cutTail(b []byte, s span) (left span, sep sepSpan) {
	at := s.end
	for at > s.start && b[at-1] == ' ' {
		at--
	}
	after := at < s.end
	if at == s.start || !isSep(b[at-1]) {
		return span{s.start, at}, sepSpan{span: span{at, s.end}, blank: true}
	}
	left = span{s.start, at - 1}
	for !left.empty() && b[left.end-1] == ' ' {
		left.end--
	}
	spaced := left.end < at-1
	return left, sepSpan{span: span{left.end, s.end}, leans: after && !spaced && b[at-1] != '|'}
}

// validLogin refuses what cannot be typed as a login: sentences, addresses of pages.
func validLogin(b []byte) bool {
	if len(b) > 200 || bytes.Contains(b, []byte("//")) {
		return false
	}
	return bytes.Count(b, []byte{' '}) <= 2 || len(bytes.Trim(b, "+0123456789 ()-/")) == 0
}

// isAddress tells an e-mail address.
func isAddress(b []byte) bool {
	at := bytes.LastIndexByte(b, '@')
	if at <= 0 || b[0] == '/' || !isHostName(b[at+1:]) || hostEnd(b, span{at + 1, len(b)}) != len(b) {
		return false
	}
	for _, c := range b[:at] {
		if !isLocalByte[c] {
			return false
		}
	}
	return true
}

// isLocalByte tells what may stand before the @.
var isLocalByte = func() (is [256]bool) {
	for i := range is {
		c := byte(i)
		is[c] = isLetter(c) || isDigit(c) || c >= utf8.RuneSelf || bytes.IndexByte([]byte(".!#$%&'*+/=?^_`{}~-"), c) >= 0
	}
	return is
}()

// holdsAddress tells a list of addresses or a link from a password.
func holdsAddress(b []byte) bool {
	if bytes.Contains(b, []byte("://")) {
		return true
	}
	for field := range bytes.FieldsFuncSeq(b, func(c rune) bool { return c == ':' || c == ';' || c == '|' }) {
		if isAddress(field) {
			return true
		}
	}
	return false
}
