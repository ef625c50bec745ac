package risk

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Relation says how the hospital stands to a supplier.
type Relation string

const (
	FirstParty  Relation = "first_party" // the hospital itself
	ThirdParty  Relation = "third_party"
	FourthParty Relation = "fourth_party"
)

// Tier is the inherent impact class, 1 (most) to 4 (least); 0 is not yet known.
type Tier int

// Answer is a yes/no fact that may be unknown; unknown is never shown as no.
type Answer string

const (
	Unknown Answer = ""
	Yes     Answer = "yes"
	No      Answer = "no"
)

// Person is someone to tell: a supplier's owner in the hospital, or its contact.
type Person struct {
	Name  string
	Email string
}

// Supplier is a company that the hospital depends on, or the hospital itself (FirstParty).
type Supplier struct {
	ID          int64
	Name        string // unique, compared without case
	Kind        string // what it does for the hospital, such as "Laboratory"; free text
	Relation    Relation
	Tier        Tier
	PatientData Answer // handles patient data (PHI)
	Employees   int    // 0 = unknown; only the size factor of the score uses it
	Owner       Person // in the hospital; gets the mail
	Contact     Person // at the supplier
	BAASigned   *time.Time
	ContractEnd *time.Time
	Terms       []WatchTerm
	Created     time.Time
	Updated     time.Time
}

// Validate lists every problem of a supplier that was typed or imported; nil when there is none.
func (s Supplier) Validate() []error {
	var problems []error
	if strings.TrimSpace(s.Name) == "" {
		problems = append(problems, Invalid("name", "A supplier needs a name."))
	}
	if utf8.RuneCountInString(s.Name) > 200 {
		problems = append(problems, Invalid("name", "The name is longer than 200 characters."))
	}
	if utf8.RuneCountInString(s.Kind) > 100 {
		problems = append(problems, Invalid("kind", "What it does is longer than 100 characters."))
	}
	switch s.Relation {
	case FirstParty, ThirdParty, FourthParty:
	default:
		problems = append(problems, Invalid("relation", "The relation must be first_party, third_party or fourth_party."))
	}
	if s.Tier < 0 || s.Tier > 4 {
		problems = append(problems, Invalid("tier", "The tier is 1, 2, 3 or 4, or empty when not yet known."))
	}
	if s.Employees < 0 {
		problems = append(problems, Invalid("employees", "The number of employees cannot be negative."))
	}
	for _, p := range []struct {
		field string
		who   Person
	}{{"owner", s.Owner}, {"contact", s.Contact}} {
		if utf8.RuneCountInString(p.who.Name) > 200 {
			problems = append(problems, Invalid(p.field+"_name", "The name is longer than 200 characters."))
		}
		if p.who.Email != "" && !looksLikeAddress(p.who.Email) {
			problems = append(problems, Invalid(p.field+"_email", "%q is not an e-mail address.", p.who.Email))
		}
	}
	for _, t := range s.Terms {
		if _, err := NewWatchTerm(t.Kind, t.Value); err != nil {
			problems = append(problems, err)
		}
	}
	return problems
}
