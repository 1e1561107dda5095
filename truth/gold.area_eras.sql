-- What was heard by year of release in each country, and in all together (**).
CREATE VIEW gold.area_eras AS
SELECT
    concat_ws('.', period_kind, period_start) AS slice,
    period_kind,
    period_start,
    -- No country is null but where the sum is over all of them.
    coalesce(country, '**') AS area,
    release_year,
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
FROM listened_by_kind
WHERE period_kind IN ('month', 'year', 'all_time')
GROUP BY GROUPING SETS ((period_kind, period_start, country, release_year), (period_kind, period_start, release_year));
