-- The month is part of every partition: what is played in the next one never belongs to a session of this one.
CREATE VIEW gold.listener_sessions AS
WITH played AS (
    SELECT
        user_id,
        date_trunc('month', event_date)::DATE AS month,
        epoch_us(occurred_at) AS ended_us,
        epoch_us(occurred_at) - ms_played * 1_000 AS started_us,
        event_id,
        track_id,
        counts_as_play,
        is_skip,
        ms_played
    FROM music
),
-- The log leaves out event ids where no two playbacks of the listener can end at the same moment.
begun AS (
    SELECT
        *,
        coalesce(started_us - lag(ended_us) OVER in_order > 1_800_000_000, true) AS is_first
    FROM played
    WINDOW in_order AS (PARTITION BY user_id, month ORDER BY ended_us, event_id)
),
numbered AS (
    SELECT
        *,
        count(*) FILTER (is_first) OVER (
            PARTITION BY user_id, month ORDER BY ended_us, event_id ROWS UNBOUNDED PRECEDING
        ) AS session
    FROM begun
),
sessions AS (
    SELECT
        user_id,
        month,
        min(ended_us) AS first_ended_us,
        make_timestamp(first_ended_us)::DATE AS event_date,
        any_value(started_us) FILTER (is_first) AS started_us,
        max(ended_us) AS last_ended_us,
        count(*) AS playback_count,
        count(*) FILTER (counts_as_play) AS play_count,
        count(*) FILTER (is_skip) AS skip_count,
        sum(ms_played)::BIGINT AS played_ms,
        count(DISTINCT track_id) AS track_count
    FROM numbered
    GROUP BY user_id, month, session
)
SELECT
    concat_ws('.', 'month', month, share_of(sessions.user_id)) AS slice,
    event_date,
    sessions.user_id::VARCHAR AS user_id,
    make_timestamptz(first_ended_us) AS first_ended_at,
    make_timestamptz(started_us) AS started_at,
    make_timestamptz(last_ended_us) AS ended_at,
    playback_count,
    play_count,
    skip_count,
    played_ms,
    track_count,
    flagged.user_id IS NOT NULL AS is_flagged
FROM sessions
LEFT JOIN flagged USING (user_id, event_date);
