-- Lists and counts of hundreds of thousands of exposures: each index holds all that its question reads, so that a
-- filter which finds little does not read the table.
-- +goose Up
DROP INDEX exposures_due;
CREATE INDEX exposures_due ON exposures (is_open, due, state, severity, owner_id, source_id);
CREATE INDEX exposures_newest ON exposures (is_open, first_seen, state, severity, owner_id, source_id);
CREATE INDEX exposures_state ON exposures (state, owner_id);
CREATE INDEX exposures_source ON exposures (source_id, is_open);
DROP INDEX exposures_supplier;
CREATE INDEX exposures_supplier ON exposures (supplier_id, is_open, due, severity, last_seen, state);
CREATE INDEX exposures_supplier_newest ON exposures (supplier_id, first_seen);
DROP INDEX exposures_first_seen;
CREATE INDEX exposures_first_seen ON exposures (first_seen, severity);
DROP INDEX exposure_events_exposure;
CREATE INDEX exposure_events_exposure ON exposure_events (exposure_id, at, actor_id, what);
DROP INDEX exposure_events_at;
CREATE INDEX exposure_events_at ON exposure_events (at, what, exposure_id);
