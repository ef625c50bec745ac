package store

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func init() {
	bodies["users sign in by an address without case"] = testUsers
	bodies["sessions end"] = testSessions
	bodies["settings"] = testSettings
	bodies["a message is sent by one"] = testOutbox
	bodies["a change is checked and written down"] = testChange
}

func newUser(t *testing.T, s *Store, email string) risk.User {
	t.Helper()
	return must(s.CreateUser(t.Context(), risk.User{Email: email, Name: "Ana", Role: risk.RoleAnalyst, PasswordHash: "hash"}))(t)
}

func testUsers(t *testing.T, s *Store) {
	ctx := t.Context()
	u := newUser(t, s, "Ana@Hospital.example")
	if u.Email != "ana@hospital.example" || !u.Created.Equal(clock) {
		t.Errorf("user %+v", u)
	}
	if _, err := s.CreateUser(ctx, risk.User{Email: "ANA@hospital.example"}); !errors.Is(err, risk.ErrConflict) {
		t.Errorf("the same address again: %v, want conflict", err)
	}
	if err := s.TouchSignIn(ctx, u.ID, clock.Add(time.Hour)); err != nil {
		t.Error(err)
	}
	if err := s.SetPassword(ctx, u.ID, "other"); err != nil {
		t.Error(err)
	}
	got := must(s.FindUserByEmail(ctx, "ana@HOSPITAL.example"))(t)
	if got.ID != u.ID || got.PasswordHash != "other" || !got.LastSignIn.Equal(clock.Add(time.Hour)) {
		t.Errorf("user %+v", got)
	}
	if all := must(s.FindUsers(ctx))(t); len(all) != 1 || all[0] != got {
		t.Errorf("users %+v", all)
	}
	_, byID := s.FindUser(ctx, u.ID+1)
	_, byEmail := s.FindUserByEmail(ctx, "nobody@hospital.example")
	for _, err := range []error{byID, byEmail, s.TouchSignIn(ctx, u.ID+1, clock), s.SetPassword(ctx, u.ID+1, "x")} {
		if !errors.Is(err, risk.ErrNotFound) {
			t.Errorf("%v, want not found", err)
		}
	}
}

func testSessions(t *testing.T, s *Store) {
	ctx := t.Context()
	save := func(ses risk.Session) {
		t.Helper()
		if err := s.SaveSession(ctx, ses); err != nil {
			t.Fatal(err)
		}
	}
	now := s.now()
	save(risk.Session{Digest: "a", Data: []byte("1"), Expires: now.Add(time.Hour)})
	save(risk.Session{Digest: "a", Data: []byte("2"), Expires: now.Add(2 * time.Hour)})
	if got := must(s.FindSession(ctx, "a"))(t); string(got.Data) != "2" || !got.Expires.Equal(now.Add(2*time.Hour)) {
		t.Errorf("session %+v, want the renewed one", got)
	}
	save(risk.Session{Digest: "old", Expires: now.Add(-time.Second)})
	save(risk.Session{Digest: "b", Expires: now.Add(time.Hour)})
	if _, err := s.FindSession(ctx, "old"); !errors.Is(err, risk.ErrNotFound) {
		t.Errorf("an expired session after a sign-in: %v, want not found", err)
	}
	must(s.FindSession(ctx, "a"))(t)
	for range 2 {
		if err := s.DeleteSession(ctx, "b"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.FindSession(ctx, "b"); !errors.Is(err, risk.ErrNotFound) {
		t.Errorf("an ended session: %v, want not found", err)
	}
}

func testSettings(t *testing.T, s *Store) {
	ctx := t.Context()
	if _, err := s.FindSetting(ctx, "k"); !errors.Is(err, risk.ErrNotFound) {
		t.Errorf("%v, want not found", err)
	}
	for _, v := range []string{"1", "2"} {
		if err := s.SaveSetting(ctx, "k", v); err != nil {
			t.Fatal(err)
		}
		if got := must(s.FindSetting(ctx, "k"))(t); got != v {
			t.Errorf("setting %q, want %q", got, v)
		}
	}
}

func testOutbox(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	must(s.Record(ctx, batchOf(src, finding(sup.ID, "f1", "k")), alertEach))(t)
	ids := must(s.DueMessages(ctx, clock.Add(-time.Hour), 0))(t) // a fresh message is due whatever the clock says
	if len(ids) != 2 {
		t.Fatalf("due %v", ids)
	}
	claim := func(at time.Time) bool {
		t.Helper()
		m, claimed, err := s.ClaimMessage(ctx, ids[0], at)
		if err != nil || m.ID != ids[0] {
			t.Fatalf("message %+v: %v", m, err)
		}
		return claimed
	}
	finish := func(state risk.MessageState, next time.Time) error {
		t.Helper()
		m := must(s.FindMessage(ctx, ids[0]))(t)
		m.State, m.NextTry, m.Attempts, m.Why = state, next, m.Attempts+1, "The mail server did not take it yet."
		if state == risk.MessageSent {
			m.Sent = next
		}
		return s.FinishMessage(ctx, m)
	}
	steps := []struct {
		what string
		got  bool
		want bool
	}{
		{"first claim", claim(clock), true},
		{"second claim", claim(clock.Add(2 * time.Minute)), false},
		{"claim after the claimer died", claim(clock.Add(2*time.Minute + time.Second)), true},
		{"refused for now", finish(risk.MessagePending, clock.Add(time.Hour)) == nil, true},
		{"claim before its time", claim(clock.Add(30 * time.Minute)), false},
		{"claim at its time", claim(clock.Add(time.Hour)), true},
		{"sent", finish(risk.MessageSent, clock.Add(time.Hour)) == nil, true},
		{"claim of a sent one", claim(clock.Add(24 * time.Hour)), false},
		{"sent is final", errors.Is(finish(risk.MessageFailed, clock), risk.ErrConflict), true},
	}
	for _, step := range steps {
		if step.got != step.want {
			t.Errorf("%s: %v, want %v", step.what, step.got, step.want)
		}
	}
	m := must(s.FindMessage(ctx, ids[0]))(t)
	if m.State != risk.MessageSent || m.Attempts != 2 || !m.Sent.Equal(clock.Add(time.Hour)) {
		t.Errorf("message %+v", m)
	}
	if got := must(s.DueMessages(ctx, clock, 0))(t); !reflect.DeepEqual(got, ids[1:]) {
		t.Errorf("due %v, want %v", got, ids[1:])
	}
	_, _, claimErr := s.ClaimMessage(ctx, 99, clock)
	_, findErr := s.FindMessage(ctx, 99)
	for _, err := range []error{claimErr, findErr, s.FinishMessage(ctx, risk.Message{ID: 99})} {
		if !errors.Is(err, risk.ErrNotFound) {
			t.Errorf("%v, want not found", err)
		}
	}
}

func testChange(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	must(s.Record(ctx, batchOf(src, finding(sup.ID, "f1", "k"), finding(sup.ID, "f2", "k")), alertEach))(t)
	ana := newUser(t, s, "ana@hospital.example")
	actor := risk.Actor{UserID: ana.ID, Role: risk.RoleAnalyst}
	found, _, err := s.FindExposures(ctx, risk.ExposureFilter{Sort: "-new"})
	if err != nil {
		t.Fatal(err)
	}
	e, other := found[0], found[1]
	e = must(s.ChangeExposure(ctx, e.ID, risk.Change{AssignTo: &ana.ID, Version: 1}, actor, clock.Add(time.Minute)))(t)
	if e.OwnerID != ana.ID || e.Owner != "Ana" || e.Version != 2 || !e.Updated.Equal(clock.Add(time.Minute)) {
		t.Errorf("exposure %+v", e)
	}
	nobody, stranger := int64(0), ana.ID+7
	for name, c := range map[string]struct {
		id     int64
		change risk.Change
		actor  risk.Actor
		want   error
	}{
		"old version":      {e.ID, risk.Change{To: risk.ExposureConfirmed, Version: 1}, actor, risk.ErrConflict},
		"no such exposure": {99, risk.Change{To: risk.ExposureConfirmed}, actor, risk.ErrNotFound},
		"not allowed":      {e.ID, risk.Change{To: risk.ExposureConfirmed}, risk.Actor{UserID: ana.ID, Role: risk.RoleAuditor}, risk.ErrForbidden},
		"no such original": {e.ID, risk.Change{To: risk.ExposureDuplicate, DuplicateOf: 99}, actor, risk.ErrInvalid},
		"no such owner":    {e.ID, risk.Change{AssignTo: &stranger}, actor, risk.ErrInvalid},
	} {
		if _, err := s.ChangeExposure(ctx, c.id, c.change, c.actor, clock); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	jobs := len(queued(t, s))
	e = must(s.ChangeExposure(ctx, e.ID, risk.Change{To: risk.ExposureDuplicate, DuplicateOf: other.ID, Reason: "the same", AssignTo: &nobody}, actor, clock.Add(time.Hour)))(t)
	if e.State != risk.ExposureDuplicate || e.DuplicateOf != other.ID || e.StateReason != "the same" || e.OwnerID != 0 || e.Version != 3 {
		t.Errorf("exposure %+v", e)
	}
	if got := len(queued(t, s)); got != jobs+1 {
		t.Errorf("%d jobs queued by the change, want 1", got-jobs)
	}
	if _, open, err := s.FindExposures(ctx, risk.ExposureFilter{States: risk.OpenStates}); err != nil || open != 1 {
		t.Errorf("%d open: %v", open, err)
	}
	events := must(s.FindEvents(ctx, e.ID))(t)
	if len(events) != 3 || events[1].What != "assigned" || events[1].Detail != "to Ana" || events[1].ActorID != ana.ID || events[2].What != "duplicate" || events[2].Detail != "the same" {
		t.Errorf("history %+v", events)
	}
}
