-- The 100 most played tracks of each day in each country, and in all together (**).
CREATE TABLE gold.daily_tops AS
WITH played AS (
    SELECT
        event_date,
        -- No country is null but where the sum is over all of them.
        coalesce(country, '**') AS area,
        track_id,
        total(playback_count) AS playback_count,
        total(play_count) AS play_count,
        total(skip_count) AS skip_count,
        total(played_ms) AS played_ms,
        clean(playback_count, is_flagged) AS clean_playback_count,
        clean(play_count, is_flagged) AS clean_play_count,
        clean(skip_count, is_flagged) AS clean_skip_count,
        clean(played_ms, is_flagged) AS clean_played_ms,
        count(DISTINCT user_id) AS listener_count,
        count(DISTINCT user_id) FILTER (NOT is_flagged) AS clean_listener_count
    FROM listened
    GROUP BY GROUPING SETS ((event_date, country, track_id), (event_date, track_id))
),
ranked AS (
    SELECT
        *,
        row_number() OVER (PARTITION BY event_date, area ORDER BY play_count DESC, track_id) AS position
    FROM played
    WHERE play_count > 0
)
SELECT
    concat_ws('.', 'month', date_trunc('month', event_date)::DATE) AS slice,
    event_date,
    area,
    position::INTEGER AS position,
    track_id::VARCHAR AS track_id,
    playback_count,
    play_count,
    skip_count,
    played_ms,
    clean_playback_count,
    clean_play_count,
    clean_skip_count,
    clean_played_ms,
    listener_count,
    clean_listener_count
FROM ranked
WHERE position <= 100;
