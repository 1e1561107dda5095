"""What must hold of an event beyond its types; whatever passes fits the declaration of `silver.plays`."""

from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from playback.reasons import Reason
from playback.verdicts import Verdicts
from schemas.events import CONTENT_TYPES, CURRENT, OUTCOMES

MAX_ID_CHARACTERS = 128
MAX_TEXT_CHARACTERS = 1_024
MAX_DURATION_MS = 86_400_000
MAX_UTC_OFFSET_MINUTES = 14 * 60
EARLIEST = datetime(2006, 1, 1, tzinfo=UTC)
"""No music streaming service of this kind is older."""
MAX_CLOCK_SKEW = timedelta(hours=24)

_REQUIRED_TEXTS = ("event_id", "source")
_DURATIONS = ("ms_played", "track_ms", "paused_ms")
_TEXTS = tuple(field.name for field in CURRENT.fields if field.type == "string")
_CLOSED_SETS = (("content_type", CONTENT_TYPES, Reason.BAD_CONTENT_TYPE), ("outcome", OUTCOMES, Reason.BAD_OUTCOME))
_PATTERNS = (
    ("user_id", b"0123456789abcdef", 32, Reason.BAD_USER_ID),
    ("country", b"ABCDEFGHIJKLMNOPQRSTUVWXYZ", 2, Reason.BAD_COUNTRY),
)
"""Fields whose texts are so many of these characters."""

Mask = npt.NDArray[np.bool_]


def refuse_invalid(events: pa.RecordBatch, appended_at: pa.TimestampArray, verdicts: Verdicts) -> None:
    """Refuse in `verdicts` each event that breaks a rule, with the first rule it breaks.

    `events` has DECODED_SCHEMA of `playback.wire`; `appended_at` is the UTC time the broker received each record.
    """
    for name in _REQUIRED_TEXTS:
        verdicts.refuse(_mask(pc.equal(events.column(name), "")), Reason.EMPTY_FIELD, name)
    for name in _TEXTS:
        limit = MAX_ID_CHARACTERS if name == "event_id" else MAX_TEXT_CHARACTERS
        too_long = _longer_than(events.column(name), limit)
        if too_long is not None:
            verdicts.refuse(too_long, Reason.TEXT_TOO_LONG, name)
    for name, characters, length, reason in _PATTERNS:
        verdicts.refuse(_is_not_made_of(events.column(name), characters, length), reason, name)
    for name, values, reason in _CLOSED_SETS:
        column = events.column(name)
        outside = pc.and_(column.is_valid(), pc.invert(pc.is_in(column, pa.array(values, column.type))))
        verdicts.refuse(_mask(outside), reason, name)
    for name in _DURATIONS:
        verdicts.refuse(_mask(pc.less(events.column(name), 0)), Reason.NEGATIVE_DURATION, name)
        verdicts.refuse(_mask(pc.greater(events.column(name), MAX_DURATION_MS)), Reason.ABSURD_DURATION, name)
    offset = events.column("utc_offset_minutes")
    too_far = pc.or_(pc.less(offset, -MAX_UTC_OFFSET_MINUTES), pc.greater(offset, MAX_UTC_OFFSET_MINUTES))
    verdicts.refuse(_mask(too_far), Reason.BAD_UTC_OFFSET, "utc_offset_minutes")
    _refuse_times(events.column("occurred_at"), appended_at, verdicts)


def _refuse_times(occurred_at: pa.TimestampArray, appended_at: pa.TimestampArray, verdicts: Verdicts) -> None:
    """Compared as microseconds, because calendar arithmetic overflows on the times that are to be refused."""
    occurred = occurred_at.cast(pa.int64())
    earliest = pa.scalar(EARLIEST, occurred_at.type).cast(pa.int64())
    latest = pc.add(appended_at.cast(pa.int64()), int(MAX_CLOCK_SKEW / timedelta(microseconds=1)))
    verdicts.refuse(_mask(pc.less(occurred, earliest)), Reason.TIME_OUT_OF_RANGE, "occurred_at")
    verdicts.refuse(_mask(pc.greater(occurred, latest)), Reason.CLOCK_SKEW, "occurred_at")


def _is_not_made_of(column: pa.StringArray, characters: bytes, length: int) -> Mask:
    """Which texts are not exactly so many of these characters, which are ASCII; null is none of them."""
    is_wrong = _mask(pc.not_equal(pc.binary_length(column), length))
    _, offsets, data = column.buffers()
    if data is None:
        return is_wrong
    bounds = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    is_other = ~np.isin(np.arange(256), np.frombuffer(characters, np.uint8))
    others = is_other[np.frombuffer(data, np.uint8)[bounds[0] : bounds[-1]]]
    if others.any():
        before = np.append(0, np.cumsum(others))[bounds - bounds[0]]
        is_wrong |= column.is_valid().to_numpy(zero_copy_only=False) & (np.diff(before) > 0)
    return is_wrong


def _longer_than(column: pa.StringArray, characters: int) -> Mask | None:
    """Which texts have more characters; None where none has."""
    # a text has no more characters than bytes, and counting characters is the slower
    if (pc.max(pc.binary_length(column)).as_py() or 0) <= characters:
        return None
    return _mask(pc.greater(pc.utf8_length(column), characters))


def _mask(condition: pa.BooleanArray) -> Mask:
    """The condition as a mask; what is null breaks no rule."""
    found: Mask = condition.fill_null(False).to_numpy(zero_copy_only=False)
    return found
