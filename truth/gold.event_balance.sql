-- Each client's messages by their fate, by its sequence numbers as far as what arrived lets them be known.
CREATE TABLE gold.event_balance AS
WITH marks AS (
    SELECT coalesce(install_id, 'unknown') AS client_id, max(high_water) AS high_water
    FROM log
    WHERE message_number IS NOT NULL AND high_water IS NOT NULL
    GROUP BY ALL
),
-- One row a sequence number, however often it arrived.
numbers AS (
    SELECT
        client_id,
        sequence,
        count(*) AS received,
        count(*) FILTER (verdict = 'accepted') AS accepted,
        count(*) FILTER (verdict = 'duplicate') AS duplicate,
        count(*) FILTER (verdict = 'dead_letter') AS dead_letter,
        count(*) FILTER (verdict = 'replayed') AS replayed
    FROM judged
    GROUP BY ALL
),
-- A client may have nothing that arrived but its mark.
clients AS (
    SELECT
        client_id,
        coalesce(sum(received), 0)::BIGINT AS received,
        coalesce(sum(accepted), 0)::BIGINT AS accepted,
        coalesce(sum(duplicate), 0)::BIGINT AS duplicate,
        coalesce(sum(dead_letter), 0)::BIGINT AS dead_letter,
        coalesce(sum(replayed), 0)::BIGINT AS replayed,
        coalesce(any_value(high_water), 0) AS marked,
        greatest(coalesce(max(sequence) + 1, 0), marked) AS used,
        count(sequence) AS arrived,
        count(sequence) FILTER (sequence < high_water) AS arrived_below_mark
    FROM numbers
    FULL JOIN marks USING (client_id)
    GROUP BY client_id
),
-- What is sent more than once under one number is sent again. Only what lies below the mark is sure to be lost.
sums AS (
    SELECT
        *,
        used + (received - arrived) AS sent,
        marked - arrived_below_mark AS lost,
        (used - arrived) - lost AS pending
    FROM clients
),
stages AS (
    SELECT * REPLACE (received AS accepted, 0 AS duplicate, 0 AS dead_letter, 0 AS replayed), 'bronze' AS stage
    FROM sums
    UNION ALL BY NAME
    SELECT *, 'silver' AS stage
    FROM sums
)
SELECT
    client_id,
    stage,
    sent,
    accepted,
    duplicate,
    dead_letter,
    replayed,
    pending,
    lost,
    sent - accepted - duplicate - dead_letter - replayed - pending - lost AS unaccounted
FROM stages
WHERE sent > 0;
