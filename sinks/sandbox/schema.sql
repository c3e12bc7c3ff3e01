-- What the sandbox keeps. Bodies are JSON with exact numbers; lines of transactions stand in a table of their own.
-- external_key is the external id in lower case: SQLite's own NOCASE knows only the letters of ASCII.
CREATE TABLE IF NOT EXISTS record (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL,
    family TEXT NOT NULL,
    external_id TEXT COLLATE NOCASE,
    external_key TEXT,
    name TEXT,
    name_key TEXT,
    body TEXT NOT NULL,
    total TEXT,
    UNIQUE (family, external_key)
);
CREATE TABLE IF NOT EXISTS line (
    record INTEGER NOT NULL REFERENCES record (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    item INTEGER NOT NULL,
    body TEXT NOT NULL,
    amount TEXT NOT NULL,
    PRIMARY KEY (record, number)
);
CREATE INDEX IF NOT EXISTS line_item ON line (item);
CREATE TABLE IF NOT EXISTS reference (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    symbol TEXT COLLATE NOCASE,
    name TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (kind, id)
);
-- External ids, in lower case, that the account's rules make inactive.
CREATE TABLE IF NOT EXISTS inactive (external_key TEXT PRIMARY KEY);
