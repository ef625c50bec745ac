package extract_test

import (
	"testing"

	"github.com/wardline/wardline/internal/extract"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

func TestEscapedRecords(t *testing.T) {
	var terms []risk.WatchTerm
	w, err := risk.NewWatchTerm(risk.TermDomain, "hospital.example")
	if err != nil {
		t.Fatal(err)
	}
	w.Supplier = "Hospital"
	s, err := match.Compile(append(terms, w))
	if err != nil {
		t.Fatal(err)
	}
	type credential struct{ host, account, password string }
	for line, want := range map[string]credential{
		"jdoe%40hospital.example:Secret%41":                                {"", "jdoe@hospital.example", "Secret%41"},
		"jdoe[at]hospital[.]example:Secret1":                               {"", "jdoe@hospital.example", "Secret1"},
		"jdoe [at] hospital [dot] example:Secret1":                         {"", "jdoe@hospital.example", "Secret1"},
		"https://portal.test/login:jdoe%40hospital.example:Secret1":        {"portal.test", "jdoe@hospital.example", "Secret1"},
		"https%3A%2F%2Fvpn.hospital.example%2Flogin:j%40mail.test:Secret1": {"vpn.hospital.example", "j@mail.test", "Secret1"},
		"hxxps://vpn[.]hospital[.]example/login:jdoe:pa[.]ss1":             {"vpn.hospital.example", "jdoe", "pa[.]ss1"},
		"jdoe&#64;hospital&#46;example:Secret1":                            {"", "jdoe@hospital.example", "Secret1"},
		"jdoe@hospital.example:pa%40ss&amp;1":                              {"", "jdoe@hospital.example", "pa%40ss&amp;1"},
	} {
		text := []byte("first@mail.test:Secret0\n" + line + "\nlast@mail.test:Secret0\n")
		var hits []match.Hit
		s.Scan(text, func(h match.Hit) { hits = append(hits, h) })
		var got []credential
		extract.Indicators(s, risk.Block{Place: risk.Place{Line: 1}, Data: text}, hits, func(in risk.Indicator) {
			if in.Kind != risk.KindCredential || in.Place.Line != 2 {
				t.Errorf("%s: %s on line %d", line, in.Kind, in.Place.Line)
			}
			got = append(got, credential{in.Host, in.Account, in.Secret.Reveal()})
		})
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s: got %q, want %q", line, got, want)
		}
	}
}
