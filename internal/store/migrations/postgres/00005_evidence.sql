-- The newest of a supplier's exposures, which its score reads first.
-- +goose Up
CREATE INDEX exposures_supplier_observed ON exposures (supplier_id, observed);
