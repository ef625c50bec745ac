package match

import (
	"bytes"
	"math/bits"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
)

// maxHost bounds the part of a host token that is folded: no name in the table is longer.
const maxHost = 253

func isLabel(b byte) bool {
	return isWord(b) || b == '.' || b == '-' || b == '_'
}

func isWord(b byte) bool {
	return b|0x20-'a' < 26 || b-'0' < 10
}

// tryHost compares the ASCII host token that ends at end, if a watched name ends as it does. Tokens that go on in other
// characters are left to readHigh.
func (c *cursor) tryHost(end int) {
	if !c.endsLikeWatched(end) {
		return
	}
	start, ok := c.tokenAround(end)
	if !ok {
		return
	}
	c.fold = appendLower(c.fold[:0], c.buf[max(start, end-maxHost-1):end])
	if terms, sub := c.s.findSuffix(c.s.exact, c.fold); terms != nil {
		c.emit(start, end, terms, exactOr(sub))
	} else if terms, _ := c.s.findSuffix(c.s.alike, c.fold); terms != nil {
		c.emit(start, end, terms, risk.MatchLookalike)
	}
}

// stripDots takes the dots off the end of a token that holds something else.
func (c *cursor) stripDots(end int) int {
	for c.buf[end-1] == '.' {
		end--
	}
	return end
}

// shortLabel bounds second-level labels that are taken for a part of the top-level domain, as in co.uk: names that end
// so are keyed by three labels, others by two, so that one key does for nearly all.
const shortLabel = 4

// deepKey is the key of the last three labels of a name that is found by its last two: it tells a host on a domain
// that many have (vpn.cloud.example) from all others there.
func deepKey(three []byte) uint64 { return mix(keyOf(three)) }

// endsLikeWatched looks up the keys of the token that ends at end.
func (c *cursor) endsLikeWatched(end int) bool {
	s, l := c.s, labelsBefore(c.buf, end)
	if l.short() {
		if in, _ := s.hostKeys.find(keyOf(lastBytes(c.buf[:end], l.three()))); in || !s.shortNames {
			return in
		}
	}
	in, whole := s.hostKeys.find(keyOf(lastBytes(c.buf[:end], l.two())))
	if in && !whole {
		in, _ = s.hostKeys.find(deepKey(lastBytes(c.buf[:end], l.three())))
	}
	return in
}

func lastBytes(b []byte, n int) []byte { return b[max(len(b)-n, 0):] }

// labels are the lengths of the last labels of a token, as far back as a key reaches.
type labels struct{ one, second, third int }

func (l labels) short() bool { return l.second < shortLabel }
func (l labels) two() int    { return l.one + 1 + l.second }
func (l labels) three() int  { return l.two() + 1 + l.third }

func labelsBefore(buf []byte, end int) labels {
	w := ^uint64(0)
	for i := range maxKey {
		if at := end - 1 - i; at >= 0 && buf[at] != '.' && isLabel(buf[at]) {
			w &^= 1 << (63 - i)
		}
	}
	return labelsOf(w)
}

// labelsOf reads the labels from a window on what separates them, in which the place before buf[end] is the top bit.
// What is further away than a key reaches counts as a separator.
func labelsOf(w uint64) (l labels) {
	w |= 1<<(64-maxKey) - 1
	l.one = bits.LeadingZeros64(w)
	w = w << l.one << 1
	l.second = bits.LeadingZeros64(w)
	w = w << l.second << 1
	l.third = bits.LeadingZeros64(w)
	return l
}

func exactOr(sub bool) risk.MatchKind {
	if sub {
		return risk.MatchSubdomain
	}
	return risk.MatchExact
}

// tokenAround gives the start of the ASCII host token that ends at end, without leading dots. It reports false when
// the token is a local part (an '@' follows) or goes on beyond ASCII.
func (c *cursor) tokenAround(end int) (start int, ok bool) {
	buf := c.buf
	next := end
	for next < len(buf) && buf[next] == '.' {
		next++
	}
	if next < len(buf) && (buf[next] == '@' || buf[next] >= utf8.RuneSelf && carriesOn(utf8.DecodeRune(buf[next:]))) {
		return 0, false
	}
	start = end
	for start > 0 && isLabel(buf[start-1]) {
		start--
	}
	if start > 0 && buf[start-1] >= utf8.RuneSelf && carriesOn(utf8.DecodeLastRune(buf[:start])) {
		return 0, false
	}
	for buf[start] == '.' {
		start++
	}
	return start, true
}

// findSuffix finds the longest name in table that host equals or ends in on a label boundary.
func (s *Scanner) findSuffix(table names, host []byte) (terms termList, sub bool) {
	for i, labels := len(host)-1, 0; i >= 0 && labels < s.maxLabels; i-- {
		if i > 0 && host[i-1] != '.' {
			continue
		}
		if found := s.findName(table, host[i:]); found != nil {
			terms, sub = found, i > 0
		}
		labels++
	}
	return terms, sub
}

// MatchHost compares a host name or address that was parsed already, as Scan would. When several terms fit, the first
// is given.
func (s *Scanner) MatchHost(host string) (term int, kind risk.MatchKind, ok bool) {
	token := []byte(host)
	for len(token) > 0 && token[len(token)-1] == '.' {
		token = token[:len(token)-1]
	}
	for len(token) > 0 && token[0] == '.' {
		token = token[1:]
	}
	if len(token) == 0 {
		return 0, "", false
	}
	if terms := s.addresses.findText(token); terms != nil {
		return terms.at(0), risk.MatchIP, true
	}
	var r reading
	terms, kind := r.matchToken(s, token)
	if terms == nil {
		return 0, "", false
	}
	return terms.at(0), kind, true
}

// MatchAccount compares an account that was parsed already: a named account first, then the domain of an address,
// then the AD domain of a login.
func (s *Scanner) MatchAccount(account string) (term int, kind risk.MatchKind, ok bool) {
	folded := appendFold(nil, []byte(account))
	if t, found := s.findLogin(risk.TermAccount, folded); found {
		return t, risk.MatchAccount, true
	}
	for i := len(account) - 1; i >= 0; i-- {
		if account[i] == '@' && i > 0 {
			return s.MatchHost(account[i+1:])
		}
	}
	for i := range len(folded) {
		if folded[i] != '\\' {
			continue
		}
		t, found := s.findLogin(risk.TermADDomain, folded[:i+1])
		if found && i+1 < len(folded) {
			return t, risk.MatchAccount, true
		}
		break
	}
	return 0, "", false
}

// FindHost is MatchHost without names that only look like a watched one: what is asked again and again, most of it
// about names that nobody watches, costs far less.
func (s *Scanner) FindHost(host []byte) (term int, kind risk.MatchKind, ok bool) {
	token := bytes.Trim(host, ".")
	if len(token) == 0 {
		return 0, "", false
	}
	var room [maxHost]byte
	if len(token) > len(room) || !asciiOnly(token) {
		return unlessAlike(s.MatchHost(string(token)))
	}
	if terms := s.addresses.findText(token); terms != nil {
		return terms.at(0), risk.MatchIP, true
	}
	terms, sub := s.findSuffix(s.exact, appendLower(room[:0], token))
	if terms == nil {
		return 0, "", false
	}
	return terms.at(0), exactOr(sub), true
}

// FindAccount is MatchAccount without domains that only look like a watched one.
func (s *Scanner) FindAccount(account []byte) (term int, kind risk.MatchKind, ok bool) {
	var room [maxHost]byte
	if len(account) > len(room) || !asciiOnly(account) {
		return unlessAlike(s.MatchAccount(string(account)))
	}
	folded := appendLower(room[:0], account)
	if t, found := s.findLogin(risk.TermAccount, folded); found {
		return t, risk.MatchAccount, true
	}
	if at := bytes.LastIndexByte(account, '@'); at > 0 {
		return s.FindHost(account[at+1:])
	}
	if end := bytes.IndexByte(folded, '\\') + 1; end > 0 && end < len(folded) {
		if t, found := s.findLogin(risk.TermADDomain, folded[:end]); found {
			return t, risk.MatchAccount, true
		}
	}
	return 0, "", false
}

func unlessAlike(term int, kind risk.MatchKind, ok bool) (int, risk.MatchKind, bool) {
	if kind == risk.MatchLookalike {
		return 0, "", false
	}
	return term, kind, ok
}
