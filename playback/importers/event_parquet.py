"""Parquet of the platform's own events: the fields of `schemas.events.CURRENT` as columns, read a batch at a time.

Columns of other names are not read. A column's type may be any that says the same (a large string, a shorter integer, a
floating-point number that is whole, a timestamp in another unit); a value that does not fit makes its row a reject,
written as a JSON object because a row of Parquet has no bytes of its own.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePath
from shutil import copyfileobj
from typing import IO

import numpy as np
import numpy.typing as npt
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from playback.importers.archives import ExportFile, opened
from playback.importers.lines import is_utf8
from playback.importers.own_events import ACCOUNT, NAMES, SCHEMA, named, whose
from playback.importers.rows import BATCH_ROWS, MAX_REJECT_BYTES, MAX_TEXT, Batch, Listener, grouped
from schemas.errors import InputError

FILES = "<any name>.parquet"

_MAY_BE_MISSING = ("event_id", "user_id")

Checked = tuple[pa.Array, npt.NDArray[np.bool_]]
"""The values of a column, null where they do not fit, and where that is."""


def claims(path: PurePath) -> bool:
    """Whether the file is Parquet, by its name."""
    return path.suffix.lower() == ".parquet"


def read(file: ExportFile, listener: Listener) -> Iterator[Batch]:
    """Events and rejects of the file. Raises InputError when it cannot be read, or a column has an unfitting type."""
    with opened(file) as stream, _seekable(file, stream) as source:
        try:
            parquet = _open(source)
            known = [name for name in (*NAMES, ACCOUNT) if name in parquet.schema_arrow.names]
            _check(file, parquet.schema_arrow, known)
            for batch in parquet.iter_batches(BATCH_ROWS, columns=known, use_threads=False):
                yield from _batches(batch, listener)
        except (pa.ArrowException, OSError):
            raise InputError(f"{file} is no whole Parquet file: copy or export it again.") from None


def _open(source: IO[bytes]) -> pq.ParquetFile:
    """The file, its texts as dictionaries: one long text that many rows share takes its size once."""
    texts = [field.name for field in pq.read_schema(source) if _is_text(field.type)]
    source.seek(0)
    return pq.ParquetFile(source, read_dictionary=texts)


@contextmanager
def _seekable(file: ExportFile, stream: IO[bytes]) -> Iterator[IO[bytes]]:
    """The stream, of a member of an archive a temporary copy: Parquet is read from its end."""
    if isinstance(file, Path):
        yield stream
        return
    with tempfile.TemporaryFile() as copy:
        copyfileobj(stream, copy)
        copy.seek(0)
        yield copy


def _check(file: ExportFile, given: pa.Schema, known: list[str]) -> None:
    required = {field.name for field in SCHEMA if not field.nullable and field.name not in _MAY_BE_MISSING}
    if missing := sorted(required - set(known)):
        raise InputError(f"{file} lacks the columns {', '.join(missing)}: every event must have them.")
    for name in known:
        target = pa.string() if name == ACCOUNT else SCHEMA.field(name).type
        found = given.field(name).type
        found = found.value_type if pa.types.is_dictionary(found) else found
        if not _fits(found, target):
            raise InputError(f"The column {name} of {file} is {found}: it must be {target}.")


def _fits(given: pa.DataType, target: pa.DataType) -> bool:
    if pa.types.is_null(given):
        return True
    if pa.types.is_string(target):
        return _is_text(given)
    if pa.types.is_boolean(target):
        return bool(pa.types.is_boolean(given))
    if pa.types.is_timestamp(target):
        return bool(pa.types.is_timestamp(given) or pa.types.is_int64(given))
    return bool(pa.types.is_integer(given) or pa.types.is_floating(given))


def _is_text(given: pa.DataType) -> bool:
    return bool(pa.types.is_string(given) or pa.types.is_large_string(given))


def _batches(batch: pa.RecordBatch, listener: Listener) -> Iterator[Batch]:
    """The rows as one batch, unless their rejects take more than one may."""
    refused = _none(batch)
    columns: dict[str, pa.Array] = {}
    for name in (*NAMES, ACCOUNT):
        target = pa.string() if name == ACCOUNT else SCHEMA.field(name).type
        if name not in batch.schema.names:
            columns[name] = pa.nulls(batch.num_rows, target)
            continue
        columns[name], wrong = _column(batch.column(name), target)
        refused |= wrong
    for name in NAMES:
        if not SCHEMA.field(name).nullable and name not in _MAY_BE_MISSING:
            refused |= _mask(columns[name].is_null())
    user_ids = whose(columns.pop(ACCOUNT).to_pylist(), columns["user_id"].to_pylist(), listener)
    columns["user_id"] = pa.array(user_ids, pa.string())
    refused |= _mask(columns["user_id"].is_null())
    events = named(pa.RecordBatch.from_pydict(columns).filter(pa.array(~refused)))
    rejects = grouped((None, _original(batch, row)) for row in np.flatnonzero(refused).tolist())
    yield Batch(events, next(rejects, ([], []))[1])
    for _, more in rejects:
        yield Batch(events.slice(0, 0), more)


def _column(given: pa.Array, target: pa.DataType) -> Checked:
    if pa.types.is_string(target):
        return _texts(given)
    try:
        return pc.cast(given, options=pc.CastOptions(target, allow_time_truncate=True)), _none(given)
    except pa.ArrowInvalid:
        loose = pc.cast(given, options=pc.CastOptions.unsafe(target))
        same = pc.equal(pc.cast(loose, options=pc.CastOptions.unsafe(given.type)), given)
        fits = pc.and_(same, _within(given, loose)).fill_null(True)
        return pc.if_else(fits, loose, pa.scalar(None, target)), ~_mask(fits)


def _within(given: pa.Array, loose: pa.Array) -> pa.BooleanArray:
    """Where a value is in the range of the type it was forced into: at the edges the way back looks right."""
    if pa.types.is_floating(given.type):
        limit = 2.0 ** (loose.type.bit_width - 1)
        values = given.cast(pa.float64())
        return pc.and_(pc.greater_equal(values, -limit), pc.less(values, limit))
    if pa.types.is_unsigned_integer(given.type):
        return pc.greater_equal(loose, 0)
    return loose.is_valid()


def _texts(given: pa.Array) -> Checked:
    """As `_column`; a text fits that is UTF-8 and not too long."""
    if not pa.types.is_dictionary(given.type):
        given = given.cast(pa.string()).dictionary_encode()
    distinct = given.dictionary.cast(pa.string())
    bad = pc.greater(pc.binary_length(distinct), MAX_TEXT).fill_null(False)
    try:
        distinct.validate(full=True)
    except pa.ArrowInvalid:
        undecodable = [value is not None and not is_utf8(value) for value in distinct.cast(pa.binary()).to_pylist()]
        bad = pc.or_(bad, pa.array(undecodable))
    wrong = bad.take(given.indices).fill_null(False)
    kept = pc.if_else(bad, pa.scalar(None, pa.string()), distinct)
    return kept.take(given.indices), _mask(wrong)


def _original(batch: pa.RecordBatch, row: int) -> bytes:
    """What the file says of that row, as a JSON object; long texts are cut."""
    values = {name: _plain(batch.column(name), row) for name in batch.schema.names}
    return orjson.dumps(values)[:MAX_REJECT_BYTES]


def _plain(column: pa.Array, row: int) -> object:
    value = column[row]
    if isinstance(value, pa.DictionaryScalar):
        value = value.value
    if not value.is_valid:
        return None
    if _is_text(value.type):
        return value.as_buffer()[:MAX_TEXT].to_pybytes().decode(errors="replace")
    if pa.types.is_timestamp(value.type):
        # A moment outside the calendar has no other form.
        return column.slice(row, 1).cast(pa.string())[0].as_py()
    return value.as_py()


def _none(given: pa.Array | pa.RecordBatch) -> npt.NDArray[np.bool_]:
    return np.zeros(len(given), np.bool_)


def _mask(condition: pa.BooleanArray) -> npt.NDArray[np.bool_]:
    found: npt.NDArray[np.bool_] = condition.to_numpy(zero_copy_only=False)
    return found
