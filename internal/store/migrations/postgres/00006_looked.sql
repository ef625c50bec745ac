-- The first change by a person, kept beside the exposure: the median of many is then read from one index.
-- +goose Up
ALTER TABLE exposures ADD COLUMN looked BIGINT;
UPDATE exposures SET looked = (SELECT MIN(at) FROM exposure_events WHERE exposure_events.exposure_id = exposures.id AND exposure_events.actor_id IS NOT NULL);
DROP INDEX exposures_first_seen;
CREATE INDEX exposures_first_seen ON exposures (first_seen, severity, looked);
