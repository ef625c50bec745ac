package match_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

func saved(t rapid.TB, s *match.Scanner) []byte {
	t.Helper()
	var b bytes.Buffer
	if n, err := s.WriteTo(&b); err != nil || n != int64(b.Len()) {
		t.Fatalf("wrote %d of %d bytes: %v", n, b.Len(), err)
	}
	return b.Bytes()
}

func allHits(s *match.Scanner, text []byte) (all []match.Hit) {
	s.Scan(text, func(h match.Hit) { all = append(all, h) })
	return all
}

func TestLoadedScannerFindsWhatTheCompiledOneDoes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		terms := rapid.SliceOfN(termGen, 1, 8).Draw(t, "terms")
		for i := range terms {
			terms[i].Supplier = rapid.SampledFrom([]string{"", "Acme", "Bücher"}).Draw(t, "supplier")
			terms[i].ID = rapid.Int64Range(0, 3).Draw(t, "id")
		}
		s, err := match.Compile(terms)
		if err != nil {
			t.Fatal(err)
		}
		loaded, err := match.Load(saved(t, s))
		if err != nil {
			t.Fatal(err)
		}
		text := textGen.Draw(t, "text")
		if got, want := allHits(loaded, text), allHits(s, text); !slices.Equal(got, want) {
			t.Fatalf("%q with %v\n got %v\nwant %v", text, terms, got, want)
		}
		for i, want := range terms {
			if got := loaded.Term(i); got != want {
				t.Fatalf("term %d: got %+v, want %+v", i, got, want)
			}
		}
	})
}

func TestSavedFormIsTheSameEachTime(t *testing.T) {
	terms := []risk.WatchTerm{
		term(t, risk.TermDomain, "hospital.example"), term(t, risk.TermHost, "hospital.example"), term(t, risk.TermDomain, "bücher.example"),
		term(t, risk.TermDomain, "münchen.example"), term(t, risk.TermDomain, "munchen.example"), term(t, risk.TermBrand, "Acme Lab"), term(t, risk.TermIP, "2001:db8::/32"),
	}
	want := saved(t, compile(t, terms...))
	for range 10 {
		if !bytes.Equal(saved(t, compile(t, terms...)), want) {
			t.Fatal("the same terms gave different bytes")
		}
	}
}

func TestLoadRefusesWhatIsDamaged(t *testing.T) {
	whole := saved(t, compile(t, term(t, risk.TermDomain, "hospital.example"), term(t, risk.TermBrand, "Acme Lab")))
	damaged := slices.Clone(whole)
	damaged[len(damaged)-1] ^= 0x40
	newer := slices.Clone(whole)
	newer[8]++
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"CSV":     {[]byte("supplier,kind,value\n"), "it is no compiled watchlist"},
		"empty":   {nil, "it is no compiled watchlist"},
		"cut":     {whole[:len(whole)-1], "it is damaged"},
		"header":  {whole[:40], "it is damaged"},
		"one bit": {damaged, "it is damaged"},
		"newer":   {newer, "compile the watchlist again"},
	} {
		if _, err := match.Load(c.data); err == nil || !strings.HasPrefix(err.Error(), "load compiled watchlist: ") || !strings.HasSuffix(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// FuzzLoad changes a saved form behind the back of its checksum: what Load takes must scan and answer without a panic.
func FuzzLoad(f *testing.F) {
	s := compile(f,
		term(f, risk.TermDomain, "hospital.example"), term(f, risk.TermHost, "vpn.hospital.example"), term(f, risk.TermHost, "hospital.example"),
		term(f, risk.TermDomain, "münchen.example"), term(f, risk.TermBrand, "Acme & Lab"), term(f, risk.TermAccount, "jdoe@mail.test"),
		term(f, risk.TermADDomain, "STMARY"), term(f, risk.TermIP, "192.0.2.0/24"), term(f, risk.TermIP, "2001:db8::/32"),
	)
	whole := saved(f, s)
	text := []byte(`https://vpn.hospital.example/:STMARY\jdoe:pw munchen.example acme-&-lab jdoe@mail.test:x 192.0.2.7 2001:db8::1 münchen.example`)
	f.Add(uint32(24), []byte{9})
	f.Add(uint32(64), []byte{1, 2, 3})
	f.Add(uint32(len(whole)-70), []byte{0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, at uint32, change []byte) {
		data := slices.Clone(whole)
		copy(data[16+int(at)%(len(data)-16):], change)
		binary.LittleEndian.PutUint32(data[12:], crc32.Checksum(data[16:], crc32.MakeTable(crc32.Castagnoli)))
		s, err := match.Load(data)
		if err != nil {
			return
		}
		s.Scan(text, func(h match.Hit) { s.Term(h.Term) })
		s.MatchHost("vpn.hospital.example")
		s.MatchAccount(`stmary\jdoe`)
		for i := range s.Terms() {
			s.Term(i)
		}
	})
}
