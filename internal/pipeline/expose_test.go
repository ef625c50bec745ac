package pipeline

import (
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/risk"
)

func plain() risk.Secret { return risk.NewSecret(risk.SecretPlain, "invented-1") }

func TestJudge(t *testing.T) {
	lab := risk.Supplier{Name: "Meridian Lab", Relation: risk.ThirdParty, Tier: 3}
	tierOne := risk.Supplier{Name: "Corvane Billing", Relation: risk.ThirdParty, Tier: 1}
	hospital := risk.Supplier{Name: "St. Aldhelm", Relation: risk.FirstParty}
	keeper := risk.Supplier{Name: "NimbusVault", Relation: risk.ThirdParty, Tier: 2, PatientData: risk.Yes}
	credential := func(class risk.Class, host string, secret risk.Secret) risk.Indicator {
		return risk.Indicator{Kind: risk.KindCredential, Class: class, Host: host, Secret: secret}
	}
	for _, c := range []struct {
		name     string
		in       risk.Indicator
		supplier risk.Supplier
		want     risk.Severity
	}{
		{"employee in clear", credential(risk.ClassEmployee, "", plain()), lab, risk.SeverityHigh},
		{"employee of tier 1", credential(risk.ClassEmployee, "", plain()), tierOne, risk.SeverityCritical},
		{"the hospital's own", credential(risk.ClassEmployee, "", plain()), hospital, risk.SeverityCritical},
		{"employee where patient data is", credential(risk.ClassEmployee, "", plain()), keeper, risk.SeverityCritical},
		{"employee at a way in", credential(risk.ClassEmployee, "vpn.lab.example", plain()), lab, risk.SeverityCritical},
		{"critical stays critical", credential(risk.ClassEmployee, "vpn.lab.example", plain()), tierOne, risk.SeverityCritical},
		{"a word that only holds a way in", credential(risk.ClassEmployee, "badminton.lab.example", plain()), lab, risk.SeverityHigh},
		{"hashed", credential(risk.ClassEmployee, "", risk.NewSecret(risk.SecretBcrypt, "$2y$10$x")), lab, risk.SeverityMedium},
		{"no password, even at tier 1", credential(risk.ClassEmployee, "vpn.lab.example", risk.Secret{}), tierOne, risk.SeverityLow},
		{"third party", credential(risk.ClassThirdParty, "shop.test", plain()), tierOne, risk.SeverityMedium},
		{"customer", credential(risk.ClassCustomer, "portal.lab.example", plain()), tierOne, risk.SeverityMedium},
		{"cookie", risk.Indicator{Kind: risk.KindCookie, Host: "x.lab.example"}, lab, risk.SeverityHigh},
		{"victim claim", risk.Indicator{Kind: risk.KindVictimClaim}, lab, risk.SeverityCritical},
		{"look-alike named as victim", risk.Indicator{Kind: risk.KindVictimClaim, Match: risk.MatchLookalike}, lab, risk.SeverityHigh},
		{"brand mention", risk.Indicator{Kind: risk.KindMention, Match: risk.MatchBrand}, lab, risk.SeverityLow},
		{"domain mention", risk.Indicator{Kind: risk.KindMention, Match: risk.MatchExact}, lab, risk.SeverityMedium},
		{"a look-alike cannot fall below low", risk.Indicator{Kind: risk.KindMention, Match: risk.MatchLookalike}, lab, risk.SeverityLow},
	} {
		got, reasons := judge(c.in, c.supplier)
		if got != c.want {
			t.Errorf("%s: %s, want %s (%s)", c.name, got, c.want, strings.Join(reasons, " "))
		}
		if len(reasons) == 0 {
			t.Errorf("%s: no reason", c.name)
		}
	}
}

func TestTitleNamesNoAccount(t *testing.T) {
	s := risk.Supplier{Name: "Meridian Lab"}
	for _, c := range []struct {
		in   risk.Indicator
		want string
	}{
		{risk.Indicator{Kind: risk.KindCredential, Host: "vpn.lab.example", Secret: plain()}, "Password of l•••••@lab.example for vpn.lab.example"},
		{risk.Indicator{Kind: risk.KindCredential, Secret: risk.NewSecret(risk.SecretSHA1, "aa")}, "Hashed password of l•••••@lab.example"},
		{risk.Indicator{Kind: risk.KindCredential}, "Account l•••••@lab.example without a password"},
		{risk.Indicator{Kind: risk.KindCookie, Host: "vpn.lab.example"}, "Session cookie for vpn.lab.example"},
		{risk.Indicator{Kind: risk.KindCookie, Term: risk.WatchTerm{Kind: risk.TermAccount, Value: "svc-results"}}, "Session cookie for s•••••"},
		{risk.Indicator{Kind: risk.KindMention, Term: risk.WatchTerm{Kind: risk.TermAccount, Value: "ana@lab.example"}}, "Meridian Lab is mentioned (a•••••@•••••)"},
		{risk.Indicator{Kind: risk.KindMention, Term: risk.WatchTerm{Kind: risk.TermDomain, Value: "lab.example"}}, "Meridian Lab is mentioned (lab.example)"},
		{risk.Indicator{Kind: risk.KindVictimClaim}, "Meridian Lab is named as a victim on a leak site"},
	} {
		if got := title(c.in, s, "l•••••@lab.example"); got != c.want {
			t.Errorf("title %q, want %q", got, c.want)
		}
	}
	if got := title(risk.Indicator{Kind: risk.KindCredential, Secret: plain()}, s, ""); got != "Password of an unnamed account" {
		t.Errorf("without an account: %q", got)
	}
}
