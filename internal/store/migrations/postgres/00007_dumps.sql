-- What a dump brings beside exposures: how long a cookie is usable, the machine a log was taken from, the file a sighting is
-- in, and how many of the same were counted there and not kept one by one.
-- +goose Up
ALTER TABLE exposures ADD COLUMN usable_until BIGINT;
ALTER TABLE sightings ADD COLUMN facts JSON NOT NULL DEFAULT 'null';
ALTER TABLE sightings ADD COLUMN file_id BIGINT;
CREATE INDEX sightings_file ON sightings (file_id, exposure_id) WHERE file_id IS NOT NULL;

-- Findings of one supplier and sort in one file: how many became exposures, and how many were only counted.
CREATE TABLE floods (
    file_id     BIGINT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    supplier_id BIGINT NOT NULL REFERENCES suppliers (id) ON DELETE CASCADE,
    kind        TEXT    NOT NULL,
    class       TEXT    NOT NULL,
    kept        BIGINT NOT NULL,
    counted     BIGINT NOT NULL,
    told        BIGINT NOT NULL,
    since       BIGINT,
    last        BIGINT,
    PRIMARY KEY (file_id, supplier_id, kind, class)
);
CREATE INDEX floods_supplier ON floods (supplier_id, counted, told);

-- Sightings of one exposure in one file beyond those that are kept.
CREATE TABLE repeats (
    exposure_id BIGINT NOT NULL REFERENCES exposures (id) ON DELETE CASCADE,
    file_id     BIGINT NOT NULL REFERENCES files (id) ON DELETE CASCADE,
    counted     BIGINT NOT NULL,
    PRIMARY KEY (exposure_id, file_id)
);
CREATE INDEX repeats_file ON repeats (file_id);
