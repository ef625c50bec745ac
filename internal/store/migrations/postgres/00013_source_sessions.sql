-- The account with which a source is read: what its definition declares, and the cookies that are remembered between runs,
-- encrypted under the key named beside them.
-- +goose Up
ALTER TABLE sources ADD COLUMN approval TEXT NOT NULL DEFAULT '';
ALTER TABLE sources ADD COLUMN login JSON NOT NULL DEFAULT '{}';
CREATE TABLE source_sessions (
    source_id BIGINT  NOT NULL PRIMARY KEY REFERENCES sources (id),
    sealed    BYTEA   NOT NULL,
    key_id    TEXT    NOT NULL,
    cookies   BIGINT  NOT NULL,
    ends      BIGINT,
    by_name   TEXT    NOT NULL,
    given     BIGINT  NOT NULL,
    changed   BIGINT  NOT NULL
);
