package extract

import (
	"bytes"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
)

// readPair reads login:password. Without an address in front, the login must be one that says so itself: an e-mail
// address, or an account that is watched.
func (r *reader) readPair(b []byte, s span) (fields, bool) {
	s = unquote(b, s)
	f := fields{format: risk.FormatCombolist}
	i := bytes.IndexAny(s.of(b), ":;|,\t ")
	if i <= 0 {
		return f, false
	}
	f.login = span{s.start, s.start + i}
	sep, _ := readSep(b, span{f.login.end, s.end})
	f.weak = sep.weak(b)
	f.secret = span{sep.end, s.end}
	login := unquote(b, f.login).of(b)
	switch {
	case isAddress(login):
		return r.finishPair(b, f), !isTable(b[f.login.end], f.secret.of(b))
	case r.watchedAccount(login):
		return r.finishPair(b, f), true
	case f.weak:
		return f, false
	}
	// id:address:password
	second, after, found := cutLogin(b, f.secret, false)
	if !found || after.weak(b) || !isAddress(second.of(b)) {
		return f, false
	}
	f.login, f.secret = second, span{after.end, s.end}
	return r.finishPair(b, f), true
}

// isTable tells a row of more columns than two, which does not say which of them is the password, and a row of
// addresses, from an address and its password.
func isTable(sep byte, rest []byte) bool {
	return sep == ',' && bytes.IndexByte(rest, ',') >= 0 || sep != ':' && sep != '|' && holdsAddress(rest)
}

func (r *reader) watchedAccount(login []byte) bool {
	_, kind, ok := r.scanner.MatchAccount(string(login))
	return ok && kind == risk.MatchAccount
}

// finishPair takes quotes and what a checker appended off a pair.
func (r *reader) finishPair(b []byte, f fields) fields {
	f.secret = cutCapture(b, f.secret)
	f.login, f.secret = unquote(b, f.login), unquote(b, trim(b, f.secret))
	if f.secret.empty() {
		f.weak = true // "jdoe@lab.example:" also opens an answer
	}
	return f
}

// unquote takes one pair of quotes off.
func unquote(b []byte, s span) span {
	if s.end-s.start < 2 {
		return s
	}
	q := b[s.start]
	inner := span{s.start + 1, s.end - 1}
	if q != '"' && q != '\'' || b[s.end-1] != q || bytes.IndexByte(inner.of(b), q) >= 0 {
		return s
	}
	return inner
}

// cutCapture cuts " | key = value …", which checkers of stolen accounts append, off a password.
func cutCapture(b []byte, s span) span {
	for from := s.start; ; {
		i := bytes.Index(b[from:s.end], []byte(" | "))
		if i < 0 {
			return s
		}
		key, _, found := bytes.Cut(b[from+i+3:s.end], []byte{'='})
		if found && isCaptureKey(bytes.TrimSpace(key)) {
			return span{s.start, from + i}
		}
		from += i + 3
	}
}

func isCaptureKey(b []byte) bool {
	for _, c := range b {
		if !isLetter(c) && !isDigit(c) && bytes.IndexByte([]byte(" _-."), c) < 0 && c < utf8.RuneSelf {
			return false
		}
	}
	return len(b) > 0 && len(b) <= 40
}
