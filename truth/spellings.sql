-- The names of what was played, each spelling once; `identity.py` fills in what they mean.
CREATE TABLE spelled AS
SELECT row_number() OVER () AS spelling, *
FROM (SELECT DISTINCT track_id, artist_name, track_title, album_title FROM log);

CREATE TABLE identities (spelling BIGINT, identity VARCHAR, artist_id VARCHAR, album_id VARCHAR);
