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
	realm                    span            // the domain that a login stands apart from
	kind                     risk.SecretKind // where the line says more than the secret itself
	weak                     bool            // the separators also stand in sentences: counts only when something else speaks for it
}

// readLine reads one line of a list: url:login:password in its variants, the same turned round, or login:password.
func (r *reader) readLine(line span) (record, bool) {
	f, ok := r.fieldsOf(line)
	if !ok || f.weak && !r.trusted(f, line) {
		return record{}, false
	}
	return r.credential(f, line)
}

// credential makes a record of fields; those that say nothing make none.
func (r *reader) credential(f fields, whole span) (record, bool) {
	rec := record{kind: risk.KindCredential, format: f.format, whole: whole, url: f.url, host: f.host, login: f.login}
	if isPlaceholder(f.login.of(r.data)) {
		rec.login = span{}
	}
	rec.realm = f.realm
	if !f.realm.empty() {
		rec.account = string(f.realm.of(r.data)) + `\` + string(f.login.of(r.data))
	}
	switch secret := f.secret.of(r.data); {
	case f.kind != risk.SecretNone:
		rec.secret = risk.NewSecret(f.kind, string(secret))
	case f.format != risk.FormatCombolist || !isMissingHash(secret):
		rec.secret = secretOf(secret)
	}
	return rec, !rec.login.empty() || !rec.secret.Empty()
}

func (r *reader) fieldsOf(line span) (fields, bool) {
	b, s := r.data, trim(r.data, line)
	if s.empty() {
		return fields{}, false
	}
	if f, ok := readQuotedURL(b, s); ok {
		return f, true
	}
	if f, ok := readURLFirst(b, s); ok {
		return f, true
	}
	if f, ok := readCommaURL(b, s); ok {
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
	if !ok {
		return fields{}, false
	}
	f := fields{format: risk.FormatULP, url: u.address(s.start), host: u.host}
	if u.end == s.end {
		return f, f.fromUser(b, u)
	}
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
	f.secret = cutCapture(b, span{after.end, s.end})
	f.unquote(b)
	login = f.login
	f.weak = sep.leans || !strong && (after.blank || sep.blank && !u.scheme) || !u.scheme && isHostName(login.of(b)) && isHostName(f.secret.of(b))
	if after.leans && !strong || login.empty() && f.secret.empty() {
		return fields{}, false
	}
	return f, validLogin(login.of(b))
}

// fromUser takes login and password from in front of the host.
func (f *fields) fromUser(b []byte, u urlSpan) bool {
	colon := bytes.IndexByte(u.user.of(b), ':')
	if colon <= 0 {
		return false
	}
	f.login = span{u.user.start, u.user.start + colon}
	f.secret = span{f.login.end + 1, u.user.end}
	return !f.secret.empty()
}

// unquote takes the quotes off login and password where both have them: one alone may belong to a password.
func (f *fields) unquote(b []byte) {
	login, secret := unquote(b, f.login), unquote(b, f.secret)
	if login != f.login && secret != f.secret {
		f.login, f.secret = login, secret
	}
}

// readQuotedURL reads "url","login","password", whatever stands between the quotes, as long as it is always the same.
func readQuotedURL(b []byte, s span) (fields, bool) {
	if b[s.start] != '"' || b[s.end-1] != '"' || schemeLen(b[s.start+1:s.end]) == 0 {
		return fields{}, false
	}
	var at [3]span
	rest := span{s.start + 1, s.end - 1}
	var between []byte
	for i := range at[:2] {
		end := bytes.IndexByte(rest.of(b), '"')
		if end < 0 || rest.start+end+3 > rest.end {
			return fields{}, false
		}
		quote := rest.start + end
		if sep := b[quote+1 : quote+3]; sep[1] != '"' || !isSep(sep[0]) && sep[0] != ',' || i > 0 && !bytes.Equal(sep, between) {
			return fields{}, false
		} else {
			between = sep
		}
		at[i], rest.start = span{rest.start, quote}, quote+3
	}
	at[2] = rest
	u, ok := readURL(b, at[0])
	if !ok || u.end != at[0].end || bytes.Contains(rest.of(b), []byte{'"', between[0], '"'}) {
		return fields{}, false
	}
	return fields{format: risk.FormatULP, url: u.address(at[0].start), host: u.host, login: at[1], secret: at[2]}, validLogin(at[1].of(b))
}

// readCommaURL reads url,login,password, whose login says itself that it is one.
func readCommaURL(b []byte, s span) (fields, bool) {
	first := bytes.IndexByte(s.of(b), ',')
	last := bytes.LastIndexByte(s.of(b), ',')
	if first <= 0 || first == last || schemeLen(s.of(b)) == 0 {
		return fields{}, false
	}
	address, login := span{s.start, s.start + first}, span{s.start + first + 1, s.start + last}
	u, ok := readURL(b, address)
	if !ok || u.end != address.end || !isAddress(login.of(b)) {
		return fields{}, false
	}
	return fields{format: risk.FormatULP, url: u.address(s.start), host: u.host, login: login, secret: span{login.end + 1, s.end}}, true
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
	f := fields{format: risk.FormatULP, url: u.address(start), host: u.host}
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
	return r.credential(f, token)
}

func endsToken(c byte) bool {
	return isBlank(c) || c == '\n' || c == '"' || c == '<' || c == '>' || c == ',' || c == '(' || c == ')' || c == '`'
}
