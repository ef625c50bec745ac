package risk

import "time"

// Explanation is the documented shape in which a score leaves Wardline: `score explain --json` and the API give the
// same. Numbers are points of 0…100, times RFC 3339.
type Explanation struct {
	Supplier      string           `json:"supplier"`
	Number        float64          `json:"number" doc:"posture, 0 to 100; higher is better"`
	Range         [2]float64       `json:"range" doc:"80 % range: low, high"`
	Confidence    float64          `json:"confidence" doc:"0 to 1"`
	Grade         *string          `json:"grade" doc:"A to F; null = insufficient evidence"`
	Weights       string           `json:"weights" doc:"version of the weights"`
	At            time.Time        `json:"at"`
	Contributions []ExplanationRow `json:"contributions" nullable:"false" doc:"every row of the arithmetic; their points add up to the number less 85"`
}

// ExplanationRow is one row of a score's arithmetic.
type ExplanationRow struct {
	Factor      string     `json:"factor"`
	Exposure    string     `json:"exposure,omitempty" doc:"such as EX-12; absent on a factor's own row"`
	Label       string     `json:"label"`
	Points      float64    `json:"points"`
	Unknown     bool       `json:"unknown,omitempty" doc:"no coverage: moves no score, widens the range"`
	X           float64    `json:"x" doc:"presence of the factor, 0 to 1"`
	Weight      float64    `json:"weight"`
	Prevalence  float64    `json:"prevalence"`
	AgeFactor   float64    `json:"age_factor,omitempty"`
	SizeFactor  float64    `json:"size_factor,omitempty"`
	Quality     float64    `json:"quality,omitempty"`
	FirstSeen   *time.Time `json:"first_seen,omitempty"`
	LastSeen    *time.Time `json:"last_seen,omitempty"`
	ClearsOn    *time.Time `json:"clears_on,omitempty"`
	HowToRefute string     `json:"how_to_refute,omitempty"`
	Counted     int64      `json:"counted,omitempty" doc:"further findings of the factor that were only counted in dumps: the points leave them out, the range allows for them"`
}

// Explain gives a supplier's score with every row that made it.
func Explain(supplier string, s Score) Explanation {
	e := Explanation{Supplier: supplier, Number: s.Number, Range: [2]float64{s.Low, s.High}, Confidence: s.Confidence,
		Weights: s.Weights, At: s.At, Contributions: make([]ExplanationRow, 0, len(s.Contributions))}
	if s.Sufficient() {
		e.Grade = &s.Grade
	}
	for _, c := range s.Contributions {
		row := ExplanationRow{Factor: c.Factor, Label: c.Label, Points: c.Points, Unknown: c.Unknown, X: c.X, Weight: c.Weight,
			Prevalence: c.Prevalence, AgeFactor: c.AgeFactor, SizeFactor: c.SizeFactor, Quality: c.Quality,
			FirstSeen: Known(c.FirstSeen), LastSeen: Known(c.LastSeen), ClearsOn: Known(c.ClearsOn), HowToRefute: c.HowToRefute, Counted: c.Counted}
		if c.ExposureID != 0 {
			row.Exposure = Exposure{ID: c.ExposureID}.Ref()
		}
		e.Contributions = append(e.Contributions, row)
	}
	return e
}

// Known is nil for the zero time, which stands for unknown.
func Known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
