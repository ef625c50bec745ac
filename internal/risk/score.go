package risk

import "time"

// Evidence is what the score reads of one exposure.
type Evidence struct {
	ExposureID int64
	Count      int `json:",omitempty"` // exposures like this one that it stands for; 0 = itself alone
	Kind       IndicatorKind
	Format     Format
	SourceKind SourceKind
	Quality    float64   // q: source reliability × match confidence, 0…1
	Observed   time.Time // start of its ageing
	FirstSeen  time.Time
	LastSeen   time.Time
	State      ExposureState
}

// ScoreInputs are all that a score is computed from; stored beside it, so that history replays bit for bit.
type ScoreInputs struct {
	At        time.Time
	Employees int // 0 = unknown
	Evidence  []Evidence
	Coverage  []SourceKind       // kinds that a healthy source watches this supplier's terms on
	Covered   []string           // further factors that are watched by other means than a source, such as "own_breach_report"
	Controls  map[string]float64 // factor → credit 0…1 from answers; absent = unknown
	Counted   []OnlyCounted      `json:",omitempty"`
}

// Score is a supplier's posture (scoring.md §2). Number is 0…100, higher is better; it says likelihood, not impact.
type Score struct {
	ID            int64
	SupplierID    int64
	At            time.Time
	Number        float64
	Low, High     float64 // 80 % range, clamped to 0…100
	Confidence    float64 // C, 0…1
	Grade         string  // "A"…"F"; "" = insufficient evidence (C < 0.4)
	Weights       string  // version of the weights
	Contributions []Contribution
	Inputs        ScoreInputs
}

// Sufficient reports whether a letter may be shown.
func (s Score) Sufficient() bool { return s.Grade != "" }

// Contribution is one row of a score's arithmetic. Rows of a score add up to Number − 85 before the clamp.
type Contribution struct {
	Factor      string  // such as "compromised_users"
	ExposureID  int64   // 0 = the factor's own row: reference prevalence, control or unknown
	Label       string  // what the row is, in words
	Points      float64 // added to 85
	Unknown     bool    // factor without coverage: 0 points, widens the range
	X           float64 // presence of the factor, 0…1 (factor's own row)
	Weight      float64 // K·w, points between absent and full
	Prevalence  float64 // p
	AgeFactor   float64 // 2^(−age/H); 0 on rows without age
	SizeFactor  float64 // 1/(E/1000)^0.5
	Quality     float64
	FirstSeen   time.Time
	LastSeen    time.Time
	ClearsOn    time.Time // when the row falls below 0.05 points by age alone; zero = does not clear by age
	HowToRefute string
	Counted     int64 // further findings of the factor that were only counted (factor's own row)
}

// FactorSum is one factor of a score with the rows that make it.
type FactorSum struct {
	Points float64        // all its rows together
	Own    Contribution   // the factor's own row: label, presence, weight, prevalence, whether it is unknown
	Rows   []Contribution // one an exposure, in the order of the score's contributions
}

// Factors gathers a score's contributions by factor, in the order in which the factors first appear.
func (s Score) Factors() []FactorSum {
	var sums []FactorSum
	at := map[string]int{}
	for _, c := range s.Contributions {
		i, seen := at[c.Factor]
		if !seen {
			i = len(sums)
			at[c.Factor] = i
			sums = append(sums, FactorSum{})
		}
		sums[i].Points += c.Points
		if c.ExposureID == 0 {
			sums[i].Own = c
		} else {
			sums[i].Rows = append(sums[i].Rows, c)
		}
	}
	return sums
}
