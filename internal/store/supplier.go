package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

type supplierRow struct {
	ID           int64  `gorm:"column:id;primaryKey"`
	Name         string `gorm:"column:name"`
	NameKey      string `gorm:"column:name_key"`
	Kind         string `gorm:"column:kind"`
	Relation     string `gorm:"column:relation"`
	Tier         int    `gorm:"column:tier"`
	PatientData  string `gorm:"column:patient_data"`
	Employees    int    `gorm:"column:employees"`
	OwnerName    string `gorm:"column:owner_name"`
	OwnerEmail   string `gorm:"column:owner_email"`
	ContactName  string `gorm:"column:contact_name"`
	ContactEmail string `gorm:"column:contact_email"`
	BAASigned    stamp  `gorm:"column:baa_signed"`
	ContractEnd  stamp  `gorm:"column:contract_end"`
	Created      stamp  `gorm:"column:created"`
	Updated      stamp  `gorm:"column:updated"`
}

func (supplierRow) TableName() string { return "suppliers" }

func newSupplierRow(s risk.Supplier) supplierRow {
	return supplierRow{
		ID: s.ID, Name: clean(strings.TrimSpace(s.Name)), NameKey: nameKey(s.Name), Kind: clean(s.Kind), Relation: string(s.Relation),
		Tier: int(s.Tier), PatientData: string(s.PatientData), Employees: s.Employees,
		OwnerName: clean(s.Owner.Name), OwnerEmail: clean(s.Owner.Email), ContactName: clean(s.Contact.Name), ContactEmail: clean(s.Contact.Email),
		BAASigned: atPtr(s.BAASigned), ContractEnd: atPtr(s.ContractEnd), Created: at(s.Created), Updated: at(s.Updated),
	}
}

func (r supplierRow) supplier() risk.Supplier {
	return risk.Supplier{
		ID: r.ID, Name: r.Name, Kind: r.Kind, Relation: risk.Relation(r.Relation), Tier: risk.Tier(r.Tier),
		PatientData: risk.Answer(r.PatientData), Employees: r.Employees,
		Owner: risk.Person{Name: r.OwnerName, Email: r.OwnerEmail}, Contact: risk.Person{Name: r.ContactName, Email: r.ContactEmail},
		BAASigned: r.BAASigned.ptr(), ContractEnd: r.ContractEnd.ptr(), Created: r.Created.Time, Updated: r.Updated.Time,
	}
}

// nameKey is what makes a supplier's name unique: without case and outer spaces.
func nameKey(name string) string { return strings.ToLower(clean(strings.TrimSpace(name))) }

type termRow struct {
	ID         int64  `gorm:"column:id;primaryKey"`
	SupplierID int64  `gorm:"column:supplier_id"`
	Kind       string `gorm:"column:kind"`
	Value      string `gorm:"column:value"`
}

func (termRow) TableName() string { return "watch_terms" }

func newTermRow(t risk.WatchTerm) termRow {
	return termRow{ID: t.ID, SupplierID: t.SupplierID, Kind: string(t.Kind), Value: clean(t.Value)}
}

func (r termRow) term(supplier string) risk.WatchTerm {
	return risk.WatchTerm{ID: r.ID, SupplierID: r.SupplierID, Supplier: supplier, Kind: risk.TermKind(r.Kind), Value: r.Value}
}

// CreateSupplier adds a supplier with its terms and queues its first score and the hunt for it in dumps that were
// read. A name that is taken is risk.ErrConflict.
func (s *Store) CreateSupplier(ctx context.Context, in risk.Supplier) (risk.Supplier, error) {
	terms, err := checkedTerms(in)
	if err != nil {
		return risk.Supplier{}, err
	}
	row := newSupplierRow(in)
	row.ID, row.Created, row.Updated = 0, at(s.now()), at(s.now())
	err = s.change(ctx, func(tx *gorm.DB) error {
		row.ID = 0 // a run that was rolled back may have set it
		if err := tx.Create(&row).Error; err != nil {
			return fmt.Errorf("create supplier: %w", kind(err))
		}
		if err := replaceTerms(ctx, tx, row.ID, terms); err != nil {
			return err
		}
		return s.enqueue(ctx, tx, risk.Job{Kind: risk.JobRescore, SupplierID: row.ID}, risk.Job{Kind: risk.JobHunt})
	})
	if err != nil {
		return risk.Supplier{}, err
	}
	return s.FindSupplier(ctx, row.ID)
}

// UpdateSupplier replaces a supplier and its terms and queues a new score and the hunt for what is new. When in.Updated
// says as of when it was read and it has been changed since, that is risk.ErrConflict.
func (s *Store) UpdateSupplier(ctx context.Context, in risk.Supplier) (risk.Supplier, error) {
	terms, err := checkedTerms(in)
	if err != nil {
		return risk.Supplier{}, err
	}
	row := newSupplierRow(in)
	err = s.change(ctx, func(tx *gorm.DB) error {
		var old supplierRow
		if err := first(s.lock(tx).Where("id = ?", row.ID), &old, "supplier", row.ID); err != nil {
			return err
		}
		if !in.Updated.IsZero() && !in.Updated.Equal(old.Updated.Time) {
			return fmt.Errorf("update supplier %d: changed since it was read: %w", row.ID, risk.ErrConflict)
		}
		row.Updated = at(s.now())
		if !row.Updated.After(old.Updated.Time) {
			row.Updated = at(old.Updated.Add(time.Microsecond)) // each change has a time of its own
		}
		res := tx.Model(&supplierRow{}).Where("id = ?", row.ID).Select("*").Omit("id", "created").Updates(&row)
		if err := changedOne(res, "supplier", row.ID); err != nil {
			return err
		}
		if err := replaceTerms(ctx, tx, row.ID, terms); err != nil {
			return err
		}
		return s.enqueue(ctx, tx, risk.Job{Kind: risk.JobRescore, SupplierID: row.ID}, risk.Job{Kind: risk.JobHunt})
	})
	if err != nil {
		return risk.Supplier{}, err
	}
	return s.FindSupplier(ctx, row.ID)
}

// checkedTerms are a valid supplier's terms, normalised, each once.
func checkedTerms(in risk.Supplier) ([]termRow, error) {
	if problems := in.Validate(); len(problems) > 0 {
		return nil, fmt.Errorf("check supplier: %w", errors.Join(problems...))
	}
	return termRows(in.Terms)
}

func termRows(terms []risk.WatchTerm) ([]termRow, error) {
	known := map[termRow]bool{}
	var rows []termRow
	for _, t := range terms {
		normal, err := risk.NewWatchTerm(t.Kind, t.Value)
		if err != nil {
			return nil, err
		}
		row := newTermRow(normal)
		if !known[row] {
			known[row] = true
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// replaceTerms makes a supplier's terms these; one that stays keeps its id.
func replaceTerms(ctx context.Context, tx *gorm.DB, supplierID int64, terms []termRow) error {
	var old []termRow
	if err := tx.Where("supplier_id = ?", supplierID).Find(&old).Error; err != nil {
		return fmt.Errorf("find terms of supplier %d: %w", supplierID, err)
	}
	stay := map[termRow]bool{}
	for _, t := range terms {
		stay[t] = true
	}
	var gone []int64
	for _, t := range old {
		if bare := (termRow{Kind: t.Kind, Value: t.Value}); stay[bare] {
			delete(stay, bare)
		} else {
			gone = append(gone, t.ID)
		}
	}
	for part := range slices.Chunk(gone, maxRows) {
		if err := tx.Where("id IN ?", part).Delete(&termRow{}).Error; err != nil {
			return fmt.Errorf("delete terms of supplier %d: %w", supplierID, err)
		}
	}
	var added []termRow
	for _, t := range terms {
		if stay[t] {
			t.SupplierID = supplierID
			added = append(added, t)
		}
	}
	_, err := insertRows(ctx, tx, added, "", nil)
	return err
}

// FindSupplier reads a supplier with its terms.
func (s *Store) FindSupplier(ctx context.Context, id int64) (risk.Supplier, error) {
	return findSupplier(s.find(ctx).Where("id = ?", id), s.find(ctx), id)
}

// FindSupplierByName compares without case.
func (s *Store) FindSupplierByName(ctx context.Context, name string) (risk.Supplier, error) {
	return findSupplier(s.find(ctx).Where("name_key = ?", nameKey(name)), s.find(ctx), name)
}

func findSupplier(q, db *gorm.DB, id any) (risk.Supplier, error) {
	var row supplierRow
	if err := first(q, &row, "supplier", id); err != nil {
		return risk.Supplier{}, err
	}
	out := []risk.Supplier{row.supplier()}
	if err := fillTerms(db, out); err != nil {
		return risk.Supplier{}, err
	}
	return out[0], nil
}

// fillTerms reads the terms of suppliers, in the order in which they were entered.
func fillTerms(db *gorm.DB, suppliers []risk.Supplier) error {
	place := map[int64]int{}
	for i, sup := range suppliers {
		place[sup.ID] = i
	}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(place)), maxRows) {
		var rows []termRow
		if err := db.Where("supplier_id IN ?", ids).Order("id").Find(&rows).Error; err != nil {
			return fmt.Errorf("find watch terms: %w", err)
		}
		for _, r := range rows {
			sup := &suppliers[place[r.SupplierID]]
			sup.Terms = append(sup.Terms, r.term(sup.Name))
		}
	}
	return nil
}

// SupplierIDs lists all suppliers.
func (s *Store) SupplierIDs(ctx context.Context) ([]int64, error) {
	var ids []int64
	if err := s.find(ctx).Model(&supplierRow{}).Order("id").Pluck("id", &ids).Error; err != nil {
		return nil, fmt.Errorf("list suppliers: %w", err)
	}
	return ids, nil
}

// WatchTerms reads every term; version changes when any of them does.
func (s *Store) WatchTerms(ctx context.Context) ([]risk.WatchTerm, string, error) {
	var rows []struct {
		Row      termRow `gorm:"embedded"`
		Supplier string  `gorm:"column:supplier"`
	}
	err := s.find(ctx).Table("watch_terms").
		Select("watch_terms.id, watch_terms.supplier_id, watch_terms.kind, watch_terms.value, suppliers.name AS supplier").
		Joins("JOIN suppliers ON suppliers.id = watch_terms.supplier_id").
		Order("watch_terms.supplier_id, watch_terms.kind, watch_terms.value").Scan(&rows).Error
	if err != nil {
		return nil, "", fmt.Errorf("find watch terms: %w", err)
	}
	digest := sha256.New()
	terms := make([]risk.WatchTerm, len(rows))
	for i, r := range rows {
		terms[i] = r.Row.term(r.Supplier)
		fmt.Fprintf(digest, "%d\x00%s\x00%s\n", r.Row.SupplierID, r.Row.Kind, r.Row.Value)
	}
	return terms, hex.EncodeToString(digest.Sum(nil)), nil
}

// ImportTerms adds terms to suppliers found by name and creates those that do not exist, as third parties unless the
// import says otherwise. It takes nothing away.
func (s *Store) ImportTerms(ctx context.Context, in []risk.Supplier) (newSuppliers, newTerms int, err error) {
	var suppliers []supplierRow
	terms := map[string][]termRow{} // by name key
	for _, sup := range in {
		if sup.Relation == "" {
			sup.Relation = risk.ThirdParty
		}
		rows, err := checkedTerms(sup)
		if err != nil {
			return 0, 0, err
		}
		row := newSupplierRow(sup)
		row.ID, row.Created, row.Updated = 0, at(s.now()), at(s.now())
		if _, seen := terms[row.NameKey]; !seen {
			suppliers = append(suppliers, row)
		}
		terms[row.NameKey] = append(terms[row.NameKey], rows...)
	}
	err = s.change(ctx, func(tx *gorm.DB) error {
		created, err := insertRows(ctx, tx, suppliers, "ON CONFLICT (name_key) DO NOTHING", nil)
		if err != nil {
			return err
		}
		added, err := addTerms(ctx, tx, terms)
		if err != nil {
			return err
		}
		newSuppliers, newTerms = int(created), int(added)
		if err := s.touchSuppliers(tx, slices.Sorted(maps.Keys(terms))); err != nil {
			return err
		}
		if newSuppliers+newTerms == 0 {
			return nil
		}
		return s.enqueue(ctx, tx, risk.Job{Kind: risk.JobRescore}, risk.Job{Kind: risk.JobHunt})
	})
	if err != nil {
		return 0, 0, fmt.Errorf("import watch terms: %w", err)
	}
	return newSuppliers, newTerms, nil
}

// touchSuppliers notes a change of their terms: a form that was opened before it must not take the new ones away.
func (s *Store) touchSuppliers(tx *gorm.DB, keys []string) error {
	now := at(s.now())
	for part := range slices.Chunk(keys, maxRows) {
		err := tx.Model(&supplierRow{}).Where("name_key IN ?", part).
			Update("updated", gorm.Expr("CASE WHEN updated >= ? THEN updated + 1 ELSE ? END", now, now)).Error
		if err != nil {
			return fmt.Errorf("note the change of suppliers: %w", err)
		}
	}
	return nil
}

func addTerms(ctx context.Context, tx *gorm.DB, terms map[string][]termRow) (int64, error) {
	var rows []termRow
	for keys := range slices.Chunk(slices.Sorted(maps.Keys(terms)), maxRows) {
		var found []supplierRow
		if err := tx.Select("id", "name_key").Where("name_key IN ?", keys).Order("id").Find(&found).Error; err != nil {
			return 0, fmt.Errorf("find suppliers by name: %w", err)
		}
		for _, sup := range found {
			for _, t := range terms[sup.NameKey] {
				t.SupplierID = sup.ID
				rows = append(rows, t)
			}
		}
	}
	return insertRows(ctx, tx, rows, "ON CONFLICT (supplier_id, kind, value) DO NOTHING", nil)
}

// supplierOrders are the columns that a list of suppliers may be sorted by; the text never comes from outside.
var supplierOrders = map[string]string{
	"":      "suppliers.name_key",
	"name":  "suppliers.name_key",
	"score": "score.number",
	"tier":  "CASE WHEN suppliers.tier = 0 THEN 5 ELSE suppliers.tier END", // not yet known comes last
	"open":  "COALESCE(counts.open, 0)",
	"seen":  "counts.last_seen",
}

// orderBy reads a filter's sort word: "-" turns it round; NULL comes last either way.
func orderBy(orders map[string]string, sort string) (string, error) {
	word, down := strings.CutPrefix(sort, "-")
	column, ok := orders[word]
	if !ok {
		return "", risk.Invalid("sort", "%q is not a column to sort by.", sort)
	}
	if down {
		return column + " DESC NULLS LAST", nil
	}
	return column + " ASC NULLS LAST", nil
}

// latestScore joins each supplier's newest score as "score".
const latestScore = `LEFT JOIN scores AS score ON score.id =
	(SELECT id FROM scores WHERE scores.supplier_id = suppliers.id ORDER BY at DESC, id DESC LIMIT 1)`

// exposureCounts joins what is open at each supplier as "counts"; the index exposures_supplier answers it alone. It
// counts every supplier's, so only an order by a count asks for it.
const exposureCounts = `LEFT JOIN (SELECT supplier_id, COUNT(CASE WHEN is_open = ? THEN 1 END) AS open, MAX(last_seen) AS last_seen
	FROM exposures GROUP BY supplier_id) AS counts ON counts.supplier_id = suppliers.id`

// CountSuppliers counts what FindSuppliers would list without its limit.
func (s *Store) CountSuppliers(ctx context.Context, f risk.SupplierFilter) (int, error) {
	q := filterSuppliers(s.find(ctx).Table("suppliers"), f)
	if f.Grade != "" {
		q = q.Joins(latestScore)
	}
	var total int64
	if err := q.Count(&total).Error; err != nil {
		return 0, fmt.Errorf("count suppliers: %w", err)
	}
	return int(total), nil
}

// FindSuppliers lists suppliers as the page shows them, and counts all that the filter selects.
func (s *Store) FindSuppliers(ctx context.Context, f risk.SupplierFilter, now time.Time) ([]risk.SupplierRow, int, error) {
	order, err := orderBy(supplierOrders, f.Sort)
	if err != nil {
		return nil, 0, err
	}
	total, err := s.CountSuppliers(ctx, f)
	if err != nil {
		return nil, 0, err
	}
	q := filterSuppliers(s.find(ctx).Table("suppliers"), f)
	if f.Grade != "" || strings.HasPrefix(order, "score.") {
		q = q.Joins(latestScore)
	}
	if strings.Contains(order, "counts.") {
		q = q.Joins(exposureCounts, true)
	}
	var rows []supplierRow
	if err := q.Select("suppliers.*").Order(order).Order("suppliers.id").Limit(limitOr50(f.Limit)).Offset(f.Offset).Scan(&rows).Error; err != nil {
		return nil, 0, fmt.Errorf("find suppliers: %w", err)
	}
	suppliers := converted(rows, supplierRow.supplier)
	if err := fillTerms(s.find(ctx), suppliers); err != nil {
		return nil, 0, err
	}
	out := make([]risk.SupplierRow, len(rows))
	for i, sup := range suppliers {
		out[i] = risk.SupplierRow{Supplier: sup}
	}
	if err := s.fillCounts(ctx, out); err != nil {
		return nil, 0, err
	}
	return out, total, s.fillScores(ctx, out, now)
}

// fillCounts counts what is open at each listed supplier.
func (s *Store) fillCounts(ctx context.Context, rows []risk.SupplierRow) error {
	place := map[int64]int{}
	for i, r := range rows {
		place[r.Supplier.ID] = i
	}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(place)), maxRows) {
		var counts []struct {
			SupplierID   int64 `gorm:"column:supplier_id"`
			Open         int   `gorm:"column:open"`
			OpenCritical int   `gorm:"column:open_critical"`
			LastSeen     stamp `gorm:"column:last_seen"`
		}
		err := s.find(ctx).Table("exposures").Where("supplier_id IN ?", ids).Group("supplier_id").
			Select(`supplier_id, COUNT(CASE WHEN is_open = ? THEN 1 END) AS open, COUNT(CASE WHEN is_open = ? AND severity = ? THEN 1 END) AS open_critical,
				MAX(last_seen) AS last_seen`, true, true, int(risk.SeverityCritical)).Scan(&counts).Error
		if err != nil {
			return fmt.Errorf("count exposures of suppliers: %w", err)
		}
		for _, c := range counts {
			row := &rows[place[c.SupplierID]]
			row.Open, row.OpenCritical, row.LastSeen = c.Open, c.OpenCritical, c.LastSeen.Time
		}
	}
	return nil
}

func filterSuppliers(q *gorm.DB, f risk.SupplierFilter) *gorm.DB {
	if f.Text != "" {
		like := contains(f.Text)
		q = q.Where(`(suppliers.name_key LIKE ? ESCAPE '\' OR LOWER(suppliers.kind) LIKE ? ESCAPE '\' OR EXISTS
			(SELECT 1 FROM watch_terms WHERE watch_terms.supplier_id = suppliers.id AND LOWER(watch_terms.value) LIKE ? ESCAPE '\'))`, like, like, like)
	}
	if f.Tier != nil {
		q = q.Where("suppliers.tier = ?", int(*f.Tier))
	}
	if f.Relation != "" {
		q = q.Where("suppliers.relation = ?", string(f.Relation))
	}
	if f.Owner != "" {
		q = q.Where("LOWER(suppliers.owner_email) = ?", strings.ToLower(f.Owner))
	}
	switch f.Grade {
	case "":
	case "none":
		q = q.Where("COALESCE(score.grade, '') = ''")
	default:
		q = q.Where("score.grade = ?", f.Grade)
	}
	return q
}
