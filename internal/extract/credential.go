package extract

import (
	"bytes"
	"strconv"
	"unicode/utf8"

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
	return r.credential(f, line), true
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
	if !ok || sep.leans {
		return fields{}, false
	}
	login, after, found := cutLogin(b, span{sep.end, s.end}, sep.blank)
	f.login = login
	strong := isAddress(login.of(b)) || bytes.IndexByte(login.of(b), '\\') > 0
	if !found {
		// One field only: a login without a password is told from a port, a word or a password by its form.
		return f, strong && u.scheme && !sep.blank
	}
	f.secret = span{after.end, s.end}
	f.weak = !strong && (after.blank || sep.blank && !u.scheme)
	if after.leans && !strong || login.empty() && f.secret.empty() {
		return fields{}, false
	}
	return f, validLogin(login.of(b))
}

// urlSpan is an address at the beginning of a line.
type urlSpan struct {
	host   span
	end    int
	scheme bool
}

func readURL(b []byte, s span) (urlSpan, bool) {
	n := schemeLen(s.of(b))
	u := urlSpan{scheme: n > 0}
	at := s.start + n
	if bytes.HasPrefix(s.of(b), []byte("android://")) {
		// The certificate's base64 before the @ may hold anything that separates elsewhere.
		if i := bytes.IndexByte(b[at:s.end], '@'); i >= 0 {
			at += i + 1
		}
	}
	u.host = span{at, hostEnd(b, span{at, s.end})}
	if u.host.empty() || !u.scheme && !isHostName(u.host.of(b)) {
		return u, false
	}
	at = portEnd(b, span{u.host.end, s.end})
	if b[u.host.start] == '[' {
		u.host = span{u.host.start + 1, u.host.end - 1}
	}
	if at < s.end && !isSep(b[at]) && b[at] != '/' && b[at] != '?' && b[at] != '#' {
		return u, false
	}
	u.end = pathEnd(b, span{at, s.end})
	return u, true
}

// schemeLen is the length of "scheme://", 0 when there is none.
func schemeLen(b []byte) int {
	for i, c := range b {
		switch {
		case isLetter(c) || i > 0 && (isDigit(c) || c == '+' || c == '-' || c == '.'):
		case c == ':' && i > 0 && i < 24 && bytes.HasPrefix(b[i:], []byte("://")):
			return i + 3
		default:
			return 0
		}
	}
	return 0
}

func hostEnd(b []byte, s span) int {
	if !s.empty() && b[s.start] == '[' {
		if i := bytes.IndexByte(s.of(b), ']'); i > 0 {
			return s.start + i + 1
		}
	}
	at := s.start
	for at < s.end && isHostByte(b[at]) {
		at++
	}
	return at
}

func isHostByte(c byte) bool {
	return isLetter(c) || isDigit(c) || c == '.' || c == '-' || c == '_' || c >= utf8.RuneSelf
}

// isHostName tells a dotted name whose last label is no number, or an IPv4 address, from any other word.
func isHostName(b []byte) bool {
	dot := bytes.LastIndexByte(b, '.')
	if dot <= 0 || dot == len(b)-1 || b[0] == '.' || b[0] == '-' || bytes.Contains(b, []byte("..")) {
		return false
	}
	last := b[dot+1:]
	if isLetter(last[0]) || last[0] >= utf8.RuneSelf {
		return len(last) >= 2
	}
	return bytes.Count(b, []byte{'.'}) == 3 && len(bytes.Trim(b, "0123456789.")) == 0
}

// portEnd steps over ":port". Digits are a port when a path follows them, or when login and password still do;
// otherwise they are themselves the login.
func portEnd(b []byte, s span) int {
	if s.empty() || b[s.start] != ':' {
		return s.start
	}
	at := s.start + 1
	for at < s.end && isDigit(b[at]) {
		at++
	}
	n, err := strconv.Atoi(string(b[s.start+1 : at]))
	if err != nil || n > 65535 {
		return s.start
	}
	if at == s.end || b[at] == '/' || b[at] == '?' || b[at] == '#' {
		return at
	}
	if isSep(b[at]) && bytes.IndexAny(b[at+1:s.end], ":|;\t ") >= 0 {
		return at
	}
	return s.start
}

// pathEnd is where path and query end: at the first separator that is not part of an address inside the query, of a
// port in it, or of a parameter such as ";jsessionid=1".
func pathEnd(b []byte, s span) int {
	if s.empty() || isSep(b[s.start]) {
		return s.start
	}
	for at := s.start; at < s.end; at++ {
		switch rest := b[at+1 : s.end]; b[at] {
		case '|', '\t', ' ':
			return at
		case ':':
			if !bytes.HasPrefix(rest, []byte("//")) && !isPortAndPath(rest) {
				return at
			}
		case ';':
			field := rest
			if i := bytes.IndexAny(rest, ":|;\t "); i >= 0 {
				field = rest[:i]
			}
			if bytes.IndexByte(field, '=') < 0 {
				return at
			}
		}
	}
	return s.end
}

func isPortAndPath(b []byte) bool {
	digits := 0
	for digits < len(b) && isDigit(b[digits]) {
		digits++
	}
	return digits > 0 && digits <= 5 && digits < len(b) && b[digits] == '/'
}

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
	if at <= 0 || !isHostName(b[at+1:]) || hostEnd(b, span{at + 1, len(b)}) != len(b) {
		return false
	}
	for _, c := range b[:at] {
		if !isLetter(c) && !isDigit(c) && c < utf8.RuneSelf && bytes.IndexByte([]byte(".!#$%&'*+/=?^_`{}~-"), c) < 0 {
			return false
		}
	}
	return true
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
