-- Each index costs every new finding. What two of them answered, others answer as well: exposures_newest holds when and how
-- severe. Of states and of first looks, only what differs from an exposure that nobody has touched is kept.
-- +goose Up
DROP INDEX exposures_first_seen;
CREATE INDEX exposures_looked ON exposures (first_seen, looked) WHERE looked IS NOT NULL;
DROP INDEX exposures_state;
CREATE INDEX exposures_touched ON exposures (state, owner_id) WHERE state <> 'new' OR owner_id IS NOT NULL;
