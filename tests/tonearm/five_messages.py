"""A lake of a few rows and the answer key of a log of five messages, without statistics."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from deltalake import write_deltalake

from infra.lake import Lake
from playback.arrow import arrow_schema
from playback.simulator.log import LOG
from schemas.bronze import DEAD_LETTERS
from schemas.gold import COUNTRY_CHARTS, DAILY_TRACK_PLAYS, DAILY_USER_PLAYS, EVENT_BALANCE
from schemas.model import Table
from schemas.music_catalogue import CATALOGUE_ENTRIES, CATALOGUE_ROWS, TRACK_FACTS
from schemas.silver import DUPLICATES
from truth.answers import write_answers

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
DAY = date(2026, 1, 31)
TRACK = {"track_id": "uri:1", "artist_name": "Poolside", "track_title": "Harvest Moon"}
COUNTS = {"playback_count": 1, "play_count": 1, "skip_count": 0, "played_ms": 30_000}
CLEAN = {"clean_playback_count": 1, "clean_play_count": 1, "clean_skip_count": 0, "clean_played_ms": 30_000}
RECORD = {"topic_id": "t", "partition": 0, "offset": 0, "topic": "events", "appended_at": NOON, "appended_date": DAY}
NONE = dict.fromkeys(("duplicate", "dead_letter", "replayed", "pending", "lost", "unaccounted"), 0)
LINE = {"client_id": "secret-phone", "topic_id": "t", "topic": "events"} | NONE
HOURS = [datetime(2026, 2, 1, hour, tzinfo=UTC) for hour in (0, 1)]

# the first playback was sent again with other content, one message is spoilt, and one before the mark was lost
PLAYBACK = {
    **TRACK,
    "user_id": "secret-ada",
    "install_id": "secret-phone",
    "occurred_at": NOON,
    "country": "DE",
    "content_type": "track",
    "outcome": "play",
    "ms_played": 30_000,
}
MESSAGES = [
    {"message_number": 0, "event_id": "e", "sequence": 0, **PLAYBACK},
    {"message_number": 1, "event_id": "e", "sequence": 1, **PLAYBACK},
    {"message_number": 2, "sequence": 2, **PLAYBACK, "fault": "cut", "reason": "truncated_avro"},
    {"message_number": None, "sequence": 3, **PLAYBACK},
    {"message_number": 3, "install_id": "secret-phone", "high_water": 4},
]
LAKE: dict[Table, list[dict[str, Any]]] = {
    DAILY_TRACK_PLAYS: [
        {"event_date": DAY, "country": "DE", "track_id": "uri:1", "listener_count": 1, "clean_listener_count": 1}
        | COUNTS
        | CLEAN
    ],
    DAILY_USER_PLAYS: [{"event_date": DAY, "user_id": "secret-ada", "track_count": 1, **COUNTS, **CLEAN}],
    COUNTRY_CHARTS: [
        {"country": "DE", "window_days": days, "position": 1, "chart_date": DAY, "play_count": 1, "played_ms": 30_000}
        | {"clean_play_count": 1, "clean_played_ms": 30_000}
        | TRACK
        for days in (7, 28)
    ],
    EVENT_BALANCE: [
        {**LINE, "stage": "bronze", "hour": HOURS[0], "sent": 2, "accepted": 2},
        {**LINE, "stage": "bronze", "hour": HOURS[1], "sent": 2, "accepted": 1, "lost": 1},
        {**LINE, "stage": "silver", "hour": HOURS[0], "sent": 2, "accepted": 1, "duplicate": 1},
        {**LINE, "stage": "silver", "hour": HOURS[1], "sent": 2, "accepted": 0, "dead_letter": 1, "lost": 1},
    ],
    DEAD_LETTERS: [{**RECORD, "client_id": "secret-phone", "reason": "truncated_avro", "detail": "Cut."}],
    DUPLICATES: [
        {**RECORD, "client_id": "secret-phone", "event_id": "e", "is_conflict": True}
        | {"kept_topic_id": "t", "kept_partition": 0, "kept_offset": 1}
    ],
    CATALOGUE_ROWS: [],
    CATALOGUE_ENTRIES: [],
    TRACK_FACTS: [],
}


def write_lake(home: Path, other: dict[Table, list[dict[str, Any]]] | None = None) -> None:
    """Write the lake; of the tables given other rows."""
    lake = Lake(home / "lake")
    for table, rows in (LAKE | (other or {})).items():
        lake.create(table)
        schema = arrow_schema(table.stored_fields)
        full = [{"ingested_at": NOON, "input_positions": "{}"} | row for row in rows]
        write_deltalake(lake.path(table), pa.Table.from_pylist(full, schema=schema), mode="append")


def write_key(
    folder: Path, interrupted: bool = False, complete: bool = True, messages: list[dict[str, Any]] = MESSAGES
) -> None:
    """Write the key of these messages."""
    folder.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(messages, schema=LOG), folder / "log.parquet")
    write_answers(folder, statistics=False)
    key = {"subject": "s", "messages": 4, "interrupted": interrupted, "complete": complete}
    (folder / "key.json").write_text(json.dumps(key))
