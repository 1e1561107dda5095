"""Which track a playback is of: its URI where the source gives one, else its normalised artist and title."""

import unicodedata
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

SEPARATOR = "\x1f"
"""Stands between artist and title; normalisation turns it into a space elsewhere, so that no two pairs run together."""

NAME_PREFIX = "name:"


def resolve_track_id(track_id: pa.StringArray, artist: pa.StringArray, title: pa.StringArray) -> pa.StringArray:
    """The track of each playback: the trimmed `track_id`, else `name:` and a 128-bit hash of artist and title.

    Null where neither an id nor a title is known.
    """
    given = _blank_as_null(pc.utf8_trim_whitespace(track_id))
    if not given.null_count:
        return given
    unnamed = np.flatnonzero(given.is_null().to_numpy(zero_copy_only=False))
    hashed = _hashes(artist.take(pa.array(unnamed)), title.take(pa.array(unnamed)))
    places = np.zeros(len(given), np.int64)
    places[unnamed] = np.arange(len(unnamed))
    return pc.coalesce(given, hashed.take(pa.array(places)))


def name_ids(artist: pa.StringArray, title: pa.StringArray) -> pa.StringArray:
    """`name:` and a 128-bit hash of each normalised artist and title; empty where there is no title."""
    return _hashes(artist, title).fill_null("")


def artist_ids(artist: pa.StringArray) -> pa.StringArray:
    """`artist:` and a 128-bit hash of each normalised name; empty where there is none."""
    return _named("artist", [normalised(name) for name in artist.fill_null("").to_pylist()])


def album_ids(artist: pa.StringArray, album: pa.StringArray) -> pa.StringArray:
    """`album:` and a 128-bit hash of the normalised names of artist and album; empty where the album has none."""
    artists = [normalised(name) for name in artist.fill_null("").to_pylist()]
    albums = [normalised(name) for name in album.fill_null("").to_pylist()]
    return _named("album", [name and f"{by}{SEPARATOR}{name}" for by, name in zip(artists, albums, strict=True)])


def normalised(text: str) -> str:
    """The text without differences of Unicode form, case and white space."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(folded.split())


def name_hash(artist: str, title: str) -> str | None:
    """`name:` and the hash of a track known by its normalised artist and title only; None without a title."""
    if not title:
        return None
    return NAME_PREFIX + blake2b(f"{artist}{SEPARATOR}{title}".encode(), digest_size=16).hexdigest()


def _hashes(artist: pa.StringArray, title: pa.StringArray) -> pa.StringArray:
    """Hash of each pair; each distinct spelling is normalised once and each distinct pair hashed once."""
    artists, titles = artist.fill_null("").dictionary_encode(), title.fill_null("").dictionary_encode()
    width = max(len(titles.dictionary), 1)
    codes = artists.indices.to_numpy().astype(np.int64) * width + titles.indices.to_numpy()
    distinct, where = np.unique(codes, return_inverse=True)
    artist_names = [normalised(name) for name in artists.dictionary.to_pylist()]
    title_names = [normalised(name) for name in titles.dictionary.to_pylist()]
    hashed = [name_hash(artist_names[code // width], title_names[code % width]) for code in distinct.tolist()]
    return pa.array(hashed, pa.string()).take(pa.array(where))


def _named(kind: str, names: list[str]) -> pa.StringArray:
    hashed = [f"{kind}:{blake2b(name.encode(), digest_size=16).hexdigest()}" if name else "" for name in names]
    return pa.array(hashed, pa.string())


def _blank_as_null(column: pa.StringArray) -> pa.StringArray:
    return pc.if_else(pc.equal(column, ""), pa.scalar(None, pa.string()), column)
