-- The names of what was played, each spelling once; `identity.py` fills in what they mean.
CREATE TABLE spelled AS
SELECT row_number() OVER () AS spelling, *
FROM (SELECT DISTINCT track_id, artist_name, track_title, album_title FROM log);

CREATE TABLE identities (spelling BIGINT, identity VARCHAR, artist_id VARCHAR, album_id VARCHAR, name_id VARCHAR);

-- What the rows of the catalogue name; a row that is refused names nothing.
CREATE TABLE catalogue_identities (
    row_number BIGINT, identity VARCHAR, artist_id VARCHAR, album_id VARCHAR, name_id VARCHAR, genres VARCHAR[]
);
