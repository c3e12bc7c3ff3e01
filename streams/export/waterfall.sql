-- Recurring revenue by month, from the schedules. The ARR of a month is twelve times the mrr in force on its last day;
-- a month's movement is the difference to the month before.

CREATE TABLE arr_movements AS
WITH opened AS (
    -- what was before this system took over is not known: it comes in with the opening balance
    SELECT customer_id, subscription_number, currency, min(effective_on) AS opened_on
    FROM changes WHERE movement = 'OPENING' GROUP BY ALL
), renewed AS (
    SELECT DISTINCT customer_id, subscription_number, currency, CAST(date_trunc('month', effective_on) AS DATE) AS month
    FROM changes WHERE movement = 'RENEWAL'
), parts AS (
    SELECT customer_id, contract_id, subscription_number, currency, 12 * mrr AS arr, end_on,
        greatest(start_on, coalesce(opened_on, start_on)) AS start_on
    FROM segments LEFT JOIN opened USING (customer_id, subscription_number, currency)
    WHERE is_current AND (end_on IS NULL OR opened_on IS NULL OR end_on >= opened_on)
), edges AS (
    SELECT customer_id, contract_id, subscription_number, currency,
        CAST(date_trunc('month', start_on) AS DATE) AS month, arr
    FROM parts
    UNION ALL
    -- gone in the month after its last whole one
    SELECT customer_id, contract_id, subscription_number, currency,
        CAST(date_trunc('month', end_on + 1) AS DATE) AS month, -arr
    FROM parts WHERE end_on IS NOT NULL
    UNION ALL
    SELECT customer_id, contract_id, subscription_number, currency, month, 0 FROM renewed
    JOIN (SELECT DISTINCT customer_id, contract_id, subscription_number, currency FROM parts)
        USING (customer_id, subscription_number, currency)
), deltas AS (
    SELECT customer_id, contract_id, subscription_number, currency, month, sum(arr) AS delta_arr
    FROM edges GROUP BY ALL
), running AS (
    SELECT *, sum(delta_arr) OVER (
        PARTITION BY customer_id, contract_id, subscription_number, currency ORDER BY month
    ) AS arr_after
    FROM deltas
)
SELECT
    r.month, r.customer_id, r.contract_id, r.subscription_number, r.currency,
    CASE
        WHEN arr_after = 0 THEN 'CHURN'
        WHEN n.month IS NOT NULL THEN 'RENEWAL'
        WHEN o.opened_on IS NOT NULL THEN 'OPENING'
        WHEN arr_after = delta_arr THEN 'NEW'
        WHEN delta_arr > 0 THEN 'EXPANSION'
        ELSE 'CONTRACTION'
    END AS movement,
    CAST(arr_after - delta_arr AS DECIMAL(28, 6)) AS arr_before,
    CAST(delta_arr AS DECIMAL(28, 6)) AS delta_arr,
    CAST(arr_after AS DECIMAL(28, 6)) AS arr_after
FROM running r
LEFT JOIN renewed n USING (customer_id, subscription_number, currency, month)
LEFT JOIN opened o ON o.customer_id = r.customer_id AND o.subscription_number = r.subscription_number
    AND o.currency = r.currency AND CAST(date_trunc('month', o.opened_on) AS DATE) = r.month
WHERE delta_arr <> 0 OR (n.month IS NOT NULL AND arr_after <> 0)
ORDER BY month, contract_id, subscription_number;
COMMENT ON TABLE arr_movements IS 'What changes the ARR of a subscription, month by month (month is its first day). A
 RENEWAL may leave it as it is. Months to come show what is contracted: a term that nobody has renewed ends in CHURN.';

CREATE TABLE arr_waterfall AS
WITH months AS (
    SELECT currency, CAST(unnest(generate_series(min(month), max(month), INTERVAL 1 MONTH)) AS DATE) AS month
    FROM arr_movements GROUP BY currency
), moved AS (
    SELECT currency, month,
        sum(delta_arr) FILTER (movement = 'OPENING') AS brought_forward,
        sum(delta_arr) FILTER (movement = 'NEW') AS new,
        sum(delta_arr) FILTER (movement = 'EXPANSION') AS expansion,
        sum(delta_arr) FILTER (movement = 'CONTRACTION') AS contraction,
        sum(delta_arr) FILTER (movement = 'CHURN') AS churn,
        sum(delta_arr) FILTER (movement = 'RENEWAL') AS renewal,
        sum(arr_after) FILTER (movement = 'RENEWAL') AS renewed,
        sum(delta_arr) AS delta
    FROM arr_movements GROUP BY ALL
), running AS (
    SELECT *, coalesce(sum(delta) OVER (PARTITION BY currency ORDER BY month), 0) AS closing
    FROM months LEFT JOIN moved USING (currency, month)
)
SELECT
    currency, month,
    CAST(closing - coalesce(delta, 0) AS DECIMAL(28, 6)) AS opening,
    CAST(coalesce(brought_forward, 0) AS DECIMAL(28, 6)) AS brought_forward,
    CAST(coalesce(new, 0) AS DECIMAL(28, 6)) AS new,
    CAST(coalesce(expansion, 0) AS DECIMAL(28, 6)) AS expansion,
    CAST(coalesce(contraction, 0) AS DECIMAL(28, 6)) AS contraction,
    CAST(coalesce(churn, 0) AS DECIMAL(28, 6)) AS churn,
    CAST(coalesce(renewal, 0) AS DECIMAL(28, 6)) AS renewal,
    CAST(closing AS DECIMAL(28, 6)) AS closing,
    CAST(coalesce(renewed, 0) AS DECIMAL(28, 6)) AS renewed
FROM running
ORDER BY currency, month;
COMMENT ON TABLE arr_waterfall IS 'ARR by month and currency: closing = opening + brought_forward + new + expansion +
 contraction + churn + renewal. renewal is what renewals changed, renewed what they carried on. brought_forward came
 with opening balances.';
