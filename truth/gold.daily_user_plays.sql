CREATE TABLE gold.daily_user_plays AS
SELECT
    event_date,
    user_id::VARCHAR AS user_id,
    count(*) AS playback_count,
    count(*) FILTER (counts_as_play) AS play_count,
    count(*) FILTER (is_skip) AS skip_count,
    count(DISTINCT track_id) AS track_count,
    sum(ms_played)::BIGINT AS played_ms
FROM music
GROUP BY event_date, music.user_id;
