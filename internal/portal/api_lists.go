package portal

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

type byID struct {
	ID int64 `path:"id" minimum:"1" doc:"a number from 1"`
}

type suppliersRequest struct {
	Text     string `query:"q" maxLength:"200" doc:"part of a name, a kind or a watch term, at most 200 characters"`
	Tier     int    `query:"tier" minimum:"1" maximum:"4" doc:"1 to 4"`
	Relation string `query:"relation" enum:"first_party,third_party,fourth_party" doc:"first_party, third_party or fourth_party"`
	Grade    string `query:"grade" enum:"A,B,C,D,F,none" doc:"A, B, C, D, F, or none for insufficient evidence"`
	Sort     string `query:"sort" default:"name" enum:"name,tier,score,open,seen,-name,-tier,-score,-open,-seen" doc:"name, tier, score, open or seen; - before it turns it round"`
	Limit    int    `query:"limit" default:"50" minimum:"1" maximum:"200" doc:"items in the answer, 1 to 200"`
	Offset   int    `query:"offset" default:"0" minimum:"0" maximum:"1000000" doc:"items before the first, 0 to 1000000"`
}

type suppliersAnswer struct {
	Body struct {
		Total    int              `json:"total" doc:"items that the filter finds"`
		Offset   int              `json:"offset"`
		Items    []supplierAnswer `json:"items" nullable:"false"`
		Computed time.Time        `json:"computed"`
	}
}

type supplierAnswer struct {
	ID           int64        `json:"id"`
	Name         string       `json:"name"`
	Kind         string       `json:"kind,omitempty" doc:"what it does for the hospital"`
	Relation     string       `json:"relation" enum:"first_party,third_party,fourth_party"`
	Tier         int          `json:"tier,omitempty" doc:"1 (most) to 4; absent = not yet known"`
	PatientData  string       `json:"patient_data,omitempty" enum:"yes,no" doc:"absent = not known"`
	Owner        string       `json:"owner,omitempty" doc:"name of its owner in the hospital"`
	Terms        int          `json:"watch_terms" doc:"how many there are"`
	Score        *scoreAnswer `json:"score,omitempty" doc:"absent = not computed yet"`
	Open         int          `json:"open" doc:"open exposures"`
	OpenCritical int          `json:"open_critical"`
	LastSeen     *time.Time   `json:"last_seen,omitempty" doc:"newest sighting of any exposure"`
}

type scoreAnswer struct {
	Number     float64    `json:"number" doc:"posture, 0 to 100; higher is better"`
	Range      [2]float64 `json:"range" doc:"80 % range: low, high"`
	Confidence float64    `json:"confidence"`
	Grade      *string    `json:"grade" doc:"A to F; null = insufficient evidence"`
	At         time.Time  `json:"at"`
}

func (p *portal) apiSuppliers(ctx context.Context, in *suppliersRequest) (*suppliersAnswer, error) {
	f := risk.SupplierFilter{Text: in.Text, Relation: risk.Relation(in.Relation), Grade: in.Grade, Sort: in.Sort, Limit: in.Limit, Offset: in.Offset}
	if in.Tier != 0 {
		tier := risk.Tier(in.Tier)
		f.Tier = &tier
	}
	now := p.Now()
	found, total, err := p.Store.FindSuppliers(ctx, f, now)
	if err != nil {
		return nil, fmt.Errorf("find suppliers: %w", err)
	}
	out := &suppliersAnswer{}
	out.Body.Total, out.Body.Offset, out.Body.Computed, out.Body.Items = total, in.Offset, now, []supplierAnswer{}
	for _, r := range found {
		out.Body.Items = append(out.Body.Items, newSupplierAnswer(r))
	}
	return out, nil
}

func newSupplierAnswer(r risk.SupplierRow) supplierAnswer {
	s := r.Supplier
	v := supplierAnswer{ID: s.ID, Name: s.Name, Kind: s.Kind, Relation: string(s.Relation), Tier: int(s.Tier), PatientData: string(s.PatientData),
		Owner: s.Owner.Name, Terms: len(s.Terms), Open: r.Open, OpenCritical: r.OpenCritical, LastSeen: risk.Known(r.LastSeen)}
	if r.Score != nil {
		e := risk.Explain(s.Name, *r.Score)
		v.Score = &scoreAnswer{Number: e.Number, Range: e.Range, Confidence: e.Confidence, Grade: e.Grade, At: e.At}
	}
	return v
}

type explanationAnswer struct{ Body risk.Explanation }

func (p *portal) apiScore(ctx context.Context, in *byID) (*explanationAnswer, error) {
	s, err := p.Store.FindSupplier(ctx, in.ID)
	if err != nil {
		return nil, fmt.Errorf("find supplier %d: %w", in.ID, err)
	}
	score, err := p.Store.FindScore(ctx, s.ID)
	if errors.Is(err, risk.ErrNotFound) {
		return nil, noScore
	}
	if err != nil {
		return nil, fmt.Errorf("find score of supplier %d: %w", s.ID, err)
	}
	return &explanationAnswer{risk.Explain(s.Name, score)}, nil
}

var noScore = fmt.Errorf("%w: %w", risk.ErrNotFound, risk.Problem{Say: "The supplier has no score yet: it is computed once a worker runs."})

type exposuresRequest struct {
	State    []string  `query:"state" enum:"new,confirmed,with_supplier,fixed,closed,duplicate,dismissed,waived" doc:"states separated by commas; without it, those that are open: new, confirmed, with_supplier"`
	Severity []string  `query:"severity" enum:"low,medium,high,critical" doc:"low, medium, high or critical, separated by commas"`
	Supplier int64     `query:"supplier" minimum:"1" doc:"a supplier's id"`
	Text     string    `query:"q" maxLength:"200" doc:"part of a title, a host or a supplier's name, or a reference such as EX-12, at most 200 characters"`
	Since    time.Time `query:"since" doc:"first seen at or after this time (RFC 3339)"`
	Sort     string    `query:"sort" default:"due" enum:"due,new,severity" doc:"due, new or severity"`
	Limit    int       `query:"limit" default:"50" minimum:"1" maximum:"200" doc:"items in the answer, 1 to 200"`
	Offset   int       `query:"offset" default:"0" minimum:"0" maximum:"1000000" doc:"items before the first, 0 to 1000000"`
}

type exposuresAnswer struct {
	Body struct {
		Total    int              `json:"total" doc:"items that the filter finds"`
		Offset   int              `json:"offset"`
		Items    []exposureAnswer `json:"items" nullable:"false"`
		Computed time.Time        `json:"computed"`
	}
}

// exposureAnswer leaves out what is other people's text: excerpts, threads, authors, notes.
type exposureAnswer struct {
	ID          int64      `json:"id"`
	Ref         string     `json:"ref" doc:"such as EX-12"`
	Title       string     `json:"title"`
	Severity    string     `json:"severity" enum:"low,medium,high,critical"`
	Reasons     []string   `json:"reasons" nullable:"false" doc:"why this severity"`
	State       string     `json:"state"`
	DuplicateOf string     `json:"duplicate_of,omitempty"`
	Owner       string     `json:"owner,omitempty"`
	SupplierID  int64      `json:"supplier_id"`
	Supplier    string     `json:"supplier"`
	Tier        int        `json:"tier,omitempty"`
	Kind        string     `json:"kind"`
	Format      string     `json:"format,omitempty"`
	Class       string     `json:"class,omitempty"`
	Match       string     `json:"match"`
	TermKind    string     `json:"term_kind"`
	Term        string     `json:"term" doc:"the watch term that was met; a named account is masked"`
	Account     string     `json:"account,omitempty" doc:"masked"`
	Host        string     `json:"host,omitempty"`
	Secret      *secret    `json:"secret,omitempty" doc:"what is known of it; it is not kept"`
	Source      string     `json:"source"`
	SourceKind  string     `json:"source_kind"`
	Due         *time.Time `json:"due,omitempty"`
	Observed    *time.Time `json:"observed,omitempty"`
	FirstSeen   time.Time  `json:"first_seen"`
	LastSeen    time.Time  `json:"last_seen"`
	Sightings   int        `json:"sightings"`
	Version     int        `json:"version"`

	Seen []sightingAnswer `json:"seen,omitempty" doc:"where it was seen; only when one exposure is asked for"`
}

type secret struct {
	Kind       string `json:"kind"`
	LengthBand string `json:"length_band,omitempty"`
}

func (p *portal) apiExposures(ctx context.Context, in *exposuresRequest) (*exposuresAnswer, error) {
	f := risk.ExposureFilter{States: risk.OpenStates, SupplierID: in.Supplier, Text: in.Text, Since: in.Since, Sort: in.Sort, Limit: in.Limit, Offset: in.Offset}
	if len(in.State) > 0 {
		f.States = nil
		for _, s := range in.State {
			f.States = append(f.States, risk.ExposureState(s))
		}
	}
	for _, name := range in.Severity {
		sev, err := risk.ParseSeverity(name)
		if err != nil {
			return nil, err
		}
		f.Severities = append(f.Severities, sev)
	}
	found, total, err := p.Store.FindExposures(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("find exposures: %w", err)
	}
	out := &exposuresAnswer{}
	out.Body.Total, out.Body.Offset, out.Body.Computed, out.Body.Items = total, in.Offset, p.Now(), []exposureAnswer{}
	for _, e := range found {
		out.Body.Items = append(out.Body.Items, newExposureAnswer(e))
	}
	return out, nil
}

func newExposureAnswer(e risk.Exposure) exposureAnswer {
	v := exposureAnswer{ID: e.ID, Ref: e.Ref(), Title: e.Title, Severity: e.Severity.String(), Reasons: append([]string{}, e.Reasons...), State: string(e.State),
		Owner: e.Owner, SupplierID: e.SupplierID, Supplier: e.Supplier, Tier: int(e.Tier), Kind: string(e.Kind), Format: string(e.Format), Class: string(e.Class),
		Match: string(e.Match), TermKind: string(e.TermKind), Term: withoutAddresses(e.Term), Account: e.AccountMask, Host: e.Host, Source: e.SourceName,
		SourceKind: string(e.SourceKind), Due: risk.Known(e.Due), Observed: risk.Known(e.Observed), FirstSeen: e.FirstSeen, LastSeen: e.LastSeen,
		Sightings: e.Sightings, Version: e.Version}
	if e.TermKind == risk.TermAccount {
		v.Term = e.AccountMask
	}
	if e.DuplicateOf != 0 {
		v.DuplicateOf = risk.Exposure{ID: e.DuplicateOf}.Ref()
	}
	if e.SecretKind != risk.SecretNone {
		v.Secret = &secret{string(e.SecretKind), e.SecretBand}
	}
	return v
}

var address = regexp.MustCompile(`[^\s@/?=&]+@[^\s@/?=&]+`)

// withoutAddresses hides e-mail addresses in what was not made to be shown, such as a file's name.
func withoutAddresses(s string) string {
	return address.ReplaceAllString(s, "•••••@•••••")
}

type oneExposureAnswer struct{ Body exposureAnswer }

type sightingAnswer struct {
	At     time.Time  `json:"at"`
	Posted *time.Time `json:"posted,omitempty"`
	Source string     `json:"source"`
	Path   string     `json:"path" doc:"the file, or the page's address"`
	Entry  string     `json:"entry,omitempty" doc:"path inside an archive"`
	Line   int        `json:"line,omitempty"`
}

func (p *portal) apiExposure(ctx context.Context, in *byID) (*oneExposureAnswer, error) {
	e, err := p.Store.FindExposure(ctx, in.ID)
	if err != nil {
		return nil, fmt.Errorf("find exposure %d: %w", in.ID, err)
	}
	seen, err := p.Store.FindSightings(ctx, e.ID)
	if err != nil {
		return nil, fmt.Errorf("find sightings of exposure %d: %w", e.ID, err)
	}
	out := &oneExposureAnswer{newExposureAnswer(e)}
	for _, s := range seen {
		out.Body.Seen = append(out.Body.Seen, sightingAnswer{At: s.Seen, Posted: risk.Known(s.Posted), Source: s.SourceName,
			Path: withoutAddresses(s.Where.Path), Entry: withoutAddresses(s.Where.Entry), Line: s.Where.Line})
	}
	return out, nil
}

type sourcesAnswer struct {
	Body struct {
		Total    int            `json:"total"`
		Items    []sourceAnswer `json:"items" nullable:"false"`
		Computed time.Time      `json:"computed"`
	}
}

type sourceAnswer struct {
	Key          string     `json:"key"`
	Name         string     `json:"name"`
	Kind         string     `json:"kind"`
	Route        string     `json:"route"`
	Enabled      bool       `json:"enabled"`
	State        string     `json:"state"`
	Blind        bool       `json:"blind" doc:"nothing from this source reaches Wardline now"`
	Why          string     `json:"why,omitempty"`
	Since        *time.Time `json:"since,omitempty" doc:"when the state began"`
	LastRun      *time.Time `json:"last_run,omitempty"`
	LastSuccess  *time.Time `json:"last_success,omitempty"`
	LastDocument *time.Time `json:"last_document,omitempty"`
	NextRun      *time.Time `json:"next_run,omitempty"`
	Failures     int        `json:"failures" doc:"in a row"`
	Fetched24h   int        `json:"fetched_24h"`
	Matched24h   int        `json:"matched_24h"`
	Open         int        `json:"open" doc:"open exposures first seen there"`
	LegalBasis   string     `json:"legal_basis"`
	ReviewBy     *time.Time `json:"review_by,omitempty"`
}

func (p *portal) apiSources(ctx context.Context, _ *struct{}) (*sourcesAnswer, error) {
	now := p.Now()
	found, err := p.Store.FindSources(ctx, now)
	if err != nil {
		return nil, fmt.Errorf("find sources: %w", err)
	}
	out := &sourcesAnswer{}
	out.Body.Total, out.Body.Computed, out.Body.Items = len(found), now, []sourceAnswer{}
	for _, s := range found {
		h := s.Health
		_, blind := blindWords[h.State]
		out.Body.Items = append(out.Body.Items, sourceAnswer{Key: s.Source.Key, Name: s.Source.Name, Kind: string(s.Source.Kind), Route: string(s.Source.Route),
			Enabled: s.Source.Enabled, State: string(h.State), Blind: blind, Why: h.Why, Since: risk.Known(h.Since), LastRun: risk.Known(h.LastRun),
			LastSuccess: risk.Known(h.LastSuccess), LastDocument: risk.Known(h.LastDocument), NextRun: risk.Known(h.NextRun), Failures: h.Failures,
			Fetched24h: h.Fetched24h, Matched24h: h.Matched24h, Open: s.Open, LegalBasis: s.Source.LegalBasis, ReviewBy: risk.Known(s.Source.ReviewBy)})
	}
	return out, nil
}
