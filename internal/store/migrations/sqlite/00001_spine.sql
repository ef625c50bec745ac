-- Times are whole microseconds since 1970 UTC: they sort, compare and subtract the same on both databases. NULL = unknown.
-- +goose Up
CREATE TABLE suppliers (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    name          TEXT    NOT NULL,
    name_key      TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    relation      TEXT    NOT NULL,
    tier          INTEGER NOT NULL,
    patient_data  TEXT    NOT NULL,
    employees     INTEGER NOT NULL,
    owner_name    TEXT    NOT NULL,
    owner_email   TEXT    NOT NULL,
    contact_name  TEXT    NOT NULL,
    contact_email TEXT    NOT NULL,
    baa_signed    INTEGER,
    contract_end  INTEGER,
    created       INTEGER NOT NULL,
    updated       INTEGER NOT NULL
);
CREATE UNIQUE INDEX suppliers_name_key ON suppliers (name_key);

CREATE TABLE watch_terms (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    supplier_id INTEGER NOT NULL REFERENCES suppliers (id) ON DELETE CASCADE,
    kind        TEXT    NOT NULL,
    value       TEXT    NOT NULL
);
CREATE UNIQUE INDEX watch_terms_supplier_kind_value ON watch_terms (supplier_id, kind, value);

CREATE TABLE sources (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    key         TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    route       TEXT    NOT NULL,
    address     TEXT    NOT NULL,
    every_us    INTEGER NOT NULL,
    owner       TEXT    NOT NULL,
    legal_basis TEXT    NOT NULL,
    review_by   INTEGER,
    reliability REAL    NOT NULL,
    enabled     INTEGER NOT NULL,
    limits      TEXT    NOT NULL,
    politeness  TEXT    NOT NULL,
    reading     TEXT    NOT NULL,
    allowed     TEXT    NOT NULL
);
CREATE UNIQUE INDEX sources_key ON sources (key);

CREATE TABLE source_health (
    source_id     INTEGER NOT NULL PRIMARY KEY REFERENCES sources (id) ON DELETE CASCADE,
    state         TEXT    NOT NULL,
    why           TEXT    NOT NULL,
    since         INTEGER NOT NULL,
    last_run      INTEGER,
    last_success  INTEGER,
    last_document INTEGER,
    failures      INTEGER NOT NULL,
    next_run      INTEGER,
    paused        INTEGER NOT NULL,
    collecting    INTEGER NOT NULL,
    added         INTEGER NOT NULL
);

CREATE TABLE source_runs (
    source_id INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    started   INTEGER NOT NULL,
    finished  INTEGER NOT NULL,
    fetched   INTEGER NOT NULL,
    matched   INTEGER NOT NULL,
    failed    INTEGER NOT NULL,
    PRIMARY KEY (source_id, started)
);

CREATE TABLE source_days (
    source_id INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    day       INTEGER NOT NULL,
    runs      INTEGER NOT NULL,
    failures  INTEGER NOT NULL,
    fetched   INTEGER NOT NULL,
    matched   INTEGER NOT NULL,
    PRIMARY KEY (source_id, day)
);

CREATE TABLE captures (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    source_id    INTEGER NOT NULL REFERENCES sources (id),
    url          TEXT    NOT NULL,
    digest       TEXT    NOT NULL,
    fetched      INTEGER NOT NULL,
    status       INTEGER NOT NULL,
    content_type TEXT    NOT NULL,
    bytes        INTEGER NOT NULL,
    items        INTEGER NOT NULL,
    matched      INTEGER NOT NULL
);
CREATE INDEX captures_source_fetched ON captures (source_id, fetched);

CREATE TABLE marks (
    source_id INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    key       TEXT    NOT NULL,
    marker    TEXT    NOT NULL,
    PRIMARY KEY (source_id, key)
);

CREATE TABLE files (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    source_id INTEGER NOT NULL REFERENCES sources (id) ON DELETE CASCADE,
    path      TEXT    NOT NULL,
    path_key  TEXT    NOT NULL,
    bytes     INTEGER NOT NULL,
    modified  INTEGER,
    watchlist TEXT    NOT NULL,
    read      INTEGER NOT NULL,
    records   INTEGER NOT NULL,
    state     TEXT    NOT NULL,
    why       TEXT    NOT NULL,
    skipped   TEXT    NOT NULL,
    started   INTEGER,
    finished  INTEGER
);
CREATE UNIQUE INDEX files_source_path ON files (source_id, path_key);

CREATE TABLE users (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    email         TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    role          TEXT    NOT NULL,
    password_hash TEXT    NOT NULL,
    disabled      INTEGER NOT NULL,
    last_sign_in  INTEGER,
    created       INTEGER NOT NULL
);
CREATE UNIQUE INDEX users_email ON users (email);

CREATE TABLE exposures (
    id           INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    fingerprint  TEXT    NOT NULL,
    key_id       TEXT    NOT NULL,
    supplier_id  INTEGER NOT NULL REFERENCES suppliers (id),
    kind         TEXT    NOT NULL,
    format       TEXT    NOT NULL,
    class        TEXT    NOT NULL,
    match_kind   TEXT    NOT NULL,
    term_kind    TEXT    NOT NULL,
    term         TEXT    NOT NULL,
    title        TEXT    NOT NULL,
    account_mask TEXT    NOT NULL,
    account      BLOB,
    host         TEXT    NOT NULL,
    secret_kind  TEXT    NOT NULL,
    secret_band  TEXT    NOT NULL,
    excerpt      TEXT    NOT NULL,
    source_id    INTEGER NOT NULL REFERENCES sources (id),
    source_kind  TEXT    NOT NULL,
    severity     INTEGER NOT NULL,
    reasons      TEXT    NOT NULL,
    state        TEXT    NOT NULL,
    is_open      INTEGER NOT NULL,
    state_reason TEXT    NOT NULL,
    duplicate_of INTEGER REFERENCES exposures (id),
    owner_id     INTEGER REFERENCES users (id),
    due          INTEGER NOT NULL,
    observed     INTEGER NOT NULL,
    first_seen   INTEGER NOT NULL,
    last_seen    INTEGER NOT NULL,
    sightings    INTEGER NOT NULL,
    updated      INTEGER NOT NULL,
    version      INTEGER NOT NULL
);
CREATE UNIQUE INDEX exposures_fingerprint ON exposures (fingerprint);
CREATE INDEX exposures_supplier ON exposures (supplier_id, is_open, severity, last_seen);
CREATE INDEX exposures_due ON exposures (is_open, due);
CREATE INDEX exposures_first_seen ON exposures (first_seen);

CREATE TABLE sightings (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    exposure_id INTEGER NOT NULL REFERENCES exposures (id),
    source_id   INTEGER NOT NULL REFERENCES sources (id),
    key         TEXT    NOT NULL,
    path        TEXT    NOT NULL,
    entry       TEXT    NOT NULL,
    line        INTEGER NOT NULL,
    byte_offset INTEGER NOT NULL,
    board       TEXT    NOT NULL,
    thread      TEXT    NOT NULL,
    author      TEXT    NOT NULL,
    posted      INTEGER,
    seen        INTEGER NOT NULL
);
CREATE UNIQUE INDEX sightings_exposure_key ON sightings (exposure_id, key);

CREATE TABLE exposure_events (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    exposure_id INTEGER NOT NULL REFERENCES exposures (id),
    at          INTEGER NOT NULL,
    actor_id    INTEGER REFERENCES users (id),
    what        TEXT    NOT NULL,
    detail      TEXT    NOT NULL
);
CREATE INDEX exposure_events_exposure ON exposure_events (exposure_id, at);
CREATE INDEX exposure_events_at ON exposure_events (at);

CREATE TABLE scores (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    supplier_id INTEGER NOT NULL REFERENCES suppliers (id),
    at          INTEGER NOT NULL,
    number      REAL    NOT NULL,
    low         REAL    NOT NULL,
    high        REAL    NOT NULL,
    confidence  REAL    NOT NULL,
    grade       TEXT    NOT NULL,
    weights     TEXT    NOT NULL,
    inputs      TEXT    NOT NULL
);
CREATE INDEX scores_supplier_at ON scores (supplier_id, at);

CREATE TABLE contributions (
    score_id      INTEGER NOT NULL REFERENCES scores (id) ON DELETE CASCADE,
    position      INTEGER NOT NULL,
    factor        TEXT    NOT NULL,
    exposure_id   INTEGER,
    label         TEXT    NOT NULL,
    points        REAL    NOT NULL,
    unknown       INTEGER NOT NULL,
    x             REAL    NOT NULL,
    weight        REAL    NOT NULL,
    prevalence    REAL    NOT NULL,
    age_factor    REAL    NOT NULL,
    size_factor   REAL    NOT NULL,
    quality       REAL    NOT NULL,
    first_seen    INTEGER,
    last_seen     INTEGER,
    clears_on     INTEGER,
    how_to_refute TEXT    NOT NULL,
    PRIMARY KEY (score_id, position)
);

CREATE TABLE alerts (
    id          INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    key         TEXT    NOT NULL,
    kind        TEXT    NOT NULL,
    supplier_id INTEGER REFERENCES suppliers (id),
    exposure_id INTEGER REFERENCES exposures (id),
    source_id   INTEGER REFERENCES sources (id),
    decided     INTEGER NOT NULL,
    recipients  TEXT    NOT NULL,
    notice      TEXT    NOT NULL
);
CREATE UNIQUE INDEX alerts_key ON alerts (key);

-- What an alert covers: one exposure, or all those of a digest.
CREATE TABLE alert_exposures (
    exposure_id INTEGER NOT NULL REFERENCES exposures (id),
    alert_id    INTEGER NOT NULL REFERENCES alerts (id) ON DELETE CASCADE,
    PRIMARY KEY (exposure_id, alert_id)
);
CREATE INDEX alert_exposures_alert ON alert_exposures (alert_id);

CREATE TABLE messages (
    id        INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    key       TEXT    NOT NULL,
    alert_id  INTEGER NOT NULL REFERENCES alerts (id),
    to_name   TEXT    NOT NULL,
    to_email  TEXT    NOT NULL,
    notice    TEXT    NOT NULL,
    state     TEXT    NOT NULL,
    attempts  INTEGER NOT NULL,
    created   INTEGER NOT NULL,
    next_try  INTEGER,
    claimed   INTEGER,
    sent      INTEGER,
    why       TEXT    NOT NULL
);
CREATE UNIQUE INDEX messages_key ON messages (key);
CREATE INDEX messages_state ON messages (state, created);

CREATE TABLE sessions (
    digest  TEXT    PRIMARY KEY NOT NULL,
    data    BLOB    NOT NULL,
    expires INTEGER NOT NULL
);
CREATE INDEX sessions_expires ON sessions (expires);

CREATE TABLE settings (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
);
