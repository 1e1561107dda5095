-- What the catalogue says of each track, and of each artist that has a row without a track: the last row stands.
CREATE TABLE silver.catalogue_entries AS
SELECT
    if(identity IS NULL, 'artist', 'track') AS entity_type,
    coalesce(identity, artist_id) AS entity_id,
    coalesce(name_id, '') AS name_id,
    coalesce(artist_id, '') AS artist_id,
    coalesce(album_id, '') AS album_id,
    coalesce(release_year, 0) AS release_year,
    array_to_string(catalogue_identities.genres, ';') AS genres,
    row_number
FROM catalogue_identities
JOIN catalogue USING (row_number)
QUALIFY row_number = max(row_number) OVER (PARTITION BY identity IS NULL, coalesce(identity, artist_id));
