package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

type floodRow struct {
	FileID     int64  `gorm:"column:file_id;primaryKey;autoIncrement:false"`
	SupplierID int64  `gorm:"column:supplier_id;primaryKey;autoIncrement:false"`
	Kind       string `gorm:"column:kind;primaryKey"`
	Class      string `gorm:"column:class;primaryKey"`
	Kept       int64  `gorm:"column:kept"`
	Counted    int64  `gorm:"column:counted"`
	Told       int64  `gorm:"column:told"`
	Since      stamp  `gorm:"column:since"`
	Last       stamp  `gorm:"column:last"`
}

func (floodRow) TableName() string { return "floods" }

func newFloodRow(f risk.Flood) floodRow {
	return floodRow{FileID: f.FileID, SupplierID: f.SupplierID, Kind: string(f.Kind), Class: string(f.Class), Kept: f.Kept, Counted: f.Counted,
		Told: f.Told, Since: at(f.Since), Last: at(f.Last)}
}

func (r floodRow) flood() risk.Flood {
	return risk.Flood{FileID: r.FileID, SupplierID: r.SupplierID, Kind: risk.IndicatorKind(r.Kind), Class: risk.Class(r.Class), Kept: r.Kept,
		Counted: r.Counted, Told: r.Told, Since: r.Since.Time, Last: r.Last.Time}
}

// saveFloods brings what was counted in a file up to date. Whatever is saved twice counts once.
func saveFloods(ctx context.Context, tx *gorm.DB, floods []risk.Flood) error {
	_, err := insertRows(ctx, tx, converted(floods, newFloodRow), `ON CONFLICT (file_id, supplier_id, kind, class) DO UPDATE SET
		kept = CASE WHEN excluded.kept > floods.kept THEN excluded.kept ELSE floods.kept END,
		last = CASE WHEN excluded.counted > floods.counted THEN excluded.last ELSE floods.last END,
		since = COALESCE(floods.since, excluded.since),
		counted = CASE WHEN excluded.counted > floods.counted THEN excluded.counted ELSE floods.counted END`, nil)
	return err
}

// forgetCounts takes away what was counted in a file that is read from its beginning again.
func forgetCounts(tx *gorm.DB, fileID int64) error {
	for _, row := range []any{&floodRow{}, &repeatRow{}} {
		if err := tx.Where("file_id = ?", fileID).Delete(row).Error; err != nil {
			return fmt.Errorf("forget what was counted in file %d: %w", fileID, err)
		}
	}
	return nil
}

// forgetKept takes away the counts of a file that was read to its end where all was kept: there they say nothing.
func forgetKept(tx *gorm.DB, fileID int64) error {
	if err := tx.Where("file_id = ? AND counted = 0", fileID).Delete(&floodRow{}).Error; err != nil {
		return fmt.Errorf("forget what was kept of file %d: %w", fileID, err)
	}
	return nil
}

// CountsOf are the counts of a file whose reading goes on, also of those of whom all is kept so far.
func (s *Store) CountsOf(ctx context.Context, fileID int64) ([]risk.Flood, error) {
	var rows []floodRow
	if err := s.find(ctx).Where("file_id = ?", fileID).Order("supplier_id, kind, class").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find what was counted in file %d: %w", fileID, err)
	}
	return converted(rows, floodRow.flood), nil
}

// FindFloods lists where findings were only counted, the most first, and sums up how many.
func (s *Store) FindFloods(ctx context.Context, f risk.FloodFilter) (floods []risk.Flood, counted int64, err error) {
	of := func() *gorm.DB {
		q := s.find(ctx).Table("floods").Where("floods.counted > 0")
		if f.SupplierID != 0 {
			q = q.Where("floods.supplier_id = ?", f.SupplierID)
		}
		if f.FileID != 0 {
			q = q.Where("floods.file_id = ?", f.FileID)
		}
		return q
	}
	if err := of().Select("COALESCE(SUM(floods.counted), 0)").Scan(&counted).Error; err != nil {
		return nil, 0, fmt.Errorf("sum up what was only counted: %w", err)
	}
	var rows []struct {
		Row      floodRow `gorm:"embedded"`
		Path     string   `gorm:"column:path"`
		Supplier string   `gorm:"column:supplier"`
	}
	err = of().Select("floods.*, files.path AS path, suppliers.name AS supplier").Joins("JOIN files ON files.id = floods.file_id").
		Joins("JOIN suppliers ON suppliers.id = floods.supplier_id").Order("floods.counted DESC, floods.file_id, floods.supplier_id, floods.kind, floods.class").
		Limit(limitOr50(f.Limit)).Scan(&rows).Error
	if err != nil {
		return nil, 0, fmt.Errorf("find what was only counted: %w", err)
	}
	for _, r := range rows {
		flood := r.Row.flood()
		flood.Path, flood.Supplier = r.Path, r.Supplier
		floods = append(floods, flood)
	}
	return floods, counted, nil
}

// CountedIn sums up what was only counted in each of the files; one in which nothing was is left out.
func (s *Store) CountedIn(ctx context.Context, fileIDs []int64) (map[int64]int64, error) {
	out := map[int64]int64{}
	for part := range slices.Chunk(fileIDs, maxRows) {
		var rows []struct {
			FileID  int64 `gorm:"column:file_id"`
			Counted int64 `gorm:"column:counted"`
		}
		err := s.find(ctx).Table("floods").Select("file_id, SUM(counted) AS counted").Where("file_id IN ? AND counted > 0", part).Group("file_id").Scan(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("sum up what was only counted in files: %w", err)
		}
		for _, r := range rows {
			out[r.FileID] = r.Counted
		}
	}
	return out, nil
}

// untoldFloods are a supplier's floods of which no digest has told all.
func untoldFloods(tx *gorm.DB, supplierID int64) ([]risk.Flood, error) {
	var rows []floodRow
	if err := tx.Where("supplier_id = ? AND counted > told", supplierID).Order("file_id, kind, class").Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find what was only counted of supplier %d: %w", supplierID, err)
	}
	return converted(rows, floodRow.flood), nil
}

// onlyCounted sums up by kind what was only counted of a supplier.
func onlyCounted(tx *gorm.DB, supplierID int64) ([]risk.OnlyCounted, error) {
	var rows []struct {
		Kind  string `gorm:"column:kind"`
		Count int64  `gorm:"column:count"`
	}
	err := tx.Table("floods").Select("kind, CAST(SUM(counted) AS BIGINT) AS count").Where("supplier_id = ? AND counted > 0", supplierID).Group("kind").Order("kind").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("sum up what was only counted of supplier %d: %w", supplierID, err)
	}
	var out []risk.OnlyCounted
	for _, r := range rows {
		out = append(out, risk.OnlyCounted{Kind: risk.IndicatorKind(r.Kind), Count: r.Count})
	}
	return out, nil
}

// floodsTold notes that a digest has told of what was counted of a supplier.
func floodsTold(tx *gorm.DB, supplierID int64) error {
	res := tx.Model(&floodRow{}).Where("supplier_id = ? AND counted > told", supplierID).Update("told", gorm.Expr("counted"))
	if res.Error != nil {
		return fmt.Errorf("note that was told of what was counted of supplier %d: %w", supplierID, res.Error)
	}
	return nil
}

type repeatRow struct {
	ExposureID int64 `gorm:"column:exposure_id;primaryKey;autoIncrement:false"`
	FileID     int64 `gorm:"column:file_id;primaryKey;autoIncrement:false"`
	Counted    int64 `gorm:"column:counted"`
	Document   int   `gorm:"column:document"` // up to where they are counted
	Offset     int64 `gorm:"column:byte_offset"`
}

func (repeatRow) TableName() string { return "repeats" }

// sightingsKept is how many sightings of one exposure are kept of one file; further ones are counted.
const sightingsKept = 20

// group is one exposure in one file.
type group struct {
	fingerprint string
	file        int64
}

// spot is a place in a file, by the order in which a file is read.
type spot struct {
	document int
	offset   int64
}

func (s spot) behind(t spot) bool {
	return s.document > t.document || s.document == t.document && s.offset > t.offset
}

// repeated are sightings of a group that are only counted.
type repeated struct {
	keys map[string]bool // that are kept already
	upTo spot            // the ones to there are counted already
	more map[string]bool // that are to be counted
	last spot            // the last of them
}

// limitSightings leaves out what a file brings of an exposure beyond the sightings that are kept, and counts it. The
// findings are sorted by fingerprint, and within it stand as they were found. What was counted once is not counted again,
// whoever reads the file once more: only what stands behind the last place that was counted is new.
func limitSightings(ctx context.Context, tx *gorm.DB, findings []*risk.Finding, exposures map[string]*held) (kept []*risk.Finding, known map[group]*repeated, err error) {
	brought := map[group]int{}
	for _, f := range findings {
		if f.Sighting.FileID != 0 {
			brought[group{f.Exposure.Fingerprint, f.Sighting.FileID}]++
		}
	}
	known = map[group]*repeated{} // the groups that may be over the limit
	for g, n := range brought {
		h := exposures[g.fingerprint]
		if h == nil && n > sightingsKept || h != nil && h.sightings+n > sightingsKept {
			known[g] = &repeated{keys: map[string]bool{}, more: map[string]bool{}}
		}
	}
	if len(known) == 0 {
		return findings, nil, nil
	}
	if err := findKeys(ctx, tx, known, exposures); err != nil {
		return nil, nil, err
	}
	for _, f := range findings {
		r, key := known[group{f.Exposure.Fingerprint, f.Sighting.FileID}], indexed(f.Sighting.Key)
		switch at := (spot{f.Document, f.Sighting.Where.Offset}); {
		case r == nil || r.keys[key]:
		case len(r.keys) < sightingsKept:
			r.keys[key] = true
		case at.behind(r.upTo):
			r.more[key] = true
			if at.behind(r.last) {
				r.last = at
			}
			continue
		default:
			continue
		}
		kept = append(kept, f)
	}
	return kept, known, nil
}

// findKeys reads which sightings of exposures that are held are kept already, and up to where others are counted.
func findKeys(ctx context.Context, tx *gorm.DB, known map[group]*repeated, exposures map[string]*held) error {
	groups := map[int64]map[int64]*repeated{} // by file and exposure
	for g, r := range known {
		if h := exposures[g.fingerprint]; h != nil {
			if groups[g.file] == nil {
				groups[g.file] = map[int64]*repeated{}
			}
			groups[g.file][h.id] = r
		}
	}
	for file, of := range groups {
		for part := range slices.Chunk(slices.Sorted(maps.Keys(of)), maxRows) {
			in := tx.WithContext(ctx).Where("file_id = ? AND exposure_id IN ?", file, part).Session(&gorm.Session{})
			var kept []sightingRow
			if err := in.Select("exposure_id", "key").Find(&kept).Error; err != nil {
				return fmt.Errorf("find sightings in file %d: %w", file, err)
			}
			for _, r := range kept {
				of[r.ExposureID].keys[r.Key] = true
			}
			var counted []repeatRow
			if err := in.Find(&counted).Error; err != nil {
				return fmt.Errorf("find what was counted in file %d: %w", file, err)
			}
			for _, r := range counted {
				of[r.ExposureID].upTo = spot{r.Document, r.Offset}
			}
		}
	}
	return nil
}

func saveRepeats(ctx context.Context, tx *gorm.DB, known map[group]*repeated, exposures map[string]*held) error {
	var rows []repeatRow
	for g, r := range known {
		if n := len(r.more); n > 0 {
			rows = append(rows, repeatRow{ExposureID: exposures[g.fingerprint].id, FileID: g.file, Counted: int64(n), Document: r.last.document, Offset: r.last.offset})
		}
	}
	slices.SortFunc(rows, func(a, b repeatRow) int {
		return cmp.Or(cmp.Compare(a.ExposureID, b.ExposureID), cmp.Compare(a.FileID, b.FileID))
	})
	_, err := insertRows(ctx, tx, rows, `ON CONFLICT (exposure_id, file_id) DO UPDATE SET counted = repeats.counted + excluded.counted,
		document = excluded.document, byte_offset = excluded.byte_offset`, nil)
	return err
}

// FindRepeats lists the files that hold more sightings of an exposure than are kept.
func (s *Store) FindRepeats(ctx context.Context, exposureID int64) ([]risk.Repeats, error) {
	var rows []struct {
		FileID  int64  `gorm:"column:file_id"`
		Path    string `gorm:"column:path"`
		Counted int64  `gorm:"column:counted"`
	}
	err := s.find(ctx).Table("repeats").Select("repeats.file_id, files.path, repeats.counted").Joins("JOIN files ON files.id = repeats.file_id").
		Where("repeats.exposure_id = ?", exposureID).Order("repeats.counted DESC, repeats.file_id").Limit(50).Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find repeats of exposure %d: %w", exposureID, err)
	}
	out := make([]risk.Repeats, len(rows))
	for i, r := range rows {
		out[i] = risk.Repeats(r)
	}
	return out, nil
}
