package pipeline

import (
	"net/netip"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/seal"
)

const (
	maxFacts = 16
	maxFact  = 160 // runes
)

// ShownFacts makes an indicator's facts fit to be kept and shown: enough to find the machine and to know when it was
// infected, and no more of people than a mask. A fact of an unknown name is left out, and one that holds the password.
func ShownFacts(in risk.Indicator) []risk.Fact {
	user := factOf(in, risk.FactUser)
	var shown []risk.Fact
	for _, f := range in.Facts {
		value := shownFact(f, user)
		if value == "" || holdsSecret(value, in.Secret) || len(shown) == maxFacts {
			continue
		}
		value = hide(value, in.Account, seal.Mask(in.Account, in.Term.Value))
		shown = append(shown, risk.Fact{Name: f.Name, Value: value})
	}
	return shown
}

func factOf(in risk.Indicator, name string) string {
	for _, f := range in.Facts {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// shownFact is what may be shown of a fact, given the name of the machine's user; "" = nothing.
func shownFact(f risk.Fact, user string) string {
	value := tidy(f.Value)
	switch f.Name {
	case risk.FactVictim, risk.FactGroup, risk.FactVolume, risk.FactWebsite, risk.FactBreach, risk.FactTaken, risk.FactWithheld, risk.FactCount:
		return value
	case risk.FactInfected, risk.FactCountry, risk.FactOS, risk.FactMalware, risk.FactSoftware, risk.FactCookie:
		return value
	case risk.FactUser:
		return seal.Mask(value, "")
	case risk.FactIP:
		return shownIP(value)
	case risk.FactMalwarePath:
		return hide(maskHome(value), user, seal.Mask(user, ""))
	case risk.FactMachine, risk.FactHWID:
		return hide(value, user, seal.Mask(user, ""))
	case risk.FactProfile, risk.FactAutofill:
		if strings.Contains(value, "@") { // browsers name profiles after people
			return seal.Mask(value, "")
		}
		return hide(value, user, seal.Mask(user, ""))
	}
	return ""
}

// tidy takes control characters out of a value and the end off a long one.
func tidy(value string) string {
	value = strings.TrimSpace(strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(value, "\ufffd")))
	if utf8.RuneCountInString(value) <= maxFact {
		return value
	}
	return string([]rune(value)[:maxFact-1]) + "…"
}

// shownIP names the network, not the line: of an IPv4 address three numbers, of an IPv6 address its first three groups.
func shownIP(value string) string {
	value, _, _ = strings.Cut(value, " ")
	addr, err := netip.ParseAddr(strings.Trim(value, "[](),"))
	if err != nil {
		return ""
	}
	addr = addr.Unmap().WithZone("")
	bits := 48
	if addr.Is4() {
		bits = 24
	}
	network, err := addr.Prefix(bits)
	if err != nil {
		return ""
	}
	return network.String()
}

// homes are the folders whose next part is the name of a user.
var homes = []string{"users", "documents and settings", "home"}

// maskHome masks the part of a path that names its user.
func maskHome(path string) string {
	var out strings.Builder
	next := false
	for path != "" {
		i := strings.IndexAny(path, `\/`)
		if i < 0 {
			i = len(path)
		}
		part := path[:i]
		if next && part != "" {
			out.WriteString(seal.Mask(part, ""))
			next = false
		} else {
			out.WriteString(part)
		}
		for _, home := range homes {
			next = next || strings.EqualFold(part, home)
		}
		if i < len(path) {
			out.WriteByte(path[i])
			i++
		}
		path = path[i:]
	}
	return out.String()
}

// hide puts a mask in the place of a name, however it is written. A name of one or two letters stands in many words.
func hide(value, name, mask string) string {
	const shortest = 3
	if len(name) < shortest {
		return value
	}
	lower, want := strings.ToLower(value), strings.ToLower(name)
	if len(lower) != len(value) { // letters whose small form has another length: where it stands cannot be told
		if strings.Contains(lower, want) {
			return mask
		}
		return value
	}
	var out strings.Builder
	for {
		i := strings.Index(lower, want)
		if i < 0 {
			return out.String() + value
		}
		out.WriteString(value[:i] + mask)
		value, lower = value[i+len(want):], lower[i+len(want):]
	}
}

// holdsSecret says that a password would be seen in a value. A short one stands in many words, which tell nothing of it.
func holdsSecret(value string, s risk.Secret) bool {
	const shortest = 4
	secret := s.Reveal()
	return len(secret) >= shortest && strings.Contains(strings.ToLower(value), strings.ToLower(secret))
}

// infectedAt is when the machine was infected; zero = unknown, or written in a way that can be read in two.
func infectedAt(in risk.Indicator) time.Time {
	at, err := time.Parse(time.RFC3339, factOf(in, risk.FactInfected))
	if err != nil {
		return time.Time{}
	}
	return at.UTC()
}
