-- The positions of each day, and how each track came there.
CREATE VIEW gold.daily_charts AS
WITH followed AS (
    SELECT
        *,
        lag(event_date) OVER so_far AS previous_date,
        lag(position) OVER so_far AS position_there,
        min(position) OVER so_far AS peak_position,
        count(*) OVER so_far AS days_on_chart
    FROM gold.daily_tops
    WINDOW so_far AS (PARTITION BY area, track_id ORDER BY event_date ROWS UNBOUNDED PRECEDING)
)
SELECT
    event_date,
    area,
    position,
    track_id,
    -- A track that was away has none, however high it stood before.
    if(previous_date = event_date - 1, position_there, NULL) AS previous_position,
    peak_position,
    days_on_chart,
    count(*) FILTER (previous_date IS NULL OR date_trunc('week', previous_date) < date_trunc('week', event_date)) OVER (
        PARTITION BY area, track_id ORDER BY event_date ROWS UNBOUNDED PRECEDING
    ) AS weeks_on_chart,
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
FROM followed;
