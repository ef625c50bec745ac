package match

import (
	"net/netip"
	"slices"

	"github.com/wardline/wardline/internal/risk"
)

// termIPv6 marks the phrase by whose first group IPv6 addresses are found.
const termIPv6 risk.TermKind = "ipv6"

// ranges are the watched addresses: names in the form that appendRange gives them.
type ranges struct {
	s       *Scanner
	names   names
	lengths []byte // prefix lengths, longest first: the narrowest range is reported
	v4      bool   // there is an IPv4 range
}

const lengthIPv4 = 129 // is added to a prefix length of IPv4

// rangeLength is the length of a prefix as it stands in an image.
func rangeLength(p netip.Prefix) byte {
	if p.Addr().Is4() {
		return byte(p.Bits()) + lengthIPv4
	}
	return byte(p.Bits())
}

// appendRange writes a range as a watch term is written: a single address without its length.
func appendRange(b []byte, p netip.Prefix) []byte {
	if p.IsSingleIP() {
		return p.Addr().AppendTo(b)
	}
	return p.AppendTo(b)
}

func (r *ranges) find(a netip.Addr) termList {
	var text [64]byte
	for _, n := range r.lengths {
		if a.Is4() != (n >= lengthIPv4) {
			continue
		}
		p, err := a.Prefix(int(n % lengthIPv4))
		if err != nil {
			continue
		}
		if terms := r.s.findName(r.names, appendRange(text[:0], p)); terms != nil {
			return terms
		}
	}
	return nil
}

// findText reads text as an address, with or without brackets around IPv6.
func (r *ranges) findText(text []byte) termList {
	if len(r.lengths) == 0 || len(text) > 48 {
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
