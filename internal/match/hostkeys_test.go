package match_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// tells reports whether a text's keys say that it may hold the term.
func tells(text []byte, clues risk.Clues) bool {
	keys := keysOf(text)
	return slices.ContainsFunc(clues, func(all []uint64) bool {
		return !slices.ContainsFunc(all, func(key uint64) bool { return !keys[key] })
	})
}

func keysOf(text []byte) map[uint64]bool {
	var k match.Keyer
	k.Read(text)
	keys := map[uint64]bool{}
	for _, key := range k.Keys() {
		keys[key] = true
	}
	return keys
}

var huntedPieces = append([]string{
	"xn--bcher-kva.test", "bucher.test", "hоspital.test", "hospital\u00ad.test", "hospital.test\u200b", "ｈospital.test", "hospital．test", "＠hospital.test",
	"h0spital.test", "hospita1.test", "hospital[.]test", "%2Etest", "%40", "\\u0040", "&#64;", "hospital%2Etest", "[at]", "=40", "h\xf6", "b\xfccher.test", "STMARY%5C", "STMARY\\\\",
	"ſtmary", "Kelvin", "xn--hspital-8za", ".test", "STMARY\\", "ad\\jdoe", "j.doe@hospital.test", "2001:db8::1", "192.0.2.", "\u00ad", "\u200d", "bu\u0308cher.test",
}, pieces...)

// A text in which the scanner finds a term has the term's keys.
func TestKeysMissNoHit(t *testing.T) {
	text := rapid.SliceOfN(rapid.SampledFrom(huntedPieces), 0, 40)
	rapid.Check(t, func(t *rapid.T) {
		term, data := termGen.Draw(t, "term"), []byte(strings.Join(text.Draw(t, "pieces"), ""))
		clues, ok := match.CluesOf(term)
		if !ok {
			return
		}
		s, err := match.Compile([]risk.WatchTerm{term})
		if err != nil {
			t.Fatal(err)
		}
		s.Scan(data, func(h match.Hit) {
			if !tells(data, clues) {
				t.Fatalf("%q holds %s %q as %q (%s), and its keys do not tell", data, term.Kind, term.Value, data[h.Start:h.End], h.Kind)
			}
		})
	})
}

func TestKeysTell(t *testing.T) {
	for _, c := range []struct {
		kind        risk.TermKind
		value       string
		holds, none string
	}{
		{risk.TermDomain, "hospital.example", "https://VPN.Hospital.example/:a:b", "https://hospital.example.test/ nothospital.example hospital.example@a.test"},
		{risk.TermDomain, "lab.co.test", "j@mail.lab.co.test:pw", "j@mail.bab.co.test:pw lab.example"},
		{risk.TermHost, "meridian.okta.example", "//meridian.okta.example", "//pacific.okta.example"},
		{risk.TermDomain, "bücher.example", "x@xn--bcher-kva.example x", "x@xn--bcher-kvb.test"},
		{risk.TermDomain, "hospital.example", "https://hоspital.example/", "https://hоspital.test/"}, // a Cyrillic о
		{risk.TermADDomain, "STMARY", `stmary\jdoe`, `mary\jdoe x.stmary\jdoe stmary`},
		{risk.TermAccount, "j.doe@hospital.example", "J.Doe@hospital.example;x", "j.doe@clinic.example"},
		{risk.TermAccount, `stmary\jdoe`, `STMARY\\JDOE`, `clinic\jdoe`},
		{risk.TermDomain, "hospital.example", "https://h0spital.example/", "https://h2spital.example/"},
		{risk.TermDomain, "hospital.example", "url=https%3A%2F%2Fvpn.hospital%2Eexample%2F", "hospital%2Etest"},
		{risk.TermAccount, "j.doe@hospital.example", "j.doe%40hospital[.]example", "j.doe%40clinic[.]example"},
		{risk.TermIP, "192.0.2.7", "http://192.0.2.7:80/", "http://192.0.3.7/ 1.192.0.2.7 192.0.2"},
		{risk.TermIP, "192.0.0.0/16", "192.0.2.7", "192.1.2.7"},
	} {
		term, err := risk.NewWatchTerm(c.kind, c.value)
		if err != nil {
			t.Fatal(err)
		}
		clues, ok := match.CluesOf(term)
		if !ok || !tells([]byte(c.holds), clues) || tells([]byte(c.none), clues) {
			t.Errorf("%s %s: answerable %v, %q %v, %q %v", c.kind, c.value, ok, c.holds, tells([]byte(c.holds), clues), c.none, tells([]byte(c.none), clues))
		}
	}
}

// What no key tells of is said to be so, never answered with nothing.
func TestCluesRefuseWhatKeysDoNotTell(t *testing.T) {
	for kind, values := range map[risk.TermKind][]string{
		risk.TermBrand:    {"Acme Cloud"},
		risk.TermProduct:  {"LabConnect"},
		risk.TermAccount:  {"jdoe", "root@localhost", `a!b\jdoe`, "j@bücher.example"},
		risk.TermADDomain: {"A!B"},
		risk.TermIP:       {"2001:db8::/32", "10.0.0.0/8"},
		risk.TermDomain:   {"192.0.2.7"},
	} {
		for _, v := range values {
			term, err := risk.NewWatchTerm(kind, v)
			if err != nil {
				t.Fatal(err)
			}
			if clues, ok := match.CluesOf(term); ok {
				t.Errorf("%s %s: %v", kind, v, clues)
			}
		}
	}
}

func FuzzKeys(f *testing.F) {
	f.Add([]byte("https://vpn.hospital.test/:STMARY\\jdoe:pw\n192.0.2.7 \xff\xfeb\u00fccher.test\u200b..@ \u00ad.1 .\u00ad"))
	var terms []risk.WatchTerm
	for _, v := range []string{"hospital.test", "bücher.test", "lab.co.test"} {
		w, err := risk.NewWatchTerm(risk.TermDomain, v)
		if err != nil {
			f.Fatal(err)
		}
		terms = append(terms, w)
	}
	s, err := match.Compile(terms)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		keys := keysOf(text)
		s.Scan(text, func(h match.Hit) {
			clues, _ := match.CluesOf(s.Term(h.Term))
			if !slices.ContainsFunc(clues, func(all []uint64) bool {
				return !slices.ContainsFunc(all, func(key uint64) bool { return !keys[key] })
			}) {
				t.Fatalf("%q: a hit of %s, and no key", text, s.Term(h.Term).Value)
			}
		})
	})
}

// BenchmarkKeys tells how long it takes to make the keys of a text beside a scan of it for one term and for a hundred.
func BenchmarkKeys(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	terms := benchTerms(b, r, 100)
	text := benchText(r, terms)
	var scanners []*match.Scanner
	for _, watched := range [][]risk.WatchTerm{terms[:1], terms} {
		s, err := match.Compile(watched)
		if err != nil {
			b.Fatal(err)
		}
		scanners = append(scanners, s)
	}
	var k match.Keyer
	total := 0
	var keys time.Duration
	var scans [2]time.Duration
	for i := 0; b.Loop(); i++ {
		part := text[i%(benchBytes>>20)<<20:][:1<<20]
		before := cpuTime(b)
		k.Reset()
		k.Read(part)
		total += len(k.Keys())
		after := cpuTime(b)
		keys += after - before
		for i, s := range scanners {
			s.Scan(part, func(match.Hit) {})
			before, after = after, cpuTime(b)
			scans[i] += after - before
		}
	}
	b.ReportMetric(float64(total)/float64(b.N), "keys/MiB")
	b.ReportMetric(float64(keys.Microseconds())/float64(b.N), "µs/MiB")
	b.ReportMetric(keys.Seconds()/scans[0].Seconds(), "scans-of-1")
	b.ReportMetric(keys.Seconds()/scans[1].Seconds(), "scans-of-100")
}
