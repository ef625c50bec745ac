package risk_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/risk"
)

func TestNewWatchTermNormalises(t *testing.T) {
	for _, c := range []struct {
		kind        risk.TermKind
		value, want string
	}{
		{risk.TermDomain, " Hospital.Example. ", "hospital.example"},
		{risk.TermDomain, "bücher.example", "xn--bcher-kva.example"},
		{risk.TermHost, "VPN.Lab.example", "vpn.lab.example"},
		{risk.TermBrand, "  Meridian Labs ", "Meridian Labs"},
		{risk.TermBrand, "Żółw", "Żółw"},
		{risk.TermAccount, "Lena.Ort@Lab.example", "lena.ort@lab.example"},
		{risk.TermADDomain, "stmary", "STMARY"},
		{risk.TermIP, "192.0.2.77/24", "192.0.2.0/24"},
		{risk.TermIP, "::ffff:192.0.2.1", "192.0.2.1"},
		{risk.TermIP, "2001:DB8::1", "2001:db8::1"},
	} {
		term, err := risk.NewWatchTerm(c.kind, c.value)
		if err != nil || term.Value != c.want || term.Kind != c.kind {
			t.Errorf("%s %q: %q, %v; want %q", c.kind, c.value, term.Value, err, c.want)
		}
	}
}

func TestNewWatchTermRefuses(t *testing.T) {
	for _, c := range []struct {
		kind  risk.TermKind
		value string
	}{
		{risk.TermDomain, ""},
		{risk.TermDomain, "localhost"},
		{risk.TermDomain, "https://hospital.example/"},
		{risk.TermDomain, "a b.example"},
		{risk.TermDomain, "*.hospital.example"},
		{risk.TermHost, "user@hospital.example"},
		{risk.TermBrand, "ab"},
		{risk.TermBrand, "!!!!"},
		{risk.TermAccount, "two words"},
		{risk.TermAccount, "lena:secret"},
		{risk.TermADDomain, `STMARY\jdoe`},
		{risk.TermIP, "300.1.1.1"},
		{risk.TermIP, "hospital.example"},
		{"colour", "blue"},
		{risk.TermDomain, strings.Repeat("a", 250) + ".example"},
	} {
		term, err := risk.NewWatchTerm(c.kind, c.value)
		var problem risk.Problem
		if !errors.As(err, &problem) || problem.Say == "" || !errors.Is(err, risk.ErrInvalid) {
			t.Errorf("%s %q: accepted as %q, %v", c.kind, c.value, term.Value, err)
		}
	}
}

func TestSupplierProblemsAreAllNamed(t *testing.T) {
	s := risk.Supplier{Relation: "cousin", Tier: 9, Employees: -1, Owner: risk.Person{Email: "nobody"},
		Contact: risk.Person{Email: "a@b@c"}, Terms: []risk.WatchTerm{{Kind: risk.TermDomain, Value: "x"}}}
	var fields []string
	for _, err := range s.Validate() {
		var p risk.Problem
		if errors.As(err, &p) {
			fields = append(fields, p.Field)
		}
	}
	if got, want := strings.Join(fields, " "), "name relation tier employees owner_email contact_email value"; got != want {
		t.Errorf("problems with %q, want %q", got, want)
	}
	fine := risk.Supplier{Name: "Meridian Lab", Relation: risk.ThirdParty, Owner: risk.Person{Email: "a.osei@hospital.example"}}
	if problems := fine.Validate(); problems != nil {
		t.Errorf("a supplier with only what is needed: %v", problems)
	}
}
