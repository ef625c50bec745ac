package pipeline

import (
	"cmp"
	"fmt"

	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/seal"
)

// expose turns an indicator into what is kept of it. The password ends here: only its kind, its length band and,
// together with its account, a keyed digest go on.
func (p *Pipeline) expose(in risk.Indicator, s risk.Supplier, src risk.Source, sighting risk.Sighting) risk.Finding {
	now := p.Now()
	mask := seal.Mask(in.Account, in.Term.Value)
	severity, reasons := judge(in, s)
	if expired := !in.UsableUntil.IsZero() && !in.UsableUntil.After(now); expired {
		severity, reasons = risk.SeverityLow, append(reasons, "The cookie is no longer usable.")
	}
	sighting.SourceID, sighting.Seen, sighting.Where = src.ID, now, in.Place
	if in.Kind == risk.KindCredential || in.Kind == risk.KindCookie {
		sighting.Key = fmt.Sprintf("%s@%s:%d", sighting.Key, in.Place.Entry, in.Place.Offset)
	}
	sighting.Facts = ShownFacts(in)
	observed := cmp.Or(infectedAt(in), in.Posted, sighting.Posted, now)
	if observed.After(now) { // a source may write any date, and a machine's clock may be wrong
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
			UsableUntil: in.UsableUntil,
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
			if told := leakTitle(in, mask); told != "" {
				return told
			}
			what = "Account " + mask + " without a password"
			if factOf(in, risk.FactAutofill) != "" {
				what = "Account " + mask + " was used on an infected machine"
			}
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
		if group := factOf(in, risk.FactGroup); group != "" {
			return s.Name + " is named as a victim by " + tidy(group)
		}
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
