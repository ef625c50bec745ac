package alert

import "github.com/wardline/wardline/internal/risk"

const closing = "Record in Wardline what was done, so that the next reader knows."

// steps are the exposure's own, with what a mail leaves out and Wardline shows.
func steps(s risk.Supplier, e risk.Exposure) []string {
	next := e.Steps(s)
	switch e.Kind {
	case risk.KindCredential:
		next = append([]string{"Open it in Wardline to see the whole account name."}, next...)
	case risk.KindMention:
		return next
	}
	return append(next, closing)
}

func digestSteps(s risk.Supplier) []string {
	next := append([]string{"Open the list in Wardline, most urgent first; it holds the whole account names."}, s.StepsForMany()...)
	return append(next, closing)
}
