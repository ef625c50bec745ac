package score

import (
	"fmt"
	"math"
	"slices"

	"github.com/wardline/wardline/internal/risk"
)

// validate refuses weights with which the arithmetic would not be the model's.
func (w Weights) validate() error {
	for _, p := range []struct {
		key  string
		f    Figure
		low  float64
		high float64
	}{
		{"base_rate", w.BaseRate, 1e-6, 0.999},
		{"reference_number", w.Reference, 0, 100},
		{"points_per_doubling", w.PointsPerDouble, 1, 100},
		{"shrinkage", w.Shrinkage, 0.01, 1},
		{"saturation", w.Saturation, 0.1, 1000},
		{"range_z", w.RangeZ, 0.1, 5},
		{"enough_confidence", w.EnoughConfidence, 0, 1},
		{"clears_below_points", w.ClearsBelow, 1e-6, 1},
		{"size.reference", w.Size.Reference, 1, math.MaxFloat64},
		{"size.exponent", w.Size.Exponent, 0, 1},
		{"size.smallest", w.Size.Smallest, 1, w.Size.Largest.Value},
		{"size.largest", w.Size.Largest, w.Size.Smallest.Value, math.MaxFloat64},
		{"size.unknown", w.Size.Unknown, 1, math.MaxFloat64},
	} {
		if err := p.f.check(p.key, p.low, p.high); err != nil {
			return err
		}
	}
	if err := checkGrades(w.Grades); err != nil {
		return err
	}
	return checkFactors(w.Factors)
}

func (f Figure) check(key string, low, high float64) error {
	if f.Source == "" {
		return risk.Invalid(key, "A figure needs a source, or the word assumed.")
	}
	if !(f.Value >= low && f.Value <= high) {
		return risk.Invalid(key, "%v is not between %v and %v.", f.Value, low, high)
	}
	return nil
}

func checkGrades(grades []Grade) error {
	above := math.Inf(1)
	for _, g := range grades {
		if err := g.From.check("grades."+g.Grade, 0, 100); err != nil {
			return err
		}
		if g.Grade == "" || g.From.Value >= above {
			return risk.Invalid("grades", "Grades need a letter each and must be listed best first.")
		}
		above = g.From.Value
	}
	if above != 0 {
		return risk.Invalid("grades", "The last grade must begin at 0.")
	}
	return nil
}

func checkFactors(factors []Factor) error {
	seen := map[string]bool{}
	for _, f := range factors {
		if f.Name == "" || f.Label == "" || f.Refute == "" || seen[f.Name] {
			return risk.Invalid("factors."+f.Name, "A factor needs a name of its own, a label and how to refute it.")
		}
		seen[f.Name] = true
		if err := f.check(); err != nil {
			return err
		}
	}
	for _, name := range evidenceFactors {
		if !seen[name] {
			return risk.Invalid("factors", "The factor %s is missing: evidence counts towards it.", name)
		}
	}
	return nil
}

func (f Factor) check() error {
	key := "factors." + f.Name
	if (f.Ratio == nil) == (f.Points == nil) {
		return risk.Invalid(key, "A factor has a ratio or points, not both.")
	}
	if aged := f.Kind != Control; aged != (f.HalfLife != nil) {
		return risk.Invalid(key, "A factor has a half-life unless it is a control.")
	}
	if !slices.Contains([]FactorKind{Exposure, Incident, Control}, f.Kind) {
		return risk.Invalid(key, "%q is not a kind of factor; the kinds are exposure, incident and control.", string(f.Kind))
	}
	if err := f.Prevalence.check(key+".prevalence", 0, 1); err != nil {
		return err
	}
	for _, p := range []struct {
		name string
		f    *Figure
		low  float64
	}{
		{"ratio", f.Ratio, 1}, {"points", f.Points, 0.1}, {"cap", f.Cap, 0.1},
		{"half_life_days", f.HalfLife, 0.01}, {"dump_half_life_days", f.DumpHalfLife, 0.01}, {"ends_after_days", f.Ends, 0.01},
	} {
		if p.f == nil {
			continue
		}
		if err := p.f.check(fmt.Sprintf("%s.%s", key, p.name), p.low, 1e6); err != nil {
			return err
		}
	}
	return nil
}
