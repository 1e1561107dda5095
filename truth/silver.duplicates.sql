-- A conflict says anything else under the same event id than the message that was accepted.
CREATE TABLE silver.duplicates AS
WITH told AS (
    SELECT
        event_id,
        arrival,
        verdict,
        row(
            user_id, install_id, sequence, occurred_at, country, track_id, artist_name, track_title, album_title,
            content_type, outcome, ms_played
        ) AS content
    FROM meant
    WHERE event_id IS NOT NULL
),
compared AS (
    SELECT
        verdict,
        content,
        first_value(content) OVER (PARTITION BY event_id ORDER BY arrival) AS accepted_content
    FROM told
)
SELECT
    count(*) AS count,
    count(*) FILTER (content IS DISTINCT FROM accepted_content) AS conflict_count
FROM compared
WHERE verdict = 'duplicate';
