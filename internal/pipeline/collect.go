package pipeline

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// Collect runs one source once, if it may run now. What went wrong at the source becomes its state; the returned
// error is ours alone (database, cancelled), and the job is tried again.
func (p *Pipeline) Collect(ctx context.Context, key string) error {
	status, err := p.Store.FindSource(ctx, key)
	if errors.Is(err, risk.ErrNotFound) {
		return nil // its definition is gone since the job was queued
	}
	if err != nil {
		return fmt.Errorf("find source %s: %w", key, err)
	}
	src, now := status.Source, p.Now()
	if !mayRead(status) || holdsBack(status, now) || src.Politeness.Hours.Left(now) == 0 {
		return nil
	}
	if src.Kind == risk.SourceDrop {
		return p.listDrop(ctx, status, now)
	}
	return p.crawl(ctx, status, now)
}

// mayRead is false for a source that was paused or switched off, or whose legal basis expired: its state says so by
// itself, and no run is recorded that was none.
func mayRead(s risk.SourceStatus) bool {
	return s.Source.Enabled && s.Health.State != risk.StatePaused && s.Health.State != risk.StateExpired
}

// longestHold is more than any back-off or Retry-After asks for.
const longestHold = 24 * time.Hour

// holdsBack reports that a source is not yet to be read again. A time further off was written while the clock was ahead.
func holdsBack(s risk.SourceStatus, now time.Time) bool {
	wait := s.Health.NextRun.Sub(now)
	return wait > 0 && wait <= max(longestHold, s.Source.Every)
}

func (p *Pipeline) crawl(ctx context.Context, status risk.SourceStatus, started time.Time) error {
	src := status.Source
	if err := p.Store.StartRun(ctx, src.ID, started); err != nil {
		return fmt.Errorf("start run of %s: %w", src.Key, err)
	}
	list, err := p.watchlist(ctx)
	if err != nil {
		return err
	}
	src, session, err := p.withSession(ctx, src)
	if err != nil {
		return err
	}
	src, nothing := withDomains(src, list.terms)
	if nothing != nil {
		run := outcome(status, risk.CrawlReport{}, nothing, p.Now())
		run.Started = started
		return p.finishRun(ctx, src, run)
	}
	known := func(ctx context.Context, key string) (risk.Mark, bool, error) {
		return p.Store.FindMark(ctx, src.ID, key)
	}
	matched := 0
	allowed, stop := p.whileAllowed(ctx, func(ctx context.Context) (bool, error) { return p.Store.MayRead(ctx, src.ID) })
	defer stop()
	report, err := p.Crawler.Crawl(allowed, src, known, func(ctx context.Context, page risk.Page) error {
		recorded, err := p.process(ctx, list, src, page)
		matched += recorded.New + recorded.Seen
		return err
	})
	if ctx.Err() != nil { // a drain is no failure of the source
		return fmt.Errorf("collect %s: %w", src.Key, ctx.Err())
	}
	if err := p.keepSession(ctx, src, session, report.Session); err != nil {
		return err
	}
	halted := errors.Is(context.Cause(allowed), errHalted)
	var refused *risk.FetchError
	if err != nil && !errors.As(err, &refused) && !halted {
		return fmt.Errorf("collect %s: %w", src.Key, err)
	}
	run := outcome(status, report, refused, p.Now())
	if halted {
		run = risk.SourceRun{SourceID: src.ID, Finished: p.Now(), Report: report, State: risk.StatePaused}
	}
	run.Started, run.Matched = started, matched
	return p.finishRun(ctx, src, run)
}

func (p *Pipeline) finishRun(ctx context.Context, src risk.Source, run risk.SourceRun) error {
	p.Log.InfoContext(ctx, "source collected", slog.String("source", src.Key), slog.String("state", string(run.State)),
		slog.Int("pages", run.Report.Pages), slog.Int("new", run.Report.New), slog.Int("matched", run.Matched),
		slog.Duration("took", run.Finished.Sub(run.Started)))
	if err := p.Store.FinishRun(ctx, run); err != nil {
		return fmt.Errorf("finish run of %s: %w", src.Key, err)
	}
	return nil
}

// errHalted ends a run whose source was paused, switched off or expired while it was read.
var errHalted = errors.New("the source may no longer be read")

// haltCheck leaves most of the second, in which a pause must have taken effect, to the question itself.
const haltCheck = 250 * time.Millisecond

// whileAllowed gives a context that ends when a source or file may no longer be read, also in the middle of a page or of
// a pause between pages. A question that cannot be answered ends it as well. stop waits for the last question.
func (p *Pipeline) whileAllowed(ctx context.Context, may func(context.Context) (bool, error)) (allowed context.Context, stop func()) {
	allowed, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(haltCheck)
		defer tick.Stop()
		for {
			select {
			case <-allowed.Done():
				return
			case <-tick.C:
			}
			if goOn, err := may(allowed); err != nil {
				cancel(fmt.Errorf("ask whether reading may go on: %w", err))
			} else if !goOn {
				cancel(errHalted)
			}
		}
	}()
	return allowed, func() { cancel(nil); <-done }
}

const longestBackOff = 6 * time.Hour

// outcome says what a run makes of its source: the state, the sentence that explains it, and when to try again.
func outcome(status risk.SourceStatus, report risk.CrawlReport, refused *risk.FetchError, now time.Time) risk.SourceRun {
	run := risk.SourceRun{SourceID: status.Source.ID, Finished: now, Report: report, State: risk.StateHealthy}
	unread := len(report.NotUnderstood)
	switch {
	case refused != nil:
		run.Failed = true
		run.State, run.Why = describe(refused)
		run.NextRun = now.Add(max(backOff(status), refused.RetryAfter))
		if refused.Kind == risk.FailProxy {
			run.NextRun = now // the source did nothing wrong: ask again as soon as it is due
		}
	case unread > 0 && report.Items+report.New+report.Unchanged+report.Encrypted+report.Once == 0:
		run.Failed, run.State = true, risk.StateLayoutChanged
		run.Why = fmt.Sprintf("%d pages came, but nothing on them was understood.", report.Pages)
		run.NextRun = now.Add(backOff(status))
	case unread > 0:
		run.Why = fmt.Sprintf("%d places on its pages were not understood; the rest was.", unread)
	}
	if run.State == risk.StateHealthy {
		run.Why = strings.TrimSpace(run.Why + " " + counted(report))
	}
	return run
}

// counted says what a run left alone, and what it found gone.
func counted(report risk.CrawlReport) string {
	var said []string
	for _, c := range []struct {
		n         int
		one, many string
	}{
		{report.Encrypted, "1 encrypted paste was counted, not opened.", "%d encrypted pastes were counted, not opened."},
		{report.Once, "1 paste that can be read only once was left alone.", "%d pastes that can be read only once were left alone."},
		{report.Gone, "1 paste that was read before is gone.", "%d pastes that were read before are gone."},
	} {
		switch {
		case c.n == 1:
			said = append(said, c.one)
		case c.n > 1:
			said = append(said, fmt.Sprintf(c.many, c.n))
		}
	}
	return strings.Join(said, " ")
}

// backOff doubles the interval with each failure in a row.
func backOff(status risk.SourceStatus) time.Duration {
	wait := max(status.Source.Every, 10*time.Second)
	for range min(status.Health.Failures, 16) {
		wait = min(2*wait, longestBackOff)
	}
	return max(wait, status.Source.Every)
}

// whyLogin tells an account that did not help from a form that nobody was to fill in.
func whyLogin(e *risk.FetchError) string {
	if errors.Is(e.Err, risk.ErrAccountRefused) {
		return "It refused the account, which is not tried again until it is changed. A person must log in."
	}
	return "It shows a log-in form instead of its content. A person must log in."
}

func whyDenied(e *risk.FetchError) string {
	if errors.Is(e.Err, errNoDomain) {
		return "None of the domains that it may be asked about is on the watchlist: nothing was asked."
	}
	return "It gives us no access: its key, its subscription or the address that we come from is missing or not accepted."
}

func describe(e *risk.FetchError) (risk.SourceState, string) {
	switch e.Kind {
	case risk.FailProxy:
		return risk.StateSilent, "The proxy for its route does not answer. No request was sent any other way."
	case risk.FailCaptcha:
		return risk.StateCaptcha, "It shows a captcha or a block page instead of its content."
	case risk.FailLogin:
		return risk.StateNeedsLogin, whyLogin(e)
	case risk.FailBanned:
		return risk.StateBanned, "It says that we are banned."
	case risk.FailSlow:
		return risk.StateBackingOff, "It asked us to wait instead of showing its content."
	case risk.FailDenied:
		return risk.StateBackingOff, whyDenied(e)
	case risk.FailLayout:
		return risk.StateLayoutChanged, "Its pages no longer look as its definition says."
	case risk.FailStatus:
		if e.Status == 403 || e.Status == 401 {
			return risk.StateBackingOff, fmt.Sprintf("It refused us (status %d).", e.Status)
		}
		if e.Status == 429 {
			return risk.StateBackingOff, "It asked us to slow down (status 429)."
		}
		return risk.StateBackingOff, fmt.Sprintf("It answered with status %d.", e.Status)
	case risk.FailTimeout:
		return risk.StateBackingOff, "It did not answer in time."
	case risk.FailTooLarge:
		return risk.StateBackingOff, "Its page is larger than the limit."
	case risk.FailCut:
		return risk.StateBackingOff, "Its answer broke off or lied about its length."
	case risk.FailType:
		return risk.StateBackingOff, "Its answer is of a type that we do not read."
	case risk.FailRefused:
		return risk.StateBackingOff, "It led to an address that we must not reach."
	}
	return risk.StateBackingOff, "It could not be reached."
}
