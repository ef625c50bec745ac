-- Where suppliers that were added later have been seen: which terms a dump was read with, and what each dump answered.
-- +goose Up
CREATE TABLE watchlists (
    version TEXT    NOT NULL PRIMARY KEY,
    terms   BLOB    NOT NULL,
    saved   INTEGER NOT NULL
);

CREATE TABLE hunts (
    supplier_id INTEGER NOT NULL REFERENCES suppliers (id) ON DELETE CASCADE,
    file_id     INTEGER NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    state       TEXT    NOT NULL,
    stretches   INTEGER NOT NULL,
    looked      INTEGER NOT NULL,
    findings    INTEGER NOT NULL,
    unanswered  TEXT    NOT NULL,
    updated     INTEGER NOT NULL,
    PRIMARY KEY (supplier_id, file_id)
);
-- Files that are to be read whole again after the reading that began then.
CREATE TABLE whole_reads (
    file_id INTEGER NOT NULL PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
    started INTEGER NOT NULL
);
CREATE INDEX hunts_file ON hunts (file_id);
CREATE INDEX files_watchlist ON files (watchlist, id);
