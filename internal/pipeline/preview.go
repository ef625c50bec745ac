package pipeline

import (
	"github.com/wardline/wardline/internal/extract"
	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/seal"
)

// Preview is what a page of a source would become for a watchlist, where nothing is recorded: titles are masked as
// everywhere. The supplier's own circumstances, which may raise a severity, are not known here.
type Preview struct {
	Supplier string
	Kind     risk.IndicatorKind
	Class    risk.Class
	Severity risk.Severity
	Title    string
	URL      string
}

// PreviewPage gives what would be found on a page.
func PreviewPage(scanner *match.Scanner, src risk.Source, page risk.Page) []Preview {
	var out []Preview
	add := func(in risk.Indicator, url string) {
		s := risk.Supplier{ID: in.Term.SupplierID, Name: in.Term.Supplier}
		severity, _ := judge(in, s)
		out = append(out, Preview{Supplier: s.Name, Kind: in.Kind, Class: in.Class, Severity: severity, Title: title(in, s, seal.Mask(in.Account, in.Term.Value)), URL: url})
	}
	for _, d := range documents(src, page.Items) {
		extract.Indicators(scanner, d.block, hits(scanner, d.block.Data), func(in risk.Indicator) {
			if in.Kind == risk.KindVictimClaim {
				in.Facts = append(in.Facts[:len(in.Facts):len(in.Facts)], claimFacts(d.claim)...)
			}
			add(in, d.block.Place.Path)
		})
	}
	list := watchlist{scanner: scanner}
	for _, a := range page.Leaked {
		if in, ok := list.leaked(a); ok {
			add(in, page.Capture.URL)
		}
	}
	return out
}

// PreviewSource is a source with what may be asked of it for a watchlist. Its error is that this is nothing.
func PreviewSource(scanner *match.Scanner, src risk.Source) (risk.Source, error) {
	if src.Kind != risk.SourceAccount {
		return src, nil
	}
	var terms []risk.WatchTerm
	for _, d := range src.Read.Domains {
		if scanner == nil {
			continue
		}
		if term, kind, ok := scanner.FindHost([]byte(d.Name)); ok && kind == risk.MatchExact {
			terms = append(terms, scanner.Term(term))
		}
	}
	src, nothing := withDomains(src, terms)
	if nothing != nil {
		return src, errNoDomain
	}
	return src, nil
}
