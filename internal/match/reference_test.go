package match_test

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"pgregory.net/rapid"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// reference finds hits the slow and obvious way: every run of token characters against every term, every name as a
// regular expression. It knows no look-alikes; texts for it hold none.
type reference []risk.WatchTerm

func (ref reference) scan(buf []byte) []match.Hit {
	var out []match.Hit
	for _, tok := range hostTokens(buf) {
		out = append(out, ref.hostHits(buf, tok[0], tok[1])...)
	}
	for i, t := range ref {
		out = append(out, nameHits(buf, i, t)...)
	}
	slices.SortFunc(out, func(a, b match.Hit) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(a.Term, b.Term))
	})
	return slices.Compact(out)
}

func isTokenRune(r rune, broken bool) bool {
	return !broken && (strings.ContainsRune("._-", r) || isWordRune(r, broken))
}

func isWordRune(r rune, broken bool) bool {
	return !broken && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}

func hostTokens(buf []byte) (tokens [][2]int) {
	start := -1
	for i := 0; i <= len(buf); {
		r, n := utf8.DecodeRune(buf[i:])
		if in := n > 0 && isTokenRune(r, r == utf8.RuneError && n == 1); in && start < 0 {
			start = i
		} else if !in && start >= 0 {
			if n == 0 || r != '@' {
				tokens = append(tokens, [2]int{start, i})
			}
			start = -1
		}
		i += max(n, 1)
	}
	return tokens
}

func (ref reference) hostHits(buf []byte, start, end int) (out []match.Hit) {
	text := string(buf[start:end])
	end -= len(text) - len(strings.TrimRight(text, "."))
	text = strings.TrimRight(text, ".")
	start += len(text) - len(strings.TrimLeft(text, "."))
	text = strings.TrimLeft(text, ".")
	longest, narrowest := 0, -1
	address, notAddress := netip.ParseAddr(text)
	for i, t := range ref {
		kind := risk.MatchKind("")
		size := 0
		switch t.Kind {
		case risk.TermDomain, risk.TermHost:
			written, _ := idna.Punycode.ToUnicode(t.Value)
			for _, name := range []string{t.Value, written} {
				if strings.EqualFold(text, name) {
					kind, size = risk.MatchExact, len(t.Value)
				} else if n := len(text) - len(name); n > 0 && text[n-1] == '.' && strings.EqualFold(text[n:], name) {
					kind, size = risk.MatchSubdomain, len(t.Value)
				}
			}
			if kind == "" || size < longest {
				continue
			}
			if size > longest {
				longest, out = size, nil
			}
		case risk.TermIP:
			p, err := netip.ParsePrefix(t.Value)
			if err != nil {
				a, _ := netip.ParseAddr(t.Value)
				p = netip.PrefixFrom(a, a.BitLen())
			}
			if notAddress != nil || !address.Is4() || !p.Contains(address) || p.Bits() < narrowest {
				continue
			}
			if p.Bits() > narrowest {
				narrowest, out = p.Bits(), nil
			}
			kind = risk.MatchIP
		default:
			continue
		}
		out = append(out, match.Hit{Start: start, End: end, Term: i, Kind: kind})
	}
	return out
}

// nameHits tries the term's pattern at every position.
func nameHits(buf []byte, i int, t risk.WatchTerm) (out []match.Hit) {
	var pattern string
	kind, part := risk.MatchAccount, regexp.MustCompile(`^[\pL\pM\p{Nd}._+@$\\-]`)
	switch t.Kind {
	case risk.TermBrand, risk.TermProduct:
		kind, part = risk.MatchBrand, regexp.MustCompile(`^[\pL\pM\p{Nd}]`)
		words := regexp.MustCompile(`[ _-]+`).Split(t.Value, -1)
		for i := range words {
			words[i] = regexp.QuoteMeta(words[i])
		}
		pattern = strings.Join(words, `[ \t\x{a0}_\x{2010}\x{2011}\x{2013}-]+`)
	case risk.TermAccount:
		pattern = strings.ReplaceAll(regexp.QuoteMeta(t.Value), `\\`, `\\{1,2}`)
	case risk.TermADDomain:
		pattern = regexp.QuoteMeta(t.Value) + `\\{1,2}[\pL\pM\p{Nd}._+$-]*[\pL\pM\p{Nd}_+$-]`
	default:
		return nil
	}
	re := regexp.MustCompile(`^(?i:` + pattern + `)`)
	for at := range buf {
		if !utf8.RuneStart(buf[at]) {
			continue
		}
		loc := re.FindIndex(buf[at:])
		if loc == nil {
			continue
		}
		end := at + loc[1]
		after := buf[end:]
		if kind == risk.MatchAccount {
			after = bytes.TrimLeft(after, ".")
		}
		r, n := utf8.DecodeLastRune(buf[:at])
		if part.Match(after) || n > 0 && !(r == utf8.RuneError && n == 1) && part.MatchString(string(r)) {
			continue
		}
		out = append(out, match.Hit{Start: at, End: end, Term: i, Kind: kind})
	}
	return out
}

var (
	domainGen = rapid.SampledFrom([]string{"hospital.test", "a.de", "lab.co.test", "co.test", "vpn.hospital.test", "b.a.de", "bücher.test", "averyveryverylongdomainname.example", "averyverydifferentdomainname.example"})
	nameGen   = rapid.SampledFrom([]string{"hospital", "Acme Cloud", "acme", "Bücher", "sap", "Big-Long_Name Of Words", "x9z"})
	termGen   = rapid.Custom(func(t *rapid.T) risk.WatchTerm {
		kind := rapid.SampledFrom(risk.TermKinds).Draw(t, "kind")
		var value string
		switch kind {
		case risk.TermDomain, risk.TermHost:
			value = domainGen.Draw(t, "domain")
		case risk.TermBrand, risk.TermProduct:
			value = nameGen.Draw(t, "name")
		case risk.TermAccount:
			value = rapid.SampledFrom([]string{"j.doe@hospital.test", "jdoe", "lab-7", `ad\jdoe`, "ab"}).Draw(t, "account")
		case risk.TermADDomain:
			value = rapid.SampledFrom([]string{"STMARY", "AD", "LAB-7"}).Draw(t, "ad")
		case risk.TermIP:
			value = rapid.SampledFrom([]string{"192.0.2.0/24", "192.0.2.7", "10.0.0.0/8"}).Draw(t, "ip")
		}
		w, err := risk.NewWatchTerm(kind, value)
		if err != nil {
			t.Fatal(err)
		}
		return w
	})
	pieces = []string{
		"hospital.test", "HOSPITAL.test", "hospital", "test", "vpn", "a.de", "b", "co.test", "lab", "bücher.test", "xn--bcher-kva.test", "averyveryverylongdomainname.example", "example",
		"acme", "Acme", "cloud", "CLOUD", "BÜCHER", "Bücher", "sap", "big", "long", "name", "of", "words", "x9z", "j.doe", "jdoe", "lab-7", "stmary", "AD", "ab", "192.0.2.7", "10.1.2.3", "256.1.1.1", "7",
		".", ".", "-", "_", "@", ":", " ", "  ", "\\", "\\\\", "\n", "/", "//", "|", "\t", "+", "$", "é", "ß", "日本", "\xff", "\xe9", "„", "\u00a0", "–", "a", "Z", "0",
		strings.Repeat("q", 61), strings.Repeat("long-", 13), strings.Repeat(" ", 63),
	}
	textGen = rapid.Custom(func(t *rapid.T) []byte {
		return []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 40).Draw(t, "pieces"), ""))
	})
)

// controlSigns are escapes as in JSON, of which the reference knows nothing: \bhospital.test is no token to it.
var controlSigns = regexp.MustCompile(`\\([ntrbfv])`)

func TestScanAgreesWithTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		terms := rapid.SliceOfN(termGen, 1, 8).Draw(t, "terms")
		text := controlSigns.ReplaceAll(textGen.Draw(t, "text"), []byte("\\ $1"))
		compareWithReference(t, terms, text)
	})
}

func compareWithReference(t rapid.TB, terms []risk.WatchTerm, text []byte) {
	t.Helper()
	s, err := match.Compile(terms)
	if err != nil {
		t.Fatal(err)
	}
	var got []match.Hit
	s.Scan(text, func(h match.Hit) {
		if h.Kind != risk.MatchLookalike {
			got = append(got, h)
		}
	})
	if want := reference(terms).scan(text); !slices.Equal(got, want) {
		t.Fatalf("%q with %v\n got %v\nwant %v", text, terms, got, want)
	}
}

func FuzzScan(f *testing.F) {
	f.Add([]byte("https://vpn.hospital.test/:STMARY\\jdoe:pw\n192.0.2.7 Acme-Cloud"))
	f.Add([]byte("jdoe%40hospital%2Etest &#64;b&uuml;cher.test \\u0040a.de [at]hospital[.]test =C3=BC=40a.de acme=\n cloud"))
	f.Add([]byte("B\xfccher hos\u200bpital.test \u0430cme cloud Bu\u0308cher STMARY%5Cjdoe \\nhospital.test"))
	f.Add([]byte("\xff\xfeb\u00fccher.test\u200b..@"))
	var terms []risk.WatchTerm
	for kind, values := range map[risk.TermKind][]string{
		risk.TermDomain:   {"hospital.test", "bücher.test", "a.de"},
		risk.TermBrand:    {"Acme Cloud", "sap", "Bücher"},
		risk.TermAccount:  {"j.doe@hospital.test", "ab"},
		risk.TermADDomain: {"STMARY"},
		risk.TermIP:       {"192.0.2.0/24", "2001:db8::/32"},
	} {
		for _, v := range values {
			w, err := risk.NewWatchTerm(kind, v)
			if err != nil {
				f.Fatal(err)
			}
			terms = append(terms, w)
		}
	}
	s, err := match.Compile(terms)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		last := 0
		s.Scan(text, func(h match.Hit) {
			if h.Start < last || h.Start >= h.End || h.End > len(text) {
				t.Fatalf("hit %v after one at %d in %d bytes", h, last, len(text))
			}
			last = h.Start
			if h.Kind != risk.MatchExact && h.Kind != risk.MatchSubdomain {
				return
			}
			host := text[h.Start:h.End]
			if bytes.ContainsAny(host, `%&\=[(`) || !utf8.Valid(host) { // decoded in ways of which the host alone does not tell
				return
			}
			if _, kind, ok := s.MatchHost(string(host)); !ok || kind != h.Kind {
				t.Fatalf("scan says %s, host says %s for %q", h.Kind, kind, text[h.Start:h.End])
			}
		})
	})
}

// writings are ways of writing an ASCII text with escapes, all of which decode to it.
var writings = map[string]func(b byte) string{
	"URL":        func(b byte) string { return fmt.Sprintf("%%%02x", b) },
	"URL, twice": func(b byte) string { return fmt.Sprintf("%%25%02X", b) },
	"HTML":       func(b byte) string { return fmt.Sprintf("&#%d;", b) },
	"HTML, hex":  func(b byte) string { return fmt.Sprintf("&#x%X;", b) },
	"JSON":       func(b byte) string { return fmt.Sprintf(`\u%04x`, b) },
	"brackets": func(b byte) string {
		if b == '.' || b == '@' {
			return "[" + string(b) + "]"
		}
		return string(b)
	},
}

// TestEscapedTextIsReadAsTheReferenceReadsIt escapes some characters of a text: the hits are those of the text itself,
// each where its characters now stand.
func TestEscapedTextIsReadAsTheReferenceReadsIt(t *testing.T) {
	signless := slices.DeleteFunc(slices.Clone(pieces), func(s string) bool { return strings.ContainsAny(s, `\%&=[(`) || !isPlain(s) })
	rapid.Check(t, func(t *rapid.T) {
		terms := rapid.SliceOfN(termGen, 1, 8).Draw(t, "terms")
		plain := []byte(strings.Join(rapid.SliceOfN(rapid.SampledFrom(signless), 0, 40).Draw(t, "pieces"), ""))
		write := writings[rapid.SampledFrom(slices.Sorted(maps.Keys(writings))).Draw(t, "writing")]
		every := rapid.IntRange(1, 9).Draw(t, "every")
		var text []byte
		starts := make([]int, 0, len(plain)+1)
		for i, b := range plain {
			starts = append(starts, len(text))
			if b != '\n' && (i%every == 0 || b == '.' || b == '@') {
				text = append(text, write(b)...)
			} else {
				text = append(text, b)
			}
		}
		starts = append(starts, len(text))
		var want, got []match.Hit
		for _, h := range reference(terms).scan(plain) {
			h.Start, h.End = starts[h.Start], starts[h.End]
			want = append(want, h)
		}
		compileTerms(t, terms).Scan(text, func(h match.Hit) {
			if h.Kind != risk.MatchLookalike {
				got = append(got, h)
			}
		})
		if !slices.Equal(got, want) {
			t.Fatalf("%q for %q with %v\n got %v\nwant %v", text, plain, terms, got, want)
		}
	})
}

func isPlain(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

func compileTerms(t rapid.TB, terms []risk.WatchTerm) *match.Scanner {
	s, err := match.Compile(terms)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestT06EncodingsThatAreNoneOfOurs: what is not decoded is left alone, and no more is found in it than stands there.
func TestT06EncodingsThatAreNoneOfOurs(t *testing.T) {
	s := escapeScanner(t)
	check(t, s, []scanCase{
		{"UTF-7", "jdoe+AEA-hospital.example", []string{}},
		{"overlong UTF-8", "hospital\xc0\xaeexample hospital\xe0\x80\xaeexample hospital%C0%AEexample", []string{}},
		{"NULs", "\x00hospital.example\x00 hosp\x00ital.example", []string{"exact hospital.example=hospital.example"}},
		{"half escapes", "% %4 & &# &#; &#x \\u \\u00 \\x = =4 [ [. [at ( (", []string{}},
		{"numbers beyond Unicode", "&#99999999;hospital.example&#x110000; \\ud800hospital.example", []string{"exact hospital.example=hospital.example"}},
	})
	long := strings.Repeat("%41", 10<<20/3)
	if got := hits(s, long+"%20hospital%2Eexample"); !slices.Equal(got, []string{"exact hospital%2Eexample=hospital.example"}) {
		t.Errorf("behind a line of 10 MB: %q", got)
	}
	if got := match.Unescape(nil, []byte(long)); len(got) > len(long) {
		t.Errorf("%d bytes became %d", len(long), len(got))
	}
}
