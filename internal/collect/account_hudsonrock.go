package collect

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// hudsonRock is what Hudson Rock's open search says about a domain: counts, and the addresses at which log-ins were used.
type hudsonRock struct {
	Employees    *int           `json:"employees"`
	Users        *int           `json:"users"`
	ThirdParties int            `json:"third_parties"`
	LastEmployee *string        `json:"last_employee_compromised"`
	LastUser     *string        `json:"last_user_compromised"`
	Families     map[string]any `json:"stealerFamilies"`
	Data         struct {
		Employees []usedAt `json:"employees_urls"`
		Clients   []usedAt `json:"clients_urls"`
	} `json:"data"`
}

type usedAt struct {
	Occurrence int    `json:"occurrence"`
	URL        string `json:"url"`
}

// mostHudsonRock is fifty requests in ten seconds.
const mostHudsonRock = 300

func readHudsonRock(ctx context.Context, r *run) error {
	r.pace(mostHudsonRock)
	return r.eachDomain(ctx, r.src.Read.Domains, func(ctx context.Context, d risk.Domain) error {
		var found hudsonRock
		p, none, err := r.ask(ctx, &found, countsOfDomain, "/search-by-domain", url.Values{"domain": {d.Name}})
		switch {
		case err != nil:
			return err
		case none:
			return r.notThere(d)
		}
		accounts, err := countedIn(p, d)
		if err != nil {
			return err
		}
		if found.ThirdParties > 0 {
			r.say("%s: %d log-ins of its people at other sites, which the service does not name", d.Name, found.ThirdParties)
		}
		return r.leakedUnlessSame(ctx, p, accounts)
	})
}

const countsOfDomain = "counts about a domain"

// countedIn reads how many log-ins of a domain were used where.
func countedIn(p *page, d risk.Domain) ([]risk.LeakedAccount, error) {
	var found hudsonRock
	if err := p.answer(&found, countsOfDomain); err != nil {
		return nil, err
	}
	if found.Employees == nil || found.Users == nil {
		return nil, p.refuses(countsOfDomain)
	}
	return slices.Concat(
		found.counted(d, risk.ClassEmployee, *found.Employees, found.LastEmployee, found.Data.Employees),
		found.counted(d, risk.ClassCustomer, *found.Users, found.LastUser, found.Data.Clients)), nil
}

// notThere is an address at which the service is not: it answers about a domain that it knows nothing of with noughts.
func (r *run) notThere(d risk.Domain) error {
	return &risk.FetchError{Kind: risk.FailLayout, URL: r.src.Address, Err: fmt.Errorf("no answer about %s at this address", d.Name)}
}

// counted are the log-ins of a class, by the host at which they were used; those without a host when none is told.
func (h hudsonRock) counted(d risk.Domain, class risk.Class, total int, last *string, at []usedAt) []risk.LeakedAccount {
	if total < 1 {
		return nil
	}
	byHost := map[string]int{}
	for _, u := range at {
		byHost[hostIn(u.URL)] += max(u.Occurrence, 1)
	}
	if len(byHost) == 0 {
		byHost[""] = total
	}
	var when time.Time
	if last != nil {
		when = dayOf(*last)
	}
	families := slices.Sorted(maps.Keys(h.Families))
	families = slices.DeleteFunc(families, func(f string) bool { return strings.EqualFold(f, "total") })
	var out []risk.LeakedAccount
	for _, host := range slices.Sorted(maps.Keys(byHost)) {
		a := risk.LeakedAccount{Key: fmt.Sprintf("hudsonrock %s %s %s", d.Name, class, host), Domain: d.Name, Host: host, Class: class,
			Stolen: true, Secret: true, Count: byHost[host], Leaked: when}
		if len(families) > 0 {
			a.Facts = []risk.Fact{{Name: risk.FactMalware, Value: tidy(strings.Join(families[:min(len(families), 5)], ", "))}}
		}
		out = append(out, a)
	}
	return out
}

// hostIn is the host of an address as the service gives it; "" where it hides a part of it behind dots.
func hostIn(address string) string {
	if !strings.Contains(address, "://") {
		address = "https://" + address
	}
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	host := hostname(u.Hostname())
	for _, c := range host {
		if c > 0x7e || c == '*' || c == ' ' {
			return ""
		}
	}
	return host
}
