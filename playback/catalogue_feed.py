"""Reads a feed of the service's catalogue: a file, or a folder of files, of JSON Lines, CSV or Parquet.

Every row becomes one of `CATALOGUE_ROWS`: an entry, or with the reason why it is none, as it stood. Nothing is dropped.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from playback.arrow import arrow_schema
from playback.importers.archives import opened
from playback.importers.delimited import read_records
from playback.importers.lines import is_utf8, read_json_lines
from playback.importers.rows import BATCH_ROWS, MAX_TEXT, grouped
from schemas.errors import InputError
from schemas.music_catalogue import (
    BETWEEN_GENRES,
    CATALOGUE_ROWS,
    FIRST_YEAR,
    LAST_YEAR,
    MAX_GENRE_LENGTH,
    MAX_GENRES,
)

COLUMNS = ("track_id", "artist_name", "track_title", "album_title", "release_date", "release_year", "genres")
"""What is read of a row; others are not."""

_NAMES = COLUMNS[:4]
_WORK = ("track_id", "artist_name")
"""A file has at least one of these: it is of something else where it has none."""

_SCHEMA = arrow_schema(CATALOGUE_ROWS.fields)
_RELEASE = re.compile(r"([0-9]{4})(?:\.0|-[0-9]{2}|-[0-9]{2}-[0-9]{2})?")
"""A year (as a float too, as tables write it that have gaps), month or day."""

Given = tuple[object, bytes]
"""A row as a mapping, or what else it is, and its bytes."""


class NoEntryError(ValueError):
    """The row is no entry; the message is a word of `schemas.music_catalogue.REASONS`."""


def feed_files(feed: Path) -> list[Path]:
    """The files of the feed at that path, by name; raises InputError when there is none."""
    if not feed.exists():
        raise InputError(f"There is no {feed}: set TONEARM_CATALOGUE_FEED to the feed of the catalogue, or to nothing.")
    kinds = ", ".join(_READERS)
    if feed.is_dir():
        found = [
            one for one in sorted(feed.iterdir()) if not one.name.startswith(".") and one.suffix.lower() in _READERS
        ]
        if not found:
            raise InputError(f"{feed} holds no file that a feed of the catalogue is made of ({kinds}).")
        return found
    if feed.suffix.lower() not in _READERS:
        raise InputError(f"{feed} is no feed of the catalogue: it is a file that ends in {kinds}, or a folder of them.")
    return [feed]


def read_feed(files: Iterable[Path]) -> Iterator[pa.RecordBatch]:
    """The rows of the files in batches of `CATALOGUE_ROWS`, numbered from 1.

    Raises InputError when a file cannot be read to its end, or is of something else.
    """
    number = 0
    for file in files:
        for values, originals in grouped(_READERS[file.suffix.lower()](file)):
            rows = [
                {"row_number": number + place, "file": file.name.encode(errors="replace").decode()}
                | judged(value, original)
                for place, (value, original) in enumerate(zip(values, originals, strict=True), start=1)
            ]
            number += len(rows)
            yield pa.RecordBatch.from_pylist(rows, schema=_SCHEMA)


def judged(value: object, original: bytes) -> dict[str, object]:
    """The columns of one row from `track_id` on."""
    try:
        return _entry(value) | {"reason": None, "original": None}
    except NoEntryError as refused:
        return {"reason": str(refused), "original": original.decode(errors="replace")[:MAX_TEXT]}


def _entry(value: object) -> dict[str, object]:
    if not isinstance(value, Mapping):
        raise NoEntryError("no_object")
    entry: dict[str, object] = {name: _text(value.get(name)) for name in _NAMES}
    if not any(entry[name] for name in ("track_id", "artist_name", "track_title")):
        raise NoEntryError("nothing_named")
    dates = [value[name] for name in ("release_date", "release_year") if not _is_blank(value.get(name))]
    return entry | {"release_date": _release(dates[0]) if dates else None, "genres": _genres(value.get("genres"))}


def _is_blank(value: object) -> bool:
    """Whether nothing is given: not even a number, where a table of numbers has gaps."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def _text(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise NoEntryError("bad_text")
    return value if value.strip() else None


def _release(value: object) -> str:
    """The date as given, a year without the fraction that it may have."""
    if isinstance(value, date | datetime):
        value = value.isoformat()[:10]
    found = None if isinstance(value, bool) else _RELEASE.fullmatch(str(value).strip())
    if found is None or not FIRST_YEAR <= int(found[1]) <= LAST_YEAR:
        raise NoEntryError("bad_release")
    text = found[0].removesuffix(".0")
    try:
        # A year and a month are dates once they have a day.
        date.fromisoformat(text + "-01-01"[len(text) - 4 :])
    except ValueError:
        raise NoEntryError("bad_release") from None
    return text


def _genres(value: object) -> str | None:
    """The genres with `BETWEEN_GENRES` between: a list of texts, or one text that has it between them already."""
    listed = [] if value is None else value.split(BETWEEN_GENRES) if isinstance(value, str) else value
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise NoEntryError("bad_genres")
    names = [name.strip() for one in listed for name in one.split(BETWEEN_GENRES) if name.strip()]
    if len(names) > MAX_GENRES or any(len(name) > MAX_GENRE_LENGTH for name in names):
        raise NoEntryError("bad_genres")
    return BETWEEN_GENRES.join(names) or None


def _delimited(file: Path) -> Iterator[Given]:
    columns: list[str] | None = None
    for fields, original in read_records(file):
        if columns is None:
            columns = [name.strip().lower() for name in fields or []]
            _require_known(file, columns)
            continue
        fits = fields is not None and len(fields) == len(columns)
        yield (dict(zip(columns, fields, strict=True)) if fits and fields else None), original


def _parquet(file: Path) -> Iterator[Given]:
    try:
        with opened(file) as stream:
            parquet = pq.ParquetFile(stream)
            known = [name for name in parquet.schema_arrow.names if name in COLUMNS]
            _require_known(file, known)
            for batch in parquet.iter_batches(BATCH_ROWS // 10, columns=known, use_threads=False):
                columns = {name: _values(batch.column(name)) for name in known}
                for values in zip(*columns.values(), strict=True):
                    row = dict(zip(columns, values, strict=True))
                    yield row, orjson.dumps(row, default=repr)
    except pa.ArrowException:
        raise InputError(f"{file} is no whole Parquet file: copy or export it again.") from None


def _values(column: pa.Array) -> list[Any]:
    """The values of a column; of a text that is not UTF-8 what nobody can take for a text."""
    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        raw = column.cast(pa.binary()).to_pylist()
        return [0 if one is not None and not is_utf8(one) else one and one.decode() for one in raw]


def _require_known(file: Path, columns: Iterable[str]) -> None:
    if not set(_WORK) & set(columns):
        raise InputError(
            f"{file} is of something else: the first row of a CSV, and the columns of a Parquet file, name "
            f"{' or '.join(_WORK)} (and {', '.join(name for name in COLUMNS if name not in _WORK)})."
        )


_READERS: dict[str, Callable[[Path], Iterator[Given]]] = {
    ".jsonl": read_json_lines,
    ".ndjson": read_json_lines,
    ".csv": _delimited,
    ".parquet": _parquet,
}
