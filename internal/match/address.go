package match

import (
	"net/netip"
	"slices"

	"github.com/wardline/wardline/internal/risk"
)

// termIPv6 marks the phrase by whose first group IPv6 addresses are found.
const termIPv6 risk.TermKind = "ipv6"

// ranges are the watched addresses.
type ranges struct {
	terms map[netip.Prefix][]int32
	bits  []int // prefix lengths, longest first: the narrowest range is reported
	v4    bool  // there is an IPv4 range
}

func (r *ranges) add(value string, term int32) (netip.Prefix, error) {
	prefix, err := risk.ParseRange(value)
	if err != nil {
		return prefix, err
	}
	r.v4 = r.v4 || prefix.Addr().Is4()
	if !slices.Contains(r.bits, prefix.Bits()) {
		r.bits = append(r.bits, prefix.Bits())
		slices.SortFunc(r.bits, func(a, b int) int { return b - a })
	}
	if r.terms == nil {
		r.terms = map[netip.Prefix][]int32{}
	}
	r.terms[prefix] = append(r.terms[prefix], term)
	return prefix, nil
}

func (r *ranges) find(a netip.Addr) []int32 {
	for _, bits := range r.bits {
		p, err := a.Prefix(bits)
		if err != nil {
			continue // longer than an IPv4 address
		}
		if terms := r.terms[p]; terms != nil {
			return terms
		}
	}
	return nil
}

// findText reads text as an address, with or without brackets around IPv6.
func (r *ranges) findText(text []byte) []int32 {
	if len(r.terms) == 0 || len(text) > 48 {
		return nil
	}
	if a, ok := parseIPv4(text); ok {
		return r.find(a)
	}
	if n := len(text); n > 2 && text[0] == '[' && text[n-1] == ']' {
		text = text[1 : n-1]
	}
	if slices.Contains(text, ':') {
		if a, err := netip.ParseAddr(string(text)); err == nil {
			return r.find(a.Unmap())
		}
	}
	return nil
}

// tryIPv4 compares the host token that ends at end, in a digit.
func (c *cursor) tryIPv4(end int) {
	start, ok := c.tokenAround(end)
	if !ok {
		return
	}
	if a, ok := parseIPv4(c.buf[start:end]); ok {
		c.emit(start, end, c.s.addresses.find(a), risk.MatchIP)
	}
}

// parseIPv4 reads four decimal numbers, without allocating an error for what is something else.
func parseIPv4(b []byte) (netip.Addr, bool) {
	if len(b) < 7 || len(b) > 15 {
		return netip.Addr{}, false
	}
	var out [4]byte
	part, value, digits := 0, 0, 0
	for _, x := range b {
		switch {
		case x-'0' < 10:
			if digits > 0 && value == 0 {
				return netip.Addr{}, false // a leading zero may mean octal
			}
			value = value*10 + int(x-'0')
			if digits++; value > 255 {
				return netip.Addr{}, false
			}
		case x == '.' && digits > 0 && part < 3:
			out[part] = byte(value)
			part, value, digits = part+1, 0, 0
		default:
			return netip.Addr{}, false
		}
	}
	if part != 3 || digits == 0 {
		return netip.Addr{}, false
	}
	out[3] = byte(value)
	return netip.AddrFrom4(out), true
}

// tryIPv6 reads the address whose first group begins at start. In url:login:password lines a colon may follow it, and
// what follows may look like a further group: the longest reading that is watched counts.
func (c *cursor) tryIPv6(start int) {
	if start > 0 && (c.buf[start-1] == ':' || c.buf[start-1] == '.') {
		return
	}
	end := start
	for end < len(c.buf) && end-start < 46 && (isHex(c.buf[end]) || c.buf[end] == ':' || c.buf[end] == '.') {
		end++
	}
	if end < len(c.buf) && isWord(c.buf[end]) { // the last group is not one
		for end > start && c.buf[end-1] != ':' {
			end--
		}
	}
	for end > start {
		if a, err := netip.ParseAddr(string(c.buf[start:end])); err == nil {
			if terms := c.s.addresses.find(a); terms != nil {
				c.emit(start, end, terms, risk.MatchIP)
				return
			}
		}
		end--
		for end > start && isHex(c.buf[end]) && isHex(c.buf[end-1]) {
			end--
		}
	}
}

func isHex(b byte) bool { return b-'0' < 10 || b|0x20-'a' < 6 }
