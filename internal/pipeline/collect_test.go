package pipeline

import (
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

func TestOutcomeSaysWhatHappened(t *testing.T) {
	status := risk.SourceStatus{Source: risk.Source{ID: 7, Every: time.Minute}}
	for _, c := range []struct {
		name    string
		report  risk.CrawlReport
		refused *risk.FetchError
		state   risk.SourceState
		failed  bool
		next    time.Duration // after noon; 0 = as scheduled
	}{
		{"read", risk.CrawlReport{Pages: 3, Items: 2}, nil, risk.StateHealthy, false, 0},
		{"nothing new", risk.CrawlReport{Pages: 1, Unchanged: 5}, nil, risk.StateHealthy, false, 0},
		{"one odd page among good ones", risk.CrawlReport{Pages: 3, Items: 2, NotUnderstood: []string{"x"}}, nil, risk.StateHealthy, false, 0},
		{"a standing oddity, all else known", risk.CrawlReport{Pages: 1, Unchanged: 4, NotUnderstood: []string{"x"}}, nil, risk.StateHealthy, false, 0},
		{"nothing understood", risk.CrawlReport{Pages: 3, NotUnderstood: []string{"x"}}, nil, risk.StateLayoutChanged, true, time.Minute},
		{"proxy down", risk.CrawlReport{}, &risk.FetchError{Kind: risk.FailProxy}, risk.StateSilent, true, 0},
		{"captcha", risk.CrawlReport{}, &risk.FetchError{Kind: risk.FailCaptcha}, risk.StateCaptcha, true, time.Minute},
		{"log-in form", risk.CrawlReport{}, &risk.FetchError{Kind: risk.FailLogin}, risk.StateNeedsLogin, true, time.Minute},
		{"banned", risk.CrawlReport{}, &risk.FetchError{Kind: risk.FailBanned}, risk.StateBanned, true, time.Minute},
		{"asked to wait", risk.CrawlReport{}, &risk.FetchError{Kind: risk.FailSlow, RetryAfter: 10 * time.Minute}, risk.StateBackingOff, true, 10 * time.Minute},
		{"layout", risk.CrawlReport{}, &risk.FetchError{Kind: risk.FailLayout}, risk.StateLayoutChanged, true, time.Minute},
		{"refused", risk.CrawlReport{}, &risk.FetchError{Kind: risk.FailStatus, Status: 403}, risk.StateBackingOff, true, time.Minute},
		{"slow down", risk.CrawlReport{}, &risk.FetchError{Kind: risk.FailStatus, Status: 429, RetryAfter: time.Hour}, risk.StateBackingOff, true, time.Hour},
		{"cut", risk.CrawlReport{}, &risk.FetchError{Kind: risk.FailCut}, risk.StateBackingOff, true, time.Minute},
	} {
		run := outcome(status, c.report, c.refused, noon)
		if run.State != c.state || run.Failed != c.failed {
			t.Errorf("%s: %s, failed %v; want %s, %v", c.name, run.State, run.Failed, c.state, c.failed)
		}
		if c.failed && run.Why == "" {
			t.Errorf("%s: does not say why", c.name)
		}
		if next := run.NextRun; c.next > 0 && !next.Equal(noon.Add(c.next)) || c.next == 0 && next.After(noon) {
			t.Errorf("%s: next run %v, want %v after noon", c.name, next, c.next)
		}
	}
}

func TestBackOffDoublesUpToSixHours(t *testing.T) {
	for failures, want := range map[int]time.Duration{0: time.Minute, 1: 2 * time.Minute, 3: 8 * time.Minute, 40: 6 * time.Hour} {
		status := risk.SourceStatus{Source: risk.Source{Every: time.Minute}, Health: risk.SourceHealth{Failures: failures}}
		if got := backOff(status); got != want {
			t.Errorf("after %d failures %v, want %v", failures, got, want)
		}
	}
	daily := risk.SourceStatus{Source: risk.Source{Every: 24 * time.Hour}, Health: risk.SourceHealth{Failures: 3}}
	if got := backOff(daily); got != 24*time.Hour {
		t.Errorf("a daily source waits %v, want its own day", got)
	}
}

func TestDescribeHoldsNoPageText(t *testing.T) {
	kinds := []risk.FailureKind{risk.FailProxy, risk.FailRefused, risk.FailNetwork, risk.FailTimeout, risk.FailStatus, risk.FailTooLarge,
		risk.FailCut, risk.FailType, risk.FailCaptcha, risk.FailLogin, risk.FailLayout}
	for _, kind := range kinds {
		_, why := describe(&risk.FetchError{Kind: kind, URL: "http://hostile.test/page", Status: 500})
		if why == "" || strings.Contains(why, "hostile") {
			t.Errorf("%s: %q", kind, why)
		}
	}
}
