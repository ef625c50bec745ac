package main

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/wardline/wardline/internal/risk"
)

// A board shows a log-in form instead of its threads: that is a state of its own. With the cookies of a person it is read,
// and no cookie stands in clear in the database.
func TestACookieOpensABoard(t *testing.T) {
	s := newStory(t, txtar.Parse([]byte(strings.Replace(pauseStory, "owner: Security operations\n", "owner: Security operations\napproval: SEC-2026-014\n", 1))), "")
	b := &board{}
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, err := r.Cookie("sid"); err == nil && c.Value == "canary-cookie-4711" {
			b.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		_, err := w.Write([]byte(`<form action="/enter" method="post"><input name="who"><input type="password" name="word"></form>`))
		s.must(err)
	}))
	t.Cleanup(site.Close)
	s.readInstead(site)

	s.must(s.steps.Collect(t.Context(), "board"))
	if h := s.source().Health; h.State != risk.StateNeedsLogin || !strings.Contains(h.Why, "A person must log in.") {
		t.Errorf("health %+v, want that it needs a log-in", h)
	}
	later := storyTime.Add(2 * time.Minute) // two of its intervals
	s.steps.Now = func() time.Time { return later }
	for range 2 {
		s.must(s.steps.DecideDue(t.Context()))
		s.must(s.steps.Deliver(t.Context(), 0))
	}
	if mails := s.mailbox.Messages(); len(mails) != 1 || !strings.Contains(mails[0].Subject, "Board needs a log-in") || !strings.Contains(mails[0].Text, "https://wardline.hospital.example/sources/board") {
		t.Errorf("mails %+v, want one that the board needs a log-in", mails)
	}
	s.steps.Now = func() time.Time { later = later.Add(time.Second); return later }
	if _, _, err := s.app.giveCookies(t.Context(), s.steps.Keys, "board", "canary-cookie-4711", "Ana"); !errors.Is(err, risk.ErrInvalid) {
		t.Errorf("no cookie was taken for one: %v", err)
	}
	if _, _, err := s.app.giveCookies(t.Context(), s.steps.Keys, "nowhere", "sid=1", "Ana"); !errors.Is(err, risk.ErrNotFound) || !strings.Contains(err.Error(), "no source has the key nowhere") {
		t.Errorf("a source that is not there: %v", err)
	}
	kept, left, err := s.app.giveCookies(t.Context(), s.steps.Keys, "board", "127.0.0.1\tFALSE\t/\tFALSE\t0\tsid\tcanary-cookie-4711\nother.example\tFALSE\t/\tFALSE\t0\tsid\tx\n", "Ana")
	if err != nil || kept != 1 || left != 1 {
		t.Fatalf("%d cookies kept, %d left out, %v", kept, left, err)
	}
	s.must(s.steps.Collect(t.Context(), "board"))
	_, total, err := s.app.store.FindExposures(t.Context(), risk.ExposureFilter{Limit: 1})
	s.must(err)
	if h := s.source().Health; total != 30 || h.State != risk.StateHealthy {
		t.Errorf("%d findings and %s with the cookie, want 30 and healthy: %s", total, h.State, h.Why)
	}

	files, err := filepath.Glob(filepath.Join(s.app.settings.Data, "*"))
	s.must(err)
	for _, name := range files {
		if text, err := os.ReadFile(name); err == nil && strings.Contains(string(text), "canary-cookie-4711") {
			t.Errorf("the cookie stands in clear in %s", filepath.Base(name))
		}
	}
	s.must(s.app.forgetSession(t.Context(), "board"))
	s.must(s.steps.Collect(t.Context(), "board"))
	if h := s.source().Health; h.State != risk.StateNeedsLogin {
		t.Errorf("forgotten, and still %s", h.State)
	}
}
