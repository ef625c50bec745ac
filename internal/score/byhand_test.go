package score_test

import (
	"fmt"
	"testing"

	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/score"
)

// byHand is another supplier than the published example's, worked out on paper: 2 500 staff, so that what was found counts
// 1/√2.5 = 0.632456 of itself.
func byHand() risk.ScoreInputs {
	in := risk.ScoreInputs{
		At: at, Employees: 2500, Coverage: []risk.SourceKind{risk.SourceDrop, risk.SourceForum},
		Covered:  []string{"access_sale"},
		Controls: map[string]float64{"hardening": 0.8, "slow_patching": 0.5},
	}
	add := func(times int, e risk.Evidence, q, days float64) {
		for range times {
			e.ExposureID, e.Quality, e.Observed, e.State = int64(len(in.Evidence)+1), q, daysAgo(days), risk.ExposureNew
			in.Evidence = append(in.Evidence, e)
		}
	}
	add(3, risk.Evidence{Kind: risk.KindCredential, Format: risk.FormatStealerLog, SourceKind: risk.SourceDrop}, 0.8, 45)
	add(1, risk.Evidence{Kind: risk.KindCredential, Format: risk.FormatCombolist, SourceKind: risk.SourceDrop}, 0.6, 360)
	add(2, risk.Evidence{Kind: risk.KindMention, SourceKind: risk.SourceForum}, 0.5, 60)
	add(1, risk.Evidence{Kind: risk.KindMention, SourceKind: risk.SourcePaste}, 0.9, 120)
	add(1, risk.Evidence{Kind: risk.KindVictimClaim, SourceKind: risk.SourceLeakSite}, 1, 240)
	return in
}

func TestByHand(t *testing.T) {
	s := score.Supplier(byHand(), weights(t))
	points := map[string]string{}
	for _, f := range s.Factors() {
		points[f.Own.Factor] = fmt.Sprintf("%+.6f", f.Points)
	}
	for _, c := range []struct{ sentence, factor, want string }{
		{"Three stealer logins one and a half half-lives old and a combolist two old: n = (3·0.8·0.353553 + 0.6·0.25)·0.632456, x = 0.189828.", "compromised_users", "+1.568801"},
		{"Offers of access are watched for, and none was seen: x = 0.", "access_sale", "+0.266497"},
		{"Two posts of q = 0.5, one half-life old: n = 0.316228, x = 0.100044, a hair above the reference.", "forum_chat", "-0.000372"},
		{"Nobody watches pastes, and the old one that was come upon is less than the reference: unknown.", "paste", "+0.000000"},
		{"Nobody watches mentions elsewhere: unknown.", "osint", "+0.000000"},
		{"Hardening with credit 0.8: x = 0.2, and 15 points at most.", "hardening", "+1.500000"},
		{"Patching with credit 0.5: x = 0.5.", "slow_patching", "-2.100000"},
		{"Nobody was asked about sign-in: unknown.", "no_mfa", "+0.000000"},
		{"A claim two half-lives old weighs a quarter, whatever the size and although no leak site is watched.", "own_leak_post", "-3.450000"},
		{"Nobody watches breach reports: unknown.", "own_breach_report", "+0.000000"},
	} {
		if points[c.factor] != c.want {
			t.Errorf("%s %s: %s points, want %s", c.factor, c.sentence, points[c.factor], c.want)
		}
	}
	for _, c := range []struct {
		sentence string
		got      float64
		want     string
	}{
		{"S is 85 and all of it.", s.Number, "82.784926"},
		{"C is the watched share of all weights.", s.Confidence, "0.559086"},
		{"The range is 1.2816 deviations of the four unknown factors down …", s.Low, "74.563862"},
		{"… and up.", s.High, "91.005990"},
	} {
		if got := fmt.Sprintf("%.6f", c.got); got != c.want {
			t.Errorf("%s: %s, want %s", c.sentence, got, c.want)
		}
	}
	if s.Grade != "B" {
		t.Errorf("grade %q, want B", s.Grade)
	}
}

func TestSizeIsClamped(t *testing.T) {
	size := func(employees int) string {
		in := byHand()
		in.Employees = employees
		return fmt.Sprintf("%.6f", score.Supplier(in, weights(t)).Factors()[0].Own.SizeFactor)
	}
	for employees, want := range map[int]string{0: "1.000000", 1: "3.162278", 100: "3.162278", 1000: "1.000000", 100_000: "0.100000", 5_000_000: "0.100000"} {
		if got := size(employees); got != want {
			t.Errorf("%d employees: size factor %s, want %s", employees, got, want)
		}
	}
}

func TestTooLittleIsKnownForALetter(t *testing.T) {
	for _, c := range []struct {
		sentence string
		coverage []risk.SourceKind
		sure     string
		grade    string
	}{
		{"Forums alone watch 8.477227 of 110.075310 points.", []risk.SourceKind{risk.SourceForum}, "0.077013", ""},
		{"With the drop folder it is a fifth: still no letter.", []risk.SourceKind{risk.SourceForum, risk.SourceDrop}, "0.206374", ""},
		{"With leak sites and pastes beside, more than four tenths are known.", []risk.SourceKind{risk.SourceForum, risk.SourceDrop, risk.SourceLeakSite, risk.SourcePaste}, "0.429519", "A"},
	} {
		s := score.Supplier(risk.ScoreInputs{At: at, Coverage: c.coverage}, weights(t))
		if got := fmt.Sprintf("%.6f", s.Confidence); got != c.sure || s.Grade != c.grade {
			t.Errorf("%s Confidence %s and grade %q, want %s and %q", c.sentence, got, s.Grade, c.sure, c.grade)
		}
	}
}

// TestWhatIsOnlyCountedWidensTheRange has forty logins counted beside the four that are kept: n would be eleven times
// 0.631525, and x 0.901292 instead of 0.189828, at 14.239510 points.
func TestWhatIsOnlyCountedWidensTheRange(t *testing.T) {
	plain := score.Supplier(byHand(), weights(t))
	in := byHand()
	in.Counted = []risk.OnlyCounted{{Kind: risk.KindCredential, Count: 38}, {Kind: risk.KindCookie, Count: 2}, {Kind: risk.KindMention, Count: 7}, {Kind: risk.KindVictimClaim, Count: 9}}
	s := score.Supplier(in, weights(t))
	if s.Number != plain.Number || s.High != plain.High || s.Confidence != plain.Confidence {
		t.Errorf("number %v to %v, high %v to %v: what is not weighed moves them", plain.Number, s.Number, plain.High, s.High)
	}
	if got := fmt.Sprintf("%.4f", plain.Low-s.Low); got != "10.1309" {
		t.Errorf("the low end falls by %s points", got)
	}
	counted := map[string]int64{}
	for _, f := range s.Factors() {
		if f.Own.Counted > 0 {
			counted[f.Own.Factor] = f.Own.Counted
		}
	}
	if got := fmt.Sprint(counted); got != "map[compromised_users:40 osint:7 own_leak_post:9]" {
		t.Errorf("the factors say that %s were counted", got)
	}
}
