-- The account with which a source is read: what its definition declares, and the cookies that are remembered between runs,
-- encrypted under the key named beside them.
-- +goose Up
ALTER TABLE sources ADD COLUMN approval TEXT NOT NULL DEFAULT '';
ALTER TABLE sources ADD COLUMN login TEXT NOT NULL DEFAULT '{}';
CREATE TABLE source_sessions (
    source_id INTEGER NOT NULL PRIMARY KEY REFERENCES sources (id),
    sealed    BLOB    NOT NULL,
    key_id    TEXT    NOT NULL,
    cookies   INTEGER NOT NULL,
    ends      INTEGER,
    by_name   TEXT    NOT NULL,
    given     INTEGER NOT NULL,
    changed   INTEGER NOT NULL
);
