package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"github.com/wardline/wardline/internal/risk"
)

type sightingRow struct {
	ID         int64            `gorm:"column:id;primaryKey"`
	ExposureID int64            `gorm:"column:exposure_id"`
	SourceID   int64            `gorm:"column:source_id"`
	Key        string           `gorm:"column:key"`
	Path       string           `gorm:"column:path"`
	Entry      string           `gorm:"column:entry"`
	Line       int              `gorm:"column:line"`
	Offset     int64            `gorm:"column:byte_offset"`
	Board      string           `gorm:"column:board"`
	Thread     string           `gorm:"column:thread"`
	Author     string           `gorm:"column:author"`
	Posted     stamp            `gorm:"column:posted"`
	Seen       stamp            `gorm:"column:seen"`
	Facts      doc[[]risk.Fact] `gorm:"column:facts"`
	FileID     ref              `gorm:"column:file_id"`
}

func (sightingRow) TableName() string { return "sightings" }

// appendValues gives the columns' values for insertRows; the id is the database's to give.
func (r *sightingRow) appendValues(to []any) []any {
	return append(to, r.ExposureID, r.SourceID, r.Key, r.Path, r.Entry, int64(r.Line), r.Offset, r.Board, r.Thread, r.Author, r.Posted.value(),
		r.Seen.value(), r.Facts, r.FileID.value())
}

func newSightingRow(s risk.Sighting) sightingRow {
	return sightingRow{
		ID: s.ID, ExposureID: s.ExposureID, SourceID: s.SourceID, Key: indexed(s.Key), Path: clean(s.Where.Path), Entry: clean(s.Where.Entry),
		Line: s.Where.Line, Offset: s.Where.Offset, Board: clean(s.Board), Thread: clean(s.Thread), Author: clean(s.Author),
		Posted: at(s.Posted), Seen: at(s.Seen), Facts: docOf(s.Facts), FileID: ref(s.FileID),
	}
}

func (r sightingRow) sighting(source string) risk.Sighting {
	return risk.Sighting{
		ID: r.ID, ExposureID: r.ExposureID, SourceID: r.SourceID, SourceName: source, Key: r.Key,
		Where: risk.Place{Path: r.Path, Entry: r.Entry, Line: r.Line, Offset: r.Offset},
		Board: r.Board, Thread: r.Thread, Author: r.Author, Posted: r.Posted.Time, Seen: r.Seen.Time, Facts: r.Facts.v, FileID: int64(r.FileID),
	}
}

// FindSightings lists where an exposure was seen, the newest first.
func (s *Store) FindSightings(ctx context.Context, exposureID int64) ([]risk.Sighting, error) {
	var rows []struct {
		Row    sightingRow `gorm:"embedded"`
		Source string      `gorm:"column:source"`
	}
	err := s.find(ctx).Table("sightings").Select("sightings.*, sources.name AS source").
		Joins("JOIN sources ON sources.id = sightings.source_id").
		Where("sightings.exposure_id = ?", exposureID).Order("sightings.seen DESC, sightings.id DESC").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find sightings of exposure %d: %w", exposureID, err)
	}
	out := make([]risk.Sighting, len(rows))
	for i, r := range rows {
		out[i] = r.Row.sighting(r.Source)
	}
	return out, nil
}

type eventRow struct {
	ID         int64  `gorm:"column:id;primaryKey"`
	ExposureID int64  `gorm:"column:exposure_id"`
	At         stamp  `gorm:"column:at"`
	ActorID    ref    `gorm:"column:actor_id"`
	What       string `gorm:"column:what"`
	Detail     string `gorm:"column:detail"`
}

func (eventRow) TableName() string { return "exposure_events" }

func newEventRow(e risk.ExposureEvent) eventRow {
	return eventRow{ID: e.ID, ExposureID: e.ExposureID, At: at(e.At), ActorID: ref(e.ActorID), What: e.What, Detail: clean(e.Detail)}
}

func (r eventRow) event(actor string) risk.ExposureEvent {
	return risk.ExposureEvent{ID: r.ID, ExposureID: r.ExposureID, At: r.At.Time, ActorID: int64(r.ActorID), Actor: actor, What: r.What, Detail: r.Detail}
}

// FindEvents reads an exposure's history, the oldest line first. The line "seen" that begins it is the exposure itself:
// thousands are seen at once, and a line beside each would say no more than its row.
func (s *Store) FindEvents(ctx context.Context, exposureID int64) ([]risk.ExposureEvent, error) {
	e, err := s.FindExposure(ctx, exposureID)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		Row   eventRow `gorm:"embedded"`
		Actor string   `gorm:"column:actor"`
	}
	err = s.find(ctx).Table("exposure_events").Select("exposure_events.*, COALESCE(users.name, '') AS actor").
		Joins("LEFT JOIN users ON users.id = exposure_events.actor_id").
		Where("exposure_events.exposure_id = ?", exposureID).Order("exposure_events.at, exposure_events.id").Scan(&rows).Error
	if err != nil {
		return nil, fmt.Errorf("find history of exposure %d: %w", exposureID, err)
	}
	out := []risk.ExposureEvent{{ExposureID: exposureID, At: e.FirstSeen, What: "seen", Detail: "at " + e.SourceName}}
	for _, r := range rows {
		out = append(out, r.Row.event(r.Actor))
	}
	return out, nil
}

// ChangeExposure applies what somebody does to an exposure, writes the line for its history and queues a new score of
// its supplier. A change that was read at an older version is risk.ErrConflict.
func (s *Store) ChangeExposure(ctx context.Context, id int64, c risk.Change, a risk.Actor, now time.Time) (risk.Exposure, error) {
	var changed risk.Exposure
	err := s.change(ctx, func(tx *gorm.DB) error {
		var row exposureRow
		if err := first(s.lock(tx).Where("id = ?", id), &row, "exposure", id); err != nil {
			return err
		}
		after, event, err := row.exposure().Apply(c, a, now)
		if err != nil {
			return err
		}
		if err := checkNamed(tx, c, &event); err != nil {
			return err
		}
		if err := saveChange(tx, after, event); err != nil {
			return err
		}
		if err := s.enqueue(ctx, tx, risk.Job{Kind: risk.JobRescore, SupplierID: after.SupplierID}); err != nil {
			return err
		}
		changed, err = findExposure(tx, id)
		return err
	})
	return changed, err
}

// checkNamed makes sure that what a change names exists, and puts a new owner's name into the history.
func checkNamed(tx *gorm.DB, c risk.Change, event *risk.ExposureEvent) error {
	if c.To == risk.ExposureDuplicate {
		var n int64
		if err := tx.Model(&exposureRow{}).Where("id = ?", c.DuplicateOf).Count(&n).Error; err != nil {
			return fmt.Errorf("find exposure %d: %w", c.DuplicateOf, err)
		}
		if n == 0 {
			return risk.Invalid("duplicate_of", "There is no exposure EX-%d.", c.DuplicateOf)
		}
	}
	if c.AssignTo == nil || *c.AssignTo == 0 {
		return nil
	}
	var owners []userRow
	if err := tx.Where("id = ? AND disabled = ?", *c.AssignTo, false).Find(&owners).Error; err != nil {
		return fmt.Errorf("find user %d: %w", *c.AssignTo, err)
	}
	if len(owners) == 0 {
		return risk.Invalid("owner", "There is no such user to assign to.")
	}
	if event.Detail == "" {
		event.Detail = "to " + owners[0].Name
	}
	return nil
}

// saveChange writes an exposure that tx holds and was checked against the version that the caller read.
func saveChange(tx *gorm.DB, after risk.Exposure, event risk.ExposureEvent) error {
	row, line := newExposureRow(after), newEventRow(event)
	res := tx.Model(&exposureRow{}).Where("id = ?", after.ID).
		Select("state", "is_open", "state_reason", "duplicate_of", "owner_id", "looked", "updated", "version").Updates(&row)
	if err := changedOne(res, "exposure", after.ID); err != nil {
		return err
	}
	if err := tx.Create(&line).Error; err != nil {
		return fmt.Errorf("write history of exposure %d: %w", after.ID, err)
	}
	return nil
}
