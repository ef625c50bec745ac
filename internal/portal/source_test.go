package portal_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func TestAPersonGivesASourceCookies(t *testing.T) {
	s := newSite(t)
	src := &s.store.sources[0].Source
	b := s.as(risk.RoleAnalyst)
	doc := b.page("/sources/paste-p01")
	wantText(t, doc, "main", "no approval on record")
	wantCount(t, doc, `form[action="/sources/paste-p01/cookies"]`, 0)

	src.Approval, src.Login.Address = "SEC-2026-014", "https://paste.example/login"
	doc = b.page("/sources/paste-p01")
	wantText(t, doc, "main", "It is read as a guest.")
	wantText(t, doc, "main", "https://paste.example/login")
	wantCount(t, doc, `form[action="/sources/paste-p01/cookies"]`, 1)
	wantCount(t, s.as(risk.RoleAuditor).page("/sources/paste-p01"), "main form", 0)

	for text, want := range map[string]string{"": "Choose a file with cookies, or paste them.", "nonsense": "No cookies in <b>it</b>."} {
		r := b.post("/sources/paste-p01/cookies", "cookies", text)
		if r.Code != http.StatusUnprocessableEntity || strings.Contains(r.Body.String(), "<b>it</b>") {
			t.Errorf("%q: status %d", text, r.Code)
		}
		wantText(t, parse(t, r), `[role="alert"]`, want)
	}
	r := b.post("/sources/paste-p01/cookies", "cookies", "sid=canary-1; u=2")
	if r.Code != http.StatusSeeOther || len(s.given) != 1 || !strings.HasPrefix(s.given[0], "paste-p01 sid=canary-1; u=2 ") || len(s.jobs) != 1 || s.jobs[0].SourceKey != "paste-p01" {
		t.Errorf("status %d, given %q, jobs %+v", r.Code, s.given, s.jobs)
	}
	wantText(t, b.page("/sources/paste-p01"), "main", "2 cookies are kept; it is read with them next. 1 other was of other hosts or had ended.")

	s.store.cookies = map[int64]risk.SealedSession{src.ID: {SourceID: src.ID, Cookies: 2, By: "Ana " + hostile, Given: s.clock.now(), Changed: s.clock.now(), Ends: s.clock.now().Add(-time.Hour)}}
	doc = b.page("/sources/paste-p01")
	wantText(t, doc, "main", "2 cookies of Ana")
	wantText(t, doc, "main", "ended ")
	if r := b.post("/sources/paste-p01/forget"); r.Code != http.StatusSeeOther || s.store.cookies[src.ID].Cookies != 0 {
		t.Errorf("status %d, kept %+v", r.Code, s.store.cookies)
	}
	if strings.Contains(s.log.String(), "canary-1") {
		t.Error("a cookie stands in the log")
	}
}
