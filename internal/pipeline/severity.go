package pipeline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/wardline/wardline/internal/risk"
)

// judge gives the severity and says why, one sentence a reason. A class of finding has a base; what makes it reach
// further raises it by one, what makes it doubtful lowers it.
func judge(in risk.Indicator, s risk.Supplier) (risk.Severity, []string) {
	severity, why := base(in)
	reasons := []string{why}
	move := func(by risk.Severity, reason string) {
		if to := severity + by; to >= risk.SeverityLow && to <= risk.SeverityCritical {
			severity = to
			reasons = append(reasons, reason)
		}
	}
	usable := in.Kind == risk.KindCookie || in.Kind == risk.KindCredential && in.Secret.Kind() == risk.SecretPlain
	if usable && in.Class == risk.ClassEmployee {
		switch {
		case s.Relation == risk.FirstParty:
			move(+1, "It is the hospital's own account.")
		case s.Tier == 1:
			move(+1, s.Name+" is a tier 1 supplier.")
		case s.PatientData == risk.Yes:
			move(+1, s.Name+" handles patient data.")
		}
		if door := door(in.Host); door != "" {
			move(+1, fmt.Sprintf("%s looks like a way in (%s).", in.Host, door))
		}
	}
	if in.Match == risk.MatchLookalike {
		move(-1, "The name only looks like the watched one.")
	}
	return severity, reasons
}

func base(in risk.Indicator) (risk.Severity, string) {
	switch in.Kind {
	case risk.KindVictimClaim:
		return risk.SeverityCritical, "A leak site claims this organisation as a victim."
	case risk.KindSecretKey:
		return risk.SeverityHigh, "A secret key gives access without a person."
	case risk.KindPatientData:
		return risk.SeverityHigh, "Patient data may be out."
	case risk.KindCookie:
		return risk.SeverityHigh, "A session cookie opens the application without a password."
	case risk.KindCredential:
		return baseCredential(in)
	}
	if in.Match == risk.MatchBrand || in.Match == risk.MatchLookalike {
		return risk.SeverityLow, "A name was mentioned."
	}
	return risk.SeverityMedium, "A watched address was mentioned."
}

func baseCredential(in risk.Indicator) (risk.Severity, string) {
	switch in.Secret.Kind() {
	case risk.SecretPlain:
	case risk.SecretNone:
		if withheld(in) {
			return baseWithheld(in)
		}
		if in.Class == risk.ClassEmployee && factOf(in, risk.FactAutofill) != "" {
			return risk.SeverityMedium, "An employee's account was typed in on an infected machine."
		}
		return risk.SeverityLow, "The record holds no password."
	default:
		if in.Class == risk.ClassEmployee {
			return risk.SeverityMedium, "An employee's password, hashed."
		}
		return risk.SeverityLow, "A hashed password of a " + strings.ReplaceAll(string(in.Class), "_", " ") + " account."
	}
	switch in.Class {
	case risk.ClassEmployee:
		return risk.SeverityHigh, "An employee's password in clear text."
	case risk.ClassThirdParty:
		return risk.SeverityMedium, "An employee's password in clear text, for somebody else's site."
	}
	return risk.SeverityMedium, "A customer's password in clear text."
}

// doors are first labels of hosts behind which one is inside.
var doors = []string{"vpn", "remote", "citrix", "rdp", "gateway", "sso", "adfs", "login", "auth", "admin", "portal", "owa", "webmail", "jump", "bastion"}

// door returns the label that makes a host a way in, or "".
func door(host string) string {
	for label := range strings.SplitSeq(host, ".") {
		for part := range strings.SplitSeq(label, "-") {
			if slices.Contains(doors, part) {
				return part
			}
		}
	}
	return ""
}
