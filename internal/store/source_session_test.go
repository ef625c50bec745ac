package store

import (
	"reflect"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func init() {
	allRows = append(allRows, sourceSessionRow{})
	nullable = append(nullable, "source_sessions.ends")
	bodies["every field of a source's session survives"] = testSourceSessionFields
	bodies["a session that a person gave is not lost to a run"] = testSourceSessions
}

func testSourceSessionFields(t *testing.T, s *Store) {
	session := filled[risk.SealedSession](nil)
	throughDatabase(t, s, session, newSourceSessionRow(session), sourceSessionRow.session)
}

func testSourceSessions(t *testing.T, s *Store) {
	ctx := t.Context()
	id := must(s.SyncSources(ctx, []risk.Source{pasteSource()}))(t)[0].ID
	find := func() risk.SealedSession { return must(s.FindSourceSession(ctx, id))(t) }
	none := find()
	if none.Cookies != 0 {
		t.Fatalf("a session %+v", none)
	}
	held := risk.SourceRun{SourceID: id, Started: clock, Finished: clock, State: risk.StateNeedsLogin, Why: "A log-in form.", Failed: true, NextRun: clock.Add(time.Hour)}
	if err := s.FinishRun(ctx, held); err != nil {
		t.Fatal(err)
	}

	given := risk.SealedSession{SourceID: id, Sealed: []byte("given"), KeyID: "k1", Cookies: 2, By: "Ana", Ends: clock.Add(time.Hour), Given: clock, Changed: clock}
	if err := s.GiveSession(ctx, given); err != nil {
		t.Fatal(err)
	}
	if got := find(); !reflect.DeepEqual(got, given) {
		t.Errorf("session %+v, want %+v", got, given)
	}
	if all := must(s.FindSourceSessions(ctx))(t); !reflect.DeepEqual(all, map[int64]risk.SealedSession{id: given}) {
		t.Errorf("sessions %+v", all)
	}
	if h := must(s.FindSource(ctx, "paste-p01"))(t).Health; !h.NextRun.IsZero() || h.Failures != 0 {
		t.Errorf("still held back: %+v", h)
	}

	left := given
	left.Sealed, left.Cookies, left.Changed = []byte("of the run"), 3, clock.Add(time.Minute)
	if err := s.KeepSession(ctx, left, none); err != nil { // begun before the cookies were given
		t.Fatal(err)
	}
	if got := find(); !reflect.DeepEqual(got, given) {
		t.Errorf("a run took the place of what a person gave: %+v", got)
	}
	if err := s.KeepSession(ctx, left, given); err != nil {
		t.Fatal(err)
	}
	if got := find(); !reflect.DeepEqual(got, left) {
		t.Errorf("session %+v, want what the run left: %+v", got, left)
	}
	if err := s.GiveSession(ctx, risk.SealedSession{SourceID: id}); err != nil {
		t.Fatal(err)
	}
	if got := find(); got.Cookies != 0 {
		t.Errorf("forgotten, and still there: %+v", got)
	}
	if err := s.KeepSession(ctx, left, left); err != nil {
		t.Fatal(err)
	}
	if got := find(); got.Cookies != 0 {
		t.Errorf("a run brought back what was forgotten: %+v", got)
	}
}
