-- The 200 most played tracks, artists and albums of each country, and of all together (**), in each period.
CREATE VIEW gold.area_tops AS
WITH played AS (
    SELECT
        period_kind,
        period_start,
        -- No country is null but where the sum is over all of them.
        coalesce(country, '**') AS area,
        entity_type,
        entity_id,
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
    FROM by_entity('listened_by_kind')
    GROUP BY GROUPING SETS (
        (period_kind, period_start, country, entity_type, entity_id),
        (period_kind, period_start, entity_type, entity_id)
    )
),
ranked AS (
    SELECT
        *,
        row_number() OVER (
            PARTITION BY period_kind, period_start, area, entity_type ORDER BY play_count DESC, entity_id
        ) AS position
    FROM played
    WHERE play_count > 0
)
SELECT
    concat_ws('.', period_kind, period_start) AS slice,
    period_kind,
    period_start,
    area,
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
    clean_played_ms,
    listener_count,
    clean_listener_count
FROM ranked
WHERE position <= 200;
