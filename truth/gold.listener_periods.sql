CREATE VIEW gold.listener_periods AS
WITH heard AS (
    FROM listened_by_share
    JOIN days_of_periods USING (event_date)
),
genres AS (
    SELECT
        period_kind,
        period_start,
        user_id,
        count(DISTINCT genre) AS genre_count,
        count(DISTINCT genre) FILTER (NOT is_flagged) AS clean_genre_count
    FROM heard
    JOIN genres_of_tracks USING (track_id)
    GROUP BY ALL
)
SELECT
    concat_ws('.', period_kind, period_start, any_value(share)) AS slice,
    period_kind,
    period_start,
    heard.user_id::VARCHAR AS user_id,
    total(playback_count) AS playback_count,
    total(play_count) AS play_count,
    total(skip_count) AS skip_count,
    total(played_ms) AS played_ms,
    clean(playback_count, is_flagged) AS clean_playback_count,
    clean(play_count, is_flagged) AS clean_play_count,
    clean(skip_count, is_flagged) AS clean_skip_count,
    clean(played_ms, is_flagged) AS clean_played_ms,
    count(DISTINCT track_id) AS track_count,
    -- Of playbacks whose artist or album is unknown there is none to count.
    count(DISTINCT artist_id) AS artist_count,
    count(DISTINCT album_id) AS album_count,
    count(DISTINCT event_date) AS day_count,
    any_value(coalesce(genres.genre_count, 0)) AS genre_count,
    coalesce(sum(play_count) FILTER (has_genre), 0)::BIGINT AS genre_play_count,
    count(DISTINCT track_id) FILTER (NOT is_flagged) AS clean_track_count,
    count(DISTINCT artist_id) FILTER (NOT is_flagged) AS clean_artist_count,
    count(DISTINCT album_id) FILTER (NOT is_flagged) AS clean_album_count,
    count(DISTINCT event_date) FILTER (NOT is_flagged) AS clean_day_count,
    any_value(coalesce(genres.clean_genre_count, 0)) AS clean_genre_count,
    coalesce(sum(play_count) FILTER (has_genre AND NOT is_flagged), 0)::BIGINT AS clean_genre_play_count
FROM heard
LEFT JOIN genres USING (period_kind, period_start, user_id)
GROUP BY period_kind, period_start, heard.user_id;
