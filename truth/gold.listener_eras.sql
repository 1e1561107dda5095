-- What each listener heard by year of release; 0 is of the tracks of which the catalogue does not say it.
CREATE VIEW gold.listener_eras AS
SELECT
    concat_ws('.', period_kind, period_start, any_value(share)) AS slice,
    period_kind,
    period_start,
    user_id::VARCHAR AS user_id,
    release_year,
    total(playback_count) AS playback_count,
    total(play_count) AS play_count,
    total(skip_count) AS skip_count,
    total(played_ms) AS played_ms,
    clean(playback_count, is_flagged) AS clean_playback_count,
    clean(play_count, is_flagged) AS clean_play_count,
    clean(skip_count, is_flagged) AS clean_skip_count,
    clean(played_ms, is_flagged) AS clean_played_ms
FROM listened_by_share
JOIN days_of_periods USING (event_date)
WHERE period_kind IN ('month', 'year', 'all_time')
GROUP BY period_kind, period_start, listened_by_share.user_id, release_year;
