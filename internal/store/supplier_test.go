package store

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

func init() {
	bodies["suppliers keep their terms"] = testSuppliers
	bodies["terms are imported"] = testImport
	bodies["a supplier changed since it was read is not overwritten"] = testLostUpdate
	bodies["suppliers are listed"] = testSupplierList
	bodies["exposures are listed"] = testExposureList
	bodies["scores are found by week"] = testScoreLine
}

func values(terms []risk.WatchTerm) string {
	var out []string
	for _, t := range terms {
		out = append(out, string(t.Kind)+":"+t.Value)
	}
	return strings.Join(out, " ")
}

func testSuppliers(t *testing.T, s *Store) {
	ctx := t.Context()
	_, sup := watch(t, s)
	if values(sup.Terms) != "domain:meridian-lab.example" || sup.Terms[0].Supplier != "Meridian Lab" || !sup.Created.Equal(clock) {
		t.Errorf("supplier %+v", sup)
	}
	_, version, err := s.WatchTerms(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.CreateSupplier(ctx, risk.Supplier{Name: " MERIDIAN lab ", Relation: risk.ThirdParty}); !errors.Is(err, risk.ErrConflict) {
		t.Errorf("the same name again: %v, want conflict", err)
	}
	if _, err := s.CreateSupplier(ctx, risk.Supplier{Name: "X", Relation: risk.ThirdParty, Terms: []risk.WatchTerm{{Kind: risk.TermDomain, Value: "no"}}}); !errors.Is(err, risk.ErrInvalid) {
		t.Errorf("a bad term: %v, want invalid", err)
	}
	kept := sup.Terms[0].ID
	signed := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	sup.Name, sup.Tier, sup.BAASigned, sup.Kind = "Meridian Labs", 0, &signed, ""
	sup.Terms = append(sup.Terms, risk.WatchTerm{Kind: risk.TermBrand, Value: "Meridian"}, risk.WatchTerm{Kind: risk.TermBrand, Value: "Meridian"})
	sup = must(s.UpdateSupplier(ctx, sup))(t)
	if sup.Name != "Meridian Labs" || sup.Tier != 0 || sup.Kind != "" || !sup.BAASigned.Equal(signed) || sup.Terms[0].ID != kept || values(sup.Terms) != "domain:meridian-lab.example brand:Meridian" {
		t.Errorf("supplier %+v", sup)
	}
	sup.Terms = sup.Terms[1:]
	sup = must(s.UpdateSupplier(ctx, sup))(t)
	if got := must(s.FindSupplierByName(ctx, "meridian LABS"))(t); !reflect.DeepEqual(got, sup) || values(got.Terms) != "brand:Meridian" {
		t.Errorf("supplier %+v", got)
	}
	terms, changed, err := s.WatchTerms(ctx)
	if err != nil || changed == version || values(terms) != "brand:Meridian" || terms[0].Supplier != "Meridian Labs" || terms[0].SupplierID != sup.ID {
		t.Errorf("terms %+v, version changed %v, %v", terms, changed != version, err)
	}
	if ids := must(s.SupplierIDs(ctx))(t); !reflect.DeepEqual(ids, []int64{sup.ID}) {
		t.Errorf("ids %v", ids)
	}
	sup.ID = 99
	_, byID := s.FindSupplier(ctx, 99)
	_, byName := s.FindSupplierByName(ctx, "nobody")
	_, update := s.UpdateSupplier(ctx, sup)
	_, score := s.FindScore(ctx, 99)
	for _, err := range []error{byID, byName, update, score} {
		if !errors.Is(err, risk.ErrNotFound) {
			t.Errorf("%v, want not found", err)
		}
	}
	if jobs := queued(t, s); len(jobs) != 6 || jobs[2].Kind != risk.JobHunt || jobs[3].Kind != risk.JobRescore {
		t.Errorf("jobs %+v, want a hunt and a rescore for each of three changes", jobs)
	}
}

func testLostUpdate(t *testing.T, s *Store) {
	ctx := t.Context()
	_, opened := watch(t, s)
	first, second, blind := opened, opened, opened
	second.Kind, blind.Kind, blind.Updated = "Second", "Blind", time.Time{}
	saved := must(s.UpdateSupplier(ctx, second))(t)
	if _, err := s.UpdateSupplier(ctx, first); !errors.Is(err, risk.ErrConflict) {
		t.Errorf("an older reading was saved: %v, want conflict", err)
	}
	more := risk.Supplier{Name: opened.Name, Terms: []risk.WatchTerm{{Kind: risk.TermDomain, Value: "imported.example"}}}
	if _, _, err := s.ImportTerms(ctx, []risk.Supplier{more}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.UpdateSupplier(ctx, saved); !errors.Is(err, risk.ErrConflict) {
		t.Errorf("an import meanwhile: %v, want conflict", err)
	}
	if got := must(s.FindSupplier(ctx, opened.ID))(t); got.Kind != "Second" || len(got.Terms) != 2 {
		t.Errorf("supplier %+v", got)
	}
	if got := must(s.UpdateSupplier(ctx, blind))(t); got.Kind != "Blind" {
		t.Errorf("without a time of reading: %+v", got)
	}
}

func testImport(t *testing.T, s *Store) {
	ctx := t.Context()
	_, sup := watch(t, s)
	in := []risk.Supplier{
		{Name: "meridian lab", Terms: []risk.WatchTerm{{Kind: risk.TermDomain, Value: "meridian-lab.example"}, {Kind: risk.TermHost, Value: "vpn.other.example"}}},
		{Name: "Nova Billing", Terms: []risk.WatchTerm{{Kind: risk.TermBrand, Value: "Nova Billing"}}},
		{Name: "NOVA billing", Terms: []risk.WatchTerm{{Kind: risk.TermADDomain, Value: "nova"}}},
	}
	for i, want := range [][2]int{{1, 3}, {0, 0}} {
		suppliers, terms, err := s.ImportTerms(ctx, in)
		if err != nil || suppliers != want[0] || terms != want[1] {
			t.Errorf("import %d: %d suppliers, %d terms, %v; want %v", i, suppliers, terms, err, want)
		}
	}
	nova := must(s.FindSupplierByName(ctx, "Nova Billing"))(t)
	if nova.Relation != risk.ThirdParty || values(nova.Terms) != "brand:Nova Billing ad_domain:NOVA" {
		t.Errorf("supplier %+v", nova)
	}
	if got := must(s.FindSupplier(ctx, sup.ID))(t); got.Tier != 1 || len(got.Terms) != 2 {
		t.Errorf("supplier %+v", got)
	}
	if jobs := queued(t, s); len(jobs) != 4 || jobs[1].Kind != risk.JobHunt || !reflect.DeepEqual(jobs[2], risk.Job{Kind: risk.JobRescore}) {
		t.Errorf("jobs %+v, want a hunt and a rescore of all after the first import", jobs)
	}
	if _, _, err := s.ImportTerms(ctx, []risk.Supplier{{Name: ""}}); !errors.Is(err, risk.ErrInvalid) {
		t.Errorf("%v, want invalid", err)
	}
}

// scored gives a supplier a score at a time.
func scored(t *testing.T, s *Store, supplier int64, at time.Time, number float64, grade string) {
	t.Helper()
	if err := s.Rescore(t.Context(), supplier, at, func(risk.Standing) (risk.Consequences, error) {
		return risk.Consequences{Score: risk.Score{Number: number, Grade: grade, Weights: "v1"}}, nil
	}); err != nil {
		t.Fatal(err)
	}
}

func testSupplierList(t *testing.T, s *Store) {
	ctx := t.Context()
	src, lab := watch(t, s)
	nova := must(s.CreateSupplier(ctx, risk.Supplier{Name: "Nova 100% Billing", Relation: risk.ThirdParty, Tier: 2, Owner: risk.Person{Email: "Ben@hospital.example"}}))(t)
	own := must(s.CreateSupplier(ctx, risk.Supplier{Name: "hospital", Relation: risk.FirstParty}))(t)
	critical := finding(nova.ID, "f1", "k")
	critical.Exposure.Severity, critical.Sighting.Seen = risk.SeverityCritical, clock.Add(time.Minute)
	must(s.Record(ctx, batchOf(src, critical, finding(nova.ID, "f2", "k"), finding(lab.ID, "f3", "k")), oneDigest))(t)
	scored(t, s, lab.ID, clock.Add(time.Hour), 91, "A")
	scored(t, s, nova.ID, clock.Add(time.Hour), 55, "F")
	tier1, now := risk.Tier(1), clock.Add(2*time.Hour)
	for name, c := range map[string]struct {
		filter risk.SupplierFilter
		want   string
	}{
		"by name":         {risk.SupplierFilter{}, "hospital,Meridian Lab,Nova 100% Billing"},
		"by name turned":  {risk.SupplierFilter{Sort: "-name"}, "Nova 100% Billing,Meridian Lab,hospital"},
		"by score":        {risk.SupplierFilter{Sort: "score"}, "Nova 100% Billing,Meridian Lab,hospital"},
		"by score turned": {risk.SupplierFilter{Sort: "-score"}, "Meridian Lab,Nova 100% Billing,hospital"},
		"by open":         {risk.SupplierFilter{Sort: "-open"}, "Nova 100% Billing,Meridian Lab,hospital"},
		"by tier":         {risk.SupplierFilter{Sort: "tier"}, "Meridian Lab,Nova 100% Billing,hospital"},
		"by last seen":    {risk.SupplierFilter{Sort: "-seen"}, "Nova 100% Billing,Meridian Lab,hospital"},
		"percent sign":    {risk.SupplierFilter{Text: "100% b"}, "Nova 100% Billing"},
		"wildcard":        {risk.SupplierFilter{Text: "n_va"}, ""},
		"by a term":       {risk.SupplierFilter{Text: "MERIDIAN-lab.ex"}, "Meridian Lab"},
		"by kind of work": {risk.SupplierFilter{Text: "laborat"}, "Meridian Lab"},
		"of a tier":       {risk.SupplierFilter{Tier: &tier1}, "Meridian Lab"},
		"of a relation":   {risk.SupplierFilter{Relation: risk.FirstParty}, "hospital"},
		"of a grade":      {risk.SupplierFilter{Grade: "F"}, "Nova 100% Billing"},
		"without a grade": {risk.SupplierFilter{Grade: "none"}, "hospital"},
		"of an owner":     {risk.SupplierFilter{Owner: "ben@Hospital.example"}, "Nova 100% Billing"},
		"injection":       {risk.SupplierFilter{Text: "' OR 1=1 --"}, ""},
	} {
		rows, total, err := s.FindSuppliers(ctx, c.filter, now)
		var names []string
		for _, r := range rows {
			names = append(names, r.Supplier.Name)
		}
		if got := strings.Join(names, ","); err != nil || got != c.want || total != len(names) {
			t.Errorf("%s: %s (%d), %v; want %s", name, got, total, err, c.want)
		}
	}
	rows, total, err := s.FindSuppliers(ctx, risk.SupplierFilter{Limit: 1, Offset: 2}, now)
	if err != nil || total != 3 || len(rows) != 1 {
		t.Fatalf("%d of %d rows: %v", len(rows), total, err)
	}
	if r := rows[0]; r.Open != 2 || r.OpenCritical != 1 || !r.LastSeen.Equal(clock.Add(time.Minute)) || r.Score.Number != 55 || r.Before != nil {
		t.Errorf("row %+v", r)
	}
	rows, _, err = s.FindSuppliers(ctx, risk.SupplierFilter{Relation: risk.FirstParty}, now)
	if err != nil || rows[0].Score != nil || rows[0].Open != 0 || !rows[0].LastSeen.IsZero() || rows[0].Supplier.ID != own.ID {
		t.Errorf("row %+v: %v", rows, err)
	}
	if _, _, err := s.FindSuppliers(ctx, risk.SupplierFilter{Sort: "name; DROP TABLE suppliers"}, now); !errors.Is(err, risk.ErrInvalid) {
		t.Errorf("%v, want invalid", err)
	}
}

func testScoreLine(t *testing.T, s *Store) {
	_, lab := watch(t, s)
	for i, day := range []int{-100, -90, -15, -8, -1} {
		scored(t, s, lab.ID, clock.AddDate(0, 0, day), float64(60+i), "D")
	}
	rows, _, err := s.FindSuppliers(t.Context(), risk.SupplierFilter{}, clock)
	if err != nil {
		t.Fatal(err)
	}
	r := rows[0]
	if r.Score.Number != 64 || r.Before.Number != 63 || r.Score.Contributions != nil {
		t.Errorf("score %v, a week ago %v", r.Score, r.Before)
	}
	if want := []float64{61, 61, 61, 61, 61, 61, 61, 61, 61, 62, 63, 64}; !reflect.DeepEqual(r.Line, want) {
		t.Errorf("line %v, want %v", r.Line, want)
	}
}

func testExposureList(t *testing.T, s *Store) {
	ctx := t.Context()
	src, lab := watch(t, s)
	nova := must(s.CreateSupplier(ctx, risk.Supplier{Name: "Nova_Billing", Relation: risk.ThirdParty, Tier: 2}))(t)
	for i, sev := range []risk.Severity{risk.SeverityLow, risk.SeverityCritical, risk.SeverityHigh, risk.SeverityMedium} {
		f := finding([]int64{lab.ID, nova.ID}[i%2], fmt.Sprint("f", i), "k")
		f.Exposure.Severity, f.Exposure.Title, f.Exposure.Host = sev, fmt.Sprintf("Title %d%%", i), fmt.Sprintf("host%d.example", i)
		f.Exposure.FirstSeen = clock.Add(time.Duration(i) * time.Minute)
		f.Exposure.Class = []risk.Class{risk.ClassEmployee, risk.ClassCustomer}[i/2]
		f.Exposure.Kind = []risk.IndicatorKind{risk.KindCredential, risk.KindMention}[i/2]
		must(s.Record(ctx, batchOf(src, f), oneDigest))(t)
	}
	ana := newUser(t, s, "ana@hospital.example")
	actor := risk.Actor{UserID: ana.ID, Role: risk.RoleCISO}
	must(s.ChangeExposure(ctx, 1, risk.Change{To: risk.ExposureDismissed, Reason: "old"}, actor, clock))(t)
	must(s.ChangeExposure(ctx, 2, risk.Change{AssignTo: &ana.ID}, actor, clock))(t)
	nobody, tier2 := int64(0), risk.Tier(2)
	for name, c := range map[string]struct {
		filter risk.ExposureFilter
		want   string
	}{
		"by due time":      {risk.ExposureFilter{}, "2 3 4 1"},
		"newest":           {risk.ExposureFilter{Sort: "new"}, "4 3 2 1"},
		"most severe":      {risk.ExposureFilter{Sort: "severity"}, "2 3 4 1"},
		"open":             {risk.ExposureFilter{States: risk.OpenStates}, "2 3 4"},
		"some open states": {risk.ExposureFilter{States: []risk.ExposureState{risk.ExposureConfirmed}}, ""},
		"mixed states":     {risk.ExposureFilter{States: []risk.ExposureState{risk.ExposureNew, risk.ExposureDismissed}}, "2 3 4 1"},
		"severities":       {risk.ExposureFilter{Severities: []risk.Severity{risk.SeverityHigh, risk.SeverityCritical}}, "2 3"},
		"supplier":         {risk.ExposureFilter{SupplierID: nova.ID}, "2 4"},
		"source":           {risk.ExposureFilter{SourceID: src.ID + 1}, ""},
		"owner":            {risk.ExposureFilter{OwnerID: &ana.ID}, "2"},
		"nobody's":         {risk.ExposureFilter{OwnerID: &nobody}, "3 4 1"},
		"kind":             {risk.ExposureFilter{Kind: risk.KindMention}, "3 4"},
		"class":            {risk.ExposureFilter{Class: risk.ClassEmployee}, "2 1"},
		"tier":             {risk.ExposureFilter{Tier: &tier2}, "2 4"},
		"since":            {risk.ExposureFilter{Since: clock.Add(2 * time.Minute)}, "3 4"},
		"title":            {risk.ExposureFilter{Text: "TITLE 2%"}, "3"},
		"wildcard":         {risk.ExposureFilter{Text: "title_2"}, ""},
		"host":             {risk.ExposureFilter{Text: "host3.EX"}, "4"},
		"supplier's name":  {risk.ExposureFilter{Text: "nova_b"}, "2 4"},
		"reference":        {risk.ExposureFilter{Text: " ex-3 "}, "3"},
		"page":             {risk.ExposureFilter{Limit: 2, Offset: 1}, "3 4"},
	} {
		found, total, err := s.FindExposures(ctx, c.filter)
		var ids []string
		for _, e := range found {
			ids = append(ids, fmt.Sprint(e.ID))
		}
		if got := strings.Join(ids, " "); err != nil || got != c.want || (name != "page" && total != len(found)) {
			t.Errorf("%s: %s (%d), %v; want %s", name, got, total, err, c.want)
		}
	}
	if _, _, err := s.FindExposures(ctx, risk.ExposureFilter{Sort: "id"}); !errors.Is(err, risk.ErrInvalid) {
		t.Errorf("%v, want invalid", err)
	}
}
