package corpus_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/corpus"
	"github.com/wardline/wardline/internal/risk"
)

func TestSameSeedSameBytes(t *testing.T) {
	terms := corpus.Watchlist(7, 200)
	o := corpus.Options{Seed: 7, Bytes: 256 << 10, Share: 0.05}
	var a, b bytes.Buffer
	hits, err := corpus.Write(&a, terms, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := corpus.Write(&b, corpus.Watchlist(7, 200), o); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(a.Bytes(), b.Bytes()) {
		t.Error("the same seed made different bytes")
	}
	if len(hits) < 100 {
		t.Errorf("only %d hits", len(hits))
	}
}

func TestEveryHitStandsWhereItIsSaid(t *testing.T) {
	terms := corpus.Watchlist(3, 500)
	kinds := map[risk.TermKind]int{}
	var text bytes.Buffer
	hits, err := corpus.Write(&text, terms, corpus.Options{Seed: 3, Bytes: 256 << 10, Share: 0.2})
	if err != nil {
		t.Fatal(err)
	}
	plain := strings.NewReplacer("-", " ", "_", " ", "  ", " ", "vpn.", "", "VPN.", "", "Vpn.", "")
	for _, h := range hits {
		term := terms[h.Term]
		kinds[term.Kind]++
		there := text.String()[h.Offset:min(h.Offset+200, int64(text.Len()))]
		if !strings.HasPrefix(strings.ToLower(plain.Replace(there)), strings.ToLower(term.Value)) {
			t.Fatalf("hit %+v: %q does not begin with %q", h, there[:40], term.Value)
		}
		if line := 1 + bytes.Count(text.Bytes()[:h.Offset], []byte("\n")); line != h.Line {
			t.Fatalf("hit %+v is on line %d", h, line)
		}
	}
	for _, k := range risk.TermKinds {
		if kinds[k] == 0 {
			t.Errorf("no hit of kind %s", k)
		}
	}
}

func TestWatchlistHasNoValueTwice(t *testing.T) {
	seen := map[string]bool{}
	for _, term := range corpus.Watchlist(1, 5000) {
		if seen[term.Value] {
			t.Fatalf("%q twice", term.Value)
		}
		seen[term.Value] = true
	}
}
