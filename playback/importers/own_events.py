"""Events in the platform's own form, from elsewhere: whose they are, and the identity of those that have none.

A row names its listener by `user`, an account name, or by `user_id`, a pseudonym; one that does neither belongs to
whoever the whole is imported for. Anything else in `user_id` makes a reject: it could be a name. A row without
`event_id` gets one from what it says: equal rows (source, listener, moment, track, milliseconds) are one playback,
however often they come, so that nothing need be remembered of a stream.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc

from playback.arrow import event_schema
from playback.importers.rows import MAX_REJECT_BYTES, MAX_TEXT, Batch, Listener, Playback, event_id
from playback.wire import decode
from schemas.events import CURRENT

ACCOUNT = "user"
"""Key or column of the account name; no field of the event, which never has one."""

SCHEMA = event_schema(CURRENT)
NAMES = tuple(SCHEMA.names)
_PSEUDONYM = re.compile(r"[0-9a-f]{32}")


def from_objects(rows: Sequence[object], originals: Sequence[bytes], listener: Listener) -> Batch:
    """Rows that were JSON, as `playback.objects` reads them; `originals` are their bytes."""
    user_ids = whose(
        [row.get(ACCOUNT) if isinstance(row, dict) else None for row in rows],
        [row.get("user_id") if isinstance(row, dict) else None for row in rows],
        listener,
    )
    payloads = [
        _payload(row, user_id) if isinstance(row, dict) and user_id else None
        for row, user_id in zip(rows, user_ids, strict=True)
    ]
    decoded = decode(pa.array(payloads, pa.binary()))
    refused = decoded.verdicts.refused
    rejects = [originals[index][:MAX_REJECT_BYTES] for index in np.flatnonzero(refused).tolist()]
    return Batch(named(decoded.events.filter(pa.array(~refused))), rejects)


def whose(accounts: Sequence[object], user_ids: Sequence[object], listener: Listener) -> list[str | None]:
    """The `user_id` of each row, from its account name or its own one; None where that cannot be said."""
    names = {account for account in accounts if isinstance(account, str) and 0 < len(account.strip()) <= MAX_TEXT}
    listed = sorted(names)
    pseudonyms = dict(zip(listed, listener.pseudonyms(listed), strict=True)) if listed else {}

    def one(account: object, user_id: object) -> str | None:
        if account is not None and account != "":
            return pseudonyms.get(account) if isinstance(account, str) else None
        if user_id is None or user_id == "":
            return listener.user_id or None
        return user_id if isinstance(user_id, str) and _PSEUDONYM.fullmatch(user_id) else None

    return [one(account, user_id) for account, user_id in zip(accounts, user_ids, strict=True)]


def named(events: pa.RecordBatch) -> pa.RecordBatch:
    """The events (nothing required but `event_id` is missing) with the schema of the current version, each named."""
    given = pc.fill_null(events.column("event_id"), "")
    unnamed = pc.equal(given, "")
    if pc.any(unnamed).as_py():
        given = pc.replace_with_mask(given, unnamed, pa.array(_ids(events.filter(unnamed)), pa.string()))
    columns = [given if name == "event_id" else events.column(name) for name in NAMES]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _ids(events: pa.RecordBatch) -> list[str]:
    names = ("source", "user_id", "track_id", "artist_name", "track_title", "ms_played")
    moments = events.column("occurred_at").cast(pa.int64()).to_pylist()
    return [
        event_id(source, user_id, Playback(str(moment), track or [artist, title], played, {}), 0)
        for moment, source, user_id, track, artist, title, played in zip(
            moments, *(events.column(name).to_pylist() for name in names), strict=True
        )
    ]


def _payload(row: Mapping[str, Any], user_id: str) -> bytes:
    """The row as a JSON event of that listener, without what is no field."""
    event = {name: row[name] for name in NAMES if name in row}
    event["user_id"] = user_id
    if event.get("event_id") is None:
        event["event_id"] = ""
    return orjson.dumps(event)
