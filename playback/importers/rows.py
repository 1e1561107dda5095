"""Rows of an export that is a JSON list: read the list, keep what is no event as it stood, name each event.

Identity: an `event_id` is a hash of what the source says about the playback, and of how many equal rows came before it
in the same file. The same export again, or one that overlaps it, thus gives the same ids, while a true repeat within a
file stays. (Equal rows on both sides of a file's end cannot be told from an overlap and count once. A basic and an
extended export of one listener do not share ids: their times differ.) Rejects have no identity: one that is imported
twice is two dead letters, each counted in the manifest of its import.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa

from playback.arrow import event_schema
from schemas.errors import InputError
from schemas.events import CURRENT

BATCH_ROWS = 20_000
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
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{},]', re.DOTALL)

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Batch:
    """Some rows of an export: `events` of the current version, and of rows that are no event their bytes."""

    events: pa.RecordBatch
    rejects: list[bytes]


@dataclass(frozen=True)
class Playback:
    """One row as an importer understood it: what identifies it, as given, and the event's other fields."""

    time: str
    track: object
    milliseconds: int
    fields: Mapping[str, object]


class NoEventError(ValueError):
    """The row lacks what an event needs, or has it in a form that cannot be read."""


def read_list(path: Path, family: str, user_id: str, understand: Callable[[Row], Playback]) -> Iterator[Batch]:
    """Yield the rows of a JSON list as batches; `understand` raises NoEventError on a row that is no event.

    Raises InputError when the file cannot be read, is no JSON, or is no list.
    """
    raw = _bytes(path)
    rows = _parse(path, raw)
    seen: Counter[bytes] = Counter()
    originals: list[tuple[int, int]] = []
    for start in range(0, len(rows), BATCH_ROWS):
        events: list[dict[str, object]] = []
        rejects: list[bytes] = []
        for index, row in enumerate(rows[start : start + BATCH_ROWS], start):
            try:
                events.append(_event(row, family, user_id, understand, seen))
            except NoEventError:
                originals = originals or row_spans(raw)
                first, end = originals[index]
                rejects.append(raw[first : min(end, first + MAX_REJECT_BYTES)])
        yield Batch(pa.RecordBatch.from_pylist(events, schema=_SCHEMA), rejects)


def event_id(family: str, user_id: str, playback: Playback, ordinal: int) -> str:
    """32 hexadecimal digits that name the playback; `ordinal` counts equal rows before it in the file."""
    # A JSON array separates its values without ambiguity whatever they contain.
    return _digest([family, user_id, playback.time, playback.track, playback.milliseconds, ordinal]).hex()


def row_spans(raw: bytes) -> list[tuple[int, int]]:
    """Start and end of each element's bytes in a valid JSON list, without the white space around it."""
    spans = []
    depth, start = 0, 0
    for token in _TOKEN.finditer(raw):
        sign = token.group()
        if sign in (b"]", b"}"):
            depth -= 1
        at_end = depth == 0 and sign == b"]"
        if at_end or (depth == 1 and sign == b","):
            piece = raw[start : token.start()]
            left = len(piece) - len(piece.lstrip())
            spans.append((start + left, start + len(piece.rstrip())))
            start = token.end()
        if sign in (b"[", b"{"):
            depth += 1
            start = token.end() if depth == 1 else start
    return spans


def utc_microseconds(time: str) -> int:
    """Microseconds since 1970 of an ISO 8601 moment; UTC where it names no zone. Raises NoEventError."""
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        raise NoEventError("no time") from None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    microseconds = (aware - _EPOCH) // _MICROSECOND
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


def _event(
    row: object, family: str, user_id: str, understand: Callable[[Row], Playback], seen: Counter[bytes]
) -> dict[str, object]:
    if not isinstance(row, dict):
        raise NoEventError("no object")
    playback = understand(row)
    same = _digest([playback.time, playback.track, playback.milliseconds])
    event = {
        **playback.fields,
        "event_id": event_id(family, user_id, playback, seen[same]),
        "source": family,
        "user_id": user_id,
        "ms_played": playback.milliseconds,
    }
    seen[same] += 1
    return event


def _digest(values: list[object]) -> bytes:
    return blake2b(orjson.dumps(values), digest_size=16).digest()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError:
        raise InputError(f"{path} cannot be read: give yourself leave to read it, and try again.") from None


def _parse(path: Path, raw: bytes) -> list[object]:
    try:
        rows = orjson.loads(raw.decode())
    except UnicodeDecodeError as error:
        raise InputError(_broken(path, error.start)) from None
    except orjson.JSONDecodeError as error:
        raise InputError(_broken(path, len(error.doc[: error.pos].encode(errors="replace")))) from None
    if not isinstance(rows, list):
        raise InputError(f"{path} is JSON but no list of playbacks: give the file as it came in the export.")
    return rows


def _broken(path: Path, position: int) -> str:
    return f"{path} is no whole JSON file (it breaks at byte {position}): unpack or download the export again."
