package score_test

import (
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/score"
)

const tolerance = 1e-9

func evidence(t *rapid.T) risk.Evidence {
	return risk.Evidence{
		ExposureID: rapid.Int64Range(1, 1<<40).Draw(t, "id"),
		Kind:       rapid.SampledFrom([]risk.IndicatorKind{risk.KindCredential, risk.KindCookie, risk.KindMention, risk.KindVictimClaim, risk.KindPatientData}).Draw(t, "kind"),
		Format:     rapid.SampledFrom([]risk.Format{risk.FormatText, risk.FormatCombolist, risk.FormatULP, risk.FormatStealerLog}).Draw(t, "format"),
		SourceKind: rapid.SampledFrom([]risk.SourceKind{risk.SourcePaste, risk.SourceForum, risk.SourceLeakSite, risk.SourceDrop}).Draw(t, "source"),
		Quality:    rapid.Float64Range(0, 1).Draw(t, "quality"),
		Observed:   daysAgo(rapid.Float64Range(0, 1500).Draw(t, "age")),
		State:      rapid.SampledFrom([]risk.ExposureState{risk.ExposureNew, risk.ExposureConfirmed, risk.ExposureDismissed, risk.ExposureFixed, risk.ExposureWaived}).Draw(t, "state"),
	}
}

func inputs(t *rapid.T) risk.ScoreInputs {
	return risk.ScoreInputs{
		At:        at,
		Employees: rapid.IntRange(0, 500_000).Draw(t, "employees"),
		Evidence:  rapid.SliceOfN(rapid.Custom(evidence), 0, 40).Draw(t, "evidence"),
		Coverage:  rapid.SliceOfDistinct(rapid.SampledFrom([]risk.SourceKind{risk.SourcePaste, risk.SourceForum, risk.SourceLeakSite, risk.SourceDrop}), rapid.ID).Draw(t, "coverage"),
		Covered:   rapid.SliceOfDistinct(rapid.SampledFrom([]string{"osint", "own_breach_report", "access_sale"}), rapid.ID).Draw(t, "covered"),
		Controls:  rapid.MapOf(rapid.SampledFrom([]string{"no_mfa", "hardening", "slow_patching"}), rapid.Float64Range(0, 1)).Draw(t, "controls"),
	}
}

func sum(s risk.Score) float64 {
	total := 85.0
	for _, c := range s.Contributions {
		total += c.Points
	}
	return total
}

func TestRowsAddUp(t *testing.T) {
	w := weights(t)
	rapid.Check(t, func(t *rapid.T) {
		s := score.Supplier(inputs(t), w)
		if got := min(max(sum(s), 0), 100); math.Abs(got-s.Number) > tolerance {
			t.Fatalf("rows give %v, the score says %v", got, s.Number)
		}
		// The rows of a factor are its one term of the published formula.
		for _, f := range s.Factors() {
			want := -f.Own.Weight * (f.Own.X - f.Own.Prevalence)
			if math.Abs(f.Points-want) > tolerance {
				t.Fatalf("%s: rows give %v, −K·w·(x − p) is %v", f.Own.Factor, f.Points, want)
			}
		}
		if !(0 <= s.Low && s.Low <= s.Number && s.Number <= s.High && s.High <= 100) {
			t.Fatalf("%v is not in %v…%v", s.Number, s.Low, s.High)
		}
	})
}

func TestMoreEvidenceNeverRaises(t *testing.T) {
	w := weights(t)
	rapid.Check(t, func(t *rapid.T) {
		in := inputs(t)
		before := sum(score.Supplier(in, w))
		in.Evidence = append(in.Evidence, evidence(t))
		if after := sum(score.Supplier(in, w)); after > before+tolerance {
			t.Fatalf("raised from %v to %v", before, after)
		}
	})
}

func TestFresherEvidenceNeverRaises(t *testing.T) {
	w := weights(t)
	rapid.Check(t, func(t *rapid.T) {
		in := inputs(t)
		in.Evidence = append(in.Evidence, evidence(t))
		before := sum(score.Supplier(in, w))
		last := &in.Evidence[len(in.Evidence)-1]
		last.Observed = last.Observed.Add(time.Duration(rapid.Float64Range(0, 400*24).Draw(t, "hours") * float64(time.Hour)))
		if after := sum(score.Supplier(in, w)); after > before+tolerance {
			t.Fatalf("raised from %v to %v", before, after)
		}
	})
}

func TestUnknownNeverMoves(t *testing.T) {
	w := weights(t)
	rapid.Check(t, func(t *rapid.T) {
		s := score.Supplier(inputs(t), w)
		for _, f := range s.Factors() {
			if f.Own.Unknown && f.Points != 0 {
				t.Fatalf("%s is unknown and moves the score by %v", f.Own.Factor, f.Points)
			}
		}
	})
}

func TestHalfLifeIsExact(t *testing.T) {
	w := weights(t)
	rapid.Check(t, func(t *rapid.T) {
		e := evidence(t)
		e.Kind, e.State = risk.KindMention, risk.ExposureNew
		young := one(e)
		e.Observed = e.Observed.Add(-60 * 24 * time.Hour)
		old := one(e)
		a, b := ageFactor(score.Supplier(young, w)), ageFactor(score.Supplier(old, w))
		if math.Abs(a/2-b) > 1e-12 {
			t.Fatalf("%v became %v after one half-life", a, b)
		}
	})
}

func ageFactor(s risk.Score) float64 {
	for _, c := range s.Contributions {
		if c.ExposureID != 0 {
			return c.AgeFactor
		}
	}
	return math.NaN()
}

func TestDeterminism(t *testing.T) {
	w := weights(t)
	rapid.Check(t, func(t *rapid.T) {
		in := inputs(t)
		if !reflect.DeepEqual(score.Supplier(in, w), score.Supplier(in, w)) {
			t.Fatal("two runs differ")
		}
	})
}
