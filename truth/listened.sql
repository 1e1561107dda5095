-- Music by listener, day and local hour: every statistic but the sessions and the names is computed from this.
-- Given: the views of `messages.sql`. `answers.py` sets the variables `share` and `period_kind` before it reads what
-- uses them: the larger answers are computed piece by piece.

-- The first byte of a pseudonym, as hexadecimal digits, without its last three bits.
CREATE MACRO share_of(user_id) AS
    left(user_id::VARCHAR, 1) || if(substr(user_id::VARCHAR, 2, 1) < '8', '0', '8');

-- What the catalogue knows of each track: when it was released, and each of its genres in a row of its own.
CREATE TABLE facts AS
SELECT track_id::entity AS track_id, release_year, genres
FROM silver.track_facts;

CREATE TABLE genres_of_tracks AS
SELECT track_id, unnest(string_split(genres, ';'))::entity AS genre
FROM facts
WHERE genres <> '';

CREATE TABLE listened AS
WITH placed AS (
    SELECT
        music.*,
        -- As microseconds, so that no time zone of the database comes into it.
        make_timestamp(epoch_us(occurred_at) + utc_offset_minutes::BIGINT * 60_000_000) AS local_end,
        flagged.user_id IS NOT NULL AS is_flagged
    FROM music
    LEFT JOIN flagged USING (user_id, event_date)
)
SELECT
    share_of(user_id) AS share,
    event_date,
    user_id,
    country,
    placed.track_id,
    artist_id,
    album_id,
    coalesce(local_end::DATE, event_date) AS local_date,
    coalesce(hour(local_end), -1) AS local_hour,
    count(*) AS playback_count,
    count(*) FILTER (counts_as_play) AS play_count,
    count(*) FILTER (is_skip) AS skip_count,
    sum(ms_played)::BIGINT AS played_ms,
    is_flagged,
    coalesce(facts.release_year, 0) AS release_year,
    coalesce(facts.genres, '') <> '' AS has_genre
FROM placed
JOIN spellings USING (spelling)
LEFT JOIN facts ON facts.track_id = placed.track_id
GROUP BY ALL;

-- What is known of a day is part of each of these periods.
CREATE TABLE days_of_periods AS
WITH days AS (
    SELECT DISTINCT event_date
    FROM listened
)
SELECT
    event_date,
    unnest(['week', 'month', 'quarter', 'half_year', 'year', 'all_time']) AS period_kind,
    unnest([
        date_trunc('week', event_date)::DATE,
        date_trunc('month', event_date)::DATE,
        date_trunc('quarter', event_date)::DATE,
        make_date(year(event_date), if(month(event_date) <= 6, 1, 7), 1),
        date_trunc('year', event_date)::DATE,
        DATE '1970-01-01'
    ]) AS period_start
FROM days;

-- The same with a row for each of the three that a playback is of; whose artist or album is unknown has none. And with
-- one for each genre that the catalogue knows of the track.
CREATE MACRO by_entity(playbacks) AS TABLE
SELECT * EXCLUDE (track_id, artist_id, album_id)
FROM (
    SELECT
        *,
        unnest(['track', 'artist', 'album']) AS entity_type,
        unnest([track_id, artist_id, album_id]) AS entity_id
    FROM query_table(playbacks)
)
WHERE entity_id IS NOT NULL
UNION ALL BY NAME
SELECT * EXCLUDE (track_id, artist_id, album_id, genre), 'genre' AS entity_type, genre AS entity_id
FROM query_table(playbacks)
JOIN genres_of_tracks USING (track_id);

-- Of one share of the listeners.
CREATE VIEW listened_by_share AS
FROM listened
WHERE share = getvariable('share');

-- Of all listeners in periods of one kind.
CREATE VIEW listened_by_kind AS
FROM listened
JOIN days_of_periods USING (event_date)
WHERE period_kind = getvariable('period_kind');

-- Sums of cells, and of those cells on whose days the listener is not flagged.
CREATE MACRO total(amount) AS sum(amount)::BIGINT;
CREATE MACRO clean(amount, is_flagged) AS coalesce(sum(amount) FILTER (NOT is_flagged), 0)::BIGINT;
