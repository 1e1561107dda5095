"""Kafka messages to Arrow, column by column: what one record of the ledger is read as.

Messages are taken apart as they come and only their bytes are kept: were the messages and their headers themselves
kept until a batch is full, the garbage collector would look at all of them again and again, for half of the time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from confluent_kafka import Message

from schemas.events import (
    HEADER_HIGH_WATER,
    HEADER_INSTALL_ID,
    HEADER_MANIFEST_ID,
    HEADER_REPLAY_OF,
    HEADER_SEQUENCE,
)

UNREADABLE_HEADERS = "\N{REPLACEMENT CHARACTER}"
"""Key of the one header that a record gets whose headers cannot be read (a key that is no UTF-8) or are too large."""

MAX_KEPT_BYTES = 1 << 20
"""Of a longer payload or key the ledger keeps the beginning. Kafka's own limit lets none of them through as they are,
but counts packed bytes: a few KB unpack to hundreds of MB, which no engine can hold in one cell."""

_PAIR = pa.struct([pa.field("key", pa.string()), pa.field("value", pa.binary())])
# The list's field has the name that Spark gives it, because Sail compares that too.
HEADER_TYPE = pa.list_(pa.field("element", _PAIR))
RECORDS_SCHEMA = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("appended_us", pa.int64()),
        ("manifest_id", pa.string()),
        ("install_id", pa.string()),
        ("sequence", pa.int64()),
        ("high_water", pa.int64()),
        ("replay_of", pa.string()),
        ("key", pa.binary()),
        ("headers", HEADER_TYPE),
        ("payload", pa.binary()),
    ]
)
_LONG_MAX = 2**63 - 1
_SURE_DIGITS = 18
_MISSING = -1

Headers = Sequence[tuple[str, bytes | None]]
Ints = npt.NDArray[np.int64]

_UNREADABLE: Headers = ((UNREADABLE_HEADERS, None),)


@dataclass
class Records:
    """Records of one partition that wait to become a batch.

    Without `is_whole` their keys are left out, and headers of all that have a payload: to take these apart is a third
    of reading, and of whoever counts events only marks say something by them, which have no payload.
    """

    is_whole: bool = True
    offsets: list[int | None] = field(default_factory=list)
    appended_ms: list[int] = field(default_factory=list)
    keys: list[bytes | None] = field(default_factory=list)
    payloads: list[bytes | None] = field(default_factory=list)
    header_counts: list[int] = field(default_factory=list)
    header_keys: list[str] = field(default_factory=list)
    header_values: list[bytes | None] = field(default_factory=list)
    size: int = 0
    """Bytes of all of them."""

    def add(self, messages: Sequence[Message]) -> None:
        """Take messages apart. What is larger than `MAX_KEPT_BYTES` is cut; of headers `UNREADABLE_HEADERS` is left.

        So it is of headers in which a key is no UTF-8.
        """
        keys = [message.key() for message in messages] if self.is_whole else []
        payloads = [message.value() for message in messages]
        headers = _headers(messages) if self.is_whole else _headers_without_payload(messages, payloads)
        names, values = _names_and_values(headers)
        size = _size(keys, payloads, names, values)
        if size > MAX_KEPT_BYTES:
            keys, payloads = _beginnings(keys), _beginnings(payloads)
            headers = [one if _size(*_names_and_values([one])) <= MAX_KEPT_BYTES else _UNREADABLE for one in headers]
            names, values = _names_and_values(headers)
            size = _size(keys, payloads, names, values)
        self.size += size
        self.offsets += [message.offset() for message in messages]
        self.appended_ms += [message.timestamp()[1] for message in messages]
        self.keys += keys
        self.payloads += payloads
        self.header_counts += map(len, headers)
        self.header_keys += names
        self.header_values += values

    def __len__(self) -> int:
        return len(self.offsets)

    def batch(self, partition: int, schema: pa.Schema = RECORDS_SCHEMA) -> pa.RecordBatch:
        """The records as a batch of RECORDS_SCHEMA, or of a part of its columns.

        A header value that is not what it should be is a null column.
        """
        counts = np.array(self.header_counts, np.int64)
        names, values = pa.array(self.header_keys, pa.string()), _binary(self.header_values)
        rows = np.repeat(np.arange(len(counts)), counts)

        def header(name: str) -> pa.BinaryArray:
            return _named(name, names, values, rows, len(self))

        makers: dict[str, Callable[[], pa.Array]] = {
            "partition": lambda: pa.repeat(pa.scalar(partition, pa.int32()), len(self)),
            "offset": lambda: pa.array(np.array(self.offsets, np.int64)),
            "appended_us": lambda: pa.array(np.array(self.appended_ms, np.int64) * 1000),
            "manifest_id": lambda: _texts(header(HEADER_MANIFEST_ID)),
            "install_id": lambda: _texts(header(HEADER_INSTALL_ID)),
            "sequence": lambda: _numbers(header(HEADER_SEQUENCE)),
            "high_water": lambda: _numbers(header(HEADER_HIGH_WATER)),
            "replay_of": lambda: _texts(header(HEADER_REPLAY_OF)),
            "key": lambda: _binary(self.keys),
            "headers": lambda: _header_lists(names, values, counts),
            "payload": lambda: _binary(self.payloads),
        }
        return pa.RecordBatch.from_arrays([makers[name]() for name in schema.names], schema=schema)


def _headers(messages: Sequence[Message]) -> list[Headers]:
    """Headers of each message; what the client cannot read is `UNREADABLE_HEADERS`.

    Of a key that is no UTF-8 the client returns a broken list *and* sets an error, which an ordinary call overlooks, so
    that it is raised elsewhere, or the interpreter dies on the list. `map` looks. No message is asked twice, because
    the second answer is the broken list alone.
    """
    calls = map(Message.headers, messages)
    found: list[Any] = []
    while len(found) < len(messages):
        try:
            # What came before an error stays in the list, and the next call goes on behind it.
            found.extend(calls)
        except (UnicodeDecodeError, SystemError):
            found.append(_UNREADABLE)
    return [one or () for one in found]


def _headers_without_payload(messages: Sequence[Message], payloads: Sequence[bytes | None]) -> list[Headers]:
    """Headers of the messages that have no payload, and none of the others."""
    found = iter(_headers([message for message, payload in zip(messages, payloads, strict=True) if payload is None]))
    return [next(found) if payload is None else () for payload in payloads]


def _names_and_values(headers: Sequence[Headers]) -> tuple[list[str], list[bytes | None]]:
    pairs = [pair for one in headers for pair in one]
    return [name for name, _ in pairs], [value for _, value in pairs]


def _size(*columns: Sequence[str | bytes | None]) -> int:
    """Bytes of all values; of text its characters, which is near enough."""
    return sum(sum(map(len, filter(None, values))) for values in columns)


def _beginnings(values: Sequence[bytes | None]) -> list[bytes | None]:
    return [None if value is None else value[:MAX_KEPT_BYTES] for value in values]


def _binary(values: Sequence[bytes | None]) -> pa.BinaryArray:
    """A binary array, in one copy where no value is null: element by element takes ten times as long."""
    try:
        data = b"".join(values)  # type: ignore[arg-type] # a null says so itself
    except TypeError:
        return pa.array(values, pa.binary())
    ends = np.zeros(len(values) + 1, np.int32)
    np.cumsum(np.fromiter(map(len, values), np.int32, len(values)), out=ends[1:])  # type: ignore[arg-type]
    return pa.BinaryArray.from_buffers(pa.binary(), len(values), [None, pa.py_buffer(ends), pa.py_buffer(data)])


def _named(name: str, names: pa.StringArray, values: pa.BinaryArray, rows: Ints, count: int) -> pa.BinaryArray:
    """For each record the value of the header of that name; of several the last one, null where there is none."""
    found = np.flatnonzero(pc.equal(names, name).to_numpy(zero_copy_only=False))
    places = np.full(count, _MISSING, np.int64)
    places[rows[found]] = found
    return values.take(pa.array(places, mask=places == _MISSING))


def _texts(values: pa.BinaryArray) -> pa.StringArray:
    """The values as text, null where they are no UTF-8."""
    try:
        return values.cast(pa.string())
    except pa.ArrowInvalid:
        return pa.array([_text(value) for value in values.to_pylist()], pa.string())


def _text(value: bytes | None) -> str | None:
    try:
        return None if value is None else value.decode()
    except UnicodeDecodeError:
        return None


def _numbers(values: pa.BinaryArray) -> pa.Int64Array:
    """The values as numbers from 0 on, null where they are no decimal digits or beyond a bigint."""
    texts = _texts(values)
    if (pc.max(pc.binary_length(texts)).as_py() or 0) > _SURE_DIGITS:
        return pa.array([_number(text) for text in texts.to_pylist()], pa.int64())
    return pc.if_else(pc.ascii_is_decimal(texts), texts, pa.scalar(None, pa.string())).cast(pa.int64())


def _number(text: str | None) -> int | None:
    # Compared as text first: Python refuses to read numbers of thousands of digits.
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > _SURE_DIGITS + 1:
        return None
    number = int(text)
    return number if number <= _LONG_MAX else None


def _header_lists(names: pa.StringArray, values: pa.BinaryArray, counts: Ints) -> pa.ListArray:
    """All headers as received, in order; null where a record has none."""
    pairs = pa.StructArray.from_arrays([names, values], fields=list(_PAIR))
    ends = np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)])
    return pa.ListArray.from_arrays(pa.array(ends), pairs, type=HEADER_TYPE, mask=pa.array(counts == 0))
