package risk

import (
	"net/netip"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// TermKind says how a watch term is compared.
type TermKind string

const (
	TermDomain   TermKind = "domain"    // a registrable domain: itself, its subdomains, its e-mail addresses
	TermHost     TermKind = "host"      // a login host (or host below it) on a domain that the supplier may not own
	TermBrand    TermKind = "brand"     // name or alias, on word boundaries, folded
	TermProduct  TermKind = "product"   // product name, as a brand
	TermAccount  TermKind = "account"   // one named account: an address or a login
	TermADDomain TermKind = "ad_domain" // Active Directory domain: STMARY matches STMARY\jdoe
	TermIP       TermKind = "ip"        // address or CIDR range
)

// TermKinds are all kinds in the order in which the watchlist documentation names them.
var TermKinds = []TermKind{TermDomain, TermHost, TermBrand, TermProduct, TermAccount, TermADDomain, TermIP}

// WatchTerm is what Wardline looks for on a supplier's behalf.
type WatchTerm struct {
	ID         int64
	SupplierID int64
	Supplier   string // its name, for reports; filled on reading
	Kind       TermKind
	Value      string // normalised by NewWatchTerm
}

// NewWatchTerm normalises and checks a value for its kind: domains and hosts become lower-case ASCII (punycode)
// without a trailing dot, addresses lower case, AD domains upper case; names keep their writing.
func NewWatchTerm(kind TermKind, value string) (WatchTerm, error) {
	v := strings.TrimSpace(value)
	if v == "" {
		return WatchTerm{}, Invalid("value", "A watch term needs a value.")
	}
	if len(v) > 253 {
		return WatchTerm{}, Invalid("value", "A watch term is at most 253 bytes long.")
	}
	switch kind {
	case TermDomain, TermHost:
		host, err := normalHost(v)
		if err != nil {
			return WatchTerm{}, err
		}
		v = host
	case TermBrand, TermProduct:
		if !strings.ContainsFunc(v, isWordRune) {
			return WatchTerm{}, Invalid("value", "%q holds no letter or digit to look for.", v)
		}
		if letters := strings.Map(onlyWordRunes, v); utf8.RuneCountInString(letters) < 3 {
			return WatchTerm{}, Invalid("value", "%q is too short for a name: it would match by chance. Use at least three letters or digits.", v)
		}
	case TermAccount:
		if strings.ContainsAny(v, " \t\r\n:;|,") {
			return WatchTerm{}, Invalid("value", "%q is not an account: it holds a space or a separator.", v)
		}
		if !strings.ContainsFunc(v, isWordRune) {
			return WatchTerm{}, Invalid("value", "%q holds no letter or digit to look for.", v)
		}
		v = strings.ToLower(v)
	case TermADDomain:
		if strings.ContainsAny(v, " \t\\/@:;|,") {
			return WatchTerm{}, Invalid("value", "%q is not an AD domain: give the part before the backslash.", v)
		}
		if !strings.ContainsFunc(v, isWordRune) {
			return WatchTerm{}, Invalid("value", "%q holds no letter or digit to look for.", v)
		}
		v = strings.ToUpper(v)
	case TermIP:
		p, err := ParseRange(v)
		if err != nil {
			return WatchTerm{}, err
		}
		if v = p.String(); !strings.Contains(value, "/") {
			v = p.Addr().String()
		}
	default:
		return WatchTerm{}, Invalid("kind", "%q is not a kind of watch term; the kinds are domain, host, brand, product, account, ad_domain and ip.", string(kind))
	}
	return WatchTerm{Kind: kind, Value: v}, nil
}

func normalHost(v string) (string, error) {
	v = strings.TrimSuffix(strings.ToLower(v), ".")
	ascii, err := idna.Lookup.ToASCII(v)
	if err != nil || !strings.Contains(ascii, ".") || strings.ContainsAny(ascii, "/:@ *") {
		return "", Invalid("value", "%q is not a domain name; write it as hospital.example, without https:// or a path.", v)
	}
	return ascii, nil
}

func onlyWordRunes(r rune) rune {
	switch {
	case r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= utf8.RuneSelf:
		return r
	}
	return -1
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// ParseRange reads an IP address or a CIDR range that can be watched.
func ParseRange(value string) (netip.Prefix, error) {
	p, err := netip.ParsePrefix(value)
	if a, notAddress := netip.ParseAddr(value); notAddress == nil {
		a = a.Unmap()
		p, err = a.Prefix(a.BitLen())
	}
	if err != nil {
		return p, Invalid("value", "%q is not an IP address or a range such as 192.0.2.0/24.", value)
	}
	// The scanner finds an IPv6 address by its first group.
	if p.Addr().Is6() && (p.Bits() < 16 || p.Addr().As16()[0]>>4 == 0) {
		return p, Invalid("value", "%q cannot be watched: an IPv6 range has at least 16 bits and a first group of four digits.", value)
	}
	return p.Masked(), nil
}
