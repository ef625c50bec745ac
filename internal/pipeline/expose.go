package pipeline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/seal"
)

// expose turns an indicator into what is kept of it. The password ends here: only its kind, its length band and,
// together with its account, a keyed digest go on.
func (p *Pipeline) expose(in risk.Indicator, s risk.Supplier, src risk.Source, sighting risk.Sighting) risk.Finding {
	now := p.Now()
	mask := seal.Mask(in.Account, in.Term.Value)
	severity, reasons := judge(in, s)
	sighting.SourceID, sighting.Seen, sighting.Where = src.ID, now, in.Place
	if in.Kind == risk.KindCredential || in.Kind == risk.KindCookie {
		sighting.Key = fmt.Sprintf("%s@%s:%d", sighting.Key, in.Place.Entry, in.Place.Offset)
	}
	observed := cmp.Or(in.Posted, sighting.Posted, now)
	if observed.After(now) { // a source may write any date
		observed = now
	}
	return risk.Finding{
		Sighting: sighting,
		Exposure: risk.Exposure{
			Fingerprint: p.Keys.Fingerprint(s.ID, in),
			KeyID:       p.Keys.ID(),
			SupplierID:  s.ID,
			Supplier:    s.Name,
			Tier:        s.Tier,
			Kind:        in.Kind,
			Format:      in.Format,
			Class:       in.Class,
			Match:       in.Match,
			TermKind:    in.Term.Kind,
			Term:        in.Term.Value,
			Title:       title(in, s, mask),
			AccountMask: mask,
			Account:     p.Keys.SealAccount(in.Account),
			Host:        in.Host,
			SecretKind:  in.Secret.Kind(),
			SecretBand:  in.Secret.LengthBand(),
			Excerpt:     in.Excerpt,
			SourceID:    src.ID,
			SourceKind:  src.Kind,
			SourceName:  src.Name,
			Severity:    severity,
			Reasons:     reasons,
			State:       risk.ExposureNew,
			Due:         now.Add(severity.Limit()),
			Observed:    observed,
			FirstSeen:   now,
			LastSeen:    now,
			Sightings:   1,
			Updated:     now,
			Version:     1,
		},
	}
}

// title says what and whose in one line, masked.
func title(in risk.Indicator, s risk.Supplier, mask string) string {
	switch in.Kind {
	case risk.KindCredential:
		mask = cmp.Or(mask, "an unnamed account")
		what := "Password of " + mask
		switch in.Secret.Kind() {
		case risk.SecretPlain:
		case risk.SecretNone:
			what = "Account " + mask + " without a password"
		default:
			what = "Hashed password of " + mask
		}
		if in.Host != "" {
			what += " for " + in.Host
		}
		return what
	case risk.KindCookie:
		return "Session cookie for " + cmp.Or(in.Host, shown(in.Term))
	case risk.KindSecretKey:
		return "Secret key of " + s.Name
	case risk.KindVictimClaim:
		return s.Name + " is named as a victim on a leak site"
	case risk.KindPatientData:
		return "Possible patient data from " + s.Name
	}
	return s.Name + " is mentioned (" + shown(in.Term) + ")"
}

// shown is a term as lists and mails may write it: one that is a whole account is masked like any other.
func shown(t risk.WatchTerm) string {
	if t.Kind == risk.TermAccount {
		return seal.Mask(t.Value, "")
	}
	return t.Value
}

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
