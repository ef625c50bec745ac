package portal_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/wardline/wardline/internal/portal"
	"github.com/wardline/wardline/internal/risk"
)

func seen(doc *goquery.Document) string { return doc.Find(`input[name="seen"]`).AttrOr("value", "") }

func TestARefusedChangeComesBackAsItWasTyped(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	b.post("/exposures/2042/change", "do", "take", "version", "1")
	r := b.post("/exposures/2042/change", "do", "dismiss", "version", "1", "reason", "old", "note", "seen in spring", "back", "/inbox?v=open")
	doc := parse(t, r)
	if r.Code != http.StatusConflict {
		t.Errorf("an old version: %d, want 409", r.Code)
	}
	wantText(t, doc, `[role="alert"]`, "EX-2042 was not changed: someone else changed it after you opened it.")
	wantCount(t, doc, `.deeds details[open] option[value="old"][selected]`, 1)
	wantCount(t, doc, `.deeds details[open] input[name="note"][value="seen in spring"]`, 1)
	wantCount(t, doc, `.deeds details[open] input[name="version"][value="2"]`, 1)
	wantCount(t, doc, `.deeds details[open] input[name="back"][value="/inbox?v=open"]`, 1)

	r = b.post("/exposures/2042/change", "do", "duplicate", "version", "2", "duplicate_of", "the other one")
	if r.Code != http.StatusUnprocessableEntity {
		t.Errorf("no reference: %d, want 422", r.Code)
	}
	wantCount(t, parse(t, r), `.deeds details[open] input[name="duplicate_of"][value="the other one"]`, 1)
}

func TestAReasonIsOneOfThoseOfferedAndANoteIsShort(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	for _, form := range [][]string{
		{"do", "dismiss", "reason", strings.Repeat("x", 10_000)},
		{"do", "dismiss", "reason", "old", "note", strings.Repeat("é", 301)},
		{"do", "waive", "note", strings.Repeat("x", 301)},
	} {
		if r := b.post("/exposures/2042/change", append(form, "version", "1")...); r.Code != http.StatusUnprocessableEntity {
			t.Errorf("%.60s: %d, want 422", form, r.Code)
		}
		if r := b.post("/inbox/bulk", append(form, "id", "2042", "sure", "yes")...); r.Code != http.StatusBadRequest {
			t.Errorf("bulk %.60s: %d, want 400", form, r.Code)
		}
	}
	if e, _ := s.store.FindExposure(t.Context(), 2042); e.State != risk.ExposureNew {
		t.Errorf("state %s, reason of %d bytes", e.State, len(e.StateReason))
	}
	b.post("/exposures/2042/change", "do", "dismiss", "version", "1", "reason", "old", "note", strings.Repeat("é", 300))
	if e, _ := s.store.FindExposure(t.Context(), 2042); e.State != risk.ExposureDismissed {
		t.Errorf("a note of 300 characters: %s", e.State)
	}
}

func TestTwoWhoEditOneSupplierDoNotOverwriteEachOther(t *testing.T) {
	s := newSite(t)
	first, second := s.as(risk.RoleAnalyst), s.as(risk.RoleProcurement)
	old := seen(first.page("/suppliers/2/edit"))
	if r := second.post("/suppliers/2/edit", "seen", old, "name", "Second", "relation", "third_party", "tier", "2", "terms_domain", "second.example"); r.Code != http.StatusSeeOther {
		t.Fatalf("the second: %d", r.Code)
	}
	typed := []string{"name", "First", "relation", "third_party", "tier", "2", "kind", "Typed by the first", "terms_domain", "first.example"}
	r := first.post("/suppliers/2/edit", append(typed, "seen", old)...)
	if r.Code != http.StatusConflict || s.store.suppliers[1].Name != "Second" {
		t.Fatalf("the first: %d, the name is %q", r.Code, s.store.suppliers[1].Name)
	}
	doc := parse(t, r)
	wantText(t, doc, `[role="alert"]`, "Someone saved this supplier after you opened it.")
	wantText(t, doc, `[role="alert"] a[href="#name"]`, "Name is now “Second”.")
	wantText(t, doc, `[role="alert"] a[href="#terms_domain"]`, "Domains is now “second.example”.")
	wantText(t, doc, `[role="alert"] a[href="#kind"]`, "What it does for you is now empty.")
	wantCount(t, doc, `[role="alert"] a[href="#tier"]`, 0)
	if got := doc.Find("#kind").AttrOr("value", ""); got != "Typed by the first" {
		t.Errorf("what was typed came back as %q", got)
	}
	if r := first.post("/suppliers/2/edit", append(typed, "seen", seen(doc))...); r.Code != http.StatusSeeOther || s.store.suppliers[1].Name != "First" {
		t.Errorf("saved again: %d, the name is %q", r.Code, s.store.suppliers[1].Name)
	}
	if r := first.post("/suppliers/2/edit", typed...); r.Code != http.StatusUnprocessableEntity {
		t.Errorf("without the time of opening: %d, want 422", r.Code)
	}
}

func TestNoAddressStaysInAnAddress(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	for page, want := range map[string]string{
		"/inbox?v=open&q=" + url.QueryEscape("lea@meridian-lab.example"): "/inbox?q=meridian-lab.example&v=open",
		"/suppliers?tier=1&q=" + url.QueryEscape(" lea@clinic.example "): "/suppliers?q=clinic.example&tier=1",
		"/search?q=" + url.QueryEscape("lea@clinic.example"):             "/search?q=clinic.example",
		"/search?q=" + url.QueryEscape("@"):                              "/search",
	} {
		if r := b.get(page); r.Code != http.StatusSeeOther || r.Header().Get("Location") != want {
			t.Errorf("%s: %d to %q, want %q", page, r.Code, r.Header().Get("Location"), want)
		}
	}
}

func TestCountsLeadToWhatTheyCount(t *testing.T) {
	s := newSite(t)
	b := s.as(risk.RoleAnalyst)
	b.post("/exposures/2042/change", "do", "confirm", "version", "1")
	counted := func(where, selector string) {
		t.Helper()
		link := b.page(where).Find(selector).First()
		var n int
		if _, err := fmt.Sscan(strings.TrimSpace(link.Text()), &n); err != nil {
			t.Fatalf("%s %s: no number in %q", where, selector, link.Text())
		}
		list := b.page(link.AttrOr("href", ""))
		total := list.Find("li.item").Length()
		if pager := list.Find(".pager span").Text(); pager != "" {
			_, of, _ := strings.Cut(pager, " of ")
			_, _ = fmt.Sscan(of, &total)
		}
		if n == 0 || n != total {
			t.Errorf("%s says %d, its list holds %d", where, n, total)
		}
	}
	counted("/", `section[aria-labelledby="decide"] header a`)
	counted("/inbox", `.head a[href="/inbox?v=open"]`)
	counted("/inbox", `.head a[href^="/inbox?owner=none"]`)
	counted("/suppliers", `tbody a[href$="sev=critical"]`)
	counted("/suppliers", `tbody td.num a[href^="/inbox"]`)
	s.store.sources[0].Open = 0
	for _, e := range s.store.exposures {
		if e.SourceID == s.store.sources[0].Source.ID && e.State.Open() {
			s.store.sources[0].Open++
		}
	}
	counted("/sources", fmt.Sprintf(`tbody a[href$="source=%d"]`, s.store.sources[0].Source.ID))
	wantText(t, b.page("/inbox?v=open&source=1"), ".tools .badge", "only")
	for _, bad := range []string{"/inbox?owner=5", "/inbox?v=mine&owner=none", "/inbox?source=999"} {
		if r := b.get(bad); r.Code == http.StatusOK {
			t.Errorf("%s: 200", bad)
		}
	}
	if r := b.get("/suppliers/1?tab=exposures&page=9"); r.Code != http.StatusNotFound {
		t.Errorf("past the end of a supplier's exposures: %d, want 404", r.Code)
	}
}

func TestThousandsOfRowsOfAScoreStayReadable(t *testing.T) {
	s := newSite(t)
	sc := &s.store.scores[1][len(s.store.scores[1])-1]
	for range 3000 {
		sc.Contributions = append(sc.Contributions, risk.Contribution{Factor: sc.Contributions[0].Factor, ExposureID: 2041, Label: "Credential", Points: -0.001})
	}
	doc := s.as(risk.RoleAnalyst).page("/suppliers/1")
	if n := doc.Find(".factor tbody tr").Length(); n > 60 {
		t.Errorf("%d rows on the page", n)
	}
	wantText(t, doc, ".factor", "smaller rows more: −")
}

func TestAFloodOfNamesDoesNotFreeTheDelayed(t *testing.T) {
	th := portal.NewThrottle(2)
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for range 2 {
		th.Try("victim", now)
	}
	for i := range 100_000 {
		th.Try(strings.Repeat("x", 100)+fmt.Sprint(i), now)
	}
	if th.Try("victim", now) {
		t.Error("a flood of other names gave the delayed one a try")
	}
	if n := th.Len(); n > 20_001 {
		t.Errorf("%d names are kept", n)
	}
}

func TestHiddenCharactersInNamesAreShown(t *testing.T) {
	s := newSite(t)
	turned := "Meridian \u202eevil"
	sup := &s.store.suppliers[0]
	sup.Name, sup.Kind, sup.Owner.Name, sup.Contact.Name = turned, turned, turned, turned
	for i := range s.store.sources {
		s.store.sources[i].Source.Name, s.store.sources[i].Source.LegalBasis, s.store.sources[i].Health.Why = turned, turned, turned
	}
	b := s.as(risk.RoleAnalyst)
	for _, page := range []string{"/", "/inbox", "/inbox?v=open&supplier=1", "/inbox?v=open&source=1", "/exposures/2041", "/suppliers", "/suppliers/1", "/suppliers/1?tab=exposures", "/sources", "/search?q=meridian"} {
		text := b.page(page).Find("body").Text()
		if strings.Contains(text, "\u202e") || !strings.Contains(text, "⟨U+202E⟩evil") {
			t.Errorf("%s shows text that turns the reading round, or does not show it at all", page)
		}
	}
}

func TestManyBlindSourcesAreCountedAndNotAllNamed(t *testing.T) {
	s := newSite(t)
	one := s.store.sources[0]
	s.store.sources = nil
	for i := range 14 {
		one.Source.ID, one.Source.Key, one.Source.Name, one.Health.State = int64(i+1), fmt.Sprint("s", i), fmt.Sprint("Source ", i), risk.StateSilent
		s.store.sources = append(s.store.sources, one)
	}
	doc := s.as(risk.RoleAnalyst).page("/")
	wantText(t, doc, `[aria-label="What we cannot see now"]`, "14 of 14 sources (Source 0: ")
	wantText(t, doc, `[aria-label="What we cannot see now"]`, " and 9 more)")
	wantText(t, doc, ".foot", " and 9 more.")
}
