"""Dead letters of one reason, and what they are under one rule."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pyarrow as pa

from playback.fix_rules import Change, Rule
from playback.reasons import Reason, sentence
from playback.repair import LETTERS, repair
from playback.wire import decode

MakeEvent = Callable[..., dict[str, Any]]
MakePayload = Callable[..., bytes]

NOW = datetime(2024, 5, 3, tzinfo=UTC)
APPENDED = datetime(2024, 5, 2, 12, tzinfo=UTC)


def letters(*payloads: bytes | None, reason: Reason = Reason.BAD_COUNTRY, field: str = "country") -> pa.RecordBatch:
    """Letters of one reason at offsets 0, 1, …, appended an hour apart."""
    rows = [
        {
            "topic_id": "T",
            "partition": 3,
            "offset": offset,
            "appended_at": APPENDED + timedelta(hours=offset),
            "reason": reason,
            "detail": sentence(reason, field),
            "payload": payload,
            "key": b"listener",
            "install_id": "install-1",
            "sequence": 7 + offset,
        }
        for offset, payload in enumerate(payloads)
    ]
    return pa.RecordBatch.from_pylist(rows, schema=LETTERS)


def rule(*changes: Change, reason: Reason = Reason.BAD_COUNTRY, **given: Any) -> Rule:
    return Rule(given.pop("name", "r"), reason, changes=changes, **given)


def read(payload: bytes | None) -> dict[str, Any]:
    """The one event that the payload is."""
    decoded = decode(pa.array([payload], pa.binary()))
    assert decoded.reason.to_pylist() == [None]
    event: dict[str, Any] = decoded.events.to_pylist()[0]
    return event


def repaired(payload: bytes | None, *changes: Change, **given: Any) -> bytes | None:
    """The payload of one letter under one rule that is for it."""
    found = repair(letters(payload), [rule(*changes, **given)])
    assert found.rule.tolist() == [0]
    result: bytes | None = found.payload.to_pylist()[0]
    return result


def as_json(event: dict[str, Any]) -> bytes:
    return orjson.dumps({name: value for name, value in event.items() if value is not None})
