package extract

import (
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
)

// Effort is how many bytes are looked at around the hits of a block.
func Effort(s *match.Scanner, b risk.Block, hits []match.Hit) int {
	r := newReader(s, b, func(risk.Indicator) {})
	all := r.effort
	r.readHits(hits)
	return all - r.effort
}
