package score_test

import (
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/score"
)

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func weights(t testing.TB) score.Weights {
	t.Helper()
	w, err := score.LoadWeights()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func daysAgo(n float64) time.Time { return at.Add(-time.Duration(n * 24 * float64(time.Hour))) }

// worked is the example that the model is published with.
func worked() risk.ScoreInputs {
	in := risk.ScoreInputs{
		At: at, Employees: 400,
		Coverage: []risk.SourceKind{risk.SourceDrop, risk.SourcePaste, risk.SourceForum, risk.SourceLeakSite},
		Covered:  []string{"own_breach_report", "access_sale"},
		Controls: map[string]float64{"no_mfa": 0}, // said "everywhere", was seen otherwise
	}
	for i := range 6 {
		in.Evidence = append(in.Evidence, risk.Evidence{
			ExposureID: int64(i + 1), Kind: risk.KindCredential, Format: risk.FormatStealerLog, SourceKind: risk.SourceDrop,
			Quality: 1, Observed: daysAgo(20), State: risk.ExposureNew,
		})
	}
	for i := range 2 {
		in.Evidence = append(in.Evidence, risk.Evidence{
			ExposureID: int64(i + 7), Kind: risk.KindMention, Format: risk.FormatText, SourceKind: risk.SourcePaste,
			Quality: 1, Observed: daysAgo(30), State: risk.ExposureConfirmed,
		})
	}
	in.Evidence = append(in.Evidence, risk.Evidence{
		ExposureID: 9, Kind: risk.KindMention, Format: risk.FormatText, SourceKind: risk.SourceForum,
		Quality: 1, Observed: daysAgo(90), State: risk.ExposureWithSupplier,
	})
	return in
}

func TestWorkedExample(t *testing.T) {
	s := score.Supplier(worked(), weights(t))
	want := map[string][4]string{ // x, K·w, p, points
		"compromised_users": {"0.863593", "14.239510", "0.30", "-8.025284"},
		"access_sale":       {"0.000000", "13.324848", "0.02", "+0.266497"},
		"osint":             {"0.250000", "10.874051", "0.25", "+0.000000"},
		"paste":             {"0.525435", "9.562693", "0.15", "-3.590166"},
		"forum_chat":        {"0.170008", "8.477227", "0.10", "-0.593472"},
		"hardening":         {"0.300000", "15.000000", "0.30", "+0.000000"},
		"slow_patching":     {"0.300000", "10.500000", "0.30", "+0.000000"},
		"no_mfa":            {"1.000000", "5.096982", "0.30", "-3.567887"},
		"own_leak_post":     {"0.000000", "15.000000", "0.02", "+0.300000"},
		"own_breach_report": {"0.000000", "8.000000", "0.03", "+0.240000"},
	}
	for _, f := range s.Factors() {
		got := [4]string{fmt.Sprintf("%.6f", f.Own.X), fmt.Sprintf("%.6f", f.Own.Weight), fmt.Sprintf("%.2f", f.Own.Prevalence), fmt.Sprintf("%+.6f", f.Points)}
		if got != want[f.Own.Factor] {
			t.Errorf("%s: got %v, want %v", f.Own.Factor, got, want[f.Own.Factor])
		}
		delete(want, f.Own.Factor)
	}
	for name := range want {
		t.Errorf("%s: no row", name)
	}
	deviation := (s.Number - s.Low) / 1.2816
	for _, c := range []struct {
		what string
		got  float64
		want string
	}{{"S", s.Number, "70.029687"}, {"C", s.Confidence, "0.669553"}, {"√variance", deviation, "9.621509"}} {
		if got := fmt.Sprintf("%.6f", c.got); got != c.want {
			t.Errorf("%s = %s, want %s", c.what, got, c.want)
		}
	}
	if s.Grade != "C" || s.Weights != "v1" {
		t.Errorf("grade %q by weights %q, want C by v1", s.Grade, s.Weights)
	}
	if math.Abs(s.High-s.Number-(s.Number-s.Low)) > 1e-9 {
		t.Errorf("range %v…%v is not centred on %v", s.Low, s.High, s.Number)
	}
}

func TestCleanAndKnownSupplier(t *testing.T) {
	s := score.Supplier(risk.ScoreInputs{
		At:       at,
		Coverage: []risk.SourceKind{risk.SourceDrop, risk.SourcePaste, risk.SourceForum, risk.SourceLeakSite},
		Covered:  []string{"own_breach_report", "osint", "access_sale"},
		Controls: map[string]float64{"no_mfa": 1, "hardening": 1, "slow_patching": 1},
	}, weights(t))
	sum := 85.0
	for _, c := range s.Contributions {
		sum += c.Points
	}
	if got := fmt.Sprintf("%.6f", sum); got != "104.258084" {
		t.Errorf("before the clamp: %s, want 104.258084", got)
	}
	if s.Number != 100 || s.Low != 100 || s.High != 100 || s.Confidence != 1 || s.Grade != "A" {
		t.Errorf("got %v (%v…%v), confidence %v, grade %q; want 100 (100…100), 1, A", s.Number, s.Low, s.High, s.Confidence, s.Grade)
	}
}

func TestNothingKnown(t *testing.T) {
	s := score.Supplier(risk.ScoreInputs{At: at}, weights(t))
	if s.Number != 85 || s.Confidence != 0 || s.Sufficient() {
		t.Errorf("got %v, confidence %v, grade %q; want 85, 0 and no letter", s.Number, s.Confidence, s.Grade)
	}
	for _, c := range s.Contributions {
		if !c.Unknown || c.Points != 0 {
			t.Errorf("%s: unknown %v, %v points; want true, 0", c.Factor, c.Unknown, c.Points)
		}
	}
}

func TestEvidenceCountsOnce(t *testing.T) {
	cred, cookie, mention := risk.KindCredential, risk.KindCookie, risk.KindMention
	for _, c := range []struct {
		name   string
		e      risk.Evidence
		factor string // "" = does not count
	}{
		{"stealer login in a dump", risk.Evidence{Kind: cred, Format: risk.FormatStealerLog, SourceKind: risk.SourceDrop}, "compromised_users"},
		{"stealer login on a paste site", risk.Evidence{Kind: cred, Format: risk.FormatULP, SourceKind: risk.SourcePaste}, "compromised_users"},
		{"stealer cookie in a forum", risk.Evidence{Kind: cookie, Format: risk.FormatStealerLog, SourceKind: risk.SourceForum}, "compromised_users"},
		{"combolist in a dump", risk.Evidence{Kind: cred, Format: risk.FormatCombolist, SourceKind: risk.SourceDrop}, "compromised_users"},
		{"combolist on a paste site", risk.Evidence{Kind: cred, Format: risk.FormatCombolist, SourceKind: risk.SourcePaste}, "paste"},
		{"mention on a paste site", risk.Evidence{Kind: mention, SourceKind: risk.SourcePaste}, "paste"},
		{"post", risk.Evidence{Kind: mention, SourceKind: risk.SourceForum}, "forum_chat"},
		{"victim claim", risk.Evidence{Kind: risk.KindVictimClaim, SourceKind: risk.SourceLeakSite}, "own_leak_post"},
		{"other word on a leak site", risk.Evidence{Kind: mention, SourceKind: risk.SourceLeakSite}, "osint"},
		{"mention in a dump", risk.Evidence{Kind: mention, SourceKind: risk.SourceDrop}, "osint"},
		{"dismissed", risk.Evidence{Kind: mention, SourceKind: risk.SourcePaste, State: risk.ExposureDismissed}, ""},
		{"duplicate", risk.Evidence{Kind: mention, SourceKind: risk.SourcePaste, State: risk.ExposureDuplicate}, ""},
		{"waived", risk.Evidence{Kind: mention, SourceKind: risk.SourcePaste, State: risk.ExposureWaived}, "paste"},
		{"reset login", risk.Evidence{Kind: cred, Format: risk.FormatULP, SourceKind: risk.SourceDrop, State: risk.ExposureFixed}, ""},
		{"reset and closed login", risk.Evidence{Kind: cred, Format: risk.FormatULP, SourceKind: risk.SourceDrop, State: risk.ExposureClosed}, ""},
		{"post dealt with", risk.Evidence{Kind: mention, SourceKind: risk.SourceForum, State: risk.ExposureFixed}, "forum_chat"},
	} {
		c.e.ExposureID, c.e.Quality, c.e.Observed = 1, 1, daysAgo(1)
		s := score.Supplier(risk.ScoreInputs{At: at, Evidence: []risk.Evidence{c.e}}, weights(t))
		got := ""
		for _, row := range s.Contributions {
			if row.ExposureID == 1 {
				got += row.Factor
			}
		}
		if got != c.factor {
			t.Errorf("%s: counts towards %q, want %q", c.name, got, c.factor)
		}
	}
}

func one(e risk.Evidence) risk.ScoreInputs {
	e.ExposureID = 1
	return risk.ScoreInputs{
		At: at, Evidence: []risk.Evidence{e},
		Coverage: []risk.SourceKind{risk.SourceDrop, risk.SourcePaste, risk.SourceForum, risk.SourceLeakSite},
	}
}

func exposureRow(t *testing.T, s risk.Score) risk.Contribution {
	t.Helper()
	for _, c := range s.Contributions {
		if c.ExposureID != 0 {
			return c
		}
	}
	t.Fatal("no row for the exposure")
	return risk.Contribution{}
}

func TestHalfLives(t *testing.T) {
	for _, c := range []struct {
		name string
		e    risk.Evidence
		days float64
		want float64
	}{
		{"stealer log", risk.Evidence{Kind: risk.KindCredential, Format: risk.FormatStealerLog, SourceKind: risk.SourceDrop}, 30, 0.5},
		{"url:login:password", risk.Evidence{Kind: risk.KindCredential, Format: risk.FormatULP, SourceKind: risk.SourcePaste}, 60, 0.25},
		{"dump", risk.Evidence{Kind: risk.KindCredential, Format: risk.FormatCombolist, SourceKind: risk.SourceDrop}, 180, 0.5},
		{"database dump", risk.Evidence{Kind: risk.KindCredential, Format: risk.FormatSQL, SourceKind: risk.SourceDrop}, 180, 0.5},
		{"table", risk.Evidence{Kind: risk.KindCredential, Format: risk.FormatCSV, SourceKind: risk.SourceDrop}, 180, 0.5},
		{"JSON", risk.Evidence{Kind: risk.KindCredential, Format: risk.FormatJSON, SourceKind: risk.SourceDrop}, 180, 0.5},
		{"paste", risk.Evidence{Kind: risk.KindMention, SourceKind: risk.SourcePaste}, 60, 0.5},
		{"post", risk.Evidence{Kind: risk.KindMention, SourceKind: risk.SourceForum}, 120, 0.25},
		{"claim", risk.Evidence{Kind: risk.KindVictimClaim, SourceKind: risk.SourceLeakSite}, 120, 0.5},
		{"claim, last day", risk.Evidence{Kind: risk.KindVictimClaim, SourceKind: risk.SourceLeakSite}, 720, 1.0 / 64},
		{"claim, two years on", risk.Evidence{Kind: risk.KindVictimClaim, SourceKind: risk.SourceLeakSite}, 730, 0},
		{"dated in the future", risk.Evidence{Kind: risk.KindMention, SourceKind: risk.SourceForum}, -5, 1},
	} {
		c.e.Quality, c.e.Observed = 1, daysAgo(c.days)
		if got := exposureRow(t, score.Supplier(one(c.e), weights(t))).AgeFactor; got != c.want {
			t.Errorf("%s after %v days: %v, want %v", c.name, c.days, got, c.want)
		}
	}
}

func TestClaimAndItsMirrorsAreOneIncident(t *testing.T) {
	claim := risk.Evidence{ExposureID: 1, Kind: risk.KindVictimClaim, SourceKind: risk.SourceLeakSite, Quality: 1, Observed: at}
	in := one(claim)
	alone := score.Supplier(in, weights(t)).Number
	mirror := claim
	mirror.ExposureID = 2
	in.Evidence = append(in.Evidence, mirror)
	s := score.Supplier(in, weights(t))
	if math.Abs(s.Number-alone) > 1e-9 {
		t.Errorf("with a mirror %v, alone %v", s.Number, alone)
	}
	for _, f := range s.Factors() {
		if f.Own.Factor != "own_leak_post" {
			continue
		}
		if len(f.Rows) != 2 || f.Rows[0].Points != -7.5 || f.Rows[1].Points != -7.5 {
			t.Errorf("rows %+v, want two of -7.5", f.Rows)
		}
	}
}

func TestRowSaysWhatItIs(t *testing.T) {
	in := one(risk.Evidence{Kind: risk.KindMention, SourceKind: risk.SourcePaste, Quality: 0.8, Observed: daysAgo(60), FirstSeen: daysAgo(59), LastSeen: daysAgo(2)})
	in.Employees = 4000
	row := exposureRow(t, score.Supplier(in, weights(t)))
	if row.Label != "Mention on a paste site, 60 days old" || row.HowToRefute == "" {
		t.Errorf("label %q, refute %q", row.Label, row.HowToRefute)
	}
	if row.AgeFactor != 0.5 || row.SizeFactor != 0.5 || row.Quality != 0.8 {
		t.Errorf("age %v, size %v, quality %v; want 0.5, 0.5, 0.8", row.AgeFactor, row.SizeFactor, row.Quality)
	}
	if !row.FirstSeen.Equal(daysAgo(59)) || !row.LastSeen.Equal(daysAgo(2)) {
		t.Errorf("seen %v to %v", row.FirstSeen, row.LastSeen)
	}
	in.At = row.ClearsOn
	if got := exposureRow(t, score.Supplier(in, weights(t))).Points; math.Abs(got+0.05) > 1e-6 {
		t.Errorf("on the day it clears it is worth %v points, want -0.05", got)
	}
}

func TestClaimClearsAfterTwoYears(t *testing.T) {
	row := exposureRow(t, score.Supplier(one(risk.Evidence{Kind: risk.KindVictimClaim, SourceKind: risk.SourceLeakSite, Quality: 1, Observed: daysAgo(30)}), weights(t)))
	if want := at.AddDate(0, 0, 700); !row.ClearsOn.Equal(want) {
		t.Errorf("clears on %v, want %v", row.ClearsOn, want)
	}
}

func TestUnwatchedEvidenceOnlyLowers(t *testing.T) {
	in := one(risk.Evidence{Kind: risk.KindMention, SourceKind: risk.SourceLeakSite, Quality: 1, Observed: at})
	s := score.Supplier(in, weights(t))
	row := exposureRow(t, s)
	if row.Points >= -2 {
		t.Errorf("a fresh mention where nobody watches: %v points", row.Points)
	}
	in.Evidence[0].Observed = daysAgo(600)
	if row := exposureRow(t, score.Supplier(in, weights(t))); row.Points != 0 {
		t.Errorf("an old one: %v points, want 0, not a reward", row.Points)
	}
}

func TestSameInputsSameBits(t *testing.T) {
	in := worked()
	first := score.Supplier(in, weights(t))
	turned := worked()
	for i, j := 0, len(turned.Evidence)-1; i < j; i, j = i+1, j-1 {
		turned.Evidence[i], turned.Evidence[j] = turned.Evidence[j], turned.Evidence[i]
	}
	second := score.Supplier(turned, weights(t))
	second.Inputs = first.Inputs
	if !reflect.DeepEqual(first, second) {
		t.Error("the order of the evidence changed the score")
	}
}

func TestLikelihood(t *testing.T) {
	w := weights(t)
	for number, want := range map[float64]string{95: "0.024", 85: "0.037", 75: "0.057", 65: "0.088", 55: "0.133"} {
		if got := fmt.Sprintf("%.3f", w.Likelihood(number)); got != want {
			t.Errorf("likelihood at %v = %s, want %s", number, got, want)
		}
	}
}

func TestAGroupCountsAsItsMembers(t *testing.T) {
	one := risk.Evidence{ExposureID: 1, Kind: risk.KindCredential, Format: risk.FormatULP, SourceKind: risk.SourceDrop, Quality: 0.5, Observed: daysAgo(40), State: risk.ExposureNew}
	single := risk.ScoreInputs{At: at, Coverage: []risk.SourceKind{risk.SourceDrop}}
	for i := range int64(7) {
		e := one
		e.ExposureID = i + 1
		single.Evidence = append(single.Evidence, e)
	}
	group := single
	one.Count = 7
	group.Evidence = []risk.Evidence{one}
	a, b := score.Supplier(single, weights(t)), score.Supplier(group, weights(t))
	if math.Abs(a.Number-b.Number) > 1e-9 || a.Number >= 85 {
		t.Errorf("seven alike give %v, their group %v", a.Number, b.Number)
	}
	if rows := b.Factors()[0].Rows; len(rows) != 1 || rows[0].Label != "7 × Login in a stealer log, 40 days old" {
		t.Errorf("rows %+v", rows)
	}
}

func TestAGroupOfClaimsIsOneIncident(t *testing.T) {
	claim := risk.Evidence{ExposureID: 1, Kind: risk.KindVictimClaim, SourceKind: risk.SourceLeakSite, Quality: 1, Observed: at, State: risk.ExposureNew}
	in := risk.ScoreInputs{At: at, Coverage: []risk.SourceKind{risk.SourceLeakSite}, Evidence: []risk.Evidence{claim}}
	once := score.Supplier(in, weights(t)).Number
	in.Evidence[0].Count = 900
	if many := score.Supplier(in, weights(t)).Number; many != once {
		t.Errorf("a claim and its 899 mirrors give %v, the claim alone %v", many, once)
	}
}
