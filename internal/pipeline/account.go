package pipeline

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// watched leaves of the domains that an account service may be asked about those that are on the watchlist: a definition
// alone, or a watchlist alone, is not enough to ask about somebody's accounts.
func watched(domains []risk.Domain, terms []risk.WatchTerm) []risk.Domain {
	known := map[string]bool{}
	for _, t := range terms {
		if t.Kind == risk.TermDomain {
			known[t.Value] = true
		}
	}
	var ours []risk.Domain
	for _, d := range domains {
		if known[d.Name] && d.Basis != "" {
			ours = append(ours, d)
		}
	}
	return ours
}

// withDomains is a source with what may be asked of it now; the failure says that this is nothing.
func withDomains(src risk.Source, terms []risk.WatchTerm) (risk.Source, *risk.FetchError) {
	if src.Kind != risk.SourceAccount {
		return src, nil
	}
	src.Read.Domains = watched(src.Read.Domains, terms)
	if len(src.Read.Domains) == 0 {
		return src, &risk.FetchError{Kind: risk.FailDenied, URL: src.Address, Err: errNoDomain}
	}
	return src, nil
}

var errNoDomain = fmt.Errorf("no domain with a written basis is on the watchlist: %w", risk.ErrInvalid)

// findLeaked turns what a service says about accounts into findings. What concerns nobody who is watched is dropped.
func (p *Pipeline) findLeaked(ctx context.Context, list *watchlist, src risk.Source, page risk.Page) ([]risk.Finding, error) {
	var found []risk.Finding
	for _, a := range page.Leaked {
		in, ok := list.leaked(a)
		if !ok {
			continue
		}
		in.Place = risk.Place{Path: page.Capture.URL, Line: 1}
		supplier, err := list.supplier(ctx, in.Term.SupplierID)
		if err != nil {
			return nil, err
		}
		key := fmt.Sprintf("%s#%d", a.Key, a.Count)
		found = append(found, p.expose(in, supplier, src, risk.Sighting{Key: key, Posted: a.Posted}))
	}
	return found, nil
}

// leaked makes an indicator of what a service says, with the term that makes it ours.
func (l *watchlist) leaked(a risk.LeakedAccount) (risk.Indicator, bool) {
	in := risk.Indicator{Kind: risk.KindCredential, Format: risk.FormatText, Account: a.Account, Host: a.Host, Class: a.Class, Posted: a.Leaked, Facts: leakFacts(a)}
	if a.Stolen {
		in.Format = risk.FormatStealerLog
	}
	if in.Posted.IsZero() {
		in.Posted = a.Posted
	}
	account, accountKind, ours := l.scanner.FindAccount([]byte(a.Account))
	ours = ours && a.Account != ""
	host, hostKind, at := l.scanner.FindHost([]byte(a.Host))
	at = at && a.Host != ""
	switch {
	case ours:
		in.Term, in.Match = l.scanner.Term(account), accountKind
	case at:
		in.Term, in.Match = l.scanner.Term(host), hostKind
	case a.Account == "":
		domain, kind, found := l.scanner.FindHost([]byte(a.Domain))
		if !found {
			return in, false
		}
		in.Term, in.Match = l.scanner.Term(domain), kind
	default:
		return in, false
	}
	if in.Class == risk.ClassNone {
		in.Class = leakClass(ours, at, a.Host)
	}
	return in, true
}

func leakClass(ours, at bool, host string) risk.Class {
	switch {
	case !ours:
		return risk.ClassCustomer
	case at || host == "":
		return risk.ClassEmployee
	}
	return risk.ClassThirdParty
}

func leakFacts(a risk.LeakedAccount) []risk.Fact {
	facts := a.Facts[:len(a.Facts):len(a.Facts)]
	if a.Stolen && !a.Leaked.IsZero() {
		facts = append(facts, risk.Fact{Name: risk.FactInfected, Value: a.Leaked.UTC().Format(time.RFC3339)})
	}
	if a.Secret {
		facts = append(facts, risk.Fact{Name: risk.FactWithheld, Value: "password"})
	}
	if a.Count > 0 {
		facts = append(facts, risk.Fact{Name: risk.FactCount, Value: strconv.Itoa(a.Count)})
	}
	return facts
}

// claimFacts are what a leak post says beside its victim's name.
func claimFacts(c risk.Claim) []risk.Fact {
	var facts []risk.Fact
	for _, f := range []risk.Fact{{Name: risk.FactVictim, Value: c.Victim}, {Name: risk.FactGroup, Value: c.Group}, {Name: risk.FactVolume, Value: c.Volume},
		{Name: risk.FactWebsite, Value: c.Website}, {Name: risk.FactCountry, Value: c.Country}} {
		if f.Value != "" {
			facts = append(facts, f)
		}
	}
	return facts
}

// withheld says that a password is in the leak that a service tells of, though it does not give it.
func withheld(in risk.Indicator) bool { return factOf(in, risk.FactWithheld) != "" }

// baseWithheld is the severity of an account of which a service says that its password leaked.
func baseWithheld(in risk.Indicator) (risk.Severity, string) {
	stolen := in.Format == risk.FormatStealerLog
	switch {
	case stolen && in.Class == risk.ClassEmployee:
		return risk.SeverityHigh, "Malware took an employee's log-in; the service that tells of it does not give the password."
	case stolen && in.Class == risk.ClassThirdParty:
		return risk.SeverityMedium, "Malware took an employee's log-in at somebody else's site."
	case stolen:
		return risk.SeverityMedium, "Malware took a customer's log-in."
	case in.Class == risk.ClassEmployee:
		return risk.SeverityMedium, "An employee's account and password are in a breach; the service that tells of it does not give the password."
	}
	return risk.SeverityLow, "An account and its password are in a breach of somebody else's site."
}

// leakTitle says what a service tells of an account in one line; "" when it is not of that kind.
func leakTitle(in risk.Indicator, mask string) string {
	breach, count := factOf(in, risk.FactBreach), factOf(in, risk.FactCount)
	if breach != "" {
		return "Account " + mask + " is in the leak “" + tidy(breach) + "”"
	}
	if !withheld(in) {
		return ""
	}
	what, were := "Log-in of "+mask, " was"
	switch {
	case in.Account == "" && count == "1":
		what = "A log-in"
	case in.Account == "" && count != "":
		what, were = count+" log-ins", " were"
	}
	if in.Host != "" {
		what += " for " + in.Host
	}
	return what + were + " taken by malware"
}
