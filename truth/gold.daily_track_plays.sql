CREATE TABLE gold.daily_track_plays AS
SELECT
    event_date,
    country,
    track_id::VARCHAR AS track_id,
    count(*) AS playback_count,
    count(*) FILTER (counts_as_play) AS play_count,
    count(*) FILTER (is_skip) AS skip_count,
    count(DISTINCT user_id) AS listener_count,
    sum(ms_played)::BIGINT AS played_ms
FROM music
GROUP BY event_date, country, music.track_id;
