package store

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func init() {
	bodies["sources follow their definitions"] = testSync
	bodies["a source's health"] = testHealth
	bodies["the thirty days"] = testStrip
	bodies["coverage"] = testCoverage
	bodies["the overview counts"] = testOverview
	bodies["the overview of nothing"] = testEmptyOverview
}

func testSync(t *testing.T, s *Store) {
	ctx := t.Context()
	paste, forum := pasteSource(), pasteSource()
	forum.Key, forum.Kind, forum.Name = "forum-f07", risk.SourceForum, "Forum seven"
	first := must(s.SyncSources(ctx, []risk.Source{paste, forum}))(t)
	if first[0].Key != "paste-p01" || first[1].Key != "forum-f07" || first[0].ID == 0 || first[0].ID == first[1].ID {
		t.Fatalf("sources %+v", first)
	}
	if err := s.PauseSource(ctx, first[0].ID, true); err != nil {
		t.Fatal(err)
	}
	paste.Name, paste.Limits.Pages, paste.Allowed = "Paste 1", 7, []string{"raw.paste.example"}
	second := must(s.SyncSources(ctx, []risk.Source{paste}))(t)
	want := paste
	want.ID = first[0].ID
	if !reflect.DeepEqual(second, []risk.Source{want}) {
		t.Errorf("sources\n got %+v\nwant %+v", second, want)
	}
	all := must(s.FindSources(ctx, clock))(t)
	if len(all) != 2 || all[0].Source.Enabled || all[0].Health.State != risk.StatePaused || all[1].Health.State != risk.StatePaused || all[1].Health.Why != "Paused by an operator." {
		t.Errorf("sources %+v", all)
	}
	if err := s.PauseSource(ctx, first[0].ID, false); err != nil {
		t.Fatal(err)
	}
	if got := must(s.FindSource(ctx, "paste-p01"))(t); got.Health.State != risk.StateWaiting || got.Source.Name != "Paste 1" {
		t.Errorf("source %+v", got)
	}
	if none := must(s.SyncSources(ctx, nil))(t); len(none) != 0 {
		t.Errorf("sources %+v", none)
	}
	_, missing := s.FindSource(ctx, "nowhere")
	for _, err := range []error{missing, s.PauseSource(ctx, 99, true), s.StartRun(ctx, 99, clock), s.FinishRun(ctx, risk.SourceRun{SourceID: 99})} {
		if !errors.Is(err, risk.ErrNotFound) {
			t.Errorf("%v, want not found", err)
		}
	}
}

func testHealth(t *testing.T, s *Store) {
	ctx := t.Context()
	src, _ := watch(t, s)
	health := func(now time.Time) risk.SourceHealth {
		t.Helper()
		return must(s.FindSources(ctx, now))(t)[0].Health
	}
	run := func(begin time.Duration, state risk.SourceState, failed bool, why string) {
		t.Helper()
		at := clock.Add(begin)
		if err := s.StartRun(ctx, src.ID, at); err != nil {
			t.Fatal(err)
		}
		h := health(at)
		if begin < 24*time.Hour && (h.State != risk.StateCollecting || !h.Since.Equal(at) || h.Why != "") {
			t.Errorf("while it runs: %+v", h)
		}
		if begin > 25*time.Hour && h.State != risk.StateSilent { // trying is not succeeding
			t.Errorf("while a silent source is tried: %+v", h)
		}
		r := risk.SourceRun{SourceID: src.ID, Started: at, Finished: at.Add(time.Minute), State: state, Failed: failed, Why: why, NextRun: at.Add(time.Hour), Matched: 2, Report: risk.CrawlReport{Pages: 5, New: 1}}
		for range 2 { // the second is the same run told again
			if err := s.FinishRun(ctx, r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if h := health(clock); h.State != risk.StateWaiting || !h.Since.Equal(clock) {
		t.Errorf("before the first run: %+v", h)
	}
	run(0, risk.StateHealthy, false, "")
	run(time.Hour, risk.StateHealthy, false, "")
	h := health(clock.Add(2 * time.Hour))
	want := risk.SourceHealth{
		SourceID: src.ID, State: risk.StateHealthy, Since: clock.Add(time.Minute), LastRun: clock.Add(61 * time.Minute), LastSuccess: clock.Add(61 * time.Minute),
		LastDocument: clock.Add(61 * time.Minute), NextRun: clock.Add(2 * time.Hour), Fetched24h: 10, Matched24h: 4,
		Days: []risk.SourceDay{{Day: clock.Truncate(24 * time.Hour), Runs: 2, Fetched: 10, Matched: 4}},
	}
	if !reflect.DeepEqual(h, want) {
		t.Errorf("health\n got %+v\nwant %+v", h, want)
	}
	run(2*time.Hour, risk.StateBackingOff, true, "The site answered 503.")
	run(3*time.Hour, risk.StateBackingOff, true, "The site answered 503.")
	if h := health(clock.Add(4 * time.Hour)); h.Failures != 2 || h.State != risk.StateBackingOff || h.Why != "The site answered 503." || !h.Since.Equal(clock.Add(121*time.Minute)) || h.Days[0].Failures != 2 {
		t.Errorf("health %+v", h)
	}
	lastGood := clock.Add(61 * time.Minute)
	if h := health(lastGood.Add(24 * time.Hour)); h.State != risk.StateBackingOff || h.Fetched24h != 10 {
		t.Errorf("after a day: %+v", h)
	}
	if h := health(lastGood.Add(24*time.Hour + time.Second)); h.State != risk.StateSilent || h.Why != "Not read successfully since 2026-03-02 10:31 UTC." || !h.Since.Equal(lastGood.Add(24*time.Hour)) {
		t.Errorf("after more than a day: %+v", h)
	}
	run(48*time.Hour, risk.StateCaptcha, true, "A captcha.")
	if h := health(clock.Add(99 * time.Hour)); h.State != risk.StateCaptcha {
		t.Errorf("captcha for long: %+v", h)
	}
	if h := health(time.Date(2026, 12, 31, 23, 59, 0, 0, time.UTC)); h.State != risk.StateCaptcha {
		t.Errorf("on the review date: %+v", h)
	}
	if h := health(time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC)); h.State != risk.StateExpired || h.Why != "The legal basis was to be reviewed by 2026-12-31." {
		t.Errorf("after the review date: %+v", h)
	}
}

func testStrip(t *testing.T, s *Store) {
	ctx := t.Context()
	src, _ := watch(t, s)
	for day := range 40 {
		at := clock.AddDate(0, 0, day)
		if err := s.FinishRun(ctx, risk.SourceRun{SourceID: src.ID, Started: at, Finished: at, State: risk.StateHealthy, Report: risk.CrawlReport{Pages: day}}); err != nil {
			t.Fatal(err)
		}
	}
	days := must(s.FindSources(ctx, clock.AddDate(0, 0, 39)))(t)[0].Health.Days
	if len(days) != 30 || days[0].Fetched != 10 || days[29].Fetched != 39 {
		t.Errorf("%d days: %+v", len(days), days)
	}
	if rows := counted(t, s, "source_days", "source_runs"); rows["source_days"] != 30 || rows["source_runs"] != 3 {
		t.Errorf("rows %v", rows)
	}
}

func testCoverage(t *testing.T, s *Store) {
	ctx := t.Context()
	kinds := []risk.SourceKind{risk.SourcePaste, risk.SourceForum, risk.SourceLeakSite, risk.SourceDrop}
	var defined []risk.Source
	for _, k := range kinds {
		src := pasteSource()
		src.Key, src.Kind = string(k), k
		defined = append(defined, src)
	}
	defined[3].Every = 24 * time.Hour
	stored := must(s.SyncSources(ctx, defined))(t)
	finish := func(i int, state risk.SourceState, failed bool) {
		t.Helper()
		if err := s.FinishRun(ctx, risk.SourceRun{SourceID: stored[i].ID, Started: clock, Finished: clock, State: state, Failed: failed}); err != nil {
			t.Fatal(err)
		}
	}
	finish(0, risk.StateHealthy, false)
	finish(1, risk.StateBackingOff, true)
	finish(2, risk.StateHealthy, false)
	finish(3, risk.StateHealthy, false)
	if err := s.PauseSource(ctx, stored[2].ID, true); err != nil {
		t.Fatal(err)
	}
	for now, want := range map[time.Duration][]risk.SourceKind{
		time.Hour:      {risk.SourceDrop, risk.SourcePaste},
		25 * time.Hour: {risk.SourceDrop},
		73 * time.Hour: nil,
	} {
		if got := must(coverage(s.reader, clock.Add(now)))(t); !reflect.DeepEqual(got, want) {
			t.Errorf("after %v: %v, want %v", now, got, want)
		}
	}
}

func testEmptyOverview(t *testing.T, s *Store) {
	got := must(s.CountOverview(t.Context(), clock))(t)
	if got.OpenWeekAgo != -1 || got.FirstLook != nil || len(got.Weeks) != 12 || len(got.Matrix) != 0 || got.Suppliers != 0 || !got.Computed.Equal(clock) {
		t.Errorf("overview %+v", got)
	}
}

func testOverview(t *testing.T, s *Store) {
	ctx := t.Context()
	src, lab := watch(t, s) // tier 1
	must(s.CreateSupplier(ctx, risk.Supplier{Name: "Unknown", Relation: risk.ThirdParty, Tier: 1}))(t)
	nova := must(s.CreateSupplier(ctx, risk.Supplier{Name: "Nova", Relation: risk.ThirdParty, Tier: 2}))(t)
	ana := newUser(t, s, "ana@hospital.example")
	actor := risk.Actor{UserID: ana.ID, Role: risk.RoleAnalyst}
	see := func(fp string, sev risk.Severity, days int) int64 {
		t.Helper()
		f := finding(lab.ID, fp, "k")
		f.Exposure.Severity, f.Exposure.FirstSeen, f.Sighting.Seen = sev, clock.AddDate(0, 0, days), clock.AddDate(0, 0, days)
		b := batchOf(src, f)
		b.Now = clock.AddDate(0, 0, days)
		must(s.Record(ctx, b, alertEach))(t)
		found, _, err := s.FindExposures(ctx, risk.ExposureFilter{Sort: "new", Limit: 500})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			if e.Fingerprint == fp {
				return e.ID
			}
		}
		t.Fatal("not found")
		return 0
	}
	change := func(id int64, days int, after time.Duration, to ...risk.ExposureState) {
		t.Helper()
		for _, st := range to {
			must(s.ChangeExposure(ctx, id, risk.Change{To: st, Reason: "r"}, actor, clock.AddDate(0, 0, days).Add(after)))(t)
		}
	}
	change(see("a", risk.SeverityHigh, -20), -19, 0, risk.ExposureDismissed)                                 // a day
	change(see("b", risk.SeverityHigh, -20), -20, time.Hour, risk.ExposureConfirmed)                         // an hour, still open
	change(see("c", risk.SeverityLow, -10), -3, 0, risk.ExposureWaived)                                      // open a week ago, now settled
	change(see("d", risk.SeverityLow, -10), -9, 0, risk.ExposureDismissed, risk.ExposureNew)                 // settled and opened again
	change(see("e", risk.SeverityCritical, -1), -1, time.Minute, risk.ExposureConfirmed, risk.ExposureFixed) // this week or last
	see("f", risk.SeverityCritical, 0)                                                                       // nobody looked
	owned := see("g", risk.SeverityMedium, 0)
	must(s.ChangeExposure(ctx, owned, risk.Change{AssignTo: &ana.ID}, actor, clock.Add(2*time.Hour)))(t)
	scored(t, s, lab.ID, clock.Add(time.Minute), 55, "F")
	scored(t, s, nova.ID, clock.Add(time.Minute), 50, "F")
	m := must(s.FindMessages(ctx, risk.MessagePending, 1))(t)[0]
	if _, claimed, err := s.ClaimMessage(ctx, m.ID, clock); err != nil || !claimed {
		t.Fatal(claimed, err)
	}
	m.State, m.Sent = risk.MessageSent, clock
	if err := s.FinishMessage(ctx, m); err != nil {
		t.Fatal(err)
	}
	failed := batchOf(src)
	failed.File = &risk.File{Path: "x", State: risk.FileFailed}
	must(s.Record(ctx, failed, alertEach))(t)

	got := must(s.CountOverview(ctx, clock.Add(5*time.Minute)))(t)
	weeks := got.Weeks
	got.Weeks = nil
	want := risk.Overview{
		Computed: clock.Add(5 * time.Minute), Suppliers: 3, Terms: 1,
		OpenBy:      map[risk.Severity]int{risk.SeverityHigh: 1, risk.SeverityLow: 1, risk.SeverityCritical: 1, risk.SeverityMedium: 1},
		OpenUnowned: 3, OpenWeekAgo: 3,
		FirstLook: &risk.TimeToLook{Median: 2 * time.Hour, P90: 7 * 24 * time.Hour, Count: 6},
		Tier1:     2, Tier1BelowD: 1, Tier1Unknown: 1,
		Matrix:        []risk.MatrixCell{{Tier: 1, Band: "none", Count: 1}, {Tier: 1, Band: "F", Count: 1}, {Tier: 2, Band: "F", Count: 1}},
		MessagesStuck: 5, // eight for a, b, e and f, less one sent and the two just written
		FilesFailed:   1,
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("overview\n got %+v %+v\nwant %+v %+v", got, got.FirstLook, want, want.FirstLook)
	}
	// clock is a Monday, 2 March 2026.
	if !weeks[11].Monday.Equal(time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)) || !weeks[0].Monday.Equal(time.Date(2025, 12, 15, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("weeks from %v to %v", weeks[0].Monday, weeks[11].Monday)
	}
	type line struct {
		seen   map[risk.Severity]int
		closed int
	}
	for i, want := range map[int]line{
		8:  {map[risk.Severity]int{risk.SeverityHigh: 2}, 1},                             // 9 February: a, b seen; a dismissed on the 11th
		9:  {map[risk.Severity]int{risk.SeverityLow: 2}, 1},                              // 16 February: c, d seen on the 20th; d dismissed on the 21st
		10: {map[risk.Severity]int{risk.SeverityCritical: 1}, 2},                         // 23 February: e seen and fixed on the 1st, c waived on the 27th
		11: {map[risk.Severity]int{risk.SeverityCritical: 1, risk.SeverityMedium: 1}, 0}, // f and g
		7:  {map[risk.Severity]int{}, 0},
	} {
		if !reflect.DeepEqual(weeks[i].New, want.seen) || weeks[i].Closed != want.closed {
			t.Errorf("week of %s: %v, closed %d; want %v", weeks[i].Monday.Format(time.DateOnly), weeks[i].New, weeks[i].Closed, want)
		}
	}
}

func TestMonday(t *testing.T) {
	for in, want := range map[string]string{"2026-03-02": "2026-03-02", "2026-03-08": "2026-03-02", "2026-03-01": "2026-02-23"} {
		day, err := time.Parse(time.DateOnly, in)
		if err != nil {
			t.Fatal(err)
		}
		if got := monday(day.Add(23 * time.Hour)).Format(time.DateOnly); got != want {
			t.Errorf("the week of %s began on %s, want %s", in, got, want)
		}
	}
}
