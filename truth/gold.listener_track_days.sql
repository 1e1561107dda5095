CREATE VIEW gold.listener_track_days AS
SELECT
    concat_ws('.', 'month', date_trunc('month', event_date)::DATE, share) AS slice,
    event_date,
    user_id::VARCHAR AS user_id,
    country,
    track_id::VARCHAR AS track_id,
    coalesce(artist_id::VARCHAR, '') AS artist_id,
    coalesce(album_id::VARCHAR, '') AS album_id,
    local_date,
    local_hour::INTEGER AS local_hour,
    playback_count,
    play_count,
    skip_count,
    played_ms,
    is_flagged,
    listened_by_share.release_year,
    coalesce(genres, '') AS genres
FROM listened_by_share
LEFT JOIN facts USING (track_id);
