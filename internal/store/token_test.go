package store

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func init() {
	allRows = append(allRows, tokenRow{})
	nullable = append(nullable, "tokens.expires", "tokens.last_used", "tokens.revoked")
	unique = append(unique, "tokens(name)", "tokens(digest)")
	bodies["every field of a token survives"] = testTokenFields
	bodies["tokens are found by digest and end when revoked"] = testTokens
}

func testTokenFields(t *testing.T, s *Store) {
	tok := filled[risk.Token](nil)
	throughDatabase(t, s, tok, newTokenRow(tok), tokenRow.token)
}

func testTokens(t *testing.T, s *Store) {
	ctx := t.Context()
	made := must(s.CreateToken(ctx, risk.Token{Name: "siem", Digest: strings.Repeat("a", 64), Role: risk.RoleAuditor, Expires: clock.Add(time.Hour)}))(t)
	if made.ID == 0 || !made.Created.Equal(clock) {
		t.Errorf("token %+v", made)
	}
	for name, c := range map[string]struct {
		token risk.Token
		want  error
	}{
		"the same name":   {risk.Token{Name: "siem", Digest: "b", Role: risk.RoleAnalyst}, risk.ErrConflict},
		"the same digest": {risk.Token{Name: "other", Digest: made.Digest, Role: risk.RoleAnalyst}, risk.ErrConflict},
		"no name":         {risk.Token{Digest: "c", Role: risk.RoleAnalyst}, risk.ErrInvalid},
		"an address":      {risk.Token{Name: "ana@hospital.example", Digest: "c", Role: risk.RoleAnalyst}, risk.ErrInvalid},
		"no such role":    {risk.Token{Name: "other", Digest: "c", Role: "root"}, risk.ErrInvalid},
		"a respondent":    {risk.Token{Name: "other", Digest: "c", Role: risk.RoleRespondent}, risk.ErrInvalid},
	} {
		if _, err := s.CreateToken(ctx, c.token); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if got := must(s.FindToken(ctx, made.Digest))(t); got != made {
		t.Errorf("token %+v, want %+v", got, made)
	}
	if err := s.TouchToken(ctx, made.ID, clock.Add(time.Minute)); err != nil {
		t.Error(err)
	}
	for _, after := range []time.Duration{2 * time.Minute, 3 * time.Minute} {
		if err := s.RevokeToken(ctx, "siem", clock.Add(after)); err != nil {
			t.Error(err)
		}
	}
	all := must(s.FindTokens(ctx))(t)
	if len(all) != 1 || !all[0].LastUsed.Equal(clock.Add(time.Minute)) || !all[0].Revoked.Equal(clock.Add(2*time.Minute)) {
		t.Errorf("tokens %+v", all)
	}
	_, findErr := s.FindToken(ctx, "")
	for _, err := range []error{findErr, s.TouchToken(ctx, made.ID+1, clock), s.RevokeToken(ctx, "SIEM", clock)} {
		if !errors.Is(err, risk.ErrNotFound) {
			t.Errorf("%v, want not found", err)
		}
	}
}
