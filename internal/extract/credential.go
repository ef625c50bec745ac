package extract

import (
	"bytes"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// fields are the parts of a line, as spans of the bytes that it was read from.
type fields struct {
	format                   risk.Format
	url, host, login, secret span
	weak                     bool // the separators also stand in sentences: counts only when something else speaks for it
}

// readLine reads one line of a list: url:login:password in its variants, the same turned round, or login:password.
func (r *reader) readLine(line span) (record, bool) {
	f, ok := r.fieldsOf(line)
	if !ok || f.weak && !r.trusted(f, line) {
		return record{}, false
	}
	rec := r.credential(f, line)
	return rec, !rec.login.empty() || !rec.secret.Empty()
}

func (r *reader) credential(f fields, whole span) record {
	rec := record{kind: risk.KindCredential, format: f.format, whole: whole, url: f.url, host: f.host, login: f.login}
	if isPlaceholder(f.login.of(r.data)) {
		rec.login = span{}
	}
	secret := f.secret.of(r.data)
	if f.format != risk.FormatCombolist || !isMissingHash(secret) {
		rec.secret = secretOf(secret)
	}
	return rec
}

func (r *reader) fieldsOf(line span) (fields, bool) {
	b, s := r.data, trim(r.data, line)
	if s.empty() {
		return fields{}, false
	}
	if f, ok := readURLFirst(b, s); ok {
		return f, true
	}
	if f, ok := r.readURLLast(b, s); ok {
		return f, true
	}
	return r.readPair(b, s)
}

// trusted decides on a line whose separators also stand in sentences: it must hold what sentences do not, or stand
// near lines that do.
func (r *reader) trusted(f fields, line span) bool {
	secret := f.secret.of(r.data)
	if bytes.IndexByte(secret, ' ') >= 0 {
		return false
	}
	return looksRandom(secret) || r.inList(f, line, r.before) || r.inList(f, line, r.after)
}

// inList looks a few lines on for one of the same kind that is certain.
func (r *reader) inList(f fields, line span, next func(span) (span, bool)) bool {
	const most = 4
	for range most {
		var ok bool
		if line, ok = next(line); !ok {
			return false
		}
		g, ok := r.fieldsOf(line)
		if !ok || g.format != f.format || g.host.empty() != f.host.empty() {
			return false
		}
		if !g.weak || looksRandom(g.secret.of(r.data)) {
			return true
		}
	}
	return false
}

// readURLFirst reads url:login:password. Scheme, authority and port go first; then the next field is the login and
// ALL the rest is the password, whatever separators it holds.
func readURLFirst(b []byte, s span) (fields, bool) {
	u, ok := readURL(b, s)
	if !ok || u.end == s.end {
		return fields{}, false
	}
	f := fields{format: risk.FormatULP, url: span{s.start, u.end}, host: u.host}
	sep, ok := readSep(b, span{u.end, s.end})
	if !ok {
		return fields{}, false
	}
	login, after, found := cutLogin(b, span{sep.end, s.end}, sep.blank)
	f.login = login
	strong := isAddress(login.of(b)) || bytes.IndexByte(login.of(b), '\\') > 0
	if sep.leans && !(strong && found) {
		return fields{}, false
	}
	if !found {
		// One field only: a login without a password is told from a port, a word or a password by its form.
		return f, strong && u.scheme && !sep.blank
	}
	f.secret = span{after.end, s.end}
	f.weak = sep.leans || !strong && (after.blank || sep.blank && !u.scheme) || !u.scheme && isHostName(login.of(b)) && isHostName(f.secret.of(b))
	if after.leans && !strong || login.empty() && f.secret.empty() {
		return fields{}, false
	}
	return f, validLogin(login.of(b))
}

// readURLLast reads login:password:url.
func (r *reader) readURLLast(b []byte, s span) (fields, bool) {
	start, u, ok := r.trailingURL(b, s)
	if !ok {
		return fields{}, false
	}
	left, before := cutTail(b, span{s.start, start})
	if before.leans || left.empty() {
		return fields{}, false
	}
	f := fields{format: risk.FormatULP, url: span{start, u.end}, host: u.host}
	login, sep, found := cutLogin(b, left, before.blank)
	if !found || sep.leans || login.empty() {
		return fields{}, false
	}
	f.login, f.secret = login, span{sep.end, left.end}
	if sep.blank || before.blank {
		f.weak = sep.blank && !isAddress(login.of(b))
		if bytes.IndexByte(f.secret.of(b), ' ') >= 0 {
			return fields{}, false
		}
	}
	return f, validLogin(login.of(b))
}

// trailingURL finds the address that ends a line: one with a scheme, or a watched host.
func (r *reader) trailingURL(b []byte, s span) (start int, u urlSpan, ok bool) {
	for from := s.start; ; {
		i := bytes.Index(b[from:s.end], []byte("://"))
		if i < 0 {
			break
		}
		start = from + i
		for start > s.start && isLetter(b[start-1]) {
			start--
		}
		if start > s.start+1 && start < from+i && isSep(b[start-1]) {
			u, ok = readURL(b, span{start, s.end})
			end := trim(b, span{u.end, s.end})
			return start, u, ok && (end.empty() || b[end.start] == '|')
		}
		from += i + 3
	}
	i := bytes.LastIndexAny(s.of(b), ":|;\t ")
	if i > 0 && b[s.start+i] == ':' && isPort(b[s.start+i+1:s.end]) {
		i = bytes.LastIndexAny(b[s.start:s.start+i], ":|;\t ")
	}
	if i <= 0 {
		return 0, u, false
	}
	start = s.start + i + 1
	u, ok = readURL(b, span{start, s.end})
	if !ok || u.end != s.end {
		return 0, u, false
	}
	_, _, watched := r.scanner.MatchHost(string(u.host.of(b)))
	return start, u, watched
}

// readToken reads a record that is glued together without blanks in the middle of a text. Sentences do not hold
// these by chance.
func (r *reader) readToken(h match.Hit) (record, bool) {
	const most = 512
	low, high := max(0, h.Start-most), min(len(r.data), h.Start+most)
	start, end := h.Start, h.Start
	for start > low && !endsToken(r.data[start-1]) {
		start--
	}
	for end < high && !endsToken(r.data[end]) {
		end++
	}
	if start == low && (low > 0 || r.cutInFront()) || end == high && (high < len(r.data) || r.block.Trail > 0) {
		return record{}, false
	}
	token := span{start, end}
	f, ok := readURLFirst(r.data, token)
	if !ok {
		f, ok = r.readPair(r.data, token)
	}
	secret := f.secret.of(r.data)
	if !ok || f.weak || f.login.empty() || len(secret) == 0 || holdsAddress(secret) {
		return record{}, false
	}
	return r.credential(f, token), true
}

func endsToken(c byte) bool {
	return isBlank(c) || c == '\n' || c == '"' || c == '<' || c == '>' || c == ',' || c == '(' || c == ')' || c == '`'
}
