package store

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func init() {
	bodies["a decision that is put off is not lost"] = testPutOff
	bodies["an exposure that got worse is raised"] = testRaised
	bodies["a new owner is still to be told"] = testNewOwner
	bodies["evidence in great numbers is grouped"] = testGroupedEvidence
	bodies["of many that are untold, the most severe are whole"] = testManyUntold
	bodies["recent alerts are counted"] = testRecentAlerts
	bodies["a clock that was ahead holds no message back"] = testMessageClock
	bodies["a person's mails are counted"] = testCountSent
	bodies["two sources of a kind fail at once"] = testCoverageLostAtOnce
}

func undecided(t *testing.T, s *Store, now time.Time) []int64 {
	t.Helper()
	return must(s.FindUndecided(t.Context(), now))(t)
}

func testPutOff(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	batch := batchOf(src, finding(sup.ID, "f1", "k"))
	batch.DecideBy = clock.Add(30 * time.Second)
	if got := must(s.Record(ctx, batch, alertEach))(t); got.New != 1 || got.Messages != 0 || !slices.Equal(got.Suppliers, []int64{sup.ID}) {
		t.Errorf("recorded %+v", got)
	}
	batch.Findings, batch.DecideBy = []risk.Finding{finding(sup.ID, "f2", "k")}, clock.Add(time.Minute)
	must(s.Record(ctx, batch, alertEach))(t)
	if rows := counted(t, s, "scores", "messages"); rows["scores"]+rows["messages"] != 0 {
		t.Errorf("decided already: %v", rows)
	}
	if early, due := undecided(t, s, clock.Add(29*time.Second)), undecided(t, s, clock.Add(30*time.Second)); len(early) != 0 || !slices.Equal(due, []int64{sup.ID}) {
		t.Errorf("undecided %v before the time and %v at it", early, due)
	}
	if back := undecided(t, s, clock.Add(-24*time.Hour)); !slices.Equal(back, []int64{sup.ID}) {
		t.Errorf("a clock that was put back by a day leaves %v undecided for a day", back)
	}
	again := clock.Add(10 * time.Minute)
	if err := s.Rescore(ctx, sup.ID, clock, func(st risk.Standing) (risk.Consequences, error) {
		if len(st.Unalerted) != 2 {
			t.Errorf("%d untold, want 2", len(st.Unalerted))
		}
		return risk.Consequences{Again: again}, nil
	}); err != nil {
		t.Fatal(err)
	}
	if early, due := undecided(t, s, again.Add(-time.Second)), undecided(t, s, again); len(early) != 0 || len(due) != 1 {
		t.Errorf("held back: undecided %v before the time and %v at it", early, due)
	}
	if err := s.Rescore(ctx, sup.ID, again, alertEach); err != nil {
		t.Fatal(err)
	}
	if left := undecided(t, s, again.Add(time.Hour)); len(left) != 0 {
		t.Errorf("decided, and still undecided: %v", left)
	}
	if rows := counted(t, s, "alerts", "messages"); !reflect.DeepEqual(rows, map[string]int{"alerts": 2, "messages": 4}) {
		t.Errorf("rows %v", rows)
	}
}

func testRaised(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	mild := finding(sup.ID, "f1", "raw/1")
	mild.Exposure.Severity = risk.SeverityMedium
	if got := must(s.Record(ctx, batchOf(src, mild), alertEach))(t); got.Messages != 0 {
		t.Fatalf("a medium one told somebody: %+v", got)
	}
	worse := batchOf(src, finding(sup.ID, "f1", "raw/1"))
	worse.Findings[0].Exposure.Severity = risk.SeverityCritical
	worse.Now = clock.Add(time.Hour)
	if got := must(s.Record(ctx, worse, alertEach))(t); got.New != 0 || got.Messages != 2 {
		t.Errorf("raised: %+v, want both told", got)
	}
	e := onlyExposure(t, s)
	if e.Severity != risk.SeverityCritical || !e.Due.Equal(clock.Add(2*time.Hour)) || e.Version != 2 || e.Sightings != 1 {
		t.Errorf("exposure %+v", e)
	}
	events := must(s.FindEvents(ctx, e.ID))(t)
	if last := events[len(events)-1]; last.What != "raised" || !strings.HasPrefix(last.Detail, "from medium to critical. A working login") {
		t.Errorf("history %+v", events)
	}
	if got := must(s.Record(ctx, batchOf(src, mild), alertEach))(t); got.Seen != 0 || len(got.Suppliers) != 0 {
		t.Errorf("seen again as before: %+v", got)
	}
	analyst := risk.Actor{UserID: newUser(t, s, "a@hospital.example").ID, Role: risk.RoleAnalyst}
	must(s.ChangeExposure(ctx, e.ID, risk.Change{To: risk.ExposureDismissed, Reason: "old"}, analyst, clock))(t)
	must(s.Record(ctx, worse, alertEach))(t)
	if e = onlyExposure(t, s); e.State != risk.ExposureDismissed || e.Version != 3 {
		t.Errorf("a settled exposure was raised: %+v", e)
	}
}

func testManyUntold(t *testing.T, s *Store) {
	src, sup := watch(t, s)
	var many []risk.Finding
	for i := range 55 {
		f := finding(sup.ID, fmt.Sprintf("f%02d", i), "k")
		if i == 54 {
			f.Exposure.Severity = risk.SeverityCritical
		}
		many = append(many, f)
	}
	batch := batchOf(src, many...)
	batch.DecideBy = clock.Add(time.Minute)
	must(s.Record(t.Context(), batch, alertEach))(t)
	var untold []risk.Exposure
	if err := s.Rescore(t.Context(), sup.ID, clock, func(st risk.Standing) (risk.Consequences, error) {
		untold = st.Unalerted
		return risk.Consequences{}, nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(untold) != 55 {
		t.Fatalf("%d untold, want 55", len(untold))
	}
	if first := untold[0]; first.Fingerprint != "f54" || first.Title != many[54].Exposure.Title || first.AccountMask == "" || first.SourceName != "Paste one" || first.Tier != 1 {
		t.Errorf("the most severe one is %+v", first)
	}
	if last := untold[49]; last.Fingerprint != "f48" || last.Title == "" || last.Kind != risk.KindCredential {
		t.Errorf("the fiftieth is %+v", last)
	}
	want := risk.Exposure{ID: untold[54].ID, Fingerprint: "f53", SupplierID: sup.ID, Supplier: "Meridian Lab", Tier: 1, SourceID: src.ID, SourceName: "Paste one",
		SourceKind: risk.SourcePaste, Severity: risk.SeverityHigh, State: risk.ExposureNew, Due: clock.Add(risk.SeverityHigh.Limit()), FirstSeen: clock}
	if !reflect.DeepEqual(untold[54], want) {
		t.Errorf("the last is\n%+v, want\n%+v", untold[54], want)
	}
}

func testNewOwner(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	must(s.Record(ctx, batchOf(src, finding(sup.ID, "f1", "k")), alertEach))(t)
	recipients := func() string {
		var to []string
		for _, m := range must(s.FindMessages(ctx, "", 0))(t) {
			to = append(to, m.To.Email)
		}
		return strings.Join(to, " ")
	}
	sup.Owner = risk.Person{Name: "Pia", Email: "Pia@hospital.example"}
	must(s.UpdateSupplier(ctx, sup))(t)
	var told map[int64][]string
	if err := s.Rescore(ctx, sup.ID, clock, func(st risk.Standing) (risk.Consequences, error) {
		told = st.Told
		return alertEach(st)
	}); err != nil {
		t.Fatal(err)
	}
	if want := "duty@hospital.example olga@hospital.example Pia@hospital.example"; recipients() != want {
		t.Errorf("messages to %s, want %s", recipients(), want)
	}
	if addresses := told[onlyExposure(t, s).ID]; len(addresses) != 2 || !slices.Contains(addresses, "olga@hospital.example") {
		t.Errorf("told before %v", told)
	}
	if err := s.Rescore(ctx, sup.ID, clock, func(st risk.Standing) (risk.Consequences, error) {
		if len(st.Unalerted) != 0 {
			t.Errorf("%d still untold", len(st.Unalerted))
		}
		return alertEach(st)
	}); err != nil {
		t.Fatal(err)
	}
}

func testGroupedEvidence(t *testing.T, s *Store) {
	src, sup := watch(t, s)
	var findings []risk.Finding
	for i := range 2000 {
		f := finding(sup.ID, fmt.Sprintf("f%05d", i), "k")
		f.Exposure.Severity, f.Exposure.Observed = risk.SeverityLow, clock.Add(-time.Duration(i/100)*24*time.Hour)
		findings = append(findings, f)
	}
	var got []risk.Evidence
	must(s.Record(t.Context(), batchOf(src, findings...), func(st risk.Standing) (risk.Consequences, error) {
		got = st.Evidence
		return alertEach(st)
	}))(t)
	total, singles := 0, 0
	for _, e := range got {
		total += max(e.Count, 1)
		if e.Count == 0 {
			singles++
		}
		if want := 0.8 * 0.95; e.Quality != want || e.Kind != risk.KindCredential || e.ExposureID == 0 {
			t.Fatalf("evidence %+v", e)
		}
	}
	if total != 2000 || singles != 500 || len(got) != 515 {
		t.Errorf("%d pieces, %d of them single, for %d exposures; want 515, 500, 2000", len(got), singles, total)
	}
	if oldest := got[slices.IndexFunc(got, func(e risk.Evidence) bool { return e.Observed.Equal(clock.Add(-19 * 24 * time.Hour)) })]; oldest.Count != 100 {
		t.Errorf("the oldest group %+v", oldest)
	}
}

func testRecentAlerts(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	must(s.Record(ctx, batchOf(src, finding(sup.ID, "f1", "a"), finding(sup.ID, "f2", "a")), alertEach))(t)
	for after, want := range map[time.Duration]int{0: 2, 14 * time.Minute: 2, 15 * time.Minute: 0, -time.Hour: 0} {
		if err := s.Rescore(ctx, sup.ID, clock.Add(after), func(st risk.Standing) (risk.Consequences, error) {
			if st.Alerts != want || !st.Digest.IsZero() {
				t.Errorf("after %v: %d alerts, digest %v; want %d and none", after, st.Alerts, st.Digest, want)
			}
			return risk.Consequences{}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	digest := func(st risk.Standing) (risk.Consequences, error) {
		a := risk.Alert{Key: "d", SupplierID: sup.ID, To: []risk.Person{duty, st.Supplier.Owner}, Decided: clock.Add(time.Minute)}
		for _, e := range st.Unalerted {
			a.Exposures = append(a.Exposures, e.ID)
		}
		return risk.Consequences{Alerts: []risk.Alert{a}}, nil
	}
	must(s.Record(ctx, batchOf(src, finding(sup.ID, "f3", "a")), digest))(t)
	if err := s.Rescore(ctx, sup.ID, clock.Add(2*time.Minute), func(st risk.Standing) (risk.Consequences, error) {
		if st.Alerts != 2 || !st.Digest.Equal(clock.Add(time.Minute)) {
			t.Errorf("%d alerts, digest %v", st.Alerts, st.Digest)
		}
		return risk.Consequences{}, nil
	}); err != nil {
		t.Fatal(err)
	}
}

func testMessageClock(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	must(s.Record(ctx, batchOf(src, finding(sup.ID, "f1", "a")), alertEach))(t)
	ahead := clock.AddDate(1, 0, 0)
	for _, state := range []risk.MessageState{risk.MessagePending, risk.MessageSending} {
		for _, m := range must(s.FindMessages(ctx, "", 0))(t) {
			m, claimed, err := s.ClaimMessage(ctx, m.ID, ahead)
			if err != nil || !claimed {
				t.Fatal(m.State, claimed, err)
			}
			if state == risk.MessageSending {
				continue
			}
			m.State, m.NextTry = state, ahead.Add(30*time.Minute)
			if err := s.FinishMessage(ctx, m); err != nil {
				t.Fatal(err)
			}
		}
		if due := must(s.DueMessages(ctx, clock, 0))(t); len(due) != 2 {
			t.Errorf("%s while the clock was a year ahead: %d due, want 2", state, len(due))
		}
		if state == risk.MessagePending {
			ahead = ahead.Add(31 * time.Minute)
		}
	}
	if due := must(s.DueMessages(ctx, ahead, 0))(t); len(due) != 0 {
		t.Errorf("%d messages are due that are being sent", len(due))
	}
}

func testCountSent(t *testing.T, s *Store) {
	ctx := t.Context()
	src, sup := watch(t, s)
	must(s.Record(ctx, batchOf(src, finding(sup.ID, "f1", "a"), finding(sup.ID, "f2", "a")), alertEach))(t)
	for i, m := range must(s.FindMessages(ctx, "", 0))(t) {
		m, _, err := s.ClaimMessage(ctx, m.ID, clock)
		if err != nil {
			t.Fatal(err)
		}
		m.State, m.Sent = risk.MessageSent, clock.Add(time.Duration(i)*time.Minute)
		if err := s.FinishMessage(ctx, m); err != nil {
			t.Fatal(err)
		}
	}
	all, last, none := must(s.CountSent(ctx, duty.Email, clock.Add(-time.Hour)))(t), must(s.CountSent(ctx, duty.Email, clock.Add(time.Minute)))(t), must(s.CountSent(ctx, "x@y.example", clock))(t)
	if all != 2 || last != 1 || none != 0 {
		t.Errorf("duty was sent %d, %d of them later than a minute; a stranger %d", all, last, none)
	}
}

func testCoverageLostAtOnce(t *testing.T, s *Store) {
	ctx := t.Context()
	one, two := pasteSource(), pasteSource()
	two.Key = "paste-p02"
	sources := must(s.SyncSources(ctx, []risk.Source{one, two}))(t)
	rescores := func() (n int) {
		for _, j := range queued(t, s) {
			if j.Kind == risk.JobRescore {
				n++
			}
		}
		return n
	}
	for round := range 10 {
		before := rescores()
		for step, failed := range []bool{false, true} {
			at := clock.Add(time.Duration(2*round+step) * time.Minute)
			var group sync.WaitGroup
			errs := make(chan error, len(sources))
			for _, src := range sources {
				group.Go(func() {
					run := risk.SourceRun{SourceID: src.ID, Started: at, Finished: at, State: risk.StateHealthy, Failed: failed}
					if failed {
						run.State = risk.StateSilent
					}
					errs <- s.FinishRun(ctx, run)
				})
			}
			group.Wait()
			close(errs)
			for err := range errs {
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := rescores() - before; got != 2 {
			t.Fatalf("round %d: pastes were watched and then not, and scores were asked for %d times, want 2", round, got)
		}
	}
}
