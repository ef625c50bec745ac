package extract

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

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
	if isSep(b[at]) && bytes.ContainsAny(b[at+1:s.end], ":|;\t ") {
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
			if !bytes.HasPrefix(rest, []byte("//")) && !(endsInHost(b[s.start:at]) && isPort(rest)) {
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
