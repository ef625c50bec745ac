package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/pipeline"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/seal"
)

// sourceWatchlist opens the watchlist of a test, and leaves of an account service's domains those that are on it: nobody's
// accounts are asked about for a test alone.
func sourceWatchlist(src risk.Source, path string, warn io.Writer) (*match.Scanner, risk.Source, error) {
	var scanner *match.Scanner
	if path != "" {
		var err error
		if scanner, err = openWatchlist(path, warn); err != nil {
			return nil, src, err
		}
	} else if src.Kind == risk.SourceAccount {
		return nil, src, risk.Invalid("watchlist", "An account service is asked about domains of a watchlist only: give one with --watchlist.")
	}
	src, err := pipeline.PreviewSource(scanner, src)
	return scanner, src, err
}

// printedMatch is what an item would be for the watchlist, masked.
type printedMatch struct {
	Supplier string `json:"supplier"`
	Kind     string `json:"kind"`
	Class    string `json:"class,omitempty"`
	Severity string `json:"severity"`
	Title    string `json:"title"`
}

func printedMatches(found []pipeline.Preview) []printedMatch {
	var out []printedMatch
	for _, f := range found {
		out = append(out, printedMatch{f.Supplier, string(f.Kind), string(f.Class), f.Severity.String(), f.Title})
	}
	return out
}

// printedClaim is what a leak post says of its victim.
type printedClaim struct {
	Victim  string `json:"victim"`
	Website string `json:"website,omitempty"`
	Group   string `json:"group,omitempty"`
	Volume  string `json:"volume,omitempty"`
	Country string `json:"country,omitempty"`
	Sector  string `json:"sector,omitempty"`
}

func claimOf(c risk.Claim) *printedClaim {
	if c == (risk.Claim{}) {
		return nil
	}
	p := printedClaim(c)
	return &p
}

// lines are a claim's fields as people read them.
func (c *printedClaim) lines() string {
	if c == nil {
		return ""
	}
	var out []string
	for _, f := range [][2]string{{"victim", c.Victim}, {"website", c.Website}, {"group", c.Group}, {"volume", c.Volume}, {"country", c.Country}, {"sector", c.Sector}} {
		if f[1] != "" {
			out = append(out, f[0]+" "+f[1])
		}
	}
	return "\n[" + strings.Join(out, " · ") + "]"
}

// printedAccount is what an account service says, with the account masked.
type printedAccount struct {
	Account  string         `json:"account,omitempty"`
	Domain   string         `json:"domain"`
	Host     string         `json:"host,omitempty"`
	Class    string         `json:"class,omitempty"`
	Stolen   bool           `json:"stolen_by_malware"`
	Password bool           `json:"password_in_leak"`
	Count    int            `json:"count,omitempty"`
	LeakedAt *string        `json:"leaked_at"`
	Facts    []printedFact  `json:"facts,omitempty"`
	Matches  []printedMatch `json:"matches,omitempty"`
}

type printedFact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

func (p *itemPrinter) account(a risk.LeakedAccount, found []pipeline.Preview) error {
	out := printedAccount{Domain: a.Domain, Host: a.Host, Class: string(a.Class), Stolen: a.Stolen, Password: a.Secret, Count: a.Count,
		LeakedAt: postedAt(a.Leaked), Matches: printedMatches(found)}
	if a.Account != "" {
		out.Account = seal.Mask(a.Account, a.Domain)
	}
	for _, f := range a.Facts {
		out.Facts = append(out.Facts, printedFact(f))
	}
	if p.json {
		return p.line(out)
	}
	_, err := fmt.Fprintf(p.out, "%s\n%s\n", out.text(), matchLines(out.Matches))
	return err
}

func (a printedAccount) text() string {
	parts := []string{firstText(a.Account, a.Domain)}
	if a.Host != "" {
		parts = append(parts, "at "+a.Host)
	}
	if a.Count > 0 {
		parts = append(parts, fmt.Sprintf("%d times", a.Count))
	}
	if a.Stolen {
		parts = append(parts, "taken by malware")
	}
	if a.LeakedAt != nil {
		parts = append(parts, *a.LeakedAt)
	}
	for _, f := range a.Facts {
		parts = append(parts, f.Name+" "+f.Value)
	}
	return strings.Join(parts, " · ")
}

func firstText(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

func matchLines(found []printedMatch) string {
	var b strings.Builder
	for _, m := range found {
		fmt.Fprintf(&b, "    match: %s · %s · %s\n", m.Supplier, m.Severity, m.Title)
	}
	return b.String()
}

// fields counts how many items have what a definition is to read.
type fields struct {
	items, title, author, date, text, group, volume int
	claims                                          int
}

func (f *fields) count(i risk.Item) {
	f.items++
	for has, n := range map[*int]bool{
		&f.title: i.Title != "", &f.author: i.Author != "", &f.date: !i.Posted.Equal(time.Time{}), &f.text: strings.TrimSpace(i.Text) != "",
		&f.claims: i.Claim.Victim != "", &f.group: i.Claim.Group != "", &f.volume: i.Claim.Volume != "",
	} {
		if n {
			*has++
		}
	}
}

func (f *fields) line() string {
	out := fmt.Sprintf("fields: title %d, author %d, date %d, text %d", f.title, f.author, f.date, f.text)
	if f.claims > 0 {
		out += fmt.Sprintf(", victim %d, group %d, volume %d", f.claims, f.group, f.volume)
	}
	return out + fmt.Sprintf(" of %d", f.items)
}

// left says what a run counted and did not read.
func left(r risk.CrawlReport) []string {
	var out []string
	for _, c := range []struct {
		n    int
		what string
	}{{r.Encrypted, "encrypted pastes were counted, not opened"}, {r.Once, "pastes that can be read only once were left alone"}} {
		if c.n > 0 {
			out = append(out, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return append(out, r.Said...)
}
