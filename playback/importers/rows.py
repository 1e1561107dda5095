"""Rows of an export to events: name each, keep what is no event as it stood.

Identity: an `event_id` is a hash of what the source says about the playback, and of how many equal rows came before it
in the same file. The same export again, or one that overlaps it, thus gives the same ids, while a true repeat within a
file stays. (Equal rows on both sides of a file's end cannot be told from an overlap and count once. A basic and an
extended export of one listener do not share ids: their times differ.) Rejects have no identity: one that is imported
twice is two dead letters, each counted in the manifest of its import.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any

import orjson
import pyarrow as pa

from playback.arrow import event_schema
from schemas.events import CURRENT

BATCH_ROWS = 20_000
BATCH_BYTES = 1 << 25
"""A batch ends with the row that reaches either."""

MAX_TEXT = 10_000
"""Characters; a row with a longer text is a reject, so that no event outgrows a Kafka message."""

MAX_REJECT_BYTES = 500_000
"""Rejects are cut there, for the same reason."""

_SCHEMA = event_schema(CURRENT)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LAST_TIME = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_FIRST_TIME = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LONG = 1 << 63

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Listener:
    """Whose playbacks a file holds: `user_id` where its rows do not say.

    `pseudonyms` gives the `user_id` of each account name, for exports whose rows name their listeners.
    """

    user_id: str
    pseudonyms: Callable[[Sequence[str]], Sequence[str]]


@dataclass(frozen=True)
class Batch:
    """Some rows of an export: `events` of the current version, and of rows that are no event their bytes."""

    events: pa.RecordBatch
    rejects: list[bytes]


@dataclass(frozen=True)
class Playback:
    """One row as an importer understood it: what identifies it, as given, and the event's other fields.

    `milliseconds` were heard, unless `fields` has another `ms_played`: where the source says nothing of it, what an
    importer takes for it is no part of the identity, and `milliseconds` is 0.
    """

    time: str
    track: object
    milliseconds: int
    fields: Mapping[str, object]


class NoEventError(ValueError):
    """The row lacks what an event needs, or has it in a form that cannot be read."""


Understand = Callable[[Row], Playback]
"""Reads a row; raises NoEventError on one that is no event."""


class Naming:
    """Turns the rows of one file into events of one listener; remembers the rows that it has seen."""

    def __init__(self, family: str, listener: Listener, understand: Understand) -> None:
        """Events of that family of exports."""
        self._family = family
        self._user_id = listener.user_id
        self._understand = understand
        self._seen: Counter[bytes] = Counter()

    def batch(self, rows: Sequence[object], original: Callable[[int], bytes]) -> Batch:
        """The file's next rows; `original` gives the bytes of one by its index."""
        events: list[dict[str, object]] = []
        rejects: list[bytes] = []
        for index, row in enumerate(rows):
            try:
                events.append(self._event(row))
            except NoEventError:
                rejects.append(original(index)[:MAX_REJECT_BYTES])
        return Batch(pa.RecordBatch.from_pylist(events, schema=_SCHEMA), rejects)

    def batches(self, rows: Iterable[tuple[object, bytes]]) -> Iterator[Batch]:
        """The rows of a stream, each with its bytes."""
        for values, originals in grouped(rows):
            yield self.batch(values, originals.__getitem__)

    def _event(self, row: object) -> dict[str, object]:
        if not isinstance(row, dict):
            raise NoEventError("no object")
        playback = self._understand(row)
        same = _digest([playback.time, playback.track, playback.milliseconds])
        ordinal = self._seen[same]
        self._seen[same] = ordinal + 1
        return {
            "ms_played": playback.milliseconds,
            **playback.fields,
            "event_id": event_id(self._family, self._user_id, playback, ordinal),
            "source": self._family,
            "user_id": self._user_id,
        }


def grouped(rows: Iterable[tuple[object, bytes]]) -> Iterator[tuple[list[object], list[bytes]]]:
    """The rows and their bytes, as many at once as a batch holds."""
    values: list[object] = []
    originals: list[bytes] = []
    size = 0
    for value, original in rows:
        values.append(value)
        originals.append(original)
        size += len(original)
        if len(values) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield values, originals
            values, originals, size = [], [], 0
    if values:
        yield values, originals


def event_id(family: str, user_id: str, playback: Playback, ordinal: int) -> str:
    """32 hexadecimal digits that name the playback; `ordinal` counts equal rows before it in the file."""
    # A JSON array separates its values without ambiguity whatever they contain.
    return _digest([family, user_id, playback.time, playback.track, playback.milliseconds, ordinal]).hex()


def utc_microseconds(time: str) -> int:
    """Microseconds since 1970 of an ISO 8601 moment; UTC where it names no zone. Raises NoEventError."""
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        raise NoEventError("no time") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return in_calendar((aware - _EPOCH) // _MICROSECOND)


def in_calendar(microseconds: int) -> int:
    """The moment, if it is in the years 1 to 9999; else raises NoEventError."""
    if not _FIRST_TIME <= microseconds <= _LAST_TIME:
        raise NoEventError("a time outside the calendar")
    return microseconds


def milliseconds(row: Row, name: str) -> int:
    """The whole number under `name`, whatever its sign or size within 64 bits; raises NoEventError without one."""
    value = row.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not -_LONG <= value < _LONG:
        raise NoEventError(f"no whole number in {name}")
    return value


def time_text(row: Row, name: str, form: re.Pattern[str]) -> str:
    """The time under `name` as given; raises NoEventError unless it has the form that the source uses."""
    value = row.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise NoEventError(f"no time in {name}")
    return value


def text(row: Row, name: str) -> str | None:
    """The text under `name`; None where there is none, it is blank, or it is no text. Too long: NoEventError."""
    value = row.get(name)
    if not isinstance(value, str) or not value.strip():
        return None
    if len(value) > MAX_TEXT:
        raise NoEventError(f"too long a text in {name}")
    return value


def _digest(values: list[object]) -> bytes:
    return blake2b(orjson.dumps(values), digest_size=16).digest()
