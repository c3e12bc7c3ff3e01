CREATE TABLE event (
    event_id TEXT PRIMARY KEY, kind TEXT, order_id TEXT, order_number TEXT, customer_id TEXT, dated TEXT,
    currency TEXT, told TEXT, partition INTEGER, place INTEGER, pending INTEGER
) WITHOUT ROWID;
CREATE INDEX event_place ON event (partition, place);
CREATE INDEX event_dated ON event (dated);
CREATE INDEX event_order ON event (order_id, kind);
CREATE TABLE decision (
    event_id TEXT PRIMARY KEY, ordinal INTEGER, order_id TEXT, order_number TEXT, customer_id TEXT, outcome TEXT,
    why TEXT, currency TEXT, order_total TEXT, posted_total TEXT, waived INTEGER
);
CREATE TABLE promised (
    event_id TEXT, external_key TEXT, external_id TEXT, command_id TEXT, amount TEXT,
    PRIMARY KEY (event_id, external_key)
) WITHOUT ROWID;
CREATE INDEX promised_name ON promised (external_key);
CREATE TABLE contract (contract_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE command (
    external_key TEXT PRIMARY KEY, external_id TEXT, record TEXT, command_id TEXT, version TEXT, amount TEXT,
    currency TEXT, partition INTEGER, place INTEGER, content BLOB, internal_id TEXT, number TEXT, state TEXT
);
CREATE INDEX command_name ON command (command_id);
CREATE TABLE outcome (external_key TEXT PRIMARY KEY, internal_id TEXT, command_id TEXT) WITHOUT ROWID;
CREATE INDEX outcome_id ON outcome (internal_id);
CREATE TABLE letter (command_id TEXT PRIMARY KEY, external_id TEXT, state TEXT, words TEXT) WITHOUT ROWID;
CREATE TABLE waiting (event_id TEXT PRIMARY KEY, state TEXT, why TEXT) WITHOUT ROWID;
