package store

import (
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func init() {
	bodies["a source that brings nothing for longer than ever is silent"] = testRhythm
	bodies["alerts about sources are decided once"] = testTroubles
}

func testRhythm(t *testing.T, s *Store) {
	ctx := t.Context()
	id := must(s.SyncSources(ctx, []risk.Source{pasteSource()}))(t)[0].ID
	run := func(after time.Duration, fresh int) {
		t.Helper()
		r := risk.SourceRun{SourceID: id, Started: clock.Add(after), Finished: clock.Add(after), State: risk.StateHealthy, Report: risk.CrawlReport{Pages: 1, New: fresh}}
		if err := s.FinishRun(ctx, r); err != nil {
			t.Fatal(err)
		}
	}
	state := func(after time.Duration) risk.SourceHealth {
		return must(s.FindSources(ctx, clock.Add(after)))(t)[0].Health
	}
	for i := range 5 { // four pauses of an hour are too few to know a rhythm by
		run(time.Duration(i)*time.Hour, 1)
	}
	for i := 5; i < 24; i++ {
		run(time.Duration(i)*time.Hour, 0)
	}
	if h := state(24 * time.Hour); h.State != risk.StateHealthy {
		t.Errorf("four pauses, and %s: %s", h.State, h.Why)
	}
	run(24*time.Hour, 1) // the fifth pause took twenty hours, and that is this source's rhythm now
	for i := range 40 {
		run(25*time.Hour+time.Duration(i)*time.Hour, 0)
	}
	if h := state(24*time.Hour + 39*time.Hour); h.State != risk.StateHealthy {
		t.Errorf("within twice its longest pause it is %s: %s", h.State, h.Why)
	}
	h := state(24*time.Hour + 41*time.Hour)
	if h.State != risk.StateSilent || !h.Since.Equal(clock.Add(64*time.Hour)) || !strings.Contains(h.Why, "at least every 20 hours") {
		t.Errorf("after twice its longest pause it is %s since %v: %s", h.State, h.Since, h.Why)
	}
	run(65*time.Hour, 1)
	if h := state(65 * time.Hour); h.State != risk.StateHealthy {
		t.Errorf("something new came, and it is %s", h.State)
	}
}

func testTroubles(t *testing.T, s *Store) {
	ctx := t.Context()
	off := pasteSource()
	off.Key, off.Enabled = "paste-off", false
	id := must(s.SyncSources(ctx, []risk.Source{pasteSource(), off}))(t)[0].ID
	sources, told, err := s.FindTroubles(ctx, clock.AddDate(0, 0, 2))
	if err != nil || len(sources) != 1 || sources[0].Source.Key != "paste-p01" || sources[0].Health.State != risk.StateSilent || len(told) != 0 {
		t.Fatalf("%+v, told %v, %v", sources, told, err)
	}
	a := risk.Alert{Key: "source_blind:1:unread", Kind: risk.AlertSource, SourceID: id, To: []risk.Person{{Email: "duty@hospital.example"}}, Notice: risk.Notice{Title: "Paste 1 is silent"}}
	for range 2 {
		if err := s.SaveAlerts(ctx, []risk.Alert{a}, clock); err != nil {
			t.Fatal(err)
		}
	}
	if _, told, err = s.FindTroubles(ctx, clock); err != nil || !told[a.Key] {
		t.Errorf("told %v, %v", told, err)
	}
	if due := must(s.DueMessages(ctx, clock, 10))(t); len(due) != 1 {
		t.Errorf("%d messages, want one", len(due))
	}
}
