"""What a new life is told of the windows before its marker, by the real store."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest

from infra.serving_store.live_runs import LiveRun
from infra.serving_store.rows import write_rows
from infra.serving_store.session import serving_session
from infra.serving_store.tables import create_control_tables, create_serving_table
from infra.settings import Settings
from pipelines.run import so_far
from pipelines.transforms.rules import Rules
from playback.arrow import arrow_schema
from schemas.live import COUNTRY_CHARTS, MINUTE_TRACK_PLAYS, MINUTE_USER_SESSIONS
from tests.pipelines.conftest import LISTENER, NOON, NOON_US

MARKER_US = NOON_US + 60_000_000
CELL = {"window_start": NOON, "country": "DE", "track_id": "t1", "play_count": 3, "skip_count": 0, "listener_count": 1}
SESSION = {
    **{"window_start": NOON, "user_id": LISTENER, "last_track_id": "t1", "last_occurred_at": NOON},
    **{"session_started_at": NOON - timedelta(hours=3), "playback_count": 9, "play_count": 9, "skip_count": 0},
    **{"skips_in_a_row": 0, "taste_drift_permille": None, "recent_artists": bytes(16)},
}
PLACE = {"country": "DE", "window_hours": 1, "position": 1}
CHART = PLACE | {"chart_until": NOON, "track_id": "t1", "play_count": 3}
STORED = {MINUTE_TRACK_PLAYS: CELL, MINUTE_USER_SESSIONS: SESSION, COUNTRY_CHARTS: CHART}


@pytest.fixture
def filled(stack: Any) -> Settings:
    """A keyspace in which a row of each table is."""
    settings: Settings = stack.settings.model_copy(update={"cassandra_keyspace": f"s{uuid.uuid4().hex[:8]}"})
    with serving_session(settings, stack.endpoints) as serving:
        create_control_tables(serving, settings)
        for number, (table, row) in enumerate(STORED.items()):
            create_serving_table(serving, table)
            write_rows(serving, table, pa.Table.from_pylist([row], arrow_schema(table.fields)), number)
    return settings


def told(settings: Settings, stack: Any, days: float) -> list[list[dict[str, Any]]]:
    """As of a marker that was moved so many days ago."""
    run = LiveRun("T", 2, MARKER_US, moved_at=datetime.now(UTC) - timedelta(days=days))
    return [rows.to_pylist() for rows in so_far(settings, stack.endpoints, run, Rules())]


def test_a_life_goes_on_from_the_closed_cells_and_the_sessions_before_its_marker(filled: Settings, stack: Any) -> None:
    assert told(filled, stack, days=13) == [[CELL], [PLACE], [SESSION]]


def test_after_a_pause_longer_than_rows_are_kept_it_begins_anew_and_says_so(
    filled: Settings, stack: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """Nothing is looked for among what has expired, which Cassandra could refuse."""
    assert told(filled, stack, days=15) == [[], [PLACE], []]
    (said,) = [one.getMessage() for one in caplog.records if one.name == "pipelines.run"]
    assert said == "No pipeline ran for 14 days: sessions that went on when the last one ended begin anew."
