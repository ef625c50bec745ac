-- +goose Up
-- Suppliers that must still be decided about, and by when: something was recorded of them, or an alert was held back.
CREATE TABLE undecided (
    supplier_id BIGINT NOT NULL PRIMARY KEY REFERENCES suppliers (id) ON DELETE CASCADE,
    due         BIGINT NOT NULL
);
CREATE INDEX undecided_due ON undecided (due);

CREATE INDEX alerts_supplier_decided ON alerts (supplier_id, decided);
CREATE INDEX messages_alert ON messages (alert_id);
CREATE INDEX messages_recipient_sent ON messages (to_email, sent);
