CREATE TABLE gold.daily_track_plays AS
SELECT
    event_date,
    country,
    track_id::VARCHAR AS track_id,
    count(*) AS playback_count,
    count(*) FILTER (counts_as_play) AS play_count,
    count(*) FILTER (is_skip) AS skip_count,
    count(DISTINCT user_id) AS listener_count,
    sum(ms_played)::BIGINT AS played_ms,
    count(*) FILTER (flagged.user_id IS NULL) AS clean_playback_count,
    count(*) FILTER (counts_as_play AND flagged.user_id IS NULL) AS clean_play_count,
    count(*) FILTER (is_skip AND flagged.user_id IS NULL) AS clean_skip_count,
    coalesce(sum(ms_played) FILTER (flagged.user_id IS NULL), 0)::BIGINT AS clean_played_ms,
    count(DISTINCT user_id) FILTER (flagged.user_id IS NULL) AS clean_listener_count
FROM music
LEFT JOIN flagged USING (user_id, event_date)
GROUP BY event_date, country, music.track_id;
