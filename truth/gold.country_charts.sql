-- The 100 most played tracks of each country in the 7 and 28 days that end on the last day of any country.
CREATE TABLE gold.country_charts AS
WITH windows AS (
    SELECT unnest([7, 28]) AS window_days, (SELECT max(event_date) FROM gold.daily_track_plays) AS chart_date
),
played AS (
    SELECT
        country,
        window_days,
        chart_date,
        track_id,
        sum(play_count)::BIGINT AS play_count,
        sum(played_ms)::BIGINT AS played_ms,
        sum(clean_play_count)::BIGINT AS clean_play_count,
        sum(clean_played_ms)::BIGINT AS clean_played_ms
    FROM gold.daily_track_plays
    JOIN windows ON event_date > chart_date - window_days
    GROUP BY country, window_days, chart_date, track_id
),
ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY country, window_days ORDER BY play_count DESC, track_id) AS position
    FROM played
    WHERE play_count > 0
),
-- The names to show are those seen last, over the whole history and in any country.
seen AS (
    SELECT spelling, max(occurred_at) AS last_seen_at
    FROM playbacks
    WHERE content_type <> 'unknown'
    GROUP BY spelling
),
shown AS (
    SELECT DISTINCT ON (identity)
        identity::VARCHAR AS track_id,
        coalesce(artist_name, '') AS artist_name,
        coalesce(track_title, '') AS track_title
    FROM seen
    JOIN spellings USING (spelling)
    ORDER BY identity, last_seen_at DESC, coalesce(artist_name, ''), coalesce(track_title, ''), coalesce(album_title, '')
)
SELECT
    country,
    window_days,
    position::INTEGER AS position,
    chart_date,
    track_id,
    artist_name,
    track_title,
    play_count,
    played_ms,
    clean_play_count,
    clean_played_ms
FROM ranked
JOIN shown USING (track_id)
WHERE position <= 100;
