package alert_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/alert"
	"github.com/wardline/wardline/internal/risk"
)

func TestBlindSourcesAreToldOfOnce(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	duty := risk.Person{Name: "Watch duty", Email: "duty@hospital.example"}
	source := func(id int64, state risk.SourceState, failures int, ago time.Duration) risk.SourceStatus {
		return risk.SourceStatus{Source: risk.Source{ID: id, Key: fmt.Sprint("s", id), Name: fmt.Sprint("Source ", id), Every: time.Hour},
			Health: risk.SourceHealth{State: state, Failures: failures, Since: now.Add(-ago), LastSuccess: now.Add(-48 * time.Hour), Why: "It says why."}}
	}
	for _, c := range []struct {
		name  string
		s     risk.SourceStatus
		tells bool
	}{
		{"healthy", source(1, risk.StateHealthy, 0, 48*time.Hour), false},
		{"collecting", source(1, risk.StateCollecting, 3, time.Minute), false},
		{"paused", source(1, risk.StatePaused, 3, 48*time.Hour), false},
		{"waiting", source(1, risk.StateWaiting, 0, 48*time.Hour), false},
		{"silent", source(1, risk.StateSilent, 1, 0), true},
		{"review due", source(1, risk.StateExpired, 0, 0), true},
		{"layout, once", source(1, risk.StateLayoutChanged, 1, 10*time.Minute), false},
		{"layout, twice", source(1, risk.StateLayoutChanged, 2, 10*time.Minute), true},
		{"layout, for an interval", source(1, risk.StateLayoutChanged, 1, time.Hour), true},
		{"captcha", source(1, risk.StateCaptcha, 2, 0), true},
		{"log-in", source(1, risk.StateNeedsLogin, 2, 0), true},
		{"banned", source(1, risk.StateBanned, 2, 0), true},
		{"failing, for a while", source(1, risk.StateBackingOff, 5, 59*time.Minute), false},
		{"failing, for an interval", source(1, risk.StateBackingOff, 2, time.Hour), true},
	} {
		got := alert.Sources([]risk.SourceStatus{c.s}, nil, duty, now)
		if len(got) == 1 != c.tells {
			t.Errorf("%s: %d alerts", c.name, len(got))
		}
	}

	layout := source(1, risk.StateLayoutChanged, 2, time.Hour)
	told := alert.Sources([]risk.SourceStatus{layout}, nil, duty, now)
	a := told[0]
	if a.SourceID != 1 || len(a.To) != 1 || a.Notice.Title != "Source 1 is no longer understood" || a.Notice.Path != "/sources/s1" || a.Notice.Steps[0] != "It says why." {
		t.Errorf("alert %+v", a)
	}
	later := source(1, risk.StateCaptcha, 9, time.Minute) // the same trouble with another face
	if again := alert.Sources([]risk.SourceStatus{layout, later}, map[string]bool{a.Key: true}, duty, now); len(again) != 0 {
		t.Errorf("told again: %+v", again)
	}
	later.Health.LastSuccess = now.Add(-time.Hour) // it was read in between
	if anew := alert.Sources([]risk.SourceStatus{later}, map[string]bool{a.Key: true}, duty, now); len(anew) != 1 {
		t.Errorf("a new trouble is told %d times", len(anew))
	}
	if nobody := alert.Sources([]risk.SourceStatus{layout}, nil, risk.Person{}, now); nobody != nil {
		t.Errorf("with nobody to tell: %+v, which nobody would ever be told", nobody)
	}
}

func TestManyBlindSourcesAreOneMail(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	var many []risk.SourceStatus
	for id := range int64(7) {
		many = append(many, risk.SourceStatus{Source: risk.Source{ID: id, Name: fmt.Sprint("S", id), Every: time.Hour}, Health: risk.SourceHealth{State: risk.StateSilent, Failures: 3, Since: now.Add(-time.Duration(id) * time.Hour)}})
	}
	alerts := alert.Sources(many, nil, risk.Person{Email: "duty@hospital.example"}, now)
	mails, told := 0, map[string]bool{}
	for _, a := range alerts {
		mails += len(a.To)
		told[a.Key] = true
	}
	last := alerts[len(alerts)-1]
	if len(alerts) != 8 || mails != 1 || last.Notice.Title != "7 sources cannot be read" || last.Notice.Where != "S0, S1, S2, S3, S4 and 2 more" || !last.Notice.FirstSeen.Equal(now.Add(-6*time.Hour)) {
		t.Errorf("%d alerts, %d mails, the last %+v", len(alerts), mails, last)
	}
	if again := alert.Sources(many, told, risk.Person{Email: "duty@hospital.example"}, now.Add(time.Hour)); len(again) != 0 {
		t.Errorf("told again: %+v", again)
	}
}
