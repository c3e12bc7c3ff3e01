-- The tables, from the records in `stage`, where copies (the same ce_id) may stand more than once: the first counts.
-- Money is before tax and in the row's currency, dates are inclusive, instants are UTC.

CREATE VIEW stage.change AS
SELECT unnest(record) FROM stage.changed WHERE rowid IN (SELECT min(rowid) FROM stage.changed GROUP BY ce_id);

CREATE TABLE changes AS
SELECT
    change_id, contract_id, sequence, customer_id, subscription_number, subscription_id, version, product_id,
    order_id, order_number, event_id, change_types, movement, currency, amount,
    quantity_before, quantity_after, quantity_delta, status_before, status_after, start_on, end_on, effective_on,
    mrr_before, mrr_after, delta_mrr, delta_arr, delta_tcv, documents, occurred_at, known_at
FROM stage.change
ORDER BY contract_id, sequence;
COMMENT ON TABLE changes IS 'Every change of a subscription by an order. sequence counts those of a contract; documents
 are external ids. movement: NEW, EXPANSION, CONTRACTION, CHURN, RENEWAL, NONE, OPENING.';

CREATE TABLE segments AS
WITH spread AS (
    SELECT
        change_id, contract_id, customer_id, subscription_number, sequence, version, currency,
        generate_subscripts(schedule_after, 1) AS segment, unnest(schedule_after, recursive := true)
    FROM stage.change
)
SELECT
    change_id, contract_id, customer_id, subscription_number, sequence, version, segment, start_on, end_on, quantity,
    currency, mrr,
    change_id IN (
        SELECT max_by(change_id, (sequence, version)) FROM changes
        GROUP BY customer_id, subscription_number, currency
    ) AS is_current
FROM spread
ORDER BY contract_id, sequence, segment;
COMMENT ON TABLE segments IS 'The schedule of a subscription after each change: quantity and monthly recurring revenue
 (mrr) from start_on to end_on; without end_on it runs on. is_current: by the last change.';

CREATE TABLE subscriptions AS
WITH newest AS (
    SELECT * FROM changes
    QUALIFY row_number() OVER (
        PARTITION BY customer_id, subscription_number ORDER BY sequence DESC, version DESC
    ) = 1
), sums AS (
    SELECT customer_id, subscription_number, currency,
        count(*) AS changes, min(occurred_at) AS first_at,
        sum(amount) AS posted, sum(delta_tcv) AS tcv
    FROM changes GROUP BY ALL
), ending AS (
    SELECT g.change_id, sum(12 * g.mrr) AS arr
    FROM segments g JOIN newest n USING (change_id)
    WHERE n.end_on >= g.start_on AND (g.end_on IS NULL OR n.end_on <= g.end_on)
    GROUP BY ALL
)
SELECT
    n.subscription_number, n.subscription_id, n.contract_id, n.customer_id, n.product_id, n.status_after AS status,
    n.version, n.quantity_after AS quantity, n.start_on, n.end_on, n.currency,
    CAST(coalesce(e.arr, 0) AS DECIMAL(28, 6)) AS ending_arr,
    CAST(s.posted AS DECIMAL(28, 6)) AS posted, CAST(s.tcv AS DECIMAL(28, 6)) AS tcv,
    s.changes, s.first_at, n.occurred_at AS last_at, n.known_at AS last_known_at, n.order_id AS last_order_id
FROM newest n
JOIN sums s USING (customer_id, subscription_number, currency)
LEFT JOIN ending e USING (change_id)
ORDER BY n.contract_id, n.subscription_number;
COMMENT ON TABLE subscriptions IS 'Each subscription after its last change. ending_arr: ARR on its last day, which is
 up for renewal. posted: what its lines add to documents; tcv: with orders that posted nothing and opening balances.';

CREATE TABLE orders AS
WITH newest AS (
    SELECT unnest(record) FROM stage.decided
    WHERE rowid IN (SELECT max_by(rowid, (record.ordinal, -rowid)) FROM stage.decided GROUP BY record.event_id)
)
SELECT
    event_id, order_id, order_number, customer_id, billing_account_id, outcome, why,
    list_transform(reasons, lambda reason: reason.code) AS reasons, currency, order_total, posted_total, contracts,
    list_transform(documents, lambda document: document.external_id) AS documents, ordinal AS decisions, decided_by,
    policy_id, rules_version, occurred_at, known_at
FROM newest
ORDER BY occurred_at, event_id;
COMMENT ON TABLE orders IS 'The last decision on each event of an order: POSTED, NO_OP, IGNORED, HELD, QUARANTINED or
 DISCARDED. posted_total: its sales orders less its return authorizations.';

CREATE VIEW stage.document AS
SELECT 'SALES_ORDER' AS document_type, 1 AS sign, unnest(record)
FROM stage.sold WHERE rowid IN (SELECT min(rowid) FROM stage.sold GROUP BY ce_id)
UNION ALL BY NAME
SELECT 'RETURN_AUTHORIZATION' AS document_type, -1 AS sign, unnest(record)
FROM stage.returned WHERE rowid IN (SELECT min(rowid) FROM stage.returned GROUP BY ce_id);

CREATE TABLE documents AS
SELECT
    external_id, document_type, command_id, original_order_id AS contract_id, origin.order_id, origin.order_number,
    origin.event_id, origin.customer_id, entity, tran_on, start_on, end_on, currency, total,
    CAST(sign * total AS DECIMAL(28, 6)) AS signed_total, memo, po_number, origin.policy_id, origin.rules_version
FROM stage.document
ORDER BY original_order_id, tran_on, external_id;
COMMENT ON TABLE documents IS 'The documents that NetSuite was asked for, by external id. total is positive on both
 types, signed_total negative on return authorizations; contract_id is custbody_nue_original_orderid.';

CREATE TABLE document_lines AS
SELECT
    external_id, document_type, original_order_id AS contract_id, currency,
    generate_subscripts(lines, 1) AS line, unnest(lines, recursive := true)
FROM stage.document
ORDER BY original_order_id, external_id, line;
COMMENT ON TABLE document_lines IS 'The lines of documents, signed as their document has them.';

CREATE TABLE contracts AS
WITH revenue AS (
    SELECT contract_id, currency, any_value(customer_id) AS customer_id,
        count(*) AS subscriptions, min(start_on) AS start_on,
        CASE WHEN bool_or(end_on IS NULL) THEN NULL ELSE max(end_on) END AS end_on
    FROM subscriptions GROUP BY ALL
), told AS (
    SELECT contract_id, currency, any_value(customer_id) AS customer_id,
        sum(delta_tcv) AS tcv, sum(amount) AS changed,
        min(occurred_at) AS first_at, max(occurred_at) AS last_at, max(known_at) AS last_known_at
    FROM changes GROUP BY ALL
), posted AS (
    SELECT contract_id, currency, any_value(customer_id) AS customer_id,
        count(*) FILTER (document_type = 'SALES_ORDER') AS sales_orders,
        count(*) FILTER (document_type = 'RETURN_AUTHORIZATION') AS return_authorizations,
        sum(signed_total) AS posted, min(tran_on) AS first_document_on, max(tran_on) AS last_document_on
    FROM documents GROUP BY ALL
)
SELECT
    contract_id, coalesce(t.customer_id, p.customer_id) AS customer_id, currency,
    coalesce(r.subscriptions, 0) AS subscriptions, r.start_on, r.end_on,
    coalesce(p.sales_orders, 0) AS sales_orders, coalesce(p.return_authorizations, 0) AS return_authorizations,
    CAST(coalesce(p.posted, 0) AS DECIMAL(28, 6)) AS posted, CAST(coalesce(t.tcv, 0) AS DECIMAL(28, 6)) AS tcv,
    p.first_document_on, p.last_document_on, t.first_at, t.last_at, t.last_known_at
FROM told t
FULL JOIN posted p USING (contract_id, currency)
LEFT JOIN revenue r USING (contract_id, currency)
ORDER BY contract_id, currency;
COMMENT ON TABLE contracts IS 'Each contract, by its anchor, in each of its currencies (nearly always one). posted: its
 sales orders less its return authorizations, one-time lines included. Without end_on a subscription of it runs on.';
