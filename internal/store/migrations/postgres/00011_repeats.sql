-- Up to which place in a file the sightings beyond those that are kept are counted: a hunt that reads the same place again,
-- because it was killed or for a further term, counts none of them twice.
-- +goose Up
ALTER TABLE repeats ADD COLUMN document BIGINT NOT NULL DEFAULT 0;
ALTER TABLE repeats ADD COLUMN byte_offset BIGINT NOT NULL DEFAULT 0;

-- How many findings of a factor were only counted, and are not in its points.
ALTER TABLE contributions ADD COLUMN counted BIGINT NOT NULL DEFAULT 0;

-- Who inserts exposures and sightings holds their suppliers, their source and their exposures already. To look for them
-- again for every row takes two fifths of what a row costs; that none of them goes while it is referred to is seen to here.
ALTER TABLE exposures DROP CONSTRAINT exposures_supplier_id_fkey, DROP CONSTRAINT exposures_source_id_fkey;
ALTER TABLE sightings DROP CONSTRAINT sightings_exposure_id_fkey, DROP CONSTRAINT sightings_source_id_fkey;

-- +goose StatementBegin
CREATE FUNCTION stay_while_seen() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_TABLE_NAME = 'suppliers' AND EXISTS (SELECT 1 FROM exposures WHERE supplier_id = OLD.id)
        OR TG_TABLE_NAME = 'sources' AND EXISTS (SELECT 1 FROM exposures WHERE source_id = OLD.id)
        OR TG_TABLE_NAME = 'sources' AND EXISTS (SELECT 1 FROM sightings WHERE source_id = OLD.id)
        OR TG_TABLE_NAME = 'exposures' AND EXISTS (SELECT 1 FROM sightings WHERE exposure_id = OLD.id) THEN
        RAISE foreign_key_violation USING MESSAGE = format('%s %s is still referred to', TG_TABLE_NAME, OLD.id);
    END IF;
    RETURN OLD;
END $$;
-- +goose StatementEnd
CREATE TRIGGER suppliers_stay BEFORE DELETE ON suppliers FOR EACH ROW EXECUTE FUNCTION stay_while_seen();
CREATE TRIGGER sources_stay BEFORE DELETE ON sources FOR EACH ROW EXECUTE FUNCTION stay_while_seen();
CREATE TRIGGER exposures_stay BEFORE DELETE ON exposures FOR EACH ROW EXECUTE FUNCTION stay_while_seen();
