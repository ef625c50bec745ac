package match

import (
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

// tryHost compares the ASCII host token that ends at place at of the chunk, if a watched name ends as it does. Tokens
// that go on in other characters are left to readHigh.
func (c *cursor) tryHost(base, at int) {
	end := c.stripDots(base + at)
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

// endsLikeWatched looks up the keys of the token's last two labels and, where those are only the end of longer watched
// names (co.uk), of its last three.
func (c *cursor) endsLikeWatched(end int) bool {
	two, third := c.lastLabels(end)
	in, whole := c.s.hosts.find(keyOf(c.buf[two:end]))
	if !in || whole {
		return in
	}
	deep, _ := c.s.deep.find(keyOf(c.buf[third:end]))
	return deep
}

// lastLabels gives where the last two and the last three labels of the token that ends at end begin, no further back
// than a key reaches.
func (c *cursor) lastLabels(end int) (two, three int) {
	dots, at := 0, end
	for ; at > 0 && end-at < maxKey && isLabel(c.buf[at-1]); at-- {
		if c.buf[at-1] != '.' {
			continue
		}
		if dots++; dots == 2 {
			two = at
		} else if dots == 3 {
			return two, at
		}
	}
	if dots < 2 {
		two = at
	}
	return two, at
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
func (s *Scanner) findSuffix(table map[string][]int32, host []byte) (terms []int32, sub bool) {
	for i, labels := len(host)-1, 0; i >= 0 && labels < s.maxLabels; i-- {
		if i > 0 && host[i-1] != '.' {
			continue
		}
		if found := table[string(host[i:])]; found != nil {
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
		return int(terms[0]), risk.MatchIP, true
	}
	var r reading
	terms, kind := r.matchToken(s, token)
	if terms == nil {
		return 0, "", false
	}
	return int(terms[0]), kind, true
}

// MatchAccount compares an account that was parsed already: a named account first, then the domain of an address,
// then the AD domain of a login.
func (s *Scanner) MatchAccount(account string) (term int, kind risk.MatchKind, ok bool) {
	folded := foldText(account)
	if t, found := s.accounts[folded]; found {
		return int(t), risk.MatchAccount, true
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
		t, found := s.logins[folded[:i]]
		if found && i+1 < len(folded) {
			return int(t), risk.MatchAccount, true
		}
		break
	}
	return 0, "", false
}
