package pipeline

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/match"
	"github.com/wardline/wardline/internal/risk"
	"github.com/wardline/wardline/internal/seal"
)

// suppliers is a store that knows suppliers and nothing else.
type suppliers struct {
	Store
	byID map[int64]risk.Supplier
}

func (s suppliers) FindSupplier(_ context.Context, id int64) (risk.Supplier, error) {
	return s.byID[id], nil
}

func accountPipeline(t *testing.T) (*Pipeline, *watchlist) {
	t.Helper()
	keys, err := seal.Open(filepath.Join(t.TempDir(), "keys"))
	if err != nil {
		t.Fatal(err)
	}
	terms := []risk.WatchTerm{
		{ID: 1, SupplierID: 1, Supplier: "St. Mary", Kind: risk.TermDomain, Value: "stmary.example"},
		{ID: 2, SupplierID: 2, Supplier: "Meridian Lab", Kind: risk.TermDomain, Value: "meridian-lab.example"},
		{ID: 3, SupplierID: 2, Supplier: "Meridian Lab", Kind: risk.TermBrand, Value: "Meridian Lab"},
	}
	scanner, err := match.Compile(terms)
	if err != nil {
		t.Fatal(err)
	}
	known := suppliers{byID: map[int64]risk.Supplier{1: {ID: 1, Name: "St. Mary", Relation: risk.FirstParty}, 2: {ID: 2, Name: "Meridian Lab", Relation: risk.ThirdParty}}}
	p := &Pipeline{Keys: keys, Store: known, Now: func() time.Time { return noon }}
	return p, &watchlist{scanner: scanner, terms: terms, store: known, known: map[int64]risk.Supplier{}}
}

func TestLeakedAccountsBecomeExposuresOfTheirOwners(t *testing.T) {
	p, list := accountPipeline(t)
	taken := noon.AddDate(0, -1, 0)
	page := risk.Page{Capture: risk.Capture{URL: "https://service.example/a"}, Leaked: []risk.LeakedAccount{
		{Key: "1", Account: "jdoe@stmary.example", Domain: "stmary.example", Host: "vpn.stmary.example", Stolen: true, Secret: true},
		{Key: "2", Account: "jdoe@stmary.example", Domain: "stmary.example", Host: "netflix.example", Stolen: true, Secret: true},
		{Key: "3", Account: "anna@mail.example", Domain: "stmary.example", Host: "stmary.example", Stolen: true, Secret: true},
		{Key: "4", Account: "jdoe@stmary.example", Domain: "stmary.example", Host: "adobe.example", Secret: true, Leaked: taken, Facts: []risk.Fact{{Name: risk.FactBreach, Value: "Adobe"}}},
		{Key: "5", Domain: "meridian-lab.example", Host: "vpn.meridian-lab.example", Class: risk.ClassEmployee, Stolen: true, Secret: true, Count: 14, Leaked: taken},
		{Key: "6", Domain: "meridian-lab.example", Class: risk.ClassEmployee, Stolen: true, Secret: true, Count: 1},
		{Key: "7", Account: "x@elsewhere.example", Domain: "elsewhere.example", Host: "elsewhere.example", Stolen: true},
		{Key: "8", Domain: "elsewhere.example", Count: 3},
	}}
	found, err := p.findLeaked(t.Context(), list, risk.Source{ID: 9, Name: "Service", Kind: risk.SourceAccount}, page)
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		supplier, title string
		class           risk.Class
		severity        risk.Severity
		format          risk.Format
		observed        time.Time
	}
	want := []row{
		{"St. Mary", "Log-in of j•••••@stmary.example for vpn.stmary.example was taken by malware", risk.ClassEmployee, risk.SeverityHigh, risk.FormatStealerLog, noon},
		{"St. Mary", "Log-in of j•••••@stmary.example for netflix.example was taken by malware", risk.ClassThirdParty, risk.SeverityMedium, risk.FormatStealerLog, noon},
		{"St. Mary", "", risk.ClassCustomer, risk.SeverityMedium, risk.FormatStealerLog, noon},
		{"St. Mary", "Account j•••••@stmary.example is in the leak “Adobe”", risk.ClassThirdParty, risk.SeverityLow, risk.FormatText, taken},
		{"Meridian Lab", "14 log-ins for vpn.meridian-lab.example were taken by malware", risk.ClassEmployee, risk.SeverityHigh, risk.FormatStealerLog, taken},
		{"Meridian Lab", "A log-in was taken by malware", risk.ClassEmployee, risk.SeverityHigh, risk.FormatStealerLog, noon},
	}
	if len(found) != len(want) {
		t.Fatalf("%d findings, want %d", len(found), len(want))
	}
	for i, f := range found {
		e, w := f.Exposure, want[i]
		if e.Supplier != w.supplier || w.title != "" && e.Title != w.title || e.Class != w.class || e.Severity != w.severity || e.Format != w.format || !e.Observed.Equal(w.observed) || e.SecretKind != risk.SecretNone {
			t.Errorf("%d: %s | %s | %s | %s | %s | %s, want %+v", i, e.Supplier, e.Title, e.Class, e.Severity, e.Format, e.Observed, w)
		}
		if f.Sighting.Key == "" || f.Sighting.Where.Path != "https://service.example/a" {
			t.Errorf("%d: sighting %+v", i, f.Sighting)
		}
	}
	facts := []risk.Fact{{Name: risk.FactInfected, Value: "2026-10-24T12:00:00Z"}, {Name: risk.FactWithheld, Value: "password"}, {Name: risk.FactCount, Value: "14"}}
	if got := found[4].Sighting.Facts; !slices.Equal(got, facts) {
		t.Errorf("facts %+v, want %+v", got, facts)
	}
}

// A definition alone, or a watchlist alone, is not enough to ask about somebody's accounts.
func TestOnlyWatchedDomainsWithABasisAreAskedAbout(t *testing.T) {
	_, list := accountPipeline(t)
	src := risk.Source{Kind: risk.SourceAccount, Read: risk.Reading{Domains: []risk.Domain{
		{Name: "stmary.example", Basis: "TXT record of 2026-11-02"}, {Name: "elsewhere.example", Basis: "contract 7"}, {Name: "meridian-lab.example"}}}}
	got, nothing := withDomains(src, list.terms)
	if nothing != nil || len(got.Read.Domains) != 1 || got.Read.Domains[0].Name != "stmary.example" {
		t.Errorf("%+v, %v", got.Read.Domains, nothing)
	}
	src.Read.Domains = src.Read.Domains[1:]
	if _, nothing = withDomains(src, list.terms); nothing == nil {
		t.Fatal("nothing was left to ask about, and no failure")
	}
	run := outcome(risk.SourceStatus{Source: risk.Source{Every: time.Hour}}, risk.CrawlReport{}, nothing, noon)
	if run.State != risk.StateBackingOff || !run.Failed || run.Why != "None of the domains that it may be asked about is on the watchlist: nothing was asked." {
		t.Errorf("%+v", run)
	}
}

func TestAClaimSaysWhoMakesIt(t *testing.T) {
	p, list := accountPipeline(t)
	src := risk.Source{ID: 9, Name: "Leaks", Kind: risk.SourceLeakSite}
	item := risk.Item{PostID: "1", URL: "http://leaks.example/", Title: "Meridian Lab", Text: "meridian-lab.example\nall their results",
		Claim: risk.Claim{Victim: "Meridian Lab", Group: "undertow", Volume: "1.2 TB", Website: "meridian-lab.example"}}
	other := risk.Item{PostID: "2", URL: "http://leaks.example/", Title: "Ledgerly", Text: "ledgerly.example\nthey did the books of\nmany, among them\nMeridian Lab too", Claim: risk.Claim{Victim: "Ledgerly", Group: "undertow"},
		Attachments: []string{"mail.pst", "files of stmary.example, 2026.7z"}}
	var found []risk.Finding
	for _, d := range documents(src, []risk.Item{item, other}) {
		f, err := p.find(t.Context(), list, src, d.block, d.sighting, claimFacts(d.claim)...)
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, f...)
	}
	if len(found) != 3 {
		t.Fatalf("%d findings: %+v", len(found), found)
	}
	facts := []risk.Fact{{Name: risk.FactVictim, Value: "Meridian Lab"}, {Name: risk.FactGroup, Value: "undertow"}, {Name: risk.FactVolume, Value: "1.2 TB"}, {Name: risk.FactWebsite, Value: "meridian-lab.example"}}
	if f := found[0]; f.Exposure.Kind != risk.KindVictimClaim || f.Exposure.Title != "Meridian Lab is named as a victim by undertow" || !slices.Equal(f.Sighting.Facts, facts) {
		t.Errorf("%s %q %+v", f.Exposure.Kind, f.Exposure.Title, f.Sighting.Facts)
	}
	for _, f := range found[1:] { // named in what is said of another victim, and in a list of files
		if f.Exposure.Kind != risk.KindMention || len(f.Sighting.Facts) > 0 {
			t.Errorf("%s %q %+v", f.Exposure.Kind, f.Exposure.Title, f.Sighting.Facts)
		}
	}
}

func TestWhatWasLeftAloneIsSaid(t *testing.T) {
	status := risk.SourceStatus{Source: risk.Source{Every: time.Minute}}
	run := outcome(status, risk.CrawlReport{Pages: 1, Encrypted: 12, Once: 1, Gone: 2, NotUnderstood: []string{"x"}}, nil, noon)
	const want = "1 places on its pages were not understood; the rest was. 12 encrypted pastes were counted, not opened. 1 paste that can be read only once was left alone. 2 pastes that were read before are gone."
	if run.Why != want || run.State != risk.StateHealthy {
		t.Errorf("%s %q", run.State, run.Why)
	}
	denied := outcome(status, risk.CrawlReport{}, &risk.FetchError{Kind: risk.FailDenied}, noon)
	if denied.State != risk.StateBackingOff || !denied.Failed || denied.Why == "" {
		t.Errorf("denied: %+v", denied)
	}
}
