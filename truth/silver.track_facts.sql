-- What the catalogue knows of each track that was played.
CREATE TABLE silver.track_facts AS
WITH seen AS (
    SELECT
        spellings.identity::VARCHAR AS track_id,
        spellings.artist_id::VARCHAR AS artist_id,
        coalesce(name_id, '') AS name_id,
        coalesce(artist_name, '') AS artist_name,
        coalesce(track_title, '') AS track_title,
        coalesce(album_title, '') AS album_title,
        min(content_type) AS content_type,
        max(occurred_at) AS last_seen_at
    FROM playbacks
    JOIN spellings USING (spelling)
    WHERE content_type <> 'unknown'
    GROUP BY ALL
),
-- The names to show.
shown AS (
    SELECT DISTINCT ON (track_id) *
    FROM seen
    ORDER BY track_id, last_seen_at DESC, artist_name, track_title, album_title
),
by_name AS (
    SELECT name_id, arg_max(release_year, row_number) AS release_year, arg_max(genres, row_number) AS genres
    FROM silver.catalogue_entries
    WHERE entity_type = 'track' AND name_id <> ''
    GROUP BY name_id
),
known AS (
    SELECT
        track_id,
        -- Each from the first that says it.
        coalesce(nullif(itself.release_year, 0), by_name.release_year, 0) AS release_year,
        coalesce(nullif(itself.genres, ''), nullif(by_name.genres, ''), artist.genres, '') AS genres
    FROM shown
    LEFT JOIN silver.catalogue_entries AS itself ON itself.entity_type = 'track' AND itself.entity_id = track_id
    LEFT JOIN by_name ON by_name.name_id = shown.name_id
    LEFT JOIN silver.catalogue_entries AS artist
        ON artist.entity_type = 'artist' AND artist.entity_id = shown.artist_id
    WHERE content_type = 'track'
)
FROM known
WHERE release_year <> 0 OR genres <> '';
