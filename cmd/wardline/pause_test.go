package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wardline/wardline/internal/collect"
	"github.com/wardline/wardline/internal/risk"
)

const pauseStory = `-- watchlist.csv --
supplier,kind,value
Meridian Lab,domain,meridian.example
-- source.yaml --
key: board
name: Board
kind: forum
route: direct
address: http://site.test/
every: 1m
owner: Security operations
legal_basis: Invented content.
review_by: 2027-12-31
read:
  list: li
  link: a
  title: a
  marker: b
  post: p
  post_id: "@id"
  body: span
  expect: ul
`

// board has thirty threads of one post each. A thread's page can be made to trickle on for ever.
type board struct {
	mu      sync.Mutex
	asked   []time.Time
	trickle bool
	onAsk   func(n int)
}

func (b *board) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	b.asked = append(b.asked, time.Now())
	n, trickle, onAsk := len(b.asked), b.trickle, b.onAsk
	b.mu.Unlock()
	w.Header().Set("Content-Type", "text/html")
	if r.URL.Path == "/" {
		var list strings.Builder
		for i := range 30 {
			fmt.Fprintf(&list, "<li><a href=/t/%d>thread</a><b>%d</b></li>", i, i)
		}
		fmt.Fprintf(w, "<ul>%s</ul>", list.String())
		return
	}
	id := strings.TrimPrefix(r.URL.Path, "/t/")
	fmt.Fprintf(w, "<p id=%s><span>https://vpn.meridian.example/login:user%s@meridian.example:invented%s</span></p>", id, id, id)
	if onAsk != nil {
		onAsk(n)
	}
	for trickle && r.Context().Err() == nil {
		time.Sleep(5 * time.Millisecond) // a server that sends a byte at a time, for ever
		fmt.Fprint(w, " ")
		w.(http.Flusher).Flush()
	}
}

func (b *board) since(t time.Time) (n int, last time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, at := range b.asked {
		if at.After(t) {
			n, last = n+1, at.Sub(t)
		}
	}
	return n, last
}

// T18: a source that is paused in the middle of a run is asked for nothing more after a second, whether it is between
// pages or in the middle of one that never ends. The run has not failed, and the next one reads what was left.
func TestPauseEndsARunWithinASecond(t *testing.T) {
	for name, trickle := range map[string]bool{"between pages": false, "in a body that never ends": true} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t, txtar.Parse([]byte(pauseStory)), "")
			b := &board{trickle: trickle}
			site := httptest.NewServer(b)
			t.Cleanup(site.Close)
			s.readInstead(site)
			now := storyTime
			s.steps.Now = func() time.Time { now = now.Add(time.Second); return now }
			status := s.source()
			var paused time.Time
			b.onAsk = func(n int) {
				if n != 4 && !trickle || !paused.IsZero() {
					return
				}
				if err := s.app.store.PauseSource(t.Context(), status.Source.ID, true); err != nil {
					t.Error(err)
				}
				paused = time.Now()
			}
			s.must(s.steps.Collect(t.Context(), "board"))
			if took := time.Since(paused); paused.IsZero() || took > time.Second {
				t.Errorf("the run went on for %s after the pause", took)
			}
			if n, last := b.since(paused); last > time.Second {
				t.Errorf("%d requests after the pause, the last after %s", n, last)
			}
			h := s.source().Health
			if h.State != risk.StatePaused || h.Failures != 0 || !h.NextRun.IsZero() || !h.LastSuccess.IsZero() {
				t.Errorf("health %+v, want paused and neither failed nor read", h)
			}
			found := len(strings.Split(s.exposures(), "\n")) - 1
			if found >= 30 {
				t.Errorf("%d findings: the run was not stopped", found)
			}

			s.must(s.steps.Collect(t.Context(), "board")) // still paused
			if n, _ := b.since(paused.Add(time.Second)); n != 0 {
				t.Errorf("%d requests while paused", n)
			}
			b.trickle, b.onAsk = false, nil
			s.must(s.app.store.PauseSource(t.Context(), status.Source.ID, false))
			if h := s.source().Health; h.State == risk.StatePaused || h.State == risk.StateCollecting {
				t.Errorf("resumed: %+v", h)
			}
			s.must(s.steps.Collect(t.Context(), "board"))
			_, total, err := s.app.store.FindExposures(t.Context(), risk.ExposureFilter{Limit: 1})
			s.must(err)
			if h := s.source().Health; total != 30 || h.State != risk.StateHealthy {
				t.Errorf("%d findings and %s after the pause, want 30 and healthy", total, h.State)
			}
		})
	}
}

func (s *story) source() risk.SourceStatus {
	s.t.Helper()
	status, err := s.app.store.FindSource(s.t.Context(), "board")
	s.must(err)
	return status
}

// readInstead lets the story's source be read at another server, with a pause between pages.
func (s *story) readInstead(site *httptest.Server) {
	s.t.Helper()
	src := s.source().Source
	src.Address, src.Politeness = site.URL+"/", risk.Politeness{Delay: 50 * time.Millisecond}
	_, err := s.app.store.SyncSources(s.t.Context(), []risk.Source{src})
	s.must(err)
	egress := s.app.egress()
	egress.AllowLoopback = []netip.AddrPort{netip.MustParseAddrPort(site.Listener.Addr().String())}
	crawler, err := collect.New(egress)
	s.must(err)
	s.steps.Crawler = crawler
}

// Outside of its hours a source is asked for nothing, and no run is recorded that was none.
func TestHoursAreKept(t *testing.T) {
	s := newStory(t, txtar.Parse([]byte(pauseStory)), "")
	b := &board{}
	site := httptest.NewServer(b)
	t.Cleanup(site.Close)
	s.readInstead(site)
	src := s.source().Source
	src.Politeness = risk.Politeness{Hours: risk.Hours{From: 22 * 60, To: 6 * 60}}
	_, err := s.app.store.SyncSources(t.Context(), []risk.Source{src})
	s.must(err)
	day := storyTime.UTC().Truncate(24 * time.Hour)
	s.steps.Now = func() time.Time { return day.Add(12 * time.Hour) }
	s.must(s.steps.Collect(t.Context(), "board"))
	asked := func() int { n, _ := b.since(time.Time{}); return n }
	if h := s.source().Health; asked() != 0 || h.State != risk.StateWaiting {
		t.Errorf("%d requests at noon, and it is %s", asked(), h.State)
	}
	s.steps.Now = func() time.Time { return day.Add(23 * time.Hour) }
	s.must(s.steps.Collect(t.Context(), "board"))
	if h := s.source().Health; asked() != 31 || h.State != risk.StateHealthy {
		t.Errorf("%d requests at night, want 31, and it is %s", asked(), h.State)
	}
}
