-- How a source's new documents come: the longest pause between two of them, which fades, and how many pauses were seen.
-- +goose Up
ALTER TABLE source_health ADD COLUMN gap_us BIGINT NOT NULL DEFAULT 0;
ALTER TABLE source_health ADD COLUMN gaps BIGINT NOT NULL DEFAULT 0;
