-- Years of listeners, of one share: numbers of the whole year, and what was played most in it.
CREATE VIEW gold.year_in_music AS
WITH heard AS (
    SELECT *, date_trunc('year', event_date)::DATE AS period_start
    FROM listened_by_share
),
active AS (
    SELECT DISTINCT user_id, period_start, event_date, is_flagged
    FROM heard
),
-- Of each day in a row the number within it: once of all days, once of those that are not flagged.
streaks AS (
    SELECT user_id, period_start, is_clean, max(days) AS days
    FROM (
        SELECT user_id, period_start, is_clean, count(*) AS days
        FROM (
            SELECT *, sum(is_first) OVER (PARTITION BY user_id, period_start, is_clean ORDER BY event_date) AS streak
            FROM (
                SELECT
                    user_id,
                    period_start,
                    event_date,
                    is_clean,
                    if(
                        event_date - lag(event_date) OVER (
                            PARTITION BY user_id, period_start, is_clean ORDER BY event_date
                        ) = 1,
                        0,
                        1
                    ) AS is_first
                FROM active
                CROSS JOIN (VALUES (true), (false)) AS sides(is_clean)
                WHERE NOT (is_clean AND is_flagged)
            )
        )
        GROUP BY user_id, period_start, is_clean, streak
    )
    GROUP BY user_id, period_start, is_clean
),
firsts AS (
    SELECT
        playbacks.user_id,
        entity_type,
        playbacks.entity_id,
        date_trunc('year', min(event_date))::DATE AS first_year,
        date_trunc('year', min(event_date) FILTER (NOT is_flagged))::DATE AS clean_first_year
    FROM by_entity('listened_by_share') AS playbacks
    WHERE play_count > 0
    GROUP BY playbacks.user_id, entity_type, playbacks.entity_id
),
totals AS (
    SELECT
        user_id,
        period_start,
        total(played_ms) AS played_ms,
        clean(played_ms, is_flagged) AS clean_played_ms,
        total(play_count) AS plays,
        clean(play_count, is_flagged) AS clean_plays,
        total(skip_count) AS skips,
        clean(skip_count, is_flagged) AS clean_skips,
        total(playback_count) AS playbacks,
        clean(playback_count, is_flagged) AS clean_playbacks,
        count(DISTINCT track_id) AS tracks,
        count(DISTINCT track_id) FILTER (NOT is_flagged) AS clean_tracks,
        count(DISTINCT artist_id) AS artists,
        count(DISTINCT artist_id) FILTER (NOT is_flagged) AS clean_artists,
        count(DISTINCT album_id) AS albums,
        count(DISTINCT album_id) FILTER (NOT is_flagged) AS clean_albums,
        count(DISTINCT event_date) AS days,
        count(DISTINCT event_date) FILTER (NOT is_flagged) AS clean_days
    FROM heard
    GROUP BY user_id, period_start
),
genres AS (
    SELECT
        user_id,
        period_start,
        count(DISTINCT genre) AS genres,
        count(DISTINCT genre) FILTER (NOT is_flagged) AS clean_genres
    FROM heard
    JOIN genres_of_tracks USING (track_id)
    GROUP BY user_id, period_start
),
-- Of each play how many years have gone by since the release, as far as that is known; half of the plays, or more, are
-- so old at least.
ages AS (
    SELECT
        user_id,
        period_start,
        is_clean,
        greatest(year(period_start) - min(release_year) FILTER (2 * plays_until >= all_plays), 0) AS age
    FROM (
        SELECT
            *,
            sum(plays) OVER (PARTITION BY user_id, period_start, is_clean ORDER BY release_year) AS plays_until,
            sum(plays) OVER (PARTITION BY user_id, period_start, is_clean) AS all_plays
        FROM (
            SELECT user_id, period_start, is_clean, release_year, sum(play_count) AS plays
            FROM heard
            CROSS JOIN (VALUES (true), (false)) AS sides(is_clean)
            WHERE release_year > 0 AND play_count > 0 AND NOT (is_clean AND is_flagged)
            GROUP BY ALL
        )
    )
    GROUP BY user_id, period_start, is_clean
),
numbers AS (
    SELECT user_id, period_start, unnest([
        {module: 'played_ms', value: played_ms, clean_value: clean_played_ms},
        {module: 'plays', value: plays, clean_value: clean_plays},
        {module: 'tracks', value: tracks, clean_value: clean_tracks},
        {module: 'artists', value: artists, clean_value: clean_artists},
        {module: 'albums', value: albums, clean_value: clean_albums},
        {module: 'active_days', value: days, clean_value: clean_days},
        {
            module: 'skips_permille',
            value: skips * 1000 // playbacks,
            clean_value: coalesce(clean_skips * 1000 // nullif(clean_playbacks, 0), 0)
        }
    ], recursive := true)
    FROM totals
    UNION ALL
    SELECT
        user_id,
        period_start,
        'longest_streak_days',
        max(days) FILTER (NOT is_clean),
        coalesce(max(days) FILTER (is_clean), 0)
    FROM streaks
    GROUP BY user_id, period_start
    UNION ALL
    SELECT
        totals.user_id,
        period_start,
        'new_' || kind || 's',
        count(*) FILTER (first_year = period_start),
        count(*) FILTER (clean_first_year = period_start)
    FROM totals
    CROSS JOIN (VALUES ('track'), ('artist'), ('album'), ('genre')) AS kinds(kind)
    LEFT JOIN firsts ON firsts.user_id = totals.user_id AND entity_type = kind
    GROUP BY totals.user_id, period_start, kind
    UNION ALL
    SELECT user_id, period_start, 'genres', coalesce(genres, 0), coalesce(clean_genres, 0)
    FROM totals
    LEFT JOIN genres USING (user_id, period_start)
    UNION ALL
    SELECT
        user_id,
        period_start,
        'musical_age',
        max(age) FILTER (NOT is_clean),
        coalesce(max(age) FILTER (is_clean), 0)
    FROM ages
    GROUP BY user_id, period_start
),
-- What is ranked by plays, each under its module, with the number of places.
candidates AS (
    SELECT 'top_' || entity_type || 's' AS module, 5 AS places, user_id, event_date, entity_type,
        entity_id::VARCHAR AS entity_id, play_count, is_flagged
    FROM by_entity('listened_by_share')
    UNION ALL
    SELECT 'top_discovery', 1, playbacks.user_id, event_date, 'artist', playbacks.entity_id::VARCHAR, play_count, is_flagged
    FROM by_entity('listened_by_share') AS playbacks
    JOIN firsts USING (user_id, entity_type, entity_id)
    WHERE entity_type = 'artist' AND first_year = date_trunc('year', event_date)
    UNION ALL
    SELECT 'top_decades', 5, user_id, event_date, 'decade', (release_year // 10 * 10)::VARCHAR, play_count, is_flagged
    FROM listened_by_share
    WHERE release_year > 0
    UNION ALL
    SELECT 'top_weekday', 1, user_id, event_date, 'weekday', isodow(local_date)::VARCHAR, play_count, is_flagged
    FROM listened_by_share
    WHERE local_hour >= 0
    UNION ALL
    SELECT 'top_hour', 1, user_id, event_date, 'hour', format('{:02d}', local_hour), play_count, is_flagged
    FROM listened_by_share
    WHERE local_hour >= 0
    UNION ALL
    SELECT 'top_month', 1, user_id, event_date, 'month', strftime(event_date, '%Y-%m'), play_count, is_flagged
    FROM listened_by_share
    UNION ALL
    SELECT 'busiest_day', 1, user_id, event_date, 'day', strftime(event_date, '%Y-%m-%d'), play_count, is_flagged
    FROM listened_by_share
),
ranked AS (
    SELECT *, row_number() OVER (PARTITION BY user_id, period_start, module ORDER BY plays DESC, entity_id) AS position
    FROM (
        SELECT
            user_id,
            date_trunc('year', event_date)::DATE AS period_start,
            module,
            places,
            entity_type,
            entity_id,
            total(play_count) AS plays,
            clean(play_count, is_flagged) AS clean_plays
        FROM candidates
        GROUP BY ALL
    )
    WHERE plays > 0
),
repeated AS (
    SELECT
        user_id,
        date_trunc('year', event_date)::DATE AS period_start,
        track_id::VARCHAR AS track_id,
        event_date,
        total(play_count) AS plays,
        clean(play_count, is_flagged) AS clean_plays
    FROM listened_by_share
    GROUP BY ALL
),
together AS (
    SELECT user_id, period_start, module, 1 AS position, '' AS entity_type, '' AS entity_id, value, clean_value
    FROM numbers
    UNION ALL
    SELECT user_id, period_start, module, position, entity_type, entity_id, plays, clean_plays
    FROM ranked
    WHERE position <= places
    UNION ALL
    SELECT user_id, period_start, 'most_repeated_track_in_a_day', 1, 'track', track_id, plays, clean_plays
    FROM repeated
    WHERE plays > 0
    QUALIFY row_number() OVER (PARTITION BY user_id, period_start ORDER BY plays DESC, track_id, event_date) = 1
)
SELECT
    concat_ws('.', 'year', period_start, share_of(user_id)) AS slice,
    period_start,
    user_id::VARCHAR AS user_id,
    module,
    position::INTEGER AS position,
    entity_type,
    entity_id,
    value::BIGINT AS value,
    clean_value::BIGINT AS clean_value
FROM together;
