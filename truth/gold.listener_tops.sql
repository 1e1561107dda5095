-- The 100 most played tracks, artists, albums and genres of each listener in each period.
CREATE VIEW gold.listener_tops AS
WITH played AS (
    SELECT
        share,
        period_kind,
        period_start,
        user_id,
        entity_type,
        entity_id,
        total(playback_count) AS playback_count,
        total(play_count) AS play_count,
        total(skip_count) AS skip_count,
        total(played_ms) AS played_ms,
        clean(playback_count, is_flagged) AS clean_playback_count,
        clean(play_count, is_flagged) AS clean_play_count,
        clean(skip_count, is_flagged) AS clean_skip_count,
        clean(played_ms, is_flagged) AS clean_played_ms
    FROM by_entity('listened_by_share')
    JOIN days_of_periods USING (event_date)
    GROUP BY share, period_kind, period_start, user_id, entity_type, entity_id
),
ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY period_kind, period_start, user_id, entity_type ORDER BY play_count DESC, entity_id
        ) AS position
    FROM played
    WHERE play_count > 0
)
SELECT
    concat_ws('.', period_kind, period_start, share) AS slice,
    period_kind,
    period_start,
    user_id::VARCHAR AS user_id,
    entity_type,
    position::INTEGER AS position,
    entity_id::VARCHAR AS entity_id,
    playback_count,
    play_count,
    skip_count,
    played_ms,
    clean_playback_count,
    clean_play_count,
    clean_skip_count,
    clean_played_ms
FROM ranked
WHERE position <= 100;
