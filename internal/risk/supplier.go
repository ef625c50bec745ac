package risk

import (
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Relation says how the hospital stands to a supplier.
type Relation string

const (
	FirstParty  Relation = "first_party" // the hospital itself
	ThirdParty  Relation = "third_party"
	FourthParty Relation = "fourth_party"
)

// Tier is the inherent impact class, 1 (most) to 4 (least); 0 is not yet known.
type Tier int

// Answer is a yes/no fact that may be unknown; unknown is never shown as no.
type Answer string

const (
	Unknown Answer = ""
	Yes     Answer = "yes"
	No      Answer = "no"
)

// Person is someone to tell: a supplier's owner in the hospital, or its contact.
type Person struct {
	Name  string
	Email string
}

// Supplier is a company that the hospital depends on, or the hospital itself (FirstParty).
type Supplier struct {
	ID          int64
	Name        string // unique, compared without case
	Kind        string // what it does for the hospital, such as "Laboratory"; free text
	Relation    Relation
	Tier        Tier
	PatientData Answer // handles patient data (PHI)
	Employees   int    // 0 = unknown; only the size factor of the score uses it
	Owner       Person // in the hospital; gets the mail
	Contact     Person // at the supplier
	BAASigned   *time.Time
	ContractEnd *time.Time
	Terms       []WatchTerm
	Created     time.Time
	Updated     time.Time
}

// Validate lists every problem of a supplier that was typed or imported; nil when there is none.
func (s Supplier) Validate() []error {
	var problems []error
	if strings.TrimSpace(s.Name) == "" {
		problems = append(problems, Invalid("name", "A supplier needs a name."))
	}
	if utf8.RuneCountInString(s.Name) > 200 {
		problems = append(problems, Invalid("name", "The name is longer than 200 characters."))
	}
	if utf8.RuneCountInString(s.Kind) > 100 {
		problems = append(problems, Invalid("kind", "What it does is longer than 100 characters."))
	}
	switch s.Relation {
	case FirstParty, ThirdParty, FourthParty:
	default:
		problems = append(problems, Invalid("relation", "The relation must be first_party, third_party or fourth_party."))
	}
	if s.Tier < 0 || s.Tier > 4 {
		problems = append(problems, Invalid("tier", "The tier is 1, 2, 3 or 4, or empty when not yet known."))
	}
	if s.Employees < 0 {
		problems = append(problems, Invalid("employees", "The number of employees cannot be negative."))
	}
	for _, p := range []struct {
		field string
		who   Person
	}{{"owner", s.Owner}, {"contact", s.Contact}} {
		if utf8.RuneCountInString(p.who.Name) > 200 {
			problems = append(problems, Invalid(p.field+"_name", "The name is longer than 200 characters."))
		}
		if p.who.Email != "" && !looksLikeAddress(p.who.Email) {
			problems = append(problems, Invalid(p.field+"_email", "%q is not an e-mail address.", p.who.Email))
		}
	}
	for _, t := range s.Terms {
		if _, err := NewWatchTerm(t.Kind, t.Value); err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}

func looksLikeAddress(s string) bool {
	at := strings.LastIndexByte(s, '@')
	return at > 0 && at < len(s)-1 && len(s) <= 254 && !strings.ContainsAny(s, " \t\r\n\x00<>,;\"") && strings.Count(s, "@") == 1
}

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
		p, err := parseRange(v)
		if err != nil {
			return WatchTerm{}, Invalid("value", "%q is not an IP address or a range such as 192.0.2.0/24.", v)
		}
		if tooWideToWatch(p) {
			return WatchTerm{}, Invalid("value", "%q cannot be watched: an IPv6 range has at least 16 bits and a first group of four digits.", v)
		}
		v = p
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

// tooWideToWatch reports IPv6 ranges that the scanner, which finds them by their first group, cannot look for.
func tooWideToWatch(normalised string) bool {
	p, err := netip.ParsePrefix(normalised)
	if err != nil {
		a, err := netip.ParseAddr(normalised)
		return err == nil && a.Is6() && a.As16()[0]>>4 == 0
	}
	return p.Addr().Is6() && (p.Bits() < 16 || p.Addr().As16()[0]>>4 == 0)
}

func parseRange(v string) (string, error) {
	if a, err := netip.ParseAddr(v); err == nil {
		return a.Unmap().String(), nil
	}
	p, err := netip.ParsePrefix(v)
	if err != nil {
		return "", err
	}
	return p.Masked().String(), nil
}
