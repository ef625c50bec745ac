-- Files that are to be read for terms that no index answers, added after a version of the watchlist, and how far that is.
-- +goose Up
CREATE TABLE name_reads (
    file_id INTEGER NOT NULL PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
    started INTEGER NOT NULL,
    since   TEXT NOT NULL,
    turn    INTEGER NOT NULL,
    at      TEXT NOT NULL,
    counts  TEXT NOT NULL
);
