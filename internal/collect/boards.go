package collect

import (
	"fmt"
	"strings"

	"github.com/wardline/wardline/internal/risk"
)

// isWanted reports whether the definition's read.include and read.exclude let a board be read. Within a board that is
// read, its sub-forums are wanted without being named.
func isWanted(read risk.Reading, b board, within bool) bool {
	if b.isNamed(read.Exclude) {
		return false
	}
	return within || len(read.Include) == 0 || b.isNamed(read.Include)
}

// isNamed reports that a pattern names the board by its name or by its address: the whole one, or without the host.
func (b board) isNamed(patterns []string) bool {
	for _, p := range patterns {
		for _, name := range []string{b.name, b.at.RequestURI(), b.at.String()} {
			if fits(strings.ToLower(p), strings.ToLower(name)) {
				return true
			}
		}
	}
	return false
}

// fits reports that a text is what a pattern says from its beginning to its end; * stands for anything.
func fits(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	last := len(parts) - 1
	if last == 0 {
		return pattern == text
	}
	rest, begins := strings.CutPrefix(text, parts[0])
	if !begins {
		return false
	}
	for _, part := range parts[1:last] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[last])
}

// noneWanted is the failure of a place whose boards are all left out: a name that was changed must not look like
// silence.
func (p *page) noneWanted(boards int) error {
	return p.failure(risk.FailLayout, fmt.Errorf("read.include and read.exclude leave none of %d boards", boards))
}
