-- What became of each message, and what it means: every answer is computed from these.
-- Given: log (a row a message or mark), replayed (faults whose dead letters were brought back), merged (events that are
-- counted with another one), and what `spellings.sql` made of the names.

-- Playbacks that reached Kafka; marks are none. `arrival` is their order.
CREATE VIEW arrived AS
SELECT message_number AS arrival, coalesce(install_id, 'unknown') AS client_id, * EXCLUDE (message_number, high_water)
FROM log
WHERE message_number IS NOT NULL AND high_water IS NULL;

-- Dead letters that came back: after all others, and nothing is wrong with them.
CREATE VIEW brought_back AS
SELECT arrival + (SELECT max(arrival) + 1 FROM arrived) AS arrival, * EXCLUDE (arrival) REPLACE (NULL AS reason)
FROM arrived
WHERE reason IS NOT NULL AND fault IN (FROM replayed);

CREATE VIEW messages AS
FROM arrived
UNION ALL BY NAME
FROM brought_back;

-- Of several valid messages of one playback the first to arrive is accepted.
CREATE TABLE firsts AS
SELECT event_id, min(arrival) AS first_arrival
FROM messages
WHERE reason IS NULL AND event_id IS NOT NULL
GROUP BY event_id;

CREATE VIEW judged AS
SELECT
    messages.*,
    CASE
        WHEN reason IS NOT NULL AND fault IN (FROM replayed) THEN 'replayed'
        WHEN reason IS NOT NULL THEN 'dead_letter'
        WHEN arrival > first_arrival THEN 'duplicate'
        ELSE 'accepted'
    END AS verdict
FROM messages
LEFT JOIN firsts USING (event_id);

-- Texts that repeat over and over are kept as enumerations: the same values in the same order, but small.
-- Tracks, artists, albums and genres are one, so that they can stand in one column.
CREATE TYPE entity AS ENUM (
    SELECT DISTINCT entity_id
    FROM (
        SELECT unnest([identity, artist_id, album_id]) AS entity_id FROM identities
        UNION ALL
        SELECT unnest(genres) FROM catalogue_identities
    )
    WHERE entity_id IS NOT NULL
    ORDER BY entity_id
);
CREATE TYPE listener AS ENUM (SELECT DISTINCT user_id FROM log WHERE user_id IS NOT NULL ORDER BY user_id);

CREATE TABLE spellings AS
SELECT
    spelled.*,
    identity::entity AS identity,
    artist_id::entity AS artist_id,
    album_id::entity AS album_id,
    name_id
FROM spelled
JOIN identities USING (spelling);

-- What valid messages mean: dates in UTC, rules v1, tracks by identity.
CREATE VIEW meant AS
SELECT
    judged.* EXCLUDE (track_id, country, content_type),
    spelling,
    identity AS track_id,
    coalesce(country, 'ZZ') AS country,
    if(identity IS NULL, 'unknown', content_type) AS content_type,
    occurred_at::DATE AS event_date,
    ms_played >= 30000 AS counts_as_play,
    CASE outcome WHEN 'skip' THEN true WHEN 'play' THEN false ELSE ms_played < 30000 END AS is_skip
FROM judged
JOIN spellings
    ON spellings.track_id IS NOT DISTINCT FROM judged.track_id
    AND spellings.artist_name IS NOT DISTINCT FROM judged.artist_name
    AND spellings.track_title IS NOT DISTINCT FROM judged.track_title
    AND spellings.album_title IS NOT DISTINCT FROM judged.album_title
WHERE verdict IN ('accepted', 'duplicate');

CREATE TABLE playbacks AS
SELECT
    event_id,
    event_date,
    occurred_at,
    utc_offset_minutes,
    user_id::listener AS user_id,
    country,
    spelling,
    track_id,
    content_type,
    counts_as_play,
    is_skip,
    ms_played
FROM meant
WHERE verdict = 'accepted';

-- Which of two events of one playback is not counted is no fact of the log: whoever asks says it.
CREATE VIEW music AS
FROM playbacks
WHERE content_type = 'track' AND (event_id IS NULL OR event_id NOT IN (FROM merged));

-- Listeners on days (UTC) on which they seem to be no people: the daily counts need them as all statistics do.
CREATE TABLE flagged AS
SELECT user_id, event_date
FROM music
GROUP BY user_id, event_date
HAVING sum(ms_played) > 86_400_000 OR (count(*) >= 200 AND sum(ms_played) < 45_000 * count(*));
