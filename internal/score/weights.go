package score

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/seeds"
)

// Figure is a number of the model with where it comes from: a publication, or the word "assumed".
type Figure struct {
	Value  float64 `yaml:"value"`
	Source string  `yaml:"source"`
}

// Weights is one version of the model's figures, as seeds/scoring/v<N>.yaml gives it.
type Weights struct {
	Version          string   `yaml:"version"`
	BaseRate         Figure   `yaml:"base_rate"` // chance of a breach in a year at the reference number
	Reference        Figure   `yaml:"reference_number"`
	PointsPerDouble  Figure   `yaml:"points_per_doubling"` // points lost when the odds double
	Shrinkage        Figure   `yaml:"shrinkage"`
	Saturation       Figure   `yaml:"saturation"`
	RangeZ           Figure   `yaml:"range_z"`
	EnoughConfidence Figure   `yaml:"enough_confidence"`
	ClearsBelow      Figure   `yaml:"clears_below_points"`
	Size             Size     `yaml:"size"`
	Grades           []Grade  `yaml:"grades"` // best first
	Factors          []Factor `yaml:"factors"`
}

// Size says how a supplier's size scales what was found of it.
type Size struct {
	Reference Figure `yaml:"reference"`
	Exponent  Figure `yaml:"exponent"`
	Smallest  Figure `yaml:"smallest"`
	Largest   Figure `yaml:"largest"`
	Unknown   Figure `yaml:"unknown"` // employees of a supplier of unknown size
}

// Grade is a letter and the lowest number that earns it.
type Grade struct {
	Grade string `yaml:"grade"`
	From  Figure `yaml:"from"`
}

// FactorKind says how the presence of a factor is found.
type FactorKind string

const (
	Exposure FactorKind = "exposure" // from how much was found and how old it is
	Incident FactorKind = "incident" // from the freshest own incident
	Control  FactorKind = "control"  // from the credit of an answer
)

// Factor is one term of the sum.
type Factor struct {
	Name         string            `yaml:"name"`
	Label        string            `yaml:"label"`
	Kind         FactorKind        `yaml:"kind"`
	Ratio        *Figure           `yaml:"ratio"`  // odds ratio that the weight comes from, or:
	Points       *Figure           `yaml:"points"` // the most points, set outright
	Cap          *Figure           `yaml:"cap"`    // upper limit of the points from a ratio
	Prevalence   Figure            `yaml:"prevalence"`
	HalfLife     *Figure           `yaml:"half_life_days"`
	DumpHalfLife *Figure           `yaml:"dump_half_life_days"` // of credentials that are not from a stealer log
	Ends         *Figure           `yaml:"ends_after_days"`     // counts nothing from this age on
	CoveredBy    []risk.SourceKind `yaml:"covered_by"`
	Refute       string            `yaml:"refute"`
}

// LoadWeights reads the newest version that ships with the binary.
func LoadWeights() (Weights, error) {
	names, err := fs.Glob(seeds.FS, "scoring/*.yaml")
	if err != nil {
		return Weights{}, fmt.Errorf("list scoring weights: %w", err)
	}
	newest, name := -1, ""
	for _, n := range names {
		v, err := versionNumber(n)
		if err != nil {
			return Weights{}, err
		}
		if v > newest {
			newest, name = v, n
		}
	}
	if name == "" {
		return Weights{}, fmt.Errorf("no scoring weights: %w", risk.ErrNotFound)
	}
	data, err := fs.ReadFile(seeds.FS, name)
	if err != nil {
		return Weights{}, fmt.Errorf("read scoring weights: %w", err)
	}
	return ParseWeights(name, data)
}

// ParseWeights reads one version, refusing unknown keys, figures without a source and figures out of range.
func ParseWeights(name string, data []byte) (Weights, error) {
	var w Weights
	d := yaml.NewDecoder(bytes.NewReader(data), yaml.DisallowUnknownField())
	if err := d.Decode(&w); err != nil {
		return Weights{}, fmt.Errorf("parse %s: %w", name, err)
	}
	if err := w.validate(); err != nil {
		return Weights{}, fmt.Errorf("check %s: %w", name, err)
	}
	if want := strings.TrimSuffix(path.Base(name), ".yaml"); w.Version != want {
		return Weights{}, fmt.Errorf("check %s: %w", name, risk.Invalid("version", "The version is %q, but the file's name says %q.", w.Version, want))
	}
	return w, nil
}

func versionNumber(name string) (int, error) {
	n, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSuffix(path.Base(name), ".yaml"), "v"))
	if err != nil {
		return 0, fmt.Errorf("scoring weights %s: the name must be v<number>.yaml: %w", name, risk.ErrInvalid)
	}
	return n, nil
}

// Likelihood is the chance of a breach within a year that a number stands for.
func (w Weights) Likelihood(number float64) float64 {
	odds := w.BaseRate.Value / (1 - w.BaseRate.Value) * math.Exp2((w.Reference.Value-number)/w.PointsPerDouble.Value)
	return odds / (1 + odds)
}

// fullPoints is K·w of a factor: the points between absent and full.
func (w Weights) fullPoints(f Factor) float64 {
	if f.Points != nil {
		return f.Points.Value
	}
	k := w.PointsPerDouble.Value / math.Ln2
	points := k * w.Shrinkage.Value * math.Log(f.Ratio.Value)
	if f.Cap != nil {
		points = min(points, f.Cap.Value)
	}
	return points
}

func (w Weights) grade(number float64) string {
	for _, g := range w.Grades {
		if number >= g.From.Value {
			return g.Grade
		}
	}
	return ""
}

// factor is 1/(E/reference)^exponent.
func (s Size) factor(employees int) float64 {
	e := float64(employees)
	if employees <= 0 {
		e = s.Unknown.Value
	}
	e = min(max(e, s.Smallest.Value), s.Largest.Value)
	return math.Pow(e/s.Reference.Value, -s.Exponent.Value)
}
