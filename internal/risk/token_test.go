package risk_test

import (
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func TestTokenEnds(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		token risk.Token
		live  bool
	}{
		"no end":      {risk.Token{}, true},
		"before":      {risk.Token{Expires: now.Add(time.Second)}, true},
		"at the time": {risk.Token{Expires: now}, false},
		"revoked":     {risk.Token{Expires: now.Add(time.Hour), Revoked: now.Add(-time.Hour)}, false},
	} {
		if got := c.token.Live(now); got != c.live {
			t.Errorf("%s: live %v, want %v", name, got, c.live)
		}
	}
}

func TestTokenNames(t *testing.T) {
	for name, fine := range map[string]bool{
		"siem": true, "Cloud-sync_2.1": true, strings.Repeat("a", 64): true,
		"": false, strings.Repeat("a", 65): false, "two words": false, "ana@hospital.example": false, "a\nb": false, "żółw": false,
	} {
		if err := (risk.Token{Name: name, Role: risk.RoleAuditor}).Validate(); (err == nil) != fine {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestTokenActsInItsRole(t *testing.T) {
	auditor := risk.Token{ID: 3, Role: risk.RoleAuditor}.Actor()
	if !risk.Can(auditor, risk.ActViewExposures) || risk.Can(auditor, risk.ActTriage) {
		t.Error("an auditor's token may do other things than an auditor")
	}
	if risk.Can(risk.Token{Role: risk.RoleAuditor}.Actor(), risk.ActViewExposures) {
		t.Error("a token that was never stored may do something")
	}
}
