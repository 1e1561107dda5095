"""Micro-batches of live rows in the BigQuery stand-in."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from infra.warehouse.client import Warehouse, warehouse
from infra.warehouse.tables import create_tables
from infra.warehouse.upsert import newest, upsert_rows
from playback.arrow import arrow_schema
from schemas.live import MINUTE_TRACK_PLAYS

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def house(stack: Any) -> Iterator[Warehouse]:
    own = stack.settings.model_copy(update={"bigquery_dataset_prefix": f"u{uuid.uuid4().hex[:8]}_"})
    with warehouse(own, stack.endpoints) as house:
        create_tables(house, MINUTE_TRACK_PLAYS)
        yield house


def cells(*rows: tuple[int, str, int]) -> pa.Table:
    """Minute after noon, track and every count of it."""
    made = [
        {"window_start": NOON + timedelta(minutes=minute), "country": "DE", "track_id": track}
        | dict.fromkeys(("play_count", "skip_count", "listener_count"), count)
        for minute, track, count in rows
    ]
    return pa.Table.from_pylist(made, schema=arrow_schema(MINUTE_TRACK_PLAYS.fields))


def stored(house: Warehouse) -> list[tuple[Any, ...]]:
    table = house.path(MINUTE_TRACK_PLAYS, "minute_track_plays_v1")
    statement = f"SELECT EXTRACT(MINUTE FROM window_start), track_id, play_count FROM `{table}` ORDER BY 1, 2"
    return [row.values() for row in house.run(statement)[1]]


def test_rows_replace_those_of_their_key_and_no_others(house: Warehouse) -> None:
    upsert_rows(house, MINUTE_TRACK_PLAYS, cells((0, "a", 1), (0, "b", 1), (1, "a", 1)), 1)
    upsert_rows(house, MINUTE_TRACK_PLAYS, cells((0, "a", 2), (2, "'; DROP TABLE x; --", 5)), 2)
    assert stored(house) == [(0, "a", 2), (0, "b", 1), (1, "a", 1), (2, "'; DROP TABLE x; --", 5)]


def test_a_batch_that_is_sent_twice_or_too_late_changes_nothing(house: Warehouse) -> None:
    upsert_rows(house, MINUTE_TRACK_PLAYS, cells((0, "a", 2)), 2)
    upsert_rows(house, MINUTE_TRACK_PLAYS, cells((0, "a", 2)), 2)
    upsert_rows(house, MINUTE_TRACK_PLAYS, cells((0, "a", 1)), 1)
    assert stored(house) == [(0, "a", 2)]


def test_of_changes_the_last_of_each_key_is_sent() -> None:
    found = newest(MINUTE_TRACK_PLAYS, [cells((0, "a", 1), (0, "b", 1)), cells((0, "a", 2)), cells((1, "a", 7))])
    assert sorted(found["play_count"].to_pylist()) == [1, 2, 7]
