package portal

import (
	"fmt"
	"time"

	"github.com/wardline/wardline/internal/risk"
)

// exposureRow is an exposure as lists show it.
type exposureRow struct {
	ID           int64
	Ref, Title   string
	Href         string // full page
	Pick         string // the same list with this one opened
	Severity     risk.Severity
	Supplier     string
	SupplierHref string
	Source       string
	Kind, State  string
	Due          string
	Overdue      bool
	Owner        string
	Mine         bool
	Age          string
	Seen         string // first seen, in full
	Version      int
	Picked       bool
}

func (p *portal) exposureRows(found []risk.Exposure, a risk.Actor) []exposureRow {
	rows := make([]exposureRow, len(found))
	for i, e := range found {
		rows[i] = p.exposureRow(e, a, p.Now())
	}
	return rows
}

func (p *portal) exposureRow(e risk.Exposure, a risk.Actor, now time.Time) exposureRow {
	r := exposureRow{ID: e.ID, Ref: e.Ref(), Title: visible(e.Title), Href: fmt.Sprintf("/exposures/%d", e.ID), Severity: e.Severity, Supplier: visible(e.Supplier),
		SupplierHref: supplierHref(e.SupplierID), Source: visible(e.SourceName), Kind: word(kindWords, e.Kind, string(e.Kind)), State: word(stateWords, e.State, string(e.State)),
		Owner: e.Owner, Mine: e.OwnerID == a.UserID, Age: span(now.Sub(e.FirstSeen)), Seen: p.stamp(e.FirstSeen), Version: e.Version}
	if e.State.Open() {
		r.Due, r.Overdue = dueWords(now, e.Due), !e.Due.IsZero() && now.After(e.Due)
	} else {
		r.Due = r.State
	}
	if r.Owner == "" {
		r.Owner = "Unassigned"
	}
	return r
}
