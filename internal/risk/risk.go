// Package risk is Wardline's vocabulary: suppliers, watch terms, sources, captures, indicators, exposures,
// scores, alerts and the people who act on them, with the rules that hold between them. One meaning a word, the
// same word in code, database, YAML and page. It does no I/O and reads no clock: time is always an argument.
package risk

import (
	"errors"
	"fmt"
)

// Kinds of error that callers act on; test with errors.Is.
var (
	ErrNotFound  = errors.New("not found")
	ErrConflict  = errors.New("conflict")
	ErrInvalid   = errors.New("invalid")
	ErrForbidden = errors.New("forbidden")
	ErrTryLater  = errors.New("try later")
)

// Problem is an invalid input whose sentence may be shown to the person who sent it.
type Problem struct {
	Field string // the form field, CSV column or YAML key; empty when it concerns the whole
	Say   string // one sentence that we wrote, never a library's error text
}

func (p Problem) Error() string {
	if p.Field == "" {
		return p.Say
	}
	return p.Field + ": " + p.Say
}

// Is makes every Problem an ErrInvalid.
func (p Problem) Is(target error) bool { return target == ErrInvalid }

// Invalid builds a Problem.
func Invalid(field, format string, args ...any) error {
	return Problem{Field: field, Say: fmt.Sprintf(format, args...)}
}
