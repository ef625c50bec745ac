package store

import (
	"context"
	"database/sql"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

// held is an exposure that the database holds, as far as a new sighting concerns it.
type held struct {
	id        int64
	supplier  int64
	state     risk.ExposureState
	severity  risk.Severity
	sightings int
	fresh     bool // inserted by this batch
	new       int  // sightings that this batch added to an exposure known before
	last      time.Time
	raised    bool // by this batch, to severity
}

// saveFindings saves findings that are sorted by fingerprint.
func saveFindings(ctx context.Context, tx *gorm.DB, findings []*risk.Finding, now time.Time) (risk.Recorded, error) {
	exposures, err := findHeld(ctx, tx, fingerprints(findings, nil))
	if err != nil {
		return risk.Recorded{}, err
	}
	kept, more, err := limitSightings(ctx, tx, findings, exposures)
	if err != nil {
		return risk.Recorded{}, err
	}
	if err := insertExposures(ctx, tx, kept, exposures); err != nil {
		return risk.Recorded{}, err
	}
	if err := insertSightings(ctx, tx, kept, exposures); err != nil {
		return risk.Recorded{}, err
	}
	if err := saveRepeats(ctx, tx, more, exposures); err != nil {
		return risk.Recorded{}, err
	}
	if err := raiseSeverities(tx, findings, exposures, now); err != nil {
		return risk.Recorded{}, err
	}
	if err := countSightings(ctx, tx, exposures); err != nil {
		return risk.Recorded{}, err
	}
	if err := writeSeenAgain(ctx, tx, exposures, now); err != nil {
		return risk.Recorded{}, err
	}
	return recorded(exposures), nil
}

// fingerprints lists those not yet known, each once, in order.
func fingerprints(findings []*risk.Finding, known map[string]*held) []string {
	var out []string
	for i, f := range findings {
		fp := f.Exposure.Fingerprint
		if repeated := i > 0 && findings[i-1].Exposure.Fingerprint == fp; !repeated && known[fp] == nil {
			out = append(out, fp)
		}
	}
	return out
}

func findHeld(ctx context.Context, tx *gorm.DB, fingerprints []string) (map[string]*held, error) {
	found := make(map[string]*held, len(fingerprints))
	for part := range slices.Chunk(fingerprints, maxRows) {
		args := make([]any, len(part))
		for i, fp := range part {
			args[i] = fp
		}
		q := "SELECT id, fingerprint, supplier_id, state, severity, sightings FROM exposures WHERE fingerprint IN " + placeholders(tx.Name(), len(part))
		_, err := run(ctx, tx, q, args, func(rows *sql.Rows) error {
			h, fp := &held{}, ""
			err := rows.Scan(&h.id, &fp, &h.supplier, &h.state, &h.severity, &h.sightings)
			found[fp] = h
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("find exposures by fingerprint: %w", err)
		}
	}
	return found, nil
}

// insertExposures adds those that are not held yet, with their sightings counted, and to held what it added.
func insertExposures(ctx context.Context, tx *gorm.DB, findings []*risk.Finding, known map[string]*held) error {
	rows, place := newExposures(findings, known)
	added := newcomers[exposureRow]{rows: rows, key: "fingerprint"}
	added.there = func(context.Context, *gorm.DB) (map[int]bool, error) { return nil, nil } // known has them
	added.which = func(returned *sql.Rows) (i int, id int64, err error) {
		var fp string
		err = returned.Scan(&id, &fp)
		return place[fp], id, err
	}
	added.inserted = func(i int, id int64) {
		row := &rows[i]
		known[row.Fingerprint] = &held{fresh: true, id: id, supplier: row.SupplierID, state: risk.ExposureState(row.State), severity: risk.Severity(row.Severity)}
	}
	if err := added.insert(ctx, tx); err != nil {
		return err
	}
	// Another process may have been first with some of them.
	others, err := findHeld(ctx, tx, fingerprints(findings, known))
	maps.Copy(known, others)
	return err
}

// newExposures are the exposures that are not held, and where each stands among them.
func newExposures(findings []*risk.Finding, known map[string]*held) (rows []exposureRow, place map[string]int) {
	rows, place = make([]exposureRow, 0, len(findings)), make(map[string]int, len(findings))
	for len(findings) > 0 {
		fp := findings[0].Exposure.Fingerprint
		n := 1
		for n < len(findings) && findings[n].Exposure.Fingerprint == fp {
			n++
		}
		if known[fp] == nil {
			place[fp] = len(rows)
			rows = append(rows, newExposureRow(findings[0].Exposure))
			countIn(&rows[len(rows)-1], findings[:n])
		}
		findings = findings[n:]
	}
	return rows, place
}

// countIn counts the sightings of one exposure, each once.
func countIn(row *exposureRow, findings []*risk.Finding) {
	row.Sightings = 0
	keys := make(map[string]bool, len(findings))
	for _, f := range findings {
		if !keys[f.Sighting.Key] {
			keys[f.Sighting.Key] = true
			row.Sightings++
			row.LastSeen = at(later(row.LastSeen.Time, f.Sighting.Seen))
		}
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// insertSightings adds those that are not held yet and counts, per known exposure, how many that were.
func insertSightings(ctx context.Context, tx *gorm.DB, findings []*risk.Finding, exposures map[string]*held) error {
	rowOf := make(map[place]int, len(findings))
	rows := make([]sightingRow, 0, len(findings))
	of := make([]*held, 0, len(findings))
	for _, f := range findings {
		h := exposures[f.Exposure.Fingerprint]
		row := newSightingRow(f.Sighting)
		row.ID, row.ExposureID = 0, h.id
		if _, repeated := rowOf[place{h.id, row.Key}]; repeated {
			continue
		}
		rowOf[place{h.id, row.Key}] = len(rows)
		rows, of = append(rows, row), append(of, h)
	}
	added := newcomers[sightingRow]{rows: rows, key: "exposure_id, key"}
	added.there = func(ctx context.Context, tx *gorm.DB) (map[int]bool, error) {
		var asked []place
		for i, h := range of {
			if !h.fresh {
				asked = append(asked, place{h.id, rows[i].Key})
			}
		}
		there := map[int]bool{}
		err := findPlaces(ctx, tx, asked, func(p place) { there[rowOf[p]] = true })
		return there, err
	}
	added.which = func(returned *sql.Rows) (i int, id int64, err error) {
		var p place
		err = returned.Scan(&id, &p.exposure, &p.key)
		return rowOf[p], id, err
	}
	added.inserted = func(i int, _ int64) {
		if h := of[i]; !h.fresh { // a fresh one's are counted already
			h.new++
			h.last = later(h.last, rows[i].Seen.Time)
		}
	}
	return added.insert(ctx, tx)
}

// place is what tells sightings apart.
type place struct {
	exposure int64
	key      string
}

// findPlaces tells which of the places hold a sighting, each by one search of the index.
func findPlaces(ctx context.Context, tx *gorm.DB, places []place, found func(place)) error {
	for part := range slices.Chunk(places, maxRows) {
		args := make([]any, 0, 2*len(part))
		for _, p := range part {
			args = append(args, p.exposure, p.key)
		}
		values := strings.Repeat("(?,?),", len(part))
		q := "SELECT exposure_id, key FROM (VALUES " + values[:len(values)-1] + ") AS v CROSS JOIN sightings ON exposure_id = v.column1 AND key = v.column2"
		_, err := run(ctx, tx, q, args, func(rows *sql.Rows) error {
			var p place
			err := rows.Scan(&p.exposure, &p.key)
			if err == nil {
				found(p)
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("find sightings: %w", err)
		}
	}
	return nil
}

// countSightings brings the counts of exposures that were known before up to the sightings that were added.
func countSightings(ctx context.Context, tx *gorm.DB, exposures map[string]*held) error {
	var seen []*held
	for _, fp := range slices.Sorted(maps.Keys(exposures)) {
		if h := exposures[fp]; h.new > 0 {
			seen = append(seen, h)
		}
	}
	for part := range slices.Chunk(seen, maxRows) {
		var b strings.Builder
		args := make([]any, 0, 3*len(part))
		b.WriteString("UPDATE exposures SET sightings = sightings + v.column2, last_seen = CASE WHEN v.column3 > last_seen THEN v.column3 ELSE last_seen END FROM (VALUES ")
		for i, h := range part {
			if i > 0 {
				b.WriteByte(',')
			}
			writeBigints(&b, tx.Name(), 3, len(args)+1)
			args = append(args, h.id, h.new, at(h.last))
		}
		b.WriteString(") AS v WHERE exposures.id = v.column1")
		if _, err := run(ctx, tx, b.String(), args, nil); err != nil {
			return fmt.Errorf("count sightings: %w", err)
		}
	}
	return nil
}

// writeSeenAgain writes a line of history for what turned up again after it was taken for settled. That does not open
// it again: whether it must be is for a person to say.
func writeSeenAgain(ctx context.Context, tx *gorm.DB, exposures map[string]*held, now time.Time) error {
	var rows []eventRow
	for _, fp := range slices.Sorted(maps.Keys(exposures)) {
		if h := exposures[fp]; h.new > 0 && !h.state.Open() {
			rows = append(rows, eventRow{ExposureID: h.id, At: at(now), What: "seen again"})
		}
	}
	_, err := insertRows(ctx, tx, rows, "", nil)
	return err
}

func recorded(exposures map[string]*held) risk.Recorded {
	var out risk.Recorded
	touched := map[int64]bool{}
	for _, h := range exposures {
		switch {
		case h.fresh:
			out.New++
		case h.new > 0 || h.raised:
			out.Seen += h.new
		default:
			continue
		}
		touched[h.supplier] = true
	}
	out.Suppliers = slices.Sorted(maps.Keys(touched))
	return out
}
