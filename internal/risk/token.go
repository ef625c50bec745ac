package risk

import "time"

// Token lets a program use the API in a role of its own. Only the digest of its text is kept.
type Token struct {
	ID       int64
	Name     string // unique, for good: a revoked token keeps its name
	Digest   string // hex SHA-256 of the text
	Role     Role
	Created  time.Time
	Expires  time.Time // zero = never
	LastUsed time.Time // to the minute; zero = never
	Revoked  time.Time // zero = not
}

// Live reports whether the token still opens anything.
func (t Token) Live(now time.Time) bool {
	return t.Revoked.IsZero() && (t.Expires.IsZero() || now.Before(t.Expires))
}

// Actor is who asks with the token.
func (t Token) Actor() Actor { return Actor{TokenID: t.ID, Name: t.Name, Role: t.Role} }

const longestTokenName = 64

// Validate checks a token that is to be made.
func (t Token) Validate() error {
	if t.Name == "" || len(t.Name) > longestTokenName {
		return Invalid("name", "A token's name has 1 to %d characters.", longestTokenName)
	}
	for _, r := range t.Name {
		if !isTokenNameRune(r) {
			return Invalid("name", "A token's name holds only the letters a to z, digits, and . _ -")
		}
	}
	return t.Role.validate()
}

func isTokenNameRune(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '_', r == '-':
		return true
	}
	return false
}
