package store

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/schema"

	"github.com/wardline/wardline/internal/risk"
)

// watchlistRow keeps which terms a version of the watchlist had, for the files that were read with it: eight bytes of a
// digest for each.
type watchlistRow struct {
	Version string `gorm:"column:version;primaryKey"`
	Terms   []byte `gorm:"column:terms"`
	Saved   stamp  `gorm:"column:saved"`
}

func (watchlistRow) TableName() string { return "watchlists" }

const termDigest = 8

func appendTermDigest(out []byte, t risk.WatchTerm) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d\x00%s\x00%s", t.SupplierID, t.Kind, t.Value))
	return append(out, sum[:termDigest]...)
}

func digestOf(t risk.WatchTerm) uint64 { return binary.LittleEndian.Uint64(appendTermDigest(nil, t)) }

// watchlistKept is how long a version stays that no file was read with: somebody may be about to.
const watchlistKept = 24 * time.Hour

// SaveWatchlist notes which terms a version of the watchlist has, before a file is read with it.
func (s *Store) SaveWatchlist(ctx context.Context, version string, terms []risk.WatchTerm) error {
	row := watchlistRow{Version: version, Terms: make([]byte, 0, termDigest*len(terms)), Saved: at(s.now())}
	for _, t := range terms {
		row.Terms = appendTermDigest(row.Terms, t)
	}
	return s.change(ctx, func(tx *gorm.DB) error {
		again := clause.OnConflict{Columns: []clause.Column{{Name: "version"}}, DoUpdates: clause.AssignmentColumns([]string{"saved"})}
		if err := tx.Clauses(again).Create(&row).Error; err != nil {
			return fmt.Errorf("save watchlist: %w", kind(err))
		}
		unused := tx.Where("saved < ? AND version <> ? AND NOT EXISTS (SELECT 1 FROM files WHERE files.watchlist = watchlists.version)"+
			" AND NOT EXISTS (SELECT 1 FROM name_reads WHERE name_reads.since = watchlists.version)",
			at(s.now().Add(-watchlistKept)), version)
		if err := unused.Delete(&watchlistRow{}).Error; err != nil {
			return fmt.Errorf("forget unused watchlists: %w", err)
		}
		return nil
	})
}

// NewTerms gives those of terms that a version of the watchlist did not have. A version that is not known is
// risk.ErrNotFound.
func (s *Store) NewTerms(ctx context.Context, version string, terms []risk.WatchTerm) ([]risk.WatchTerm, error) {
	known, err := s.termsOf(ctx, version)
	if err != nil {
		return nil, err
	}
	var added []risk.WatchTerm
	for _, t := range terms {
		if !known[digestOf(t)] {
			added = append(added, t)
		}
	}
	return added, nil
}

// KeepsTerms tells whether all terms that a version of the watchlist had are among terms; false also when that version is
// not known.
func (s *Store) KeepsTerms(ctx context.Context, version string, terms []risk.WatchTerm) (bool, error) {
	known, err := s.termsOf(ctx, version)
	if errors.Is(err, risk.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, t := range terms {
		delete(known, digestOf(t))
	}
	return len(known) == 0, nil
}

// termsOf gives the digests of the terms of a version of the watchlist.
func (s *Store) termsOf(ctx context.Context, version string) (map[uint64]bool, error) {
	var row watchlistRow
	if err := first(s.find(ctx).Where("version = ?", version), &row, "watchlist", version); err != nil {
		return nil, err
	}
	known := make(map[uint64]bool, len(row.Terms)/termDigest)
	for rest := row.Terms; len(rest) >= termDigest; rest = rest[termDigest:] {
		known[binary.LittleEndian.Uint64(rest)] = true
	}
	return known, nil
}

// staleFiles selects the files that were read with another version of the watchlist than today's.
func staleFiles(q *gorm.DB, version string) *gorm.DB {
	return q.Where("files.watchlist <> ? AND files.state IN ?", version, []string{string(risk.FileDone), string(risk.FileFailed)})
}

// CountStaleFiles counts the files that were read with another version of the watchlist.
func (s *Store) CountStaleFiles(ctx context.Context, version string) (int, error) {
	var n int64
	if err := staleFiles(s.find(ctx).Model(&fileRow{}), version).Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count files of older watchlists: %w", err)
	}
	return int(n), nil
}

// FindStaleFiles lists them by id, from behind the one that is given.
func (s *Store) FindStaleFiles(ctx context.Context, version string, after int64, limit int) ([]risk.StaleFile, error) {
	var rows []fileRow
	if err := staleFiles(s.find(ctx), version).Where("files.id > ?", after).Order("files.id").Limit(limit).Find(&rows).Error; err != nil {
		return nil, fmt.Errorf("find files of older watchlists: %w", err)
	}
	sources := map[int64]risk.Source{}
	out := make([]risk.StaleFile, len(rows))
	for i, r := range rows {
		src, known := sources[r.SourceID]
		if !known {
			var row sourceRow
			if err := first(s.find(ctx).Where("id = ?", r.SourceID), &row, "source", r.SourceID); err != nil {
				return nil, err
			}
			src = row.source()
			sources[r.SourceID] = src
		}
		out[i] = risk.StaleFile{File: r.file(), Source: src}
	}
	return out, nil
}

type huntRow struct {
	SupplierID int64         `gorm:"column:supplier_id;primaryKey;autoIncrement:false"`
	FileID     int64         `gorm:"column:file_id;primaryKey;autoIncrement:false"`
	State      string        `gorm:"column:state"`
	Stretches  int           `gorm:"column:stretches"`
	Looked     int           `gorm:"column:looked"`
	Findings   int           `gorm:"column:findings"`
	Unanswered doc[[]string] `gorm:"column:unanswered"`
	Updated    stamp         `gorm:"column:updated"`
}

func (huntRow) TableName() string { return "hunts" }

func newHuntRow(h risk.Hunt) huntRow {
	return huntRow{SupplierID: h.SupplierID, FileID: h.FileID, State: string(h.State), Stretches: h.Stretches, Looked: h.Looked,
		Findings: h.Findings, Unanswered: docOf(h.Unanswered), Updated: at(h.Updated)}
}

func (r huntRow) hunt() risk.Hunt {
	return risk.Hunt{SupplierID: r.SupplierID, FileID: r.FileID, State: risk.HuntState(r.State), Stretches: r.Stretches, Looked: r.Looked,
		Findings: r.Findings, Unanswered: r.Unanswered.v, Updated: r.Updated.Time}
}

// addToHunt adds findings of names to those of the stretches that may hold the other terms.
const addToHunt = `ON CONFLICT (supplier_id, file_id) DO UPDATE SET findings = hunts.findings + excluded.findings, updated = excluded.updated`

const renewHunt = `ON CONFLICT (supplier_id, file_id) DO UPDATE SET state = excluded.state, stretches = excluded.stretches,
	looked = excluded.looked, findings = excluded.findings, unanswered = excluded.unanswered, updated = excluded.updated`

// SaveHunts saves where the hunt in a file stands. What concerns a supplier that was deleted meanwhile is left out.
func (s *Store) SaveHunts(ctx context.Context, hunts []risk.Hunt) error {
	return s.change(ctx, func(tx *gorm.DB) error { return saveHunts(ctx, tx, hunts, renewHunt) })
}

func saveHunts(ctx context.Context, tx *gorm.DB, hunts []risk.Hunt, again string) error {
	var rows []huntRow
	for _, h := range hunts {
		var there int64
		if err := tx.Model(&supplierRow{}).Where("id = ?", h.SupplierID).Count(&there).Error; err != nil {
			return fmt.Errorf("find supplier %d of a hunt: %w", h.SupplierID, err)
		}
		if there > 0 {
			rows = append(rows, newHuntRow(h))
		}
	}
	_, err := insertRows(ctx, tx, rows, again, nil)
	return err
}

// wholeReadRow asks for a whole reading of a file after the one that began at Started.
type wholeReadRow struct {
	FileID  int64 `gorm:"column:file_id;primaryKey;autoIncrement:false"`
	Started stamp `gorm:"column:started"`
}

func (wholeReadRow) TableName() string { return "whole_reads" }

// FindWholeReads tells which of the files at paths are to be read whole again.
func (s *Store) FindWholeReads(ctx context.Context, sourceID int64, paths []string) (map[string]bool, error) {
	byKey := make(map[string]string, len(paths))
	for _, p := range paths {
		byKey[indexed(p)] = p
	}
	out := map[string]bool{}
	for keys := range slices.Chunk(slices.Sorted(maps.Keys(byKey)), maxRows) {
		var found []string
		err := s.find(ctx).Table("whole_reads").Joins("JOIN files ON files.id = whole_reads.file_id AND files.started = whole_reads.started").
			Where("files.source_id = ? AND files.path_key IN ?", sourceID, keys).Pluck("files.path_key", &found).Error
		if err != nil {
			return nil, fmt.Errorf("find files of source %d to read again: %w", sourceID, err)
		}
		for _, key := range found {
			out[byKey[key]] = true
		}
	}
	return out, nil
}

// FinishHunt saves how the hunt in a file ended and that it has now been looked through with a version of the watchlist, but
// for rest, which is asked for. A file whose reading began anew meanwhile is left as it is.
func (s *Store) FinishHunt(ctx context.Context, f risk.File, version string, hunts []risk.Hunt, rest risk.HuntRest) error {
	return s.change(ctx, func(tx *gorm.DB) error {
		if err := saveHunts(ctx, tx, hunts, renewHunt); err != nil {
			return err
		}
		if err := askFor(ctx, tx, f, rest); err != nil {
			return fmt.Errorf("ask for a further reading of file %d: %w", f.ID, err)
		}
		res := tx.Model(&fileRow{}).Where("id = ? AND watchlist = ? AND state = ?", f.ID, f.Watchlist, string(f.State)).Update("watchlist", version)
		if res.Error != nil {
			return fmt.Errorf("finish hunt in file %d: %w", f.ID, res.Error)
		}
		return nil
	})
}

func askFor(ctx context.Context, tx *gorm.DB, f risk.File, rest risk.HuntRest) error {
	switch rest {
	case risk.HuntWhole:
		ask := clause.OnConflict{Columns: []clause.Column{{Name: "file_id"}}, DoUpdates: clause.AssignmentColumns([]string{"started"})}
		return tx.Clauses(ask).Create(&wholeReadRow{FileID: f.ID, Started: at(f.Started)}).Error
	case risk.HuntNames:
		_, err := insertRows(ctx, tx, []nameReadRow{{FileID: f.ID, Started: at(f.Started), Since: f.Watchlist, Turn: 1}}, askForNames, nil)
		return err
	}
	return nil
}

// nameReadRow is a reading for names of a file whose whole reading began at Started.
type nameReadRow struct {
	FileID  int64              `gorm:"column:file_id;primaryKey;autoIncrement:false"`
	Started stamp              `gorm:"column:started"`
	Since   string             `gorm:"column:since"`
	Turn    int                `gorm:"column:turn"`
	At      doc[risk.Position] `gorm:"column:at"`
	Counts  doc[[]risk.Flood]  `gorm:"column:counts"`
}

func (nameReadRow) TableName() string { return "name_reads" }

func (r nameReadRow) nameRead() risk.NameRead {
	return risk.NameRead{FileID: r.FileID, Since: r.Since, Turn: r.Turn, At: r.At.v, Counts: r.Counts.v}
}

// askForNames begins a reading that goes on anew: it has not looked for the further names in what it read so far.
const askForNames = `ON CONFLICT (file_id) DO UPDATE SET turn = name_reads.turn + 1, at = excluded.at, counts = excluded.counts,
	since = CASE WHEN name_reads.started = excluded.started THEN name_reads.since ELSE excluded.since END, started = excluded.started`

// FindNameReads gives the readings for names that the files at paths wait for, by path. Whoever waits for a whole reading
// waits for that alone.
func (s *Store) FindNameReads(ctx context.Context, sourceID int64, paths []string) (map[string]risk.NameRead, error) {
	byKey := make(map[string]string, len(paths))
	for _, p := range paths {
		byKey[indexed(p)] = p
	}
	out := map[string]risk.NameRead{}
	for keys := range slices.Chunk(slices.Sorted(maps.Keys(byKey)), maxRows) {
		var rows []struct {
			Row     nameReadRow `gorm:"embedded"`
			PathKey string      `gorm:"column:path_key"`
		}
		err := s.find(ctx).Table("name_reads").Select("name_reads.*, files.path_key AS path_key").
			Joins("JOIN files ON files.id = name_reads.file_id AND files.started = name_reads.started").
			Where("files.source_id = ? AND files.path_key IN ? AND files.state = ?", sourceID, keys, string(risk.FileDone)).
			Where("NOT EXISTS (SELECT 1 FROM whole_reads WHERE whole_reads.file_id = files.id AND whole_reads.started = files.started)").Scan(&rows).Error
		if err != nil {
			return nil, fmt.Errorf("find files of source %d to read for names: %w", sourceID, err)
		}
		for _, r := range rows {
			out[byKey[r.PathKey]] = r.Row.nameRead()
		}
	}
	return out, nil
}

// SaveNameRead saves how far a reading for names is. One that was asked for anew meanwhile is risk.ErrConflict.
func (s *Store) SaveNameRead(ctx context.Context, r risk.NameRead) error {
	return s.change(ctx, func(tx *gorm.DB) error {
		res := ofTurn(tx, r).Model(&nameReadRow{}).Updates(map[string]any{"at": docOf(r.At), "counts": docOf(r.Counts)})
		return oneTurn(res, r)
	})
}

// FinishNameRead saves that a reading for names came to its end, and adds what it found to what the hunts in its file
// answered. One that was asked for anew meanwhile is risk.ErrConflict.
func (s *Store) FinishNameRead(ctx context.Context, r risk.NameRead, found []risk.Hunt) error {
	return s.change(ctx, func(tx *gorm.DB) error {
		if err := oneTurn(ofTurn(tx, r).Delete(&nameReadRow{}), r); err != nil {
			return err
		}
		if err := saveHunts(ctx, tx, found, addToHunt); err != nil {
			return err
		}
		answered := map[string]any{"state": string(risk.HuntDone), "unanswered": docOf([]string(nil))}
		res := tx.Model(&huntRow{}).Where("file_id = ? AND state = ?", r.FileID, string(risk.HuntFullRead)).Updates(answered)
		if res.Error != nil {
			return fmt.Errorf("note that file %d was read for names: %w", r.FileID, res.Error)
		}
		return nil
	})
}

func ofTurn(tx *gorm.DB, r risk.NameRead) *gorm.DB {
	return tx.Where("file_id = ? AND turn = ?", r.FileID, r.Turn)
}

func oneTurn(res *gorm.DB, r risk.NameRead) error {
	if res.Error != nil {
		return fmt.Errorf("save how far file %d was read for names: %w", r.FileID, kind(res.Error))
	}
	if res.RowsAffected == 0 {
		return fmt.Errorf("save how far file %d was read for names: asked for anew: %w", r.FileID, risk.ErrConflict)
	}
	return nil
}

// FindHunts lists what dumps answered about a supplier, the newest answer first, and counts them all.
func (s *Store) FindHunts(ctx context.Context, supplierID int64, limit int) ([]risk.Hunt, int, error) {
	var total int64
	if err := s.find(ctx).Model(&huntRow{}).Where("supplier_id = ?", supplierID).Count(&total).Error; err != nil {
		return nil, 0, fmt.Errorf("count hunts for supplier %d: %w", supplierID, err)
	}
	var rows []struct {
		Row    huntRow `gorm:"embedded"`
		Path   string  `gorm:"column:path"`
		Source string  `gorm:"column:source"`
		Waits  bool    `gorm:"column:waits"` // for a further reading
	}
	err := s.find(ctx).Table("hunts").Select("hunts.*, files.path AS path, sources.name AS source, "+waits+" AS waits").
		Joins("JOIN files ON files.id = hunts.file_id JOIN sources ON sources.id = files.source_id").
		Where("hunts.supplier_id = ?", supplierID).Order("hunts.updated DESC, hunts.file_id").Limit(limitOr50(limit)).Scan(&rows).Error
	if err != nil {
		return nil, 0, fmt.Errorf("find hunts for supplier %d: %w", supplierID, err)
	}
	out := make([]risk.Hunt, len(rows))
	for i, r := range rows {
		out[i] = r.Row.hunt()
		out[i].Path, out[i].Source = r.Path, r.Source
		if out[i].State == risk.HuntFullRead && !r.Waits { // the whole reading that it waited for is over
			out[i].State, out[i].Unanswered = risk.HuntDone, nil
		}
	}
	return out, int(total), nil
}

// waits tells that a file is read again, or is to be.
const waits = `(files.state = 'reading' OR EXISTS (SELECT 1 FROM whole_reads WHERE whole_reads.file_id = files.id AND whole_reads.started = files.started)
	OR EXISTS (SELECT 1 FROM name_reads WHERE name_reads.file_id = files.id AND name_reads.started = files.started))`

// settingHunt is where the last hunt through all dumps is kept.
const settingHunt = "hunt"

// SaveHuntRun saves how far the hunt through all dumps is.
func (s *Store) SaveHuntRun(ctx context.Context, run risk.HuntRun) error {
	b, err := json.Marshal(run)
	if err != nil {
		return fmt.Errorf("save hunt: %w", err)
	}
	return s.SaveSetting(ctx, settingHunt, string(b))
}

// FindHuntRun reads it, with how many dumps still wait for what it asked for; zero when there was none.
func (s *Store) FindHuntRun(ctx context.Context) (run risk.HuntRun, err error) {
	value, err := s.FindSetting(ctx, settingHunt)
	if errors.Is(err, risk.ErrNotFound) {
		return run, nil
	}
	if err != nil {
		return run, err
	}
	if err := json.Unmarshal([]byte(value), &run); err != nil {
		return run, fmt.Errorf("read hunt: %w", err)
	}
	run.Names, err = s.countWaiting(ctx, nameReadRow{})
	if err == nil {
		run.Whole, err = s.countWaiting(ctx, wholeReadRow{})
	}
	return run, err
}

// countWaiting counts the files that wait for a further reading.
func (s *Store) countWaiting(ctx context.Context, row schema.Tabler) (int, error) {
	table := row.TableName()
	var n int64
	err := s.find(ctx).Table(table).Joins("JOIN files ON files.id = " + table + ".file_id AND files.started = " + table + ".started").Count(&n).Error
	if err != nil {
		return 0, fmt.Errorf("count %s: %w", table, err)
	}
	return int(n), nil
}
