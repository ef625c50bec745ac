package match_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

func TestASCIILookalikesAreToldApart(t *testing.T) {
	s := compile(t,
		term(t, risk.TermDomain, "hospital.example"),
		term(t, risk.TermDomain, "modern-clinic.co.test"),
		term(t, risk.TermDomain, "lab10.example"),
		term(t, risk.TermDomain, "mail.example"),
		term(t, risk.TermDomain, "m4il.example"),
		term(t, risk.TermHost, "vpn.burn.example"),
	)
	const want = "=hospital.example"
	check(t, s, []scanCase{
		{"digits", "jdoe@h0spital.example hospita1.example hosp1tal.example ho5pital.example", []string{"lookalike h0spital.example" + want, "lookalike hospita1.example" + want, "lookalike hosp1tal.example" + want, "lookalike ho5pital.example" + want}},
		{"below it", "https://vpn.h0spital.example/", []string{"lookalike vpn.h0spital.example" + want}},
		{"capital i", "hospitaI.example HOSPLTAL.example", []string{"lookalike hospitaI.example" + want, "lookalike HOSPLTAL.example" + want}},
		{"two letters for one", "modem-clinic.co.test modern-dinic.co.test rnodern-clinic.co.test moclern-clinic.co.test", []string{
			"lookalike modem-clinic.co.test=modern-clinic.co.test", "lookalike modern-dinic.co.test=modern-clinic.co.test",
			"lookalike rnodern-clinic.co.test=modern-clinic.co.test", "lookalike moclern-clinic.co.test=modern-clinic.co.test"}},
		{"letters for digits", "labl0.example lab1o.example", []string{"lookalike labl0.example=lab10.example", "lookalike lab1o.example=lab10.example"}},
		{"escaped", "jdoe%40h0spital%2Eexample", []string{"lookalike h0spital%2Eexample" + want}},
		{"a watched domain of its own", "m4il.example", []string{"exact m4il.example=m4il.example"}},
		{"in another script as well", "hоsp1tal.example", []string{"lookalike hоsp1tal.example" + want}},
		{"short words differ in a letter", "mall.example maii.example vpn.bum.example", []string{}},
		{"another name", "h0spitals.example 0hospital.example hospital1.example hospital-1.example h0spital.test h0spital.example.test h0spital.examp1e hospital.examp1e", []string{}},
		{"a local part", "h0spital.example@evil.test", []string{}},
	})
}

// TestLookalikesOfLongLists: a list too long for all look-alikes has the likeliest.
func TestLookalikesOfLongLists(t *testing.T) {
	terms := []risk.WatchTerm{term(t, risk.TermDomain, "hospital.example")}
	for i := range 3000 {
		terms = append(terms, term(t, risk.TermDomain, fmt.Sprintf("supplier-%d.example", i)))
	}
	s, err := match.Compile(terms)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"lookalike h0spital.example=hospital.example", "lookalike hospita1.example=hospital.example"}
	if got := hits(s, "h0spital.example hospita1.example"); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}
