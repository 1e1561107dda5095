-- The 200 most played tracks, artists, albums and genres of each country, and of all together (**), in each period.
CREATE VIEW gold.area_tops AS
WITH heard AS (
    SELECT
        period_kind,
        period_start,
        unnest([country, '**']) AS area,
        entity_type,
        entity_id,
        user_id,
        is_flagged,
        playback_count,
        play_count,
        skip_count,
        played_ms
    FROM by_entity('listened_by_kind')
),
-- A row a listener, so that they are counted as rows: sets of them in each cell could be more than memory holds.
heard_by_listeners AS (
    SELECT
        period_kind,
        period_start,
        area,
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
    FROM heard
    GROUP BY period_kind, period_start, area, entity_type, entity_id, user_id
),
played AS (
    SELECT
        period_kind,
        period_start,
        area,
        entity_type,
        entity_id,
        total(playback_count) AS playback_count,
        total(play_count) AS play_count,
        total(skip_count) AS skip_count,
        total(played_ms) AS played_ms,
        total(clean_playback_count) AS clean_playback_count,
        total(clean_play_count) AS clean_play_count,
        total(clean_skip_count) AS clean_skip_count,
        total(clean_played_ms) AS clean_played_ms,
        count(*) AS listener_count,
        count(*) FILTER (clean_playback_count > 0) AS clean_listener_count
    FROM heard_by_listeners
    GROUP BY period_kind, period_start, area, entity_type, entity_id
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
