package collect

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// accountServices are those that know which accounts of a domain are in leaks, by the engine that a definition names.
var accountServices = map[string]func(context.Context, *run) error{
	"hibp":       readHIBP,
	"hudsonrock": readHudsonRock,
}

// readAccounts asks a service about the domains of the definition, and about no other. What it knows of them tells that
// accounts are in leaks; whether a password still opens anything is never tried.
func readAccounts(ctx context.Context, r *run) error {
	read, known := accountServices[r.src.Read.Engine]
	if !known {
		return fmt.Errorf("no account service %q: %w", r.src.Read.Engine, risk.ErrInvalid)
	}
	if len(r.src.Read.Domains) == 0 {
		return r.denied("there is no domain that it may be asked about")
	}
	return read(ctx, r)
}

// ask gets an answer of a service; none when it says in its own way that it has nothing, which for most is a 404.
func (r *run) ask(ctx context.Context, to any, what, path string, query url.Values) (p *page, none bool, err error) {
	u := *r.gate.home
	u.Path, u.RawPath = strings.TrimSuffix(u.Path, "/")+path, ""
	u.RawQuery = query.Encode()
	p, err = r.fetch(ctx, &u)
	var fetch *risk.FetchError
	if errors.As(err, &fetch) && fetch.Kind == risk.FailStatus && fetch.Status == http.StatusNotFound {
		return nil, true, nil
	}
	if err != nil {
		return nil, false, err
	}
	return p, false, p.answer(to, what)
}

// eachDomain asks about every domain. One that is refused does not hide the others; the source has failed when all are.
func (r *run) eachDomain(ctx context.Context, domains []risk.Domain, ask func(context.Context, risk.Domain) error) error {
	answered := 0
	var first error
	for _, d := range domains {
		err := ask(ctx, d)
		if err == nil {
			answered++
			continue
		}
		if first == nil {
			first = err
		}
		if err := r.skip(err); err != nil {
			return err
		}
	}
	if answered == 0 {
		return first
	}
	return nil
}

// sameAnswer says that a service answers as it did, word for word; the mark to remember says what it answers now.
func (r *run) sameAnswer(ctx context.Context, p *page) (mark risk.Mark, same bool, err error) {
	mark = risk.Mark{Key: "answer " + p.url.String(), Marker: p.capture.Digest}
	same, err = r.unchanged(ctx, mark)
	return mark, same, err
}

// leaked hands over what an answer says about accounts: those that are new or changed. The answer's own mark comes with
// the last of them.
func (r *run) leaked(ctx context.Context, p *page, accounts []risk.LeakedAccount, answer risk.Mark) error {
	var fresh []risk.LeakedAccount
	var marks []risk.Mark
	for _, a := range accounts {
		r.report.Items++
		mark := risk.Mark{Key: a.Key, Marker: fmt.Sprint(a.Count)}
		isNew, err := r.news(ctx, mark)
		if err != nil {
			return err
		}
		if isNew {
			fresh, marks = append(fresh, a), append(marks, mark)
		}
		if len(fresh) == mostAtOnce {
			if err := r.handLeaked(ctx, p, fresh, marks); err != nil {
				return err
			}
			fresh, marks = nil, nil
		}
	}
	return r.handLeaked(ctx, p, fresh, append(marks, answer))
}

func (r *run) handLeaked(ctx context.Context, p *page, accounts []risk.LeakedAccount, marks []risk.Mark) error {
	r.report.New += len(accounts)
	p.capture.Items = len(accounts)
	if err := r.visit(ctx, risk.Page{Capture: p.capture, Leaked: accounts, Marks: marks}); err != nil {
		return fmt.Errorf("hand over an answer of %s: %w", r.src.Key, err)
	}
	return nil
}

// inspectAccounts reads an answer of a service about the first domain of the definition.
func (r *run) inspectAccounts(p *page) ([]risk.LeakedAccount, error) {
	if len(r.src.Read.Domains) == 0 {
		return nil, r.denied("there is no domain that it may be asked about")
	}
	d := r.src.Read.Domains[0]
	if r.src.Read.Engine == "hibp" {
		return breachedIn(p, d, nil)
	}
	return countedIn(p, d)
}

// pace keeps a run within the requests that a service takes a minute.
func (r *run) pace(perMinute int) {
	r.src.Politeness.Delay = max(r.src.Politeness.Delay, paceOf(perMinute))
}

func paceOf(perMinute int) time.Duration {
	if perMinute < 1 {
		perMinute = 1
	}
	return time.Minute / time.Duration(perMinute)
}

// dayOf reads a date that a service writes in its standard form; zero when it does not.
func dayOf(text string) time.Time {
	for _, layout := range []string{time.RFC3339, time.DateOnly, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
