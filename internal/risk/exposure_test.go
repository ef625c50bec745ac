package risk_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

var (
	noon    = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	analyst = risk.Actor{UserID: 3, Role: risk.RoleAnalyst}
)

func TestApplyFollowsTheStates(t *testing.T) {
	all := []risk.ExposureState{risk.ExposureNew, risk.ExposureConfirmed, risk.ExposureWithSupplier, risk.ExposureFixed,
		risk.ExposureClosed, risk.ExposureDuplicate, risk.ExposureDismissed, risk.ExposureWaived}
	for _, from := range all {
		for _, to := range all {
			e := risk.Exposure{ID: 1, State: from, Version: 4}
			after, event, err := e.Apply(risk.Change{To: to, Reason: "because", DuplicateOf: 2}, analyst, noon)
			if allowed := slices.Contains(from.Next(), to); allowed != (err == nil) {
				t.Errorf("%s → %s: %v", from, to, err)
			} else if !allowed {
				if after.State != from || after.Version != 4 {
					t.Errorf("%s → %s was refused and changed something: %+v", from, to, after)
				}
				continue
			}
			if after.State != to || after.Version != 5 || event.What != string(to) || event.ActorID != 3 || !after.Updated.Equal(noon) {
				t.Errorf("%s → %s: %+v, %+v", from, to, after, event)
			}
		}
	}
}

func TestApplyRefuses(t *testing.T) {
	nobody := int64(0)
	e := risk.Exposure{ID: 1, State: risk.ExposureNew, Version: 4, OwnerID: 3}
	for name, c := range map[string]struct {
		change risk.Change
		actor  risk.Actor
		want   error
	}{
		"dismissing without a reason": {risk.Change{To: risk.ExposureDismissed, Reason: "  "}, analyst, risk.ErrInvalid},
		"waiving without a reason":    {risk.Change{To: risk.ExposureWaived}, analyst, risk.ErrInvalid},
		"a duplicate of nothing":      {risk.Change{To: risk.ExposureDuplicate}, analyst, risk.ErrInvalid},
		"a duplicate of itself":       {risk.Change{To: risk.ExposureDuplicate, DuplicateOf: 1}, analyst, risk.ErrInvalid},
		"no change":                   {risk.Change{}, analyst, risk.ErrInvalid},
		"an old version":              {risk.Change{To: risk.ExposureConfirmed, Version: 3}, analyst, risk.ErrConflict},
		"somebody who may only look":  {risk.Change{To: risk.ExposureConfirmed}, risk.Actor{UserID: 5, Role: risk.RoleAuditor}, risk.ErrForbidden},
		"nobody, with a role":         {risk.Change{AssignTo: &nobody}, risk.Actor{Role: risk.RoleAnalyst}, risk.ErrForbidden},
	} {
		if after, _, err := e.Apply(c.change, c.actor, noon); !errors.Is(err, c.want) || after.Version != 4 {
			t.Errorf("%s: %v, version %d", name, err, after.Version)
		}
	}
	after, event, err := e.Apply(risk.Change{AssignTo: &nobody}, analyst, noon)
	if err != nil || after.OwnerID != 0 || event.What != "unassigned" {
		t.Errorf("unassign: %+v, %+v, %v", after, event, err)
	}
}

// The policy in full, so that a change to it is seen.
func TestWhoMayDoWhat(t *testing.T) {
	want := map[risk.Action]string{
		risk.ActViewOverview:  "analyst procurement ciso auditor admin",
		risk.ActViewExposures: "analyst ciso auditor",
		risk.ActViewAccounts:  "analyst ciso",
		risk.ActTriage:        "analyst ciso",
		risk.ActViewSuppliers: "analyst procurement ciso auditor",
		risk.ActEditSuppliers: "analyst procurement ciso",
		risk.ActViewSources:   "analyst auditor admin",
		risk.ActManageSources: "analyst admin",
		"something_new":       "",
	}
	for action, roles := range want {
		got := ""
		for _, r := range risk.Roles {
			if risk.Can(risk.Actor{UserID: 1, Role: r}, action) {
				if got != "" {
					got += " "
				}
				got += string(r)
			}
			if risk.Can(risk.Actor{Role: r}, action) {
				t.Errorf("%s: role %s without a user may", action, r)
			}
		}
		if got != roles {
			t.Errorf("%s: %q may, want %q", action, got, roles)
		}
	}
}

func TestSeverityReadsWhatItWrites(t *testing.T) {
	for s, limit := range map[risk.Severity]time.Duration{risk.SeverityLow: 14 * 24 * time.Hour, risk.SeverityMedium: 72 * time.Hour,
		risk.SeverityHigh: 4 * time.Hour, risk.SeverityCritical: time.Hour} {
		if back, err := risk.ParseSeverity(s.String()); err != nil || back != s {
			t.Errorf("%v: read back as %v, %v", s, back, err)
		}
		if s.Limit() != limit {
			t.Errorf("%v: limit %v, want %v", s, s.Limit(), limit)
		}
	}
	if _, err := risk.ParseSeverity("urgent"); !errors.Is(err, risk.ErrInvalid) {
		t.Errorf("an unknown severity: %v", err)
	}
}

func TestLengthBands(t *testing.T) {
	for text, want := range map[string]string{"": "", "x": "1–7", "1234567": "1–7", "12345678": "8–11", "ääääääää": "8–11",
		"123456789012": "12–15", "1234567890123456": "16–23", "123456789012345678901234": "24+"} {
		if got := risk.NewSecret(risk.SecretPlain, text).LengthBand(); got != want {
			t.Errorf("%d bytes: %q, want %q", len(text), got, want)
		}
	}
	if none := risk.NewSecret(risk.SecretPlain, ""); none.Kind() != risk.SecretNone || !none.Empty() {
		t.Error("an empty secret is one")
	}
}
