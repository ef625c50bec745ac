package score

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// Factors that evidence counts towards. One piece counts once: a stealer log on a paste site is no paste besides.
const (
	compromisedUsers = "compromised_users"
	osint            = "osint"
	paste            = "paste"
	forumChat        = "forum_chat"
	ownLeakPost      = "own_leak_post"
)

var evidenceFactors = []string{compromisedUsers, osint, paste, forumChat, ownLeakPost}

// factorOf names the one factor that a piece of evidence counts towards.
func factorOf(e risk.Evidence) string {
	switch {
	case e.Kind == risk.KindVictimClaim:
		return ownLeakPost
	case isAccess(e) && (fromStealer(e) || e.SourceKind == risk.SourceDrop):
		return compromisedUsers
	case e.SourceKind == risk.SourcePaste:
		return paste
	case e.SourceKind == risk.SourceForum:
		return forumChat
	}
	return osint
}

func isAccess(e risk.Evidence) bool {
	return e.Kind == risk.KindCredential || e.Kind == risk.KindCookie
}

func fromStealer(e risk.Evidence) bool {
	return e.Format == risk.FormatStealerLog || e.Format == risk.FormatULP
}

// counts says whether evidence still speaks against a supplier. A login whose reset was confirmed opens nothing any
// more; a post that was dealt with was still posted, and only ages.
func counts(e risk.Evidence) bool {
	switch e.State {
	case risk.ExposureDismissed, risk.ExposureDuplicate:
		return false
	case risk.ExposureFixed, risk.ExposureClosed:
		return factorOf(e) != compromisedUsers
	}
	return true
}

// piece is evidence with its share in its factor.
type piece struct {
	risk.Evidence
	halfLife time.Duration
	age      float64 // 2^(−age/half-life), 0 once it has ended
	amount   float64 // n of this piece: how many it stands for × quality × age × size
}

// pieces weighs the evidence of one factor, in an order that does not depend on the order it came in.
func pieces(f Factor, in risk.ScoreInputs, size float64) []piece {
	var list []piece
	for _, e := range in.Evidence {
		if factorOf(e) != f.Name || !counts(e) {
			continue
		}
		p := piece{Evidence: e, halfLife: f.halfLifeOf(e)}
		p.Quality = unit(e.Quality)
		p.age = f.ageFactor(p.old(in.At), p.halfLife)
		p.amount = p.Quality * p.age * size
		if f.Kind == Exposure {
			p.amount *= float64(max(e.Count, 1))
		}
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.ExposureID, b.ExposureID), a.Observed.Compare(b.Observed), cmp.Compare(a.amount, b.amount))
	})
	return list
}

// old is how old the evidence is; what is dated in the future is new.
func (p piece) old(at time.Time) time.Duration {
	since := p.Observed
	if since.IsZero() {
		since = p.FirstSeen
	}
	if since.IsZero() {
		return 0
	}
	return max(at.Sub(since), 0)
}

func (f Factor) halfLifeOf(e risk.Evidence) time.Duration {
	if f.DumpHalfLife != nil && !fromStealer(e) {
		return days(f.DumpHalfLife.Value)
	}
	return days(f.HalfLife.Value)
}

func (f Factor) ageFactor(age, halfLife time.Duration) float64 {
	if f.Ends != nil && age >= days(f.Ends.Value) {
		return 0
	}
	return math.Exp2(-age.Hours() / halfLife.Hours())
}

func days(n float64) time.Duration { return time.Duration(n * 24 * float64(time.Hour)) }

// unit clamps to 0…1; what is no number counts nothing.
func unit(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return min(max(x, 0), 1)
}
