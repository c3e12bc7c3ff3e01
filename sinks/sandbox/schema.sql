-- What the sandbox keeps. Bodies are JSON with exact numbers; lines of transactions stand in a table of their own.
CREATE TABLE IF NOT EXISTS record (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    type TEXT NOT NULL,
    family TEXT NOT NULL,
    external_id TEXT COLLATE NOCASE,
    name TEXT COLLATE NOCASE,
    body TEXT NOT NULL,
    total TEXT,
    UNIQUE (family, external_id)
);
CREATE UNIQUE INDEX IF NOT EXISTS item_name ON record (name) WHERE family = 'item';
CREATE TABLE IF NOT EXISTS line (
    record INTEGER NOT NULL REFERENCES record (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    item INTEGER NOT NULL,
    body TEXT NOT NULL,
    amount TEXT NOT NULL,
    PRIMARY KEY (record, number)
);
CREATE TABLE IF NOT EXISTS reference (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    symbol TEXT COLLATE NOCASE,
    name TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (kind, id)
);
CREATE VIEW IF NOT EXISTS suiteql_transaction AS
    SELECT id, external_id AS externalid,
        CASE type WHEN 'salesOrder' THEN 'SalesOrd' ELSE 'RtnAuth' END AS type,
        type AS recordtype,
        json_extract(body, '$.entity.id') AS entity,
        json_extract(body, '$.currency.id') AS currency,
        json_extract(body, '$.tranDate') AS trandate,
        json_extract(body, '$.memo') AS memo,
        json_extract(body, '$.otherRefNum') AS otherrefnum,
        json_extract(body, '$.custbody_nue_original_orderid') AS custbody_nue_original_orderid,
        total AS foreigntotal
    FROM record WHERE family = 'transaction';
CREATE VIEW IF NOT EXISTS suiteql_transactionline AS
    SELECT record AS "transaction", number AS id, item, amount AS foreignamount,
        CAST(json_extract(body, '$.quantity') AS TEXT) AS quantity,
        json_extract(body, '$.custcol_nue_transactionlineid') AS custcol_nue_transactionlineid,
        json_extract(body, '$.custcol_nue_start_date') AS custcol_nue_start_date,
        json_extract(body, '$.custcol_nue_end_date') AS custcol_nue_end_date
    FROM line;
CREATE VIEW IF NOT EXISTS suiteql_customer AS
    SELECT id, external_id AS externalid, name AS entityid, json_extract(body, '$.companyName') AS companyname,
        json_extract(body, '$.email') AS email,
        CASE json_extract(body, '$.isInactive') WHEN 1 THEN 'T' ELSE 'F' END AS isinactive
    FROM record WHERE family = 'entity';
CREATE VIEW IF NOT EXISTS suiteql_item AS
    SELECT id, external_id AS externalid, name AS itemid, type AS recordtype,
        json_extract(body, '$.displayName') AS displayname,
        CASE json_extract(body, '$.isInactive') WHEN 1 THEN 'T' ELSE 'F' END AS isinactive
    FROM record WHERE family = 'item';
CREATE VIEW IF NOT EXISTS suiteql_currency AS SELECT id, symbol, name FROM reference WHERE kind = 'currency';
CREATE VIEW IF NOT EXISTS suiteql_term AS SELECT id, name FROM reference WHERE kind = 'term';
CREATE VIEW IF NOT EXISTS suiteql_subsidiary AS SELECT id, name FROM reference WHERE kind = 'subsidiary';
