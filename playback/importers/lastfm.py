"""Last.fm scrobbles as CSV, in the two common forms: with a header that has `uts`, and without one.

`uts` (or the UTC minute where there is none) is when the playback began; what a scrobble says of how long and how it
went is in `scrobbles`. A row without a time is what is playing now, and so no playback yet: a reject. Last.fm's id of a
track is as it knows it today, so it is no part of a playback's identity.
"""

import re
from collections.abc import Iterator
from pathlib import PurePath

from playback.importers.archives import ExportFile
from playback.importers.delimited import read_records
from playback.importers.rows import (
    Batch,
    Listener,
    Naming,
    NoEventError,
    Playback,
    Row,
    in_calendar,
    text,
    utc_microseconds,
)
from playback.importers.scrobbles import heard
from schemas.errors import InputError

FILES = "scrobbles of Last.fm in <any name>.csv"

_HEADERLESS = ("artist", "album", "track", "date")
_TIMES = ("uts", "utc_time", "date")
_SECONDS = re.compile(r"[0-9]{1,12}")
_MINUTE = re.compile(r"([0-9]{1,2}) ([A-Z][a-z]{2}) ([0-9]{4}),? ([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)", re.ASCII)
_ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z|\+00:?00)?")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MBID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def claims(path: PurePath) -> bool:
    """Whether the file is a CSV: those who export scrobbles name them as they like."""
    return path.suffix.lower() == ".csv"


def read(file: ExportFile, listener: Listener) -> Iterator[Batch]:
    """Events and rejects of the file. Raises InputError when it cannot be read, or is a CSV of something else."""
    return Naming("lastfm", listener, _understand).batches(_rows(file))


def _understand(row: Row) -> Playback:
    given = next((value.strip() for name in _TIMES if (value := row.get(name)) and value.strip()), "")
    track = (text(row, "track_mbid") or "").strip().lower()
    fields = {
        **heard(_begin(given), None),
        "track_id": f"mbid:track:{track}" if _MBID.fullmatch(track) else None,
        "track_title": text(row, "track"),
        "artist_name": text(row, "artist"),
        "album_title": text(row, "album"),
        "content_type": "track",
    }
    return Playback(given, [fields["artist_name"], fields["track_title"]], 0, fields)


def _begin(given: str) -> int:
    """Microseconds since 1970 of seconds, of `31 Dec 2022, 23:59` or of an ISO 8601 moment in UTC."""
    if _SECONDS.fullmatch(given):
        return in_calendar(int(given) * 1_000_000)
    minute = _MINUTE.fullmatch(given)
    if minute and minute[2] in _MONTHS:
        day, month, year, clock = minute.groups()
        return utc_microseconds(f"{year}-{_MONTHS.index(month) + 1:02}-{int(day):02}T{clock}")
    if _ISO.fullmatch(given):
        return utc_microseconds(given)
    raise NoEventError("no time")


def _rows(file: ExportFile) -> Iterator[tuple[Row | None, bytes]]:
    """Each record by the names of its columns, None where it has more or fewer of them, and its bytes."""
    columns: tuple[str, ...] | None = None
    for fields, original in read_records(file):
        if columns is None:
            columns = _columns(file, fields or [])
            if columns is not _HEADERLESS:
                continue
        fits = fields is not None and len(fields) == len(columns)
        yield (dict(zip(columns, fields, strict=True)) if fits and fields else None), original


def _columns(file: ExportFile, first: list[str]) -> tuple[str, ...]:
    """The columns that the first record names, or those of a file without a header."""
    named = tuple(name.strip().lower() for name in first)
    if {"artist", "track"} <= set(named) and set(_TIMES) & set(named):
        return named
    date = first[3].strip() if len(first) == len(_HEADERLESS) else "none"
    if not date or _MINUTE.fullmatch(date) or _ISO.fullmatch(date):
        return _HEADERLESS
    raise InputError(
        f"{file} is no CSV of scrobbles (columns artist, track, and uts, utc_time or date; or artist, album, track and "
        "date without a header): take it out of the folder, or export it again."
    )
