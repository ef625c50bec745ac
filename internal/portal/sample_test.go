package portal_test

import (
	"math"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

const hostile = "<img src=x onerror=alert(1)>"

// sampleStore is a hospital with a few suppliers, as it looks at now. People, companies and accounts are invented.
func sampleStore(now time.Time) *fakeStore {
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	const hour, day = time.Hour, 24 * time.Hour
	owner := risk.Person{Name: "A. Osei", Email: "a.osei@st-aldhelm.example"}
	baa := time.Date(2025, 2, 11, 0, 0, 0, 0, time.UTC)
	s := &fakeStore{scores: map[int64][]risk.Score{}, sessions: map[string]risk.Session{}}
	s.huntRun = risk.HuntRun{Started: now.Add(-time.Hour), Finished: now.Add(-time.Minute), Dumps: 12, Looked: 12, Whole: 4, Untold: 1}
	s.hunts = []risk.Hunt{
		{SupplierID: 1, FileID: 1, Path: "combo/2026-02.zip", Source: "Drop folder", State: risk.HuntDone, Stretches: 7, Looked: 7, Findings: 3, Updated: now.Add(-time.Minute)},
		{SupplierID: 1, FileID: 2, Path: "gone.txt", Source: "Drop folder", State: risk.HuntGone, Stretches: 2, Unanswered: []string{"Meridian"}, Updated: now.Add(-time.Hour)},
	}
	add := func(name, kind, domain string, tier risk.Tier, rel risk.Relation) {
		s.suppliers = append(s.suppliers, risk.Supplier{ID: int64(len(s.suppliers) + 1), Name: name, Kind: kind, Relation: rel, Tier: tier, PatientData: risk.Yes, Owner: owner,
			Terms: []risk.WatchTerm{{Kind: risk.TermDomain, Value: domain}, {Kind: risk.TermBrand, Value: name}}})
	}
	add("Meridian Lab Services", "Laboratory", "meridian-lab.example", 1, risk.ThirdParty)
	add("Corvane Billing", "Billing", "corvane.example", 1, risk.ThirdParty)
	add("NimbusVault Cloud", "Cloud hosting", "nimbusvault.example", 1, risk.ThirdParty)
	add("Quill Transcription", "Dictation", "quill.example", 2, risk.ThirdParty)
	add("Halden Imaging", "Radiology", "halden.example", 1, risk.ThirdParty)
	add("MedPay Clearing", "Billing", "medpay.example", 2, risk.ThirdParty)
	add("Orison EHR", "Electronic record", "orison.example", 1, risk.ThirdParty)
	add("SteriCore", "Sterile services", "stericore.example", 3, risk.ThirdParty)
	add("St. Aldhelm", "Hospital", "st-aldhelm.example", 1, risk.FirstParty)
	s.suppliers[0].BAASigned = &baa
	s.suppliers[0].Terms = append(s.suppliers[0].Terms, risk.WatchTerm{Kind: risk.TermDomain, Value: "meridian-results.example"})

	source := func(key, name string, kind risk.SourceKind, route risk.Route, state risk.SourceState, last time.Duration, fetched, matched int) {
		st := risk.SourceStatus{Source: risk.Source{ID: int64(len(s.sources) + 1), Key: key, Name: name, Kind: kind, Route: route, Every: 10 * time.Minute, LegalBasis: "LB-02", ReviewBy: now.AddDate(0, 2, 0), Enabled: true},
			Health: risk.SourceHealth{State: state, Since: ago(last), LastDocument: ago(last), LastRun: ago(time.Minute), NextRun: now.Add(9 * time.Minute), Fetched24h: fetched, Matched24h: matched}}
		for i := range 30 {
			d := risk.SourceDay{Day: now.UTC().Truncate(day).AddDate(0, 0, i-29), Runs: 144, Fetched: fetched/2 + int(float64(fetched)/2*math.Abs(math.Sin(float64(i)/3))), Matched: matched}
			if i == 17 {
				d.Failures = 12
			}
			if state == risk.StateSilent && i > 26 {
				d.Failures, d.Fetched, d.Matched = 144, 0, 0
			}
			st.Health.Days = append(st.Health.Days, d)
		}
		s.sources = append(s.sources, st)
	}
	source("paste-p01", "Paste P-01", risk.SourcePaste, risk.RouteDirect, risk.StateHealthy, 2*time.Minute, 9310, 6)
	source("forum-f07", "Forum F-07", risk.SourceForum, risk.RouteTor, risk.StateHealthy, 14*time.Minute, 1204, 9)
	source("forum-f02", "Forum F-02", risk.SourceForum, risk.RouteTor, risk.StateSilent, 31*hour, 0, 0)
	source("leak-l09", "Leak site L-09", risk.SourceLeakSite, risk.RouteTor, risk.StateBackingOff, 26*hour, 0, 0)
	source("drop", "Drop folder", risk.SourceDrop, risk.RouteFile, risk.StateHealthy, 5*hour, 3419, 12)
	s.sources[2].Health.Why = "The route did not answer."
	s.sources[3].Health.Why = "The site answered 429; tried again later."
	s.sources[4].Source.ReviewBy = now.AddDate(0, 0, 12)

	s.dumps(now)

	for i, u := range []risk.User{
		{Email: "s.quinn@st-aldhelm.example", Name: "S. Quinn", Role: risk.RoleAnalyst}, {Email: "p.lund@st-aldhelm.example", Name: "P. Lund", Role: risk.RoleProcurement},
		{Email: "c.imani@st-aldhelm.example", Name: "C. Imani", Role: risk.RoleCISO}, {Email: "u.brandt@st-aldhelm.example", Name: "U. Brandt", Role: risk.RoleAuditor},
		{Email: "i.farouk@st-aldhelm.example", Name: "I. Farouk", Role: risk.RoleAdmin}, {Email: "r.voss@meridian-lab.example", Name: "R. Voss", Role: risk.RoleRespondent},
	} {
		u.ID = int64(i + 1)
		s.users = append(s.users, u)
	}

	expose := func(e risk.Exposure, age time.Duration) {
		e.ID = int64(2041 + len(s.exposures))
		e.FirstSeen, e.LastSeen, e.Observed, e.Version = ago(age), ago(age/2), ago(age), 1
		if e.State == "" {
			e.State = risk.ExposureNew
		}
		e.Due = e.FirstSeen.Add(e.Severity.Limit())
		e.Sightings = 1
		s.exposures = append(s.exposures, e)
		s.sightings = append(s.sightings, risk.Sighting{ID: e.ID, ExposureID: e.ID, SourceID: e.SourceID, SourceName: "Forum F-07", Where: risk.Place{Path: "http://forum.example/t/81", Line: 12}, Author: "nyx" + hostile, Seen: e.FirstSeen})
		s.events = append(s.events, risk.ExposureEvent{ExposureID: e.ID, At: e.FirstSeen, What: "seen", Detail: "Forum F-07"}, risk.ExposureEvent{ExposureID: e.ID, At: e.FirstSeen.Add(time.Minute), What: "mailed"})
	}
	cred := risk.Exposure{SupplierID: 1, Kind: risk.KindCredential, Format: risk.FormatStealerLog, Class: risk.ClassEmployee, Match: risk.MatchSubdomain, TermKind: risk.TermDomain, Term: "meridian-lab.example",
		Title: "Password for results.meridian-lab.example, employee account", AccountMask: "l•••••@meridian-lab.example", Account: []byte("sealed"), KeyID: "k1", Host: "results.meridian-lab.example",
		SecretKind: risk.SecretPlain, SecretBand: "12–15", Severity: risk.SeverityCritical, SourceID: 2, SourceKind: risk.SourceForum,
		Reasons: []string{"An employee's account at a watched host.", "From a stealer log: sessions may be open.", "The supplier is tier 1."},
		Excerpt: "URL: https://results.meridian-lab.example/login\nUSER: l•••••@meridian-lab.example\nPASS: [not kept]\nHOST: LAB-WS-[removed]   OS: Windows 11"}
	expose(cred, 14*time.Minute)
	cookie := cred
	cookie.Kind, cookie.Title, cookie.SecretKind, cookie.Account, cookie.AccountMask = risk.KindCookie, "Session cookies for vpn.meridian-lab.example from 2 workstations", risk.SecretCookieValue, nil, ""
	expose(cookie, 15*time.Minute)
	expose(risk.Exposure{SupplierID: 2, Kind: risk.KindVictimClaim, Match: risk.MatchBrand, Term: "Corvane Billing", Title: "Corvane Billing named on a leak site", Severity: risk.SeverityHigh, SourceID: 4, SourceKind: risk.SourceLeakSite, OwnerID: 1,
		Excerpt: "Corvane Billing, 220 GB, published in 6 days"}, 2*hour)
	expose(risk.Exposure{SupplierID: 9, Kind: risk.KindCredential, Format: risk.FormatCombolist, Class: risk.ClassThirdParty, Match: risk.MatchExact, Term: "st-aldhelm.example", Title: "Account of st-aldhelm.example in a combined list", AccountMask: "m•••••@st-aldhelm.example", Account: []byte("sealed"),
		Severity: risk.SeverityHigh, SourceID: 1, SourceKind: risk.SourcePaste, SecretKind: risk.SecretMD5, OwnerID: 1}, 5*hour)
	expose(risk.Exposure{SupplierID: 3, Kind: risk.KindSecretKey, Match: risk.MatchExact, Term: "nimbusvault.example", Title: "API key of nimbusvault.example in a public paste", Severity: risk.SeverityHigh, SourceID: 1, SourceKind: risk.SourcePaste, State: risk.ExposureConfirmed}, 9*hour)
	expose(risk.Exposure{SupplierID: 4, Kind: risk.KindCredential, Match: risk.MatchExact, Term: "quill.example", Title: "Old password of quill.example seen again", Severity: risk.SeverityMedium, SourceID: 5, SourceKind: risk.SourceDrop, State: risk.ExposureWithSupplier}, 1*day)
	expose(risk.Exposure{SupplierID: 5, Kind: risk.KindMention, Match: risk.MatchBrand, Term: "Halden Imaging", Title: "Halden Imaging offered for access sale, unverified", Severity: risk.SeverityMedium, SourceID: 3, SourceKind: risk.SourceForum}, 2*day)
	expose(risk.Exposure{SupplierID: 6, Kind: risk.KindMention, Match: risk.MatchBrand, Term: "MedPay", Title: hostile + " in a thread title", Excerpt: "MedPay " + hostile + " \u202eevil", Severity: risk.SeverityLow, SourceID: 2, SourceKind: risk.SourceForum}, 3*day)
	expose(risk.Exposure{SupplierID: 1, Kind: risk.KindMention, Match: risk.MatchBrand, Term: "Meridian Lab", Title: "Meridian Lab in a job advert", Severity: risk.SeverityLow, SourceID: 2, SourceKind: risk.SourceForum, State: risk.ExposureDismissed, StateReason: "not ours"}, 9*day)

	last := []float64{34.2, 47.4, 58.1, 72.3, 71.0, 79.5, 88.8, 94.1, 76.2}
	for i, n := range last {
		id := int64(i + 1)
		for w := range 20 {
			x := n + (80-n)*float64(19-w)/19 + 2*math.Sin(float64(w*(i+2)))
			if w == 19 {
				x = n
			}
			sc := risk.Score{SupplierID: id, At: now.AddDate(0, 0, -7*(19-w)), Number: x, Low: max(0, x-12), High: min(100, x+12), Confidence: 0.67, Grade: gradeFor(x), Weights: "2026-11"}
			if i == 7 {
				sc.Confidence, sc.Grade = 0.3, ""
			}
			if w == 19 {
				sc.At = ago(14 * time.Minute)
				sc.Contributions = sampleRows(n-85, now)
			}
			s.scores[id] = append(s.scores[id], sc)
		}
	}
	s.overview = risk.Overview{OpenWeekAgo: 12, FirstLook: &risk.TimeToLook{Median: 38 * time.Minute, P90: 190 * time.Minute, Count: 41}, Tier1: 6, Tier1BelowD: 3, Tier1Unknown: 0, MessagesStuck: 1}
	monday := now.UTC().Truncate(day).AddDate(0, 0, -int(now.UTC().Weekday()+6)%7)
	for w := range 12 {
		s.overview.Weeks = append(s.overview.Weeks, risk.WeekCount{Monday: monday.AddDate(0, 0, -7*(11-w)), Closed: 3 + w%4, New: map[risk.Severity]int{risk.SeverityCritical: w % 3, risk.SeverityHigh: 2 + w%2, risk.SeverityMedium: 4 + w%5, risk.SeverityLow: 5 + w%3}})
	}
	s.overview.Matrix = []risk.MatrixCell{{Tier: 1, Band: "F", Count: 3}, {Tier: 1, Band: "C", Count: 2}, {Tier: 1, Band: "B", Count: 1}, {Tier: 2, Band: "C", Count: 2}, {Tier: 3, Band: "none", Count: 1}}
	return s
}

func gradeFor(x float64) string {
	for _, g := range []struct {
		from   float64
		letter string
	}{{90, "A"}, {80, "B"}, {70, "C"}, {60, "D"}} {
		if x >= g.from {
			return g.letter
		}
	}
	return "F"
}

// sampleRows is arithmetic that adds up to sum.
func sampleRows(sum float64, now time.Time) []risk.Contribution {
	rest := sum + 3.5 - 0.6
	return []risk.Contribution{
		{Factor: "compromised_users", Label: "Reference prevalence", Points: 4.3, X: 0.86, Weight: 14.24, Prevalence: 0.3},
		{Factor: "compromised_users", ExposureID: 2041, Label: "EX-2041 stealer log", Points: rest * 0.7, Weight: 14.24, AgeFactor: 0.98, ClearsOn: now.AddDate(0, 9, 0), HowToRefute: "Show that the password was reset after the capture."},
		{Factor: "compromised_users", ExposureID: 2042, Label: "EX-2042 " + hostile, Points: rest*0.3 - 4.3, Weight: 14.24, AgeFactor: 0.97, ClearsOn: now.AddDate(0, 8, 0)},
		{Factor: "paste", Label: "Pastes", Points: -3.5, X: 0.52, Weight: 9.56, Prevalence: 0.15},
		{Factor: "access_sale", Label: "Nothing found", Points: 0.3, X: 0, Weight: 13.3, Prevalence: 0.02},
		{Factor: "own_leak_post", Label: "Nothing found", Points: 0.3, X: 0, Weight: 15, Prevalence: 0.02},
		{Factor: "hardening", Label: "Not watched", Unknown: true, Weight: 15, Prevalence: 0.3},
		{Factor: "no_mfa", Label: "Not watched", Unknown: true, Weight: 5.1, Prevalence: 0.3},
	}
}

// parseCSV is a watchlist parser with the real one's promise: good lines are returned beside the errors.
func parseLines(name, text string) ([]risk.Supplier, []error) {
	var out []risk.Supplier
	var problems []error
	for i, line := range strings.Split(strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")), "\n") {
		cells := strings.Split(line, ",")
		if i == 0 || line == "" {
			continue
		}
		if len(cells) != 3 {
			problems = append(problems, risk.Invalid(name, "line %d: three columns are needed.", i+1))
			continue
		}
		t, err := risk.NewWatchTerm(risk.TermKind(cells[1]), cells[2])
		if err != nil {
			problems = append(problems, err)
			continue
		}
		out = append(out, risk.Supplier{Name: cells[0], Terms: []risk.WatchTerm{t}})
	}
	return out, problems
}
