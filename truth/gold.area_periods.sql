CREATE VIEW gold.area_periods AS
SELECT
    concat_ws('.', period_kind, period_start) AS slice,
    period_kind,
    period_start,
    -- No country is null but where the sum is over all of them.
    coalesce(country, '**') AS area,
    total(playback_count) AS playback_count,
    total(play_count) AS play_count,
    total(skip_count) AS skip_count,
    total(played_ms) AS played_ms,
    clean(playback_count, is_flagged) AS clean_playback_count,
    clean(play_count, is_flagged) AS clean_play_count,
    clean(skip_count, is_flagged) AS clean_skip_count,
    clean(played_ms, is_flagged) AS clean_played_ms,
    count(DISTINCT user_id) AS listener_count,
    count(DISTINCT user_id) FILTER (NOT is_flagged) AS clean_listener_count,
    count(DISTINCT track_id) AS track_count,
    coalesce(sum(play_count) FILTER (has_genre), 0)::BIGINT AS genre_play_count,
    count(DISTINCT track_id) FILTER (NOT is_flagged) AS clean_track_count,
    coalesce(sum(play_count) FILTER (has_genre AND NOT is_flagged), 0)::BIGINT AS clean_genre_play_count
FROM listened_by_kind
GROUP BY GROUPING SETS ((period_kind, period_start, country), (period_kind, period_start));
