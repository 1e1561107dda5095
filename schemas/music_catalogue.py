"""What the feed of the service's own catalogue says of music: genres and the year of release, which no playback tells.

The feed is a whole snapshot. Its rows stand in bronze as they came, in silver as what they name, and then by the tracks
that were played.
"""

from schemas.checks import Between, InSet, Matches
from schemas.counts import TRACK_ID
from schemas.model import Field, ReplaceAll, Snapshot, Table, Warehouse

BETWEEN_GENRES = ";"
"""No name of a genre has it: in a feed it separates two."""

FIRST_YEAR, LAST_YEAR = 1860, 2100
"""Of releases: nothing was recorded earlier."""

MAX_GENRES, MAX_GENRE_LENGTH = 32, 100
"""Of one row, and in characters."""

REASONS = {
    "no_object": "no JSON object, no row of as many fields as the file has columns, or no text in UTF-8",
    "bad_text": "an id, a name or a title that is no text, or is too long",
    "nothing_named": "neither a track (an id or a title) nor an artist is named",
    "bad_release": f"no year, month or day from {FIRST_YEAR} to {LAST_YEAR} where one should be",
    "bad_genres": f"no list of texts, more than {MAX_GENRES}, or one of more than {MAX_GENRE_LENGTH} characters",
}
"""Why a row of a feed is no entry of the catalogue."""

RELEASE_YEAR = Field("release_year", "int", "Year of the release; 0 where the catalogue does not say.")
GENRES = Field(
    "genres", "string", f"Genres in normalised spelling and order, with {BETWEEN_GENRES} between; empty where unknown."
)
_IS_YEAR = Between("release_year", 0, LAST_YEAR)

CATALOGUE_ROWS = Table(
    layer="bronze",
    name="catalogue_rows",
    description="Every row of the feed of the service's catalogue as it came, good or bad; of the last feed only.",
    grain="one row per row of the feed",
    key=("row_number",),
    refresh=Snapshot(),
    fields=(
        Field(
            "row_number", "long", "Number of the row, from 1, over the files of the feed in the order of their names."
        ),
        Field("file", "string", "Name of the file."),
        Field("track_id", "string", "Id of the track as the row says it.", nullable=True),
        Field("artist_name", "string", "Artist as the row says it.", nullable=True),
        Field("track_title", "string", "Title of the track as the row says it.", nullable=True),
        Field("album_title", "string", "Title of the album as the row says it.", nullable=True),
        Field("release_date", "string", "Year, month or day of the release, as ISO 8601.", nullable=True),
        Field("genres", "string", f"Genres as the row says them, with {BETWEEN_GENRES} between.", nullable=True),
        Field("reason", "string", f"Why it is no entry ({', '.join(REASONS)}); null: it is one.", nullable=True),
        Field(
            "original", "string", "Of a row that is no entry: the row as it stood, as far as it fits.", nullable=True
        ),
    ),
    checks=(Between("row_number", 1), InSet("reason", tuple(REASONS))),
)

CATALOGUE_ENTRIES = Table(
    layer="silver",
    name="catalogue_entries",
    description="What the feed of the catalogue says of each track, and of each artist that has a row without a track.",
    grain="one row per track or artist of the feed; of several rows the last one",
    key=("entity_type", "entity_id"),
    refresh=ReplaceAll(),
    inputs=("bronze.catalogue_rows",),
    fields=(
        Field("entity_type", "string", "track or artist."),
        Field("entity_id", "string", "Identity of the track or artist, as playbacks have it."),
        Field("name_id", "string", "Of a track `name:` and a hash of the normalised artist and title; empty without."),
        Field("artist_id", "string", "`artist:` and a hash of the normalised artist; empty without one."),
        Field("album_id", "string", "`album:` and a hash of artist and album; empty without an album."),
        RELEASE_YEAR,
        GENRES,
        Field("row_number", "long", "The row of bronze.catalogue_rows that says so."),
    ),
    checks=(InSet("entity_type", ("track", "artist")), Matches("entity_id", r"^\S"), _IS_YEAR),
)

TRACK_FACTS = Table(
    layer="silver",
    name="track_facts",
    description="What the catalogue knows of tracks that were played: by the track's id, else by the artist and title "
    "that were seen last, and where neither says any genres by that artist.",
    grain="one row per track that was played and of which the catalogue knows a genre or the year of release",
    key=("track_id",),
    refresh=ReplaceAll(),
    inputs=("silver.tracks", "silver.catalogue_entries"),
    fields=(TRACK_ID, RELEASE_YEAR, GENRES),
    checks=(_IS_YEAR,),
    warehouse=Warehouse(cluster_by=("track_id",)),
)
