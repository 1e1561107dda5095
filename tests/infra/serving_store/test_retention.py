"""Rows of live tables expire by the store's clock, and what is behind them stays as it is."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from infra.serving_store.live_cells import closed_track_plays
from infra.serving_store.live_runs import begin_live_run, live_timestamp, move_marker, read_live_run
from infra.serving_store.rows import stored_keys, write_rows
from infra.serving_store.session import ServingSession
from infra.serving_store.tables import create_serving_table
from playback.arrow import arrow_schema
from schemas.live import COUNTRY_CHARTS, MINUTE_TRACK_PLAYS
from schemas.model import Table
from schemas.render.cassandra import table_name

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOON_US = int(NOON.timestamp()) * 1_000_000
MINUTE = 60_000_000
DAY = 86_400
TOO_MANY_EXPIRED = 40_000
"""Rows of three cells: Cassandra refuses a read that meets more than 100,000 of what is gone and not yet cleared."""
Expiring = Callable[[int], None]


def cells(minutes: range, track_count: int = 1, plays: int = 1) -> pa.Table:
    made = [
        {"window_start": NOON + timedelta(minutes=minute), "country": "DE", "track_id": f"t{track:04}"}
        | dict.fromkeys(("play_count", "skip_count", "listener_count"), plays)
        for minute in minutes
        for track in range(track_count)
    ]
    return pa.Table.from_pylist(made, arrow_schema(MINUTE_TRACK_PLAYS.fields))


def table_of(serving: ServingSession, table: Table = MINUTE_TRACK_PLAYS) -> str:
    return f'"{serving.keyspace}"."{table_name(table)}"'


def stored(serving: ServingSession, what: str) -> list[object]:
    return [row["it"] for row in serving.rows(f"SELECT {what} AS it FROM {table_of(serving)}")]


@pytest.fixture
def expiring(serving: ServingSession) -> Expiring:
    """The tables, with a retention of so many seconds for what is written from now on."""
    tables = (MINUTE_TRACK_PLAYS, COUNTRY_CHARTS)
    for table in tables:
        create_serving_table(serving, table)

    def expire_after(seconds: int) -> None:
        for table in tables:
            serving.session.execute(f"ALTER TABLE {table_of(serving, table)} WITH default_time_to_live = {seconds}")

    return expire_after


def wait_until_gone(serving: ServingSession) -> None:
    deadline = time.monotonic() + 60
    while stored(serving, "play_count"):
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_row_is_kept_from_its_last_write_on_whatever_number_that_has(serving: ServingSession) -> None:
    create_serving_table(serving, MINUTE_TRACK_PLAYS)
    ages = []
    for write in (live_timestamp(1, 7), live_timestamp(2, 0)):
        write_rows(serving, MINUTE_TRACK_PLAYS, cells(range(1)), write)
        assert stored(serving, "WRITETIME(play_count)") == [write]
        (kept,) = stored(serving, "TTL(play_count)")
        ages.append(kept)
        time.sleep(2)
    assert all(14 * DAY - 60 < kept <= 14 * DAY for kept in ages)
    assert ages[1] >= ages[0] - 1, "the second write begins anew"


def test_an_expired_row_comes_back_with_a_later_life_only(serving: ServingSession, expiring: Expiring) -> None:
    expiring(1)
    write_rows(serving, MINUTE_TRACK_PLAYS, cells(range(1)), live_timestamp(2, 5))
    wait_until_gone(serving)
    expiring(DAY)
    write_rows(serving, MINUTE_TRACK_PLAYS, cells(range(1), plays=9), live_timestamp(1, 99))
    assert stored(serving, "play_count") == []
    write_rows(serving, MINUTE_TRACK_PLAYS, cells(range(1), plays=3), live_timestamp(3, 0))
    assert stored(serving, "play_count") == [3]


def test_the_marker_never_expires(serving: ServingSession, expiring: Expiring) -> None:
    """With it a window that was closed would be opened again."""
    expiring(1)
    run = begin_live_run(serving, "T")
    move_marker(serving, run, MINUTE, 3 * MINUTE, {0: 7})
    write_rows(serving, MINUTE_TRACK_PLAYS, cells(range(1)), live_timestamp(run.number, 0))
    wait_until_gone(serving)
    found = read_live_run(serving, "T")
    assert found is not None and (found.marker_us, found.offsets) == (MINUTE, {0: 7})
    options = "SELECT default_time_to_live AS it FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?"
    assert [row["it"] for row in serving.rows(options, (serving.keyspace, "live_runs"))] == [0]


def test_closed_cells_are_found_among_many_that_have_expired(serving: ServingSession, expiring: Expiring) -> None:
    expiring(1)
    many = cells(range(-400, 0), track_count=TOO_MANY_EXPIRED // 400)
    write_rows(serving, MINUTE_TRACK_PLAYS, many, live_timestamp(1, 0))
    time.sleep(2)
    expiring(DAY)
    kept = cells(range(3), track_count=2)
    write_rows(serving, MINUTE_TRACK_PLAYS, kept, live_timestamp(1, 1))
    found = closed_track_plays(serving, NOON_US, NOON_US + 2 * MINUTE)
    order = [("window_start", "ascending"), ("track_id", "ascending")]
    assert found.sort_by(order) == kept.slice(0, 4)


def test_keys_of_charts_are_found_among_many_that_have_expired(serving: ServingSession, expiring: Expiring) -> None:
    """As after days on which no pipeline ran."""

    def charts(countries: range) -> pa.Table:
        rows = [
            {"country": f"{country:03}", "window_hours": hours, "position": position, "track_id": "t", "play_count": 1}
            | {"chart_until": NOON}
            for country in countries
            for hours in (1, 24)
            for position in range(1, 101)
        ]
        return pa.Table.from_pylist(rows, arrow_schema(COUNTRY_CHARTS.fields))

    expiring(1)
    write_rows(serving, COUNTRY_CHARTS, charts(range(TOO_MANY_EXPIRED // 200)), live_timestamp(1, 0))
    time.sleep(2)
    expiring(DAY)
    kept = charts(range(900, 902))
    write_rows(serving, COUNTRY_CHARTS, kept, live_timestamp(1, 1))
    order = [(name, "ascending") for name in COUNTRY_CHARTS.key]
    assert stored_keys(serving, COUNTRY_CHARTS).sort_by(order) == kept.select(COUNTRY_CHARTS.key).sort_by(order)
