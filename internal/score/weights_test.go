package score_test

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/score"
	"github.com/wardline/wardline/seeds"
)

func TestEveryShippedVersionLoads(t *testing.T) {
	names, err := fs.Glob(seeds.FS, "scoring/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatalf("found %v, %v", names, err)
	}
	for _, name := range names {
		data, err := fs.ReadFile(seeds.FS, name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := score.ParseWeights(name, data); err != nil {
			t.Error(err)
		}
	}
}

// Every figure of v1, as published. A changed figure is a new version.
func TestFiguresOfV1(t *testing.T) {
	data, err := fs.ReadFile(seeds.FS, "scoring/v1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	w, err := score.ParseWeights("v1.yaml", data)
	if err != nil {
		t.Fatal(err)
	}
	plain := map[string][2]float64{
		"base rate": {w.BaseRate.Value, 0.037}, "reference": {w.Reference.Value, 85}, "points per doubling": {w.PointsPerDouble.Value, 15},
		"shrinkage": {w.Shrinkage.Value, 0.7}, "saturation": {w.Saturation.Value, 3}, "range": {w.RangeZ.Value, 1.2816},
		"confidence": {w.EnoughConfidence.Value, 0.4}, "clears": {w.ClearsBelow.Value, 0.05},
		"size reference": {w.Size.Reference.Value, 1000}, "size exponent": {w.Size.Exponent.Value, 0.5},
		"smallest": {w.Size.Smallest.Value, 100}, "largest": {w.Size.Largest.Value, 100_000}, "unknown size": {w.Size.Unknown.Value, 1000},
	}
	for what, v := range plain {
		if v[0] != v[1] {
			t.Errorf("%s: %v, want %v", what, v[0], v[1])
		}
	}
	grades := ""
	for _, g := range w.Grades {
		grades += g.Grade
	}
	if from := w.Grades; grades != "ABCDF" || from[0].From.Value != 90 || from[1].From.Value != 80 || from[2].From.Value != 70 || from[3].From.Value != 60 || from[4].From.Value != 0 {
		t.Errorf("grades %+v", w.Grades)
	}
	none := -1.0
	value := func(f *score.Figure) float64 {
		if f == nil {
			return none
		}
		return f.Value
	}
	want := map[string][7]float64{ // ratio, points, cap, prevalence, half-life, half-life of dumps, end
		"compromised_users": {2.56, none, none, 0.30, 30, 180, none},
		"access_sale":       {2.41, none, none, 0.02, 45, none, none},
		"osint":             {2.05, none, none, 0.25, 60, none, none},
		"paste":             {1.88, none, none, 0.15, 60, none, none},
		"forum_chat":        {1.75, none, none, 0.10, 60, none, none},
		"hardening":         {5.8, none, 15, 0.30, none, none, none},
		"slow_patching":     {2, none, none, 0.30, none, none, none},
		"no_mfa":            {1.4, none, none, 0.30, none, none, none},
		"own_leak_post":     {none, 15, none, 0.02, 120, none, 730},
		"own_breach_report": {none, 8, none, 0.03, 120, none, 730},
	}
	for _, f := range w.Factors {
		got := [7]float64{value(f.Ratio), value(f.Points), value(f.Cap), f.Prevalence.Value, value(f.HalfLife), value(f.DumpHalfLife), value(f.Ends)}
		if got != want[f.Name] {
			t.Errorf("%s: %v, want %v", f.Name, got, want[f.Name])
		}
	}
	if len(w.Factors) != len(want) {
		t.Errorf("%d factors, want %d", len(w.Factors), len(want))
	}
}

func TestBrokenWeightsAreRefused(t *testing.T) {
	data, err := fs.ReadFile(seeds.FS, "scoring/v1.yaml")
	if err != nil {
		t.Fatal(err)
	}
	good := string(data)
	for _, c := range []struct{ name, old, new string }{
		{"unknown key", "version: v1", "version: v1\nfudge: 2"},
		{"unknown key in a factor", "    kind: control", "    kind: control\n    extra: 1"},
		{"no source", `  source: "assumed: x = 1 − e^(−n/3)"`, `  source: ""`},
		{"prevalence over 1", "value: 0.30", "value: 30"},
		{"no number", "value: 85", "value: .nan"},
		{"other version than the file", "version: v1", "version: v2"},
		{"control with an age", "  - name: no_mfa", "  - name: no_mfa\n    half_life_days: {value: 1, source: assumed}"},
		{"exposure without one", "    half_life_days: {value: 45, source: assumed}\n", ""},
		{"ratio and points", "    points: {value: 8, source: assumed}", "    points: {value: 8, source: assumed}\n    ratio: {value: 2, source: assumed}"},
		{"missing factor", "  - name: osint", "  - name: open_sources"},
		{"twice", "  - name: access_sale", "  - name: paste"},
		{"unknown kind", "kind: incident", "kind: accident"},
		{"grades out of order", "{grade: B, from: {value: 80", "{grade: B, from: {value: 95"},
		{"no yaml", "factors:", "factors: ["},
	} {
		broken := strings.Replace(good, c.old, c.new, 1)
		if broken == good {
			t.Fatalf("%s: nothing replaced", c.name)
		}
		if _, err := score.ParseWeights("scoring/v1.yaml", []byte(broken)); err == nil {
			t.Errorf("%s: accepted", c.name)
		}
	}
	_, err = score.ParseWeights("scoring/v1.yaml", []byte(strings.Replace(good, "value: 0.30", "value: 30", 1)))
	if !errors.Is(err, risk.ErrInvalid) {
		t.Errorf("got %v, want an invalid input", err)
	}
}
