package collect

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// subscription is what Have I Been Pwned lets a key do. Its figures are read here: published ones disagree.
type subscription struct {
	SubscriptionName                string
	SubscribedUntil                 string
	Rpm                             int
	DomainSearchMaxBreachedAccounts int
	IncludesStealerLogs             bool
}

// breach is one of the service's catalogue.
type breach struct {
	Name, Title, Domain, BreachDate, AddedDate, ModifiedDate, Description string

	PwnCount     int64
	DataClasses  []string
	IsFabricated bool
	IsRetired    bool
	IsSpamList   bool
	IsMalware    bool
	IsStealerLog bool
}

// readHIBP asks Have I Been Pwned: what the subscription allows, which domains are proven there, the catalogue of
// breaches, and then for every domain which of its accounts are in breaches and in stealer logs.
func readHIBP(ctx context.Context, r *run) error {
	sub, err := r.hibpSubscription(ctx)
	if err != nil {
		return err
	}
	domains, err := r.hibpDomains(ctx, sub)
	if err != nil {
		return err
	}
	breaches, err := r.hibpBreaches(ctx)
	if err != nil {
		return err
	}
	return r.eachDomain(ctx, domains, func(ctx context.Context, d risk.Domain) error {
		if err := r.hibpBreached(ctx, d, breaches); err != nil || !sub.IncludesStealerLogs {
			return err
		}
		return r.hibpStolen(ctx, d)
	})
}

func (r *run) hibpSubscription(ctx context.Context) (subscription, error) {
	var sub subscription
	p, none, err := r.ask(ctx, &sub, "the state of a subscription", "/subscription/status", nil)
	switch {
	case err != nil:
		return sub, err
	case none:
		return sub, r.denied("the key has no subscription")
	case sub.Rpm < 1:
		return sub, p.refuses("the state of a subscription")
	}
	if until := dayOf(sub.SubscribedUntil); !until.IsZero() && until.Before(r.now()) {
		return sub, r.denied("the subscription ended")
	}
	r.pace(sub.Rpm)
	r.say("the subscription %s allows %d requests a minute, until %s", tidy(sub.SubscriptionName), sub.Rpm, firstOf(tidy(sub.SubscribedUntil), "an unknown day"))
	if !sub.IncludesStealerLogs {
		r.say("the subscription has no stealer logs: they are not asked for")
	}
	return sub, nil
}

// hibpDomains are the definition's domains that the service knows to be ours. It refuses others, and they are not asked for.
func (r *run) hibpDomains(ctx context.Context, sub subscription) ([]risk.Domain, error) {
	var list []struct {
		DomainName string
		PwnCount   *int
	}
	_, _, err := r.ask(ctx, &list, "the domains of the subscription", "/subscribeddomains", nil)
	if err != nil {
		return nil, err
	}
	proven := map[string]bool{}
	for _, d := range list {
		proven[strings.ToLower(d.DomainName)] = true
		if d.PwnCount != nil && sub.DomainSearchMaxBreachedAccounts > 0 && *d.PwnCount > sub.DomainSearchMaxBreachedAccounts {
			r.say("%s has %d breached accounts, more than the subscription answers for (%d)", tidy(d.DomainName), *d.PwnCount, sub.DomainSearchMaxBreachedAccounts)
		}
	}
	var ours []risk.Domain
	for _, d := range r.src.Read.Domains {
		if !proven[d.Name] {
			r.note("%s: it is not proven at the service, and was not asked about", d.Name)
			continue
		}
		ours = append(ours, d)
	}
	if len(ours) == 0 {
		return nil, r.denied("none of the domains is proven at the service")
	}
	return ours, nil
}

// hibpBreaches reads the catalogue. What is new in it is an item: it may name a supplier.
func (r *run) hibpBreaches(ctx context.Context) (map[string]breach, error) {
	var list []breach
	p, none, err := r.ask(ctx, &list, "the catalogue of breaches", "/breaches", nil)
	switch {
	case err != nil:
		return nil, err
	case none || len(list) == 0:
		return nil, r.denied("the catalogue of breaches is empty")
	}
	byName := map[string]breach{}
	var fresh []entry
	for _, b := range list {
		byName[b.Name] = b
		if b.Name != "" && !b.IsFabricated && !b.IsRetired {
			fresh = append(fresh, b.entry(r.gate.home))
		}
	}
	return byName, r.onList(ctx, p, fresh)
}

func (b breach) entry(home *url.URL) entry {
	lines := []string{tidy(b.Domain), htmlText(b.Description),
		fmt.Sprintf("Breached %s, %d accounts: %s.", firstOf(tidy(b.BreachDate), "on an unknown day"), b.PwnCount, tidy(strings.Join(b.DataClasses, ", ")))}
	lines = slices.DeleteFunc(lines, func(l string) bool { return l == "" })
	at := *home
	at.Path = strings.TrimSuffix(at.Path, "/") + "/breach/" + b.Name
	return entry{id: "breach " + b.Name, title: tidy(firstOf(b.Title, b.Name)), text: strings.Join(lines, "\n"), marker: firstOf(b.ModifiedDate, b.AddedDate, "1"),
		posted: dayOf(b.AddedDate), place: at.String()}
}

// hibpBreached asks which accounts of a domain are in which breaches.
func (r *run) hibpBreached(ctx context.Context, d risk.Domain, breaches map[string]breach) error {
	var found any
	p, none, err := r.ask(ctx, &found, accountsOfBreaches, "/breacheddomain/"+d.Name, nil)
	if err != nil || none {
		return err
	}
	accounts, err := breachedIn(p, d, breaches)
	if err != nil {
		return err
	}
	return r.leakedUnlessSame(ctx, p, accounts)
}

const accountsOfBreaches = "accounts with the names of breaches"

// breachedIn reads which accounts of a domain are in which breaches.
func breachedIn(p *page, d risk.Domain, breaches map[string]breach) ([]risk.LeakedAccount, error) {
	var found map[string][]string
	if err := p.answer(&found, accountsOfBreaches); err != nil {
		return nil, err
	}
	var accounts []risk.LeakedAccount
	for _, alias := range slices.Sorted(maps.Keys(found)) {
		for _, name := range found[alias] {
			b := breaches[name]
			if b.IsFabricated || b.IsSpamList {
				continue
			}
			accounts = append(accounts, b.account(name, tidy(alias)+"@"+d.Name, d.Name))
		}
	}
	return accounts, nil
}

func (b breach) account(name, account, domain string) risk.LeakedAccount {
	a := risk.LeakedAccount{
		Key: "hibp breach " + account + " " + name, Account: account, Domain: domain, Host: strings.ToLower(tidy(b.Domain)),
		Stolen: b.IsStealerLog || b.IsMalware, Secret: slices.Contains(b.DataClasses, "Passwords"), Leaked: dayOf(b.BreachDate), Posted: dayOf(b.AddedDate),
		Facts: []risk.Fact{{Name: risk.FactBreach, Value: tidy(cmp.Or(b.Title, name))}},
	}
	if len(b.DataClasses) > 0 {
		a.Facts = append(a.Facts, risk.Fact{Name: risk.FactTaken, Value: tidy(strings.Join(b.DataClasses, ", "))})
	}
	return a
}

// hibpStolen asks what malware took: by the accounts' domain, and by the site at which they were used.
func (r *run) hibpStolen(ctx context.Context, d risk.Domain) error {
	var byAlias map[string][]string
	p, none, err := r.ask(ctx, &byAlias, "accounts with the sites of stealer logs", "/stealerlogsbyemaildomain/"+d.Name, nil)
	if err != nil {
		return err
	}
	if !none {
		var accounts []risk.LeakedAccount
		for _, alias := range slices.Sorted(maps.Keys(byAlias)) {
			for _, site := range byAlias[alias] {
				accounts = append(accounts, stolen(tidy(alias)+"@"+d.Name, d.Name, site))
			}
		}
		if err := r.leakedUnlessSame(ctx, p, accounts); err != nil {
			return err
		}
	}
	var users []string
	p, none, err = r.ask(ctx, &users, "accounts in stealer logs", "/stealerlogsbywebsitedomain/"+d.Name, nil)
	if err != nil || none {
		return err
	}
	var accounts []risk.LeakedAccount
	for _, user := range users {
		accounts = append(accounts, stolen(tidy(user), d.Name, d.Name))
	}
	return r.leakedUnlessSame(ctx, p, accounts)
}

func stolen(account, domain, site string) risk.LeakedAccount {
	site = strings.ToLower(tidy(site))
	return risk.LeakedAccount{Key: "hibp stealer " + account + " " + site, Account: account, Domain: domain, Host: site, Stolen: true, Secret: true, Leaked: time.Time{}}
}

func (r *run) leakedUnlessSame(ctx context.Context, p *page, accounts []risk.LeakedAccount) error {
	mark, same, err := r.sameAnswer(ctx, p)
	if same || err != nil {
		return err
	}
	return r.leaked(ctx, p, accounts, mark)
}
