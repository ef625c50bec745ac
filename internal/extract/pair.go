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
	if answer, ok := r.readNetNTLM(b, s); ok {
		return answer, true
	}
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

// watchedAccount tells an account that needs no @ to be one: a named one, or a login in a watched domain.
func (r *reader) watchedAccount(login []byte) bool {
	if _, kind, ok := r.scanner.FindAccount(login); ok {
		return kind == risk.MatchAccount
	}
	realm, name, _ := bytes.Cut(login, []byte{'\\'})
	if len(name) == 0 || !isHostName(realm) {
		return false
	}
	_, _, ok := r.scanner.FindHost(realm)
	return ok
}

// findAccount is the scanner's answer, and that for the domain of a login such as stmary.hospital\jdoe.
func (r *reader) findAccount(account []byte) (term int, kind risk.MatchKind, ok bool) {
	if term, kind, ok = r.scanner.FindAccount(account); ok {
		return term, kind, ok
	}
	if realm, name, _ := bytes.Cut(account, []byte{'\\'}); len(name) > 0 && bytes.IndexByte(realm, '.') > 0 {
		return r.scanner.FindHost(realm)
	}
	return 0, "", false
}

// readNetNTLM reads what a listener on the network writes down of a sign-in: user::domain:challenge:answer.
func (r *reader) readNetNTLM(b []byte, s span) (fields, bool) {
	i := bytes.Index(s.of(b), []byte("::"))
	if i <= 0 {
		return fields{}, false
	}
	f := fields{format: risk.FormatCombolist, login: span{s.start, s.start + i}, kind: risk.SecretNetNTLM}
	f.secret = span{f.login.end + 2, s.end}
	colon := bytes.IndexByte(f.secret.of(b), ':')
	if colon < 0 || !isNetNTLM(b[f.secret.start+colon+1:f.secret.end]) || !validLogin(f.login.of(b)) {
		return fields{}, false
	}
	realm := span{f.secret.start, f.secret.start + colon}
	if r.watchedAccount(f.login.of(b)) {
		return f, true
	}
	f.realm = realm
	return f, r.watchedAccount([]byte(string(realm.of(b)) + `\` + string(f.login.of(b))))
}

// finishPair takes quotes and what a checker appended off a pair.
func (r *reader) finishPair(b []byte, f fields) fields {
	if nt, ok := ntHash(b, f.secret); ok {
		f.kind, f.secret = risk.SecretNTLM, nt
		return f
	}
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

// cutCapture cuts " | key = value …" and " | key: value …", which checkers of stolen accounts append, off a password.
func cutCapture(b []byte, s span) span {
	for from := s.start; ; {
		i := bytes.Index(b[from:s.end], []byte(" | "))
		if i < 0 {
			return s
		}
		field := b[from+i+3 : s.end]
		key, _, found := bytes.Cut(field, []byte{'='})
		if !found {
			key, _, found = bytes.Cut(field, []byte(": "))
		}
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
