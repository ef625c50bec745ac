package store

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

type exposureRow struct {
	ID          int64         `gorm:"column:id;primaryKey"`
	Fingerprint string        `gorm:"column:fingerprint"`
	KeyID       string        `gorm:"column:key_id"`
	SupplierID  int64         `gorm:"column:supplier_id"`
	Kind        string        `gorm:"column:kind"`
	Format      string        `gorm:"column:format"`
	Class       string        `gorm:"column:class"`
	MatchKind   string        `gorm:"column:match_kind"`
	TermKind    string        `gorm:"column:term_kind"`
	Term        string        `gorm:"column:term"`
	Title       string        `gorm:"column:title"`
	AccountMask string        `gorm:"column:account_mask"`
	Account     []byte        `gorm:"column:account"`
	Host        string        `gorm:"column:host"`
	SecretKind  string        `gorm:"column:secret_kind"`
	SecretBand  string        `gorm:"column:secret_band"`
	UsableUntil stamp         `gorm:"column:usable_until"`
	Excerpt     string        `gorm:"column:excerpt"`
	SourceID    int64         `gorm:"column:source_id"`
	SourceKind  string        `gorm:"column:source_kind"`
	Severity    int           `gorm:"column:severity"`
	Reasons     doc[[]string] `gorm:"column:reasons"`
	State       string        `gorm:"column:state"`
	IsOpen      bool          `gorm:"column:is_open"` // State.Open, for indexes
	StateReason string        `gorm:"column:state_reason"`
	DuplicateOf ref           `gorm:"column:duplicate_of"`
	OwnerID     ref           `gorm:"column:owner_id"`
	Due         stamp         `gorm:"column:due"`
	Observed    stamp         `gorm:"column:observed"`
	FirstSeen   stamp         `gorm:"column:first_seen"`
	LastSeen    stamp         `gorm:"column:last_seen"`
	Sightings   int           `gorm:"column:sightings"`
	Looked      stamp         `gorm:"column:looked"`
	Updated     stamp         `gorm:"column:updated"`
	Version     int           `gorm:"column:version"`
}

func (exposureRow) TableName() string { return "exposures" }

// appendValues gives the columns' values for insertRows; the id is the database's to give.
func (r *exposureRow) appendValues(to []any) []any {
	return append(to, r.Fingerprint, r.KeyID, r.SupplierID, r.Kind, r.Format, r.Class, r.MatchKind, r.TermKind, r.Term, r.Title, r.AccountMask,
		r.Account, r.Host, r.SecretKind, r.SecretBand, r.UsableUntil.value(), r.Excerpt, r.SourceID, r.SourceKind, int64(r.Severity),
		r.Reasons, r.State, r.IsOpen, r.StateReason, r.DuplicateOf.value(), r.OwnerID.value(), r.Due.value(), r.Observed.value(),
		r.FirstSeen.value(), r.LastSeen.value(), int64(r.Sightings), r.Looked.value(), r.Updated.value(), int64(r.Version))
}

func newExposureRow(e risk.Exposure) exposureRow {
	return exposureRow{
		ID: e.ID, Fingerprint: e.Fingerprint, KeyID: e.KeyID, SupplierID: e.SupplierID, Kind: string(e.Kind), Format: string(e.Format),
		Class: string(e.Class), MatchKind: string(e.Match), TermKind: string(e.TermKind), Term: clean(e.Term), Title: clean(e.Title),
		AccountMask: clean(e.AccountMask), Account: e.Account, Host: clean(e.Host), SecretKind: string(e.SecretKind), SecretBand: e.SecretBand,
		UsableUntil: at(e.UsableUntil), Excerpt: clean(e.Excerpt), SourceID: e.SourceID, SourceKind: string(e.SourceKind), Severity: int(e.Severity), Reasons: docOf(e.Reasons),
		State: string(e.State), IsOpen: e.State.Open(), StateReason: clean(e.StateReason), DuplicateOf: ref(e.DuplicateOf), OwnerID: ref(e.OwnerID),
		Due: at(e.Due), Observed: at(e.Observed), FirstSeen: at(e.FirstSeen), LastSeen: at(e.LastSeen),
		Sightings: e.Sightings, Looked: at(e.Looked), Updated: at(e.Updated), Version: e.Version,
	}
}

func (r exposureRow) exposure() risk.Exposure {
	return risk.Exposure{
		ID: r.ID, Fingerprint: r.Fingerprint, KeyID: r.KeyID, SupplierID: r.SupplierID, Kind: risk.IndicatorKind(r.Kind), Format: risk.Format(r.Format),
		Class: risk.Class(r.Class), Match: risk.MatchKind(r.MatchKind), TermKind: risk.TermKind(r.TermKind), Term: r.Term, Title: r.Title,
		AccountMask: r.AccountMask, Account: r.Account, Host: r.Host, SecretKind: risk.SecretKind(r.SecretKind), SecretBand: r.SecretBand,
		UsableUntil: r.UsableUntil.Time, Excerpt: r.Excerpt, SourceID: r.SourceID, SourceKind: risk.SourceKind(r.SourceKind), Severity: risk.Severity(r.Severity), Reasons: r.Reasons.v,
		State: risk.ExposureState(r.State), StateReason: r.StateReason, DuplicateOf: int64(r.DuplicateOf), OwnerID: int64(r.OwnerID),
		Due: r.Due.Time, Observed: r.Observed.Time, FirstSeen: r.FirstSeen.Time, LastSeen: r.LastSeen.Time,
		Sightings: r.Sightings, Looked: r.Looked.Time, Updated: r.Updated.Time, Version: r.Version,
	}
}

// namedExposure is an exposure with the names that lists show beside it.
type namedExposure struct {
	Row      exposureRow `gorm:"embedded"`
	Supplier string      `gorm:"column:supplier"`
	Tier     int         `gorm:"column:tier"`
	Source   string      `gorm:"column:source"`
	Owner    string      `gorm:"column:owner"`
}

func (r namedExposure) exposure() risk.Exposure {
	e := r.Row.exposure()
	e.Supplier, e.Tier, e.SourceName, e.Owner = r.Supplier, risk.Tier(r.Tier), r.Source, r.Owner
	return e
}

// withNames joins what namedExposure holds to a query over exposures.
func withNames(q *gorm.DB) *gorm.DB {
	return q.Table("exposures").
		Joins("JOIN suppliers ON suppliers.id = exposures.supplier_id").
		Joins("JOIN sources ON sources.id = exposures.source_id").
		Joins("LEFT JOIN users ON users.id = exposures.owner_id").
		Select("exposures.*, suppliers.name AS supplier, suppliers.tier AS tier, sources.name AS source, COALESCE(users.name, '') AS owner")
}

// exposureOrders are the orders that a list may have; the text never comes from outside.
var exposureOrders = map[string]string{
	"":          "exposures.due ASC, exposures.id ASC",
	"due":       "exposures.due ASC, exposures.id ASC",
	"-due":      "exposures.due DESC, exposures.id DESC",
	"new":       "exposures.first_seen DESC, exposures.id DESC",
	"-new":      "exposures.first_seen ASC, exposures.id ASC",
	"severity":  "exposures.severity DESC, exposures.due ASC, exposures.id ASC",
	"-severity": "exposures.severity ASC, exposures.due ASC, exposures.id ASC",
}

// FindExposures lists exposures and counts all that the filter selects.
func (s *Store) FindExposures(ctx context.Context, f risk.ExposureFilter) ([]risk.Exposure, int, error) {
	order, ok := exposureOrders[f.Sort]
	if !ok {
		return nil, 0, fmt.Errorf("find exposures: %w", risk.Invalid("sort", "%q is not an order of exposures.", f.Sort))
	}
	var total int64
	if err := filterExposures(s.find(ctx).Table("exposures"), f).Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count exposures: %w", err)
	}
	var rows []namedExposure
	err := filterExposures(withNames(s.find(ctx)), f).Order(order).Limit(limitOr50(f.Limit)).Offset(f.Offset).Scan(&rows).Error
	if err != nil {
		return nil, 0, fmt.Errorf("find exposures: %w", err)
	}
	return converted(rows, namedExposure.exposure), int(total), nil
}

// CountExposures counts all exposures by state and owner. Those that nobody has touched are what the others leave of all:
// an index of them would cost every finding that a dump brings.
func (s *Store) CountExposures(ctx context.Context) ([]risk.ExposureCount, error) {
	var rows []struct {
		State   string `gorm:"column:state"`
		OwnerID ref    `gorm:"column:owner_id"`
		Count   int    `gorm:"column:count"`
	}
	var total int64
	err := s.find(ctx).Transaction(func(tx *gorm.DB) error {
		if err := tx.Table("exposures").Count(&total).Error; err != nil {
			return err
		}
		return tx.Table("exposures").Select("state, owner_id, COUNT(*) AS count").Where("state <> 'new' OR owner_id IS NOT NULL").
			Group("state, owner_id").Order("state, owner_id").Scan(&rows).Error
	}, snapshot)
	if err != nil {
		return nil, fmt.Errorf("count exposures by state: %w", err)
	}
	untouched := int(total)
	out := make([]risk.ExposureCount, len(rows), len(rows)+1)
	for i, r := range rows {
		out[i] = risk.ExposureCount{State: risk.ExposureState(r.State), OwnerID: int64(r.OwnerID), Count: r.Count}
		untouched -= r.Count
	}
	if untouched > 0 {
		out = append(out, risk.ExposureCount{State: risk.ExposureNew, Count: untouched})
	}
	return out, nil
}

func filterExposures(q *gorm.DB, f risk.ExposureFilter) *gorm.DB {
	q = filterStates(q, f.States)
	if len(f.Severities) > 0 {
		q = q.Where("exposures.severity IN ?", f.Severities)
	}
	if f.SupplierID != 0 {
		q = q.Where("exposures.supplier_id = ?", f.SupplierID)
	}
	if f.SourceID != 0 {
		q = q.Where("exposures.source_id = ?", f.SourceID)
	}
	if f.FileID != 0 {
		q = q.Where("exposures.id IN (SELECT exposure_id FROM sightings WHERE file_id = ?)", f.FileID)
	}
	if f.OwnerID != nil && *f.OwnerID == 0 {
		q = q.Where("exposures.owner_id IS NULL")
	} else if f.OwnerID != nil {
		q = q.Where("exposures.owner_id = ?", *f.OwnerID)
	}
	if f.Kind != "" {
		q = q.Where("exposures.kind = ?", string(f.Kind))
	}
	if f.Class != "" {
		q = q.Where("exposures.class = ?", string(f.Class))
	}
	if f.Tier != nil {
		q = q.Where("exposures.supplier_id IN (SELECT id FROM suppliers WHERE tier = ?)", int(*f.Tier))
	}
	if !f.Since.IsZero() {
		q = q.Where("exposures.is_open IN ? AND exposures.first_seen >= ?", openOrNot, at(f.Since))
	}
	return filterText(q, f.Text)
}

// filterStates asks the indexes for what is open, or not, when all states of a filter agree on that. Which of the two is
// all that an index is to be searched by: a search by state would have to sort what it finds.
func filterStates(q *gorm.DB, states []risk.ExposureState) *gorm.DB {
	if len(states) == 0 {
		return q
	}
	open := 0
	for _, st := range states {
		if st.Open() {
			open++
		}
	}
	if open == 0 || open == len(states) {
		q = q.Where("exposures.is_open = ?", open > 0)
	}
	if open == len(states) && !slices.ContainsFunc(risk.OpenStates, func(st risk.ExposureState) bool { return !slices.Contains(states, st) }) {
		return q
	}
	return q.Where("exposures.state || '' IN ?", states)
}

func filterText(q *gorm.DB, text string) *gorm.DB {
	text = strings.TrimSpace(text)
	if text == "" {
		return q
	}
	if number, isRef := strings.CutPrefix(strings.ToUpper(text), "EX-"); isRef {
		if id, err := strconv.ParseInt(number, 10, 64); err == nil {
			return q.Where("exposures.id = ?", id)
		}
	}
	like := contains(text)
	return q.Where(`(LOWER(exposures.title) LIKE ? ESCAPE '\' OR LOWER(exposures.host) LIKE ? ESCAPE '\'
		OR exposures.supplier_id IN (SELECT id FROM suppliers WHERE name_key LIKE ? ESCAPE '\'))`, like, like, like)
}

// FindExposure reads one exposure.
func (s *Store) FindExposure(ctx context.Context, id int64) (risk.Exposure, error) {
	return findExposure(s.find(ctx), id)
}

func findExposure(db *gorm.DB, id int64) (risk.Exposure, error) {
	var row namedExposure
	if err := first(withNames(db).Where("exposures.id = ?", id), &row, "exposure", id); err != nil {
		return risk.Exposure{}, err
	}
	return row.exposure(), nil
}
