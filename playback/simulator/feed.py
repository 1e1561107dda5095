"""The feed of the simulated service's catalogue: what it knows of its music, with rows that are no use in between."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import orjson
import pyarrow as pa

from playback.simulator.catalogue import TRACK, Catalogue
from playback.simulator.events import World

GENRE_NAMES = (
    "Pop", "Rock", "Hip Hop", "Electronic", "Indie Rock", "R&B", "Jazz", "Metal", "Folk", "Classical", "Ambient",
    "Chanson",
)  # fmt: skip
"""Of `GENRE_WEIGHTS`, in their order."""

_SHADES = ("Alternative", "Acoustic", "Experimental", "Classic", "Modern", "Dream", "Dark", "Latin")
_MORE_GENRES = (0.45, 0.4, 0.15)
"""Shares of artists with no, one or two genres beside that of their music."""
_UNKNOWN_ARTISTS = 0.1
"""Share of artists that have no row of their own."""
_UNKNOWN, _BY_NAME, _WITH_GENRES, _TWICE, _UNDATED = 0.03, 0.1, 0.4, 0.005, 0.02
"""Shares of tracks that the catalogue lacks, has without an id, with genres of their own, twice, and without a date."""
_MEAN_AGE_YEARS, _FIRST_YEAR = 12, 1950
_PRECISIONS = (4, 7, 10)
"""Characters of a date that is given as a year, month or day."""
_FAULTS: tuple[tuple[str, bytes], ...] = (
    ("no_object", b'{"artist_name": "The Torn Pages", "track_title"'),
    ("no_object", b'["The Lists", "Not An Object"]'),
    ("no_object", b'{"artist_name": "The Latin \xe9s"}'),
    ("bad_text", b'{"artist_name": 42, "track_title": "A Number"}'),
    ("bad_text", b'{"artist_name": "' + b"x" * 20_000 + b'", "track_title": "Too Long"}'),
    ("nothing_named", b'{"album_title": "Nobody Knows Of Whom", "genres": ["Pop"]}'),
    ("bad_release", b'{"artist_name": "The Futures", "track_title": "Soon", "release_date": "soon"}'),
    ("bad_release", b'{"artist_name": "The Futures", "track_title": "Late", "release_year": 12345}'),
    ("bad_genres", b'{"artist_name": "The Words", "track_title": "One", "genres": {"Pop": 1}}'),
)
"""Rows that are no entries, each with the word of `schemas.music_catalogue.REASONS` that it must be refused for."""

ENTRIES: pa.Schema = pa.schema(
    [
        pa.field("row_number", pa.int64()),
        pa.field("track_id", pa.string()),
        pa.field("artist_name", pa.string()),
        pa.field("track_title", pa.string()),
        pa.field("album_title", pa.string()),
        pa.field("release_year", pa.int32()),
        pa.field("genres", pa.list_(pa.string())),
        pa.field("reason", pa.string()),
    ]
)
"""What each row of the feed is meant to say; `reason`: what it must be refused for, null: it is an entry.

The answer key is computed from it, as from the log.
"""


@dataclass(frozen=True)
class Feed:
    """The feed as JSON Lines, and what its rows are meant to say (`ENTRIES`)."""

    lines: bytes
    entries: pa.Table


def feed_of(world: World) -> Feed:
    """The feed of the catalogue of that world; the same each time."""
    catalogue, seed = world.catalogue, world.parameters.seed
    begin = datetime.fromtimestamp(world.begin_ms / 1000, UTC)
    rows: list[tuple[str | None, dict[str, object], bytes]] = [
        (None, said, orjson.dumps(said)) for said in _entries(catalogue, seed, begin)
    ]
    rng = np.random.default_rng([seed, 7])
    for reason, line in _FAULTS:
        rows.insert(int(rng.integers(len(rows))), (reason, {}, line))
    meant = [
        {"row_number": number, "reason": reason, **_meant(said)}
        for number, (reason, said, _) in enumerate(rows, start=1)
    ]
    lines = b"".join(line + b"\n" for _, _, line in rows)
    return Feed(lines, pa.Table.from_pylist(meant, schema=ENTRIES))


def _meant(said: dict[str, object]) -> dict[str, object]:
    date = said.get("release_date")
    names = ("track_id", "artist_name", "track_title", "album_title", "genres")
    return {name: said.get(name) for name in names} | {"release_year": int(str(date)[:4]) if date else None}


def _entries(catalogue: Catalogue, seed: int, begin: datetime) -> Iterator[dict[str, object]]:
    """Rows of artists, then of tracks; of a track that stands twice the first one is wrong."""
    rng = np.random.default_rng([seed, 6])
    count = len(catalogue)
    artists, titles = (column.slice(0, count).to_pylist() for column in (catalogue.artists, catalogue.titles))
    uris, albums = catalogue.uris.to_pylist(), catalogue.albums.to_pylist()
    genres: dict[str, list[str]] = {}
    for artist, genre in zip(artists, catalogue.genres.tolist(), strict=True):
        # Two artists of one name are one, of the genre that comes first.
        if artist not in genres:
            genres[artist] = _genres_of(rng, GENRE_NAMES[genre])
            if rng.random() >= _UNKNOWN_ARTISTS:
                yield {"artist_name": artist, "genres": genres[artist]}
    kind, dated = rng.random((4, count)), _dates(rng, catalogue, begin)
    for number in np.flatnonzero((catalogue.content_types == TRACK) & (kind[0] >= _UNKNOWN)).tolist():
        row: dict[str, object] = {"artist_name": artists[number], "track_title": titles[number]}
        row |= {"album_title": albums[number]}
        if uris[number] and kind[1, number] >= _BY_NAME:
            row |= {"track_id": uris[number]}
        if kind[2, number] < _TWICE:
            yield row | {"release_date": "1901"}
        if kind[2, number] < 1 - _UNDATED:
            row |= {"release_date": dated[number]}
        if kind[3, number] < _WITH_GENRES:
            row |= {"genres": _spelled(rng, genres[artists[number]])}
        yield row


def _genres_of(rng: np.random.Generator, genre: str) -> list[str]:
    more = int(rng.choice(len(_MORE_GENRES), p=_MORE_GENRES))
    return [genre, *(f"{shade} {genre}" for shade in rng.choice(_SHADES, more, replace=False).tolist())]


def _spelled(rng: np.random.Generator, names: list[str]) -> list[str]:
    """As another department writes them, now and then."""
    return [name.lower().replace(" ", "  ") for name in names] if rng.random() < 0.5 else names


def _dates(rng: np.random.Generator, catalogue: Catalogue, begin: datetime) -> list[str]:
    """The date of each track: that of its release within the history, else one that is the likelier the later it is."""
    ages = rng.exponential(_MEAN_AGE_YEARS, len(catalogue))
    precisions = rng.choice(_PRECISIONS, len(catalogue)).tolist()
    earlier = [begin - timedelta(days=1 + 365.25 * age) for age in ages.tolist()]
    found = [
        begin + timedelta(milliseconds=out) if out else max(before, datetime(_FIRST_YEAR, 1, 1, tzinfo=UTC))
        for out, before in zip(catalogue.released_ms.tolist(), earlier, strict=True)
    ]
    return [moment.date().isoformat()[:size] for moment, size in zip(found, precisions, strict=True)]
