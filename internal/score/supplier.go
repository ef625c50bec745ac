// Package score owns the posture score: it turns what is known of a supplier into a number from 0 to 100 that says
// how likely a breach is, with every row of the arithmetic, the range that ignorance leaves, and the confidence.
package score

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// Supplier computes a score: 85 − Σ K·w·(x − p), clamped to 0…100. Same inputs, same weights: the same bits.
// SupplierID is left to the caller.
func Supplier(in risk.ScoreInputs, w Weights) risk.Score {
	s := risk.Score{At: in.At, Weights: w.Version, Inputs: in}
	number, variance, left := w.Reference.Value, 0.0, 0.0
	var known, all float64
	for _, f := range w.Factors {
		r := assess(f, in, w)
		s.Contributions = append(s.Contributions, r.rows...)
		for _, row := range r.rows {
			number += row.Points
		}
		all += r.full
		left += r.left
		if r.covered {
			known += r.full
		}
		if r.unknown {
			variance += r.full * r.full * f.Prevalence.Value * (1 - f.Prevalence.Value)
		}
	}
	half := w.RangeZ.Value * math.Sqrt(variance)
	s.Number = percent(number)
	s.Low, s.High = percent(s.Number-half-left), percent(s.Number+half)
	s.Confidence = known / all
	if s.Confidence >= w.EnoughConfidence.Value {
		s.Grade = w.grade(s.Number)
	}
	return s
}

// reading is what one factor says of a supplier.
type reading struct {
	rows    []risk.Contribution // own row first, then one a piece of evidence
	full    float64             // K·w
	covered bool                // somebody looks, so that absence means something
	unknown bool                // nobody looks and nothing tips the scale: no points, wider range
	left    float64             // points that what was only counted would take, were all of it as bad as what is kept
}

func assess(f Factor, in risk.ScoreInputs, w Weights) reading {
	if f.Kind == Control {
		return assessControl(f, in, w)
	}
	r := reading{full: w.fullPoints(f), covered: covers(f, in)}
	size := 1.0 // an own incident weighs the same for the large and the small
	if f.Kind == Exposure {
		size = w.Size.factor(in.Employees)
	}
	list := pieces(f, in, size)
	x, total := presence(f, list, w)
	// Where nobody looks, what was come upon can only make it worse than the reference, never better.
	r.unknown = !r.covered && x <= f.Prevalence.Value
	own := f.row(r, x)
	own.SizeFactor, own.Counted = size, onlyCounted(f, in)
	r.left = r.full * (presenceWith(f, own.Counted, list, w) - x)
	r.rows = append(r.rows, own)
	for _, p := range list {
		row := evidenceRow(f, p, r.full, w, in.At)
		row.SizeFactor = size
		if !r.unknown && total > 0 {
			row.Points = -r.full * x * (p.amount / total)
		}
		r.rows = append(r.rows, row)
	}
	return r
}

// presence is x of a factor, with the sum that evidence shares it by.
func presence(f Factor, list []piece, w Weights) (x, total float64) {
	freshest := 0.0
	for _, p := range list {
		total += p.amount
		freshest = max(freshest, p.amount)
	}
	if f.Kind == Incident {
		return freshest, total // a claim and its mirrors are one incident
	}
	return 1 - math.Exp(-total/w.Saturation.Value), total
}

// onlyCounted are the findings of a factor that a dump brought beyond those that are kept.
func onlyCounted(f Factor, in risk.ScoreInputs) (n int64) {
	for _, c := range in.Counted {
		if factorOf(risk.Evidence{Kind: c.Kind, SourceKind: risk.SourceDrop}) == f.Name {
			n += c.Count
		}
	}
	return n
}

// presenceWith is what presence would be, were each finding that was only counted an exposure like those that are kept.
// Most of a flood is one thing again and again, so that this is how bad it may be, not how bad it is.
func presenceWith(f Factor, counted int64, list []piece, w Weights) float64 {
	x, total := presence(f, list, w)
	if f.Kind == Incident || counted == 0 {
		return x
	}
	kept := 0
	for _, p := range list {
		kept += max(p.Count, 1)
	}
	if kept == 0 {
		return x
	}
	return 1 - math.Exp(-total*(1+float64(counted)/float64(kept))/w.Saturation.Value)
}

func assessControl(f Factor, in risk.ScoreInputs, w Weights) reading {
	credit, answered := in.Controls[f.Name]
	r := reading{full: w.fullPoints(f), covered: answered, unknown: !answered}
	own := f.row(r, 1-unit(credit))
	if !r.unknown {
		own.Points = -r.full * (own.X - f.Prevalence.Value)
	}
	r.rows = []risk.Contribution{own}
	return r
}

// row is the factor's own: the reference that the supplier is held against.
func (f Factor) row(r reading, x float64) risk.Contribution {
	c := risk.Contribution{
		Factor: f.Name, Label: f.Label, X: x, Weight: r.full, Prevalence: f.Prevalence.Value,
		Unknown: r.unknown, HowToRefute: f.Refute,
	}
	if r.unknown {
		c.X = f.Prevalence.Value
		return c
	}
	c.Points = r.full * f.Prevalence.Value
	return c
}

func evidenceRow(f Factor, p piece, full float64, w Weights, at time.Time) risk.Contribution {
	return risk.Contribution{
		Factor: f.Name, ExposureID: p.ExposureID, Label: evidenceLabel(p, at), Weight: full, Prevalence: f.Prevalence.Value,
		AgeFactor: p.age, Quality: p.Quality, FirstSeen: p.FirstSeen, LastSeen: p.LastSeen,
		ClearsOn: clearsOn(f, p, full, w, at), HowToRefute: f.Refute,
	}
}

// clearsOn is when a row, taken by itself, will have fallen below what is worth showing. Beside other rows of its
// factor its share is smaller still, so that it has cleared by then at the latest.
func clearsOn(f Factor, p piece, full float64, w Weights, at time.Time) time.Time {
	small := w.ClearsBelow.Value / full // presence that is worth so few points
	if f.Kind == Exposure {
		small = -w.Saturation.Value * math.Log1p(-small)
	}
	wait := time.Duration(0)
	if p.amount > small {
		wait = time.Duration(float64(p.halfLife) * math.Log2(p.amount/small))
	}
	if f.Ends != nil {
		wait = min(wait, max(days(f.Ends.Value)-p.old(at), 0))
	}
	return at.Add(wait).Round(time.Second)
}

var kindWords = map[risk.IndicatorKind]string{
	risk.KindCredential:  "Login",
	risk.KindCookie:      "Session cookie",
	risk.KindSecretKey:   "Secret key",
	risk.KindMention:     "Mention",
	risk.KindVictimClaim: "Claim to have attacked it",
	risk.KindPatientData: "Patient data",
}

var sourceWords = map[risk.SourceKind]string{
	risk.SourcePaste:    "on a paste site",
	risk.SourceForum:    "in a forum",
	risk.SourceLeakSite: "on a leak site",
	risk.SourceFeed:     "in the news",
	risk.SourceAccount:  "reported by a service",
	risk.SourceDrop:     "in a dump file",
}

func evidenceLabel(p piece, at time.Time) string {
	kind, where := kindWords[p.Kind], sourceWords[p.SourceKind]
	if isAccess(p.Evidence) && fromStealer(p.Evidence) && p.SourceKind == risk.SourceDrop {
		where = "in a stealer log"
	}
	if p.Count > 1 {
		kind = fmt.Sprintf("%d × %s", p.Count, kind)
	}
	switch n := int(p.old(at).Hours() / 24); n {
	case 0:
		return fmt.Sprintf("%s %s, today", kind, where)
	case 1:
		return fmt.Sprintf("%s %s, 1 day old", kind, where)
	default:
		return fmt.Sprintf("%s %s, %d days old", kind, where, n)
	}
}

func covers(f Factor, in risk.ScoreInputs) bool {
	if slices.Contains(in.Covered, f.Name) {
		return true
	}
	return slices.ContainsFunc(f.CoveredBy, func(k risk.SourceKind) bool { return slices.Contains(in.Coverage, k) })
}

func percent(x float64) float64 { return min(max(x, 0), 100) }
