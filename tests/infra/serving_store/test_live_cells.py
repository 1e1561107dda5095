"""Rows of live tables that a new life of the pipeline reads back."""

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from infra.serving_store.live_cells import closed_track_plays, latest_sessions
from infra.serving_store.rows import write_rows
from infra.serving_store.session import ServingSession
from infra.serving_store.tables import create_serving_table
from playback.arrow import arrow_schema
from schemas.errors import StoreUnavailableError
from schemas.live import MINUTE_TRACK_PLAYS, MINUTE_USER_SESSIONS

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOON_US = int(NOON.timestamp()) * 1_000_000
MINUTE = 60_000_000
SESSIONS = arrow_schema(MINUTE_USER_SESSIONS.fields)


def row(user: str, minute: int, **changes: object) -> dict[str, object]:
    moment = NOON + timedelta(minutes=minute, milliseconds=7)
    return {
        "window_start": NOON + timedelta(minutes=minute),
        "user_id": user,
        "last_track_id": f"t{minute}",
        "last_occurred_at": moment,
        "session_started_at": NOON - timedelta(hours=3),
        "playback_count": 9,
        "play_count": 7,
        "skip_count": 2,
        "skips_in_a_row": 1,
        "taste_drift_permille": None,
        "recent_artists": bytes(16),
    } | changes


def test_of_each_listener_the_latest_row_within_the_time_comes_back(serving: ServingSession) -> None:
    create_serving_table(serving, MINUTE_USER_SESSIONS)
    many = [row(f"{number:032x}", minute) for number in range(3, 503) for minute in range(0, 9, 4)]
    rows = [row("a", 1), row("a", 3), row("a", 5), row("b", -1), row("b", 5, taste_drift_permille=9), row("c", 4)]
    write_rows(serving, MINUTE_USER_SESSIONS, pa.Table.from_pylist([*rows, *many], SESSIONS), 1)
    found = latest_sessions(serving, NOON_US, NOON_US + 5 * MINUTE).sort_by("user_id")
    expected = [row("a", 3), row("c", 4), *(row(f"{number:032x}", 4) for number in range(3, 503))]
    assert found == pa.Table.from_pylist(expected, SESSIONS).sort_by("user_id")
    assert latest_sessions(serving, NOON_US + 9 * MINUTE, NOON_US + 10 * MINUTE).num_rows == 0


def test_a_row_that_was_written_again_comes_back_as_it_is_now(serving: ServingSession) -> None:
    create_serving_table(serving, MINUTE_USER_SESSIONS)
    create_serving_table(serving, MINUTE_USER_SESSIONS)
    for number, count in enumerate((1, 2, 3)):
        rows = pa.Table.from_pylist([row("a", 0, playback_count=count)], SESSIONS)
        write_rows(serving, MINUTE_USER_SESSIONS, rows, number)
    found = latest_sessions(serving, NOON_US, NOON_US + MINUTE)
    assert found["playback_count"].to_pylist() == [3]


def test_cells_of_a_table_from_before_its_index_are_found_when_that_is_made(serving: ServingSession) -> None:
    assert MINUTE_TRACK_PLAYS.serving is not None
    create_serving_table(serving, replace(MINUTE_TRACK_PLAYS, serving=replace(MINUTE_TRACK_PLAYS.serving, indexed=())))
    cells = [
        {"window_start": NOON + timedelta(minutes=minute), "country": country, "track_id": track}
        | dict.fromkeys(("play_count", "skip_count", "listener_count"), minute + 1)
        for minute in range(4)
        for country in ("DE", "SE")
        for track in ("a", "b")
    ]
    rows = pa.Table.from_pylist(cells, arrow_schema(MINUTE_TRACK_PLAYS.fields))
    write_rows(serving, MINUTE_TRACK_PLAYS, rows, 1)
    create_serving_table(serving, MINUTE_TRACK_PLAYS)
    deadline = time.monotonic() + 60
    while True:  # as lives of the pipeline do
        try:
            found = closed_track_plays(serving, NOON_US + MINUTE, NOON_US + 3 * MINUTE)
            break
        except StoreUnavailableError:
            assert time.monotonic() < deadline
    order = [(name, "ascending") for name in MINUTE_TRACK_PLAYS.key]
    assert found.sort_by(order) == rows.slice(4, 8).sort_by(order)
