package pipeline

import (
	"context"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// countedStore is a store that only knows what was counted.
type countedStore struct {
	Store
	floods []risk.Flood
}

func (c countedStore) CountsOf(context.Context, int64) ([]risk.Flood, error) { return c.floods, nil }

func found(class risk.Class, names ...string) []risk.Finding {
	var out []risk.Finding
	for _, n := range names {
		out = append(out, risk.Finding{Exposure: risk.Exposure{Fingerprint: n, SupplierID: 7, Kind: risk.KindCredential, Class: class}})
	}
	return out
}

func prints(findings []risk.Finding) string {
	var out []string
	for _, f := range findings {
		out = append(out, f.Exposure.Fingerprint)
	}
	return fmt.Sprint(out)
}

func TestAFloodIsCountedAndCrowdsNobodyOut(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	p := &Pipeline{Store: countedStore{}, FloodAfter: 3}
	f, err := p.newFlood(t.Context(), 5)
	if err != nil {
		t.Fatal(err)
	}
	if got := prints(f.keep(found(risk.ClassCustomer, "c1", "c2"), now)); got != "[c1 c2]" {
		t.Errorf("kept %s of the first", got)
	}
	if got := prints(f.keep(found(risk.ClassCustomer, "c3", "c4", "c5"), now.Add(time.Second))); got != "[c3]" {
		t.Errorf("kept %s at the limit", got)
	}
	if got := prints(f.keep(found(risk.ClassEmployee, "e1", "e2"), now)); got != "[e1 e2]" {
		t.Errorf("kept %s of employees behind a flood of customers", got)
	}
	want := []risk.Flood{
		{FileID: 5, SupplierID: 7, Kind: risk.KindCredential, Class: risk.ClassCustomer, Kept: 3, Counted: 2, Since: now.Add(time.Second), Last: now.Add(time.Second)},
		{FileID: 5, SupplierID: 7, Kind: risk.KindCredential, Class: risk.ClassEmployee, Kept: 2},
	}
	if got := f.changed(); !reflect.DeepEqual(got, want) {
		t.Errorf("counts\n got %+v\nwant %+v", got, want)
	}
	f.saved()
	if got := f.changed(); len(got) != 0 {
		t.Errorf("saved counts are given again: %+v", got)
	}
}

// TestAFloodGoesOnWhereItStood reads on with the counts that a killed reading saved: what is kept is what an undisturbed
// one keeps.
func TestAFloodGoesOnWhereItStood(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	names := []string{"1", "2", "3", "4", "5", "6", "7"}
	for cut := range names {
		first, err := (&Pipeline{Store: countedStore{}, FloodAfter: 4}).newFlood(t.Context(), 5)
		if err != nil {
			t.Fatal(err)
		}
		kept := prints(first.keep(found(risk.ClassEmployee, names[:cut]...), now))
		second, err := (&Pipeline{Store: countedStore{floods: first.changed()}, FloodAfter: 4}).newFlood(t.Context(), 5)
		if err != nil {
			t.Fatal(err)
		}
		kept += prints(second.keep(found(risk.ClassEmployee, names[cut:]...), now))
		if want := prints(found("", names[:min(cut, 4)]...)) + prints(found("", names[min(cut, 4):4]...)); kept != want {
			t.Errorf("cut at %d: kept %s, want %s", cut, kept, want)
		}
		if c := second.changed()[0]; c.Kept != 4 || c.Counted != 3 {
			t.Errorf("cut at %d: %d kept, %d counted; want 4 and 3", cut, c.Kept, c.Counted)
		}
	}
}
