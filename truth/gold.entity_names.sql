-- The names to show of tracks, artists, albums and genres: of all spellings the one that was seen last.
CREATE VIEW gold.entity_names AS
WITH seen AS (
    SELECT spelling, max(content_type) AS content_type, max(occurred_at) AS last_seen_at
    FROM playbacks
    WHERE content_type <> 'unknown'
    GROUP BY spelling
),
-- Names that differ in nothing but how their absence is written are one. What was a track anywhere is music.
named AS (
    SELECT
        identity AS track_id,
        artist_id,
        album_id,
        coalesce(artist_name, '') AS artist_name,
        coalesce(track_title, '') AS track_title,
        coalesce(album_title, '') AS album_title,
        max(last_seen_at) AS last_seen_at
    FROM seen
    JOIN spellings USING (spelling)
    GROUP BY ALL
    HAVING max(content_type) = 'track'
),
entities AS (
    SELECT
        *,
        unnest(['track', 'artist', 'album']) AS entity_type,
        unnest([track_id, artist_id, album_id]) AS entity_id,
        unnest([track_title, artist_name, album_title]) AS entity_name
    FROM named
),
shown AS (
    SELECT DISTINCT ON (entity_type, entity_id)
        entity_type,
        entity_id::VARCHAR AS entity_id,
        entity_name,
        artist_name
    FROM entities
    WHERE entity_id IS NOT NULL
    ORDER BY entity_type, entities.entity_id, last_seen_at DESC, artist_name, track_title, album_title, track_id
)
FROM shown
UNION ALL
-- A genre is its name; those are known that a track has which was played.
SELECT DISTINCT 'genre', genre::VARCHAR, genre::VARCHAR, ''
FROM genres_of_tracks;
