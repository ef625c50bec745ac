-- Files that are to be read for terms that no index answers, added after a version of the watchlist, and how far that is.
-- +goose Up
CREATE TABLE name_reads (
    file_id BIGINT NOT NULL PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
    started BIGINT NOT NULL,
    since   TEXT NOT NULL,
    turn    BIGINT NOT NULL,
    at      JSON NOT NULL,
    counts  JSON NOT NULL
);
