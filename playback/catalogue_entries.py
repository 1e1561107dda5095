"""What rows of a feed of the catalogue name: tracks and artists by the identities that playbacks have."""

import pyarrow as pa
import pyarrow.compute as pc

from playback.arrow import arrow_schema
from playback.identity import album_ids, artist_ids, name_ids, normalised, resolve_track_id
from schemas.music_catalogue import BETWEEN_GENRES, CATALOGUE_ENTRIES

_SCHEMA = arrow_schema(CATALOGUE_ENTRIES.fields)


def identified(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Entries (`CATALOGUE_ENTRIES`, in order) of rows of `CATALOGUE_ROWS` that are none refused.

    A row without an id and without a title is about its artist.
    """
    artist, title, album = (rows.column(name) for name in ("artist_name", "track_title", "album_title"))
    track_id, artist_id = resolve_track_id(rows.column("track_id"), artist, title), artist_ids(artist)
    columns = {
        "entity_type": pc.if_else(track_id.is_null(), "artist", "track"),
        "entity_id": pc.coalesce(track_id, artist_id),
        "name_id": name_ids(artist, title),
        "artist_id": artist_id,
        "album_id": album_ids(artist, album),
        "release_year": pc.utf8_slice_codeunits(rows.column("release_date").fill_null("0"), 0, 4).cast(pa.int32()),
        "genres": pa.array([genre_names(given) for given in rows.column("genres").to_pylist()], pa.string()),
        "row_number": rows.column("row_number"),
    }
    return pa.RecordBatch.from_arrays(
        [columns[name].cast(_SCHEMA.field(name).type) for name in _SCHEMA.names], schema=_SCHEMA
    )


def genre_names(given: str | None) -> str:
    """The genres in normalised spelling, each once and in order: a genre is its normalised name."""
    names = {normalised(name) for name in (given or "").split(BETWEEN_GENRES)}
    return BETWEEN_GENRES.join(sorted(names - {""}))
