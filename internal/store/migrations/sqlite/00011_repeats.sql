-- Up to which place in a file the sightings beyond those that are kept are counted: a hunt that reads the same place again,
-- because it was killed or for a further term, counts none of them twice.
-- +goose Up
ALTER TABLE repeats ADD COLUMN document INTEGER NOT NULL DEFAULT 0;
ALTER TABLE repeats ADD COLUMN byte_offset INTEGER NOT NULL DEFAULT 0;

-- How many findings of a factor were only counted, and are not in its points.
ALTER TABLE contributions ADD COLUMN counted INTEGER NOT NULL DEFAULT 0;
