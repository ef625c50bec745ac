package extract

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// urlSpan is an address at the beginning of a line.
type urlSpan struct {
	user   span // what stands before its @, in front of the host
	host   span
	end    int
	scheme bool
}

// address is the part of it that names no account: what stands before the @ may be a password.
func (u urlSpan) address(start int) span {
	if !u.user.empty() {
		start = u.host.start
	}
	return span{start, u.end}
}

func readURL(b []byte, s span) (urlSpan, bool) {
	n := schemeLen(s.of(b))
	u := urlSpan{scheme: n > 0}
	at := s.start + n
	switch {
	case !u.scheme:
		at = certificateEnd(b, s)
	case bytes.HasPrefix(s.of(b), []byte("android://")):
		// The certificate's base64 before the @ may hold anything that separates elsewhere.
		if i := bytes.IndexByte(b[at:s.end], '@'); i >= 0 {
			at += i + 1
		}
	default:
		u.user = userOf(b, span{at, s.end})
		if !u.user.empty() {
			at = u.user.end + 1
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
	if at < s.end && !isSep(b[at]) && !startsPath(b[at]) {
		return u, false
	}
	u.end = pathEnd(b, span{at, s.end})
	return u, true
}

func startsPath(c byte) bool { return c == '/' || c == '?' || c == '#' }

// certificateEnd steps over the certificate of an Android app whose address lost its scheme: base64, filled up, and @.
func certificateEnd(b []byte, s span) int {
	const shortest = 16
	at := s.start
	for at < s.end && (isLetter(b[at]) || isDigit(b[at]) || b[at] == '+' || b[at] == '/' || b[at] == '-' || b[at] == '_') {
		at++
	}
	filled := at
	for filled < s.end && b[filled] == '=' {
		filled++
	}
	if at-s.start < shortest || filled == at || filled-at > 2 || filled == s.end || b[filled] != '@' {
		return s.start
	}
	return filled + 1
}

// userOf is the name, perhaps with a password, in front of the host. An address that follows a host as its login looks
// the same, but for what comes behind it: a name stands in front of a whole address, and is no host itself.
func userOf(b []byte, s span) span {
	if bytes.IndexByte(s.of(b), '@') < 0 {
		return span{}
	}
	end := s.start
	for end < s.end && !startsPath(b[end]) && b[end] != '|' && b[end] != '\t' && b[end] != ' ' {
		end++
	}
	at := bytes.LastIndexByte(b[s.start:end], '@')
	if at <= 0 {
		return span{}
	}
	user := span{s.start, s.start + at}
	host := span{user.end + 1, hostEnd(b, span{user.end + 1, end})}
	name, _, _ := bytes.Cut(user.of(b), []byte{':'})
	after := portEnd(b, span{host.end, s.end})
	if host.empty() || isHostName(name) || after < s.end && !startsPath(b[after]) {
		return span{}
	}
	return user
}

// schemeLen is the length of "scheme://", 0 when there is none.
func schemeLen(b []byte) int {
	const common = "https://"
	if len(b) > len(common) && string(b[:len(common)]) == common {
		return len(common)
	}
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

func isHostByte(c byte) bool { return hostBytes[c] }

var hostBytes = func() (all [256]bool) {
	for i := range all {
		c := byte(i)
		all[c] = isLetter(c) || isDigit(c) || c == '.' || c == '-' || c == '_' || c >= utf8.RuneSelf
	}
	return all
}()

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
	if isSep(b[at]) && bytes.ContainsAny(b[at+1:s.end], ":|;\t ") {
		return at
	}
	return s.start
}

// mayEndPath are the signs at which pathEnd looks more closely.
var mayEndPath = [256]bool{'?': true, '#': true, '|': true, '\t': true, ' ': true, ':': true, ';': true}

// pathEnd is where path and query end: at the first separator that belongs to neither.
func pathEnd(b []byte, s span) int {
	if s.empty() || isSep(b[s.start]) {
		return s.start
	}
	query := false
	for at := s.start; at < s.end; at++ {
		if !mayEndPath[b[at]] {
			continue
		}
		switch rest := b[at+1 : s.end]; b[at] {
		case '?', '#':
			query = true
		case '|', '\t', ' ':
			return at
		case ':':
			n, inside := colonInPath(b[s.start:at], rest)
			if !inside && !(query && addressFollows(rest)) {
				return at
			}
			at += n
		case ';':
			field := rest
			if i := bytes.IndexAny(rest, ":|;\t "); i >= 0 {
				field = rest[:i]
			}
			if bytes.IndexByte(field, '=') < 0 { // no parameter such as ";jsessionid=1"
				return at
			}
		}
	}
	return s.end
}

// wikiNames are what wikis write before the colon in the address of their sign-in page.
var wikiNames = [][]byte{[]byte("Special"), []byte("Spezial"), []byte("Especial"), []byte("Speciale"), []byte("Spécial")}

// outOfBand is where an app without an address of its own lets itself be sent a code.
var outOfBand = []byte("ietf:wg:oauth:2.0:oob")

// colonInPath says that a colon between two parts of a path or query belongs to it, and how much behind it does so
// in any case: the colon of an address in the query or of a port in that, of a time, of a name such as urn:x, of what
// SharePoint and wikis write. No login begins with a slash.
func colonInPath(before, rest []byte) (further int, inside bool) {
	switch {
	case bytes.HasPrefix(rest, []byte("/")), endsInHost(before) && isPort(rest):
		return 0, true
	case len(rest) > 2 && isLetter(rest[0]) && rest[1] == ':' && rest[2] == '/' && bytes.HasSuffix(before, []byte("/")):
		return 0, true
	case bytes.HasSuffix(before, []byte("urn")) && bytes.HasPrefix(rest, outOfBand):
		return len(outOfBand), true
	case endsInTime(before) && len(rest) >= 2 && isDigit(rest[0]) && isDigit(rest[1]):
		return 0, true
	}
	if len(before) == 0 || before[len(before)-1] != 'l' && before[len(before)-1] != 'e' { // as the names end
		return 0, false
	}
	for _, name := range wikiNames {
		if wiki, found := bytes.CutSuffix(before, name); found && len(wiki) > 0 && (wiki[len(wiki)-1] == '/' || wiki[len(wiki)-1] == '=') {
			return 0, true
		}
	}
	return 0, false
}

// endsInTime tells hours, or hours and minutes, behind a date.
func endsInTime(b []byte) bool {
	for range 2 {
		n := len(b)
		if n < 3 || !isDigit(b[n-1]) || !isDigit(b[n-2]) {
			return false
		}
		if b[n-3] == 'T' {
			return n > 3 && isDigit(b[n-4])
		}
		if b[n-3] != ':' {
			return false
		}
		b = b[:n-3]
	}
	return false
}

// addressFollows says that the login is yet to come: it is an address, and fields stand before it that belong to a
// query, which may hold anything.
func addressFollows(rest []byte) bool {
	const most = 6
	for field := range most {
		i := bytes.IndexByte(rest, ':')
		if i < 0 {
			return false
		}
		if name := rest[:i]; isAddress(name) {
			return field > 0 && len(rest) > i+1
		} else if bytes.IndexByte(name, '\\') >= 0 {
			return false
		}
		rest = rest[i+1:]
	}
	return false
}

// endsInHost says that a path so far ends in an address of its own, as in "?next=https://host".
func endsInHost(b []byte) bool {
	start := len(b)
	for start > 0 && isHostByte(b[start-1]) {
		start--
	}
	return start < len(b) && bytes.HasSuffix(b[:start], []byte("://"))
}

// isPort tells digits that end a field or that a path follows.
func isPort(b []byte) bool {
	digits := 0
	for digits < len(b) && isDigit(b[digits]) {
		digits++
	}
	return digits > 0 && digits <= 5 && (digits == len(b) || b[digits] == '/')
}
