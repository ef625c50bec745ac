-- Where the reading of a file stands, so that it can be taken up there; what its content is, so that it is read once.
-- +goose Up
ALTER TABLE files ADD COLUMN version TEXT    NOT NULL DEFAULT '';
ALTER TABLE files ADD COLUMN packed  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE files ADD COLUMN rate    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE files ADD COLUMN at      TEXT    NOT NULL DEFAULT '{}';
ALTER TABLE files ADD COLUMN sample  TEXT    NOT NULL DEFAULT '';
ALTER TABLE files ADD COLUMN digest  TEXT    NOT NULL DEFAULT '';
ALTER TABLE files ADD COLUMN same_as TEXT    NOT NULL DEFAULT '';
ALTER TABLE files ADD COLUMN tries   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE files ADD COLUMN updated INTEGER;
CREATE INDEX files_sample ON files (sample) WHERE sample <> '';
CREATE INDEX files_updated ON files (updated);
