"""What gold counts more than live, and why."""

import uuid
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest
from confluent_kafka import Producer

from infra.kafka.topics import ensure_playback_topic
from infra.serving_store.live_runs import begin_live_run, move_marker
from infra.serving_store.session import serving_session
from infra.serving_store.tables import create_control_tables
from infra.warehouse.client import warehouse
from infra.warehouse.tables import create_tables, create_view
from infra.warehouse.upsert import upsert_rows
from pipelines.transforms.rules import Rules
from playback.arrow import arrow_schema
from schemas.errors import CheckFailedError
from schemas.live import MINUTE_TRACK_PLAYS
from tonearm.app import run
from tonearm.live_comparison import (
    DIFFER,
    Comparison,
    closed_for_both,
    compare,
    counted_by_another,
    differences,
    kept_cells,
    left_to_batch,
)

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOON_US = int(NOON.timestamp()) * 1_000_000
DAY = date(2026, 11, 24)
RULES = Rules()
MOMENT = pa.timestamp("us", "UTC")
PLAYS = pa.schema(
    [
        *((name, pa.string()) for name in ("event_id", "country", "track_id", "content_type")),
        ("event_date", pa.date32()),
        ("occurred_at", MOMENT),
        ("appended_at", MOMENT),
        ("counts_as_play", pa.bool_()),
        ("is_skip", pa.bool_()),
    ]
)
CELLS = pa.schema(
    [
        ("event_date", pa.date32()),
        *((name, pa.string()) for name in ("country", "track_id")),
        *((name, pa.int64()) for name in ("play_count", "skip_count")),
    ]
)
NONE = CELLS.empty_table()
REPEATS = pa.schema([("event_id", pa.string()), ("appended_at", MOMENT)])


def play(event_id: str, ended: float, appended: float, **changes: Any) -> dict[str, Any]:
    return {
        "event_id": event_id,
        "country": "DE",
        "track_id": "t1",
        "content_type": "track",
        "event_date": DAY,
        "occurred_at": NOON + timedelta(seconds=ended),
        "appended_at": NOON + timedelta(seconds=appended),
        "counts_as_play": True,
        "is_skip": False,
    } | changes


def left(*plays: dict[str, Any], marker: float = 3_600, repeats: tuple[tuple[str, float], ...] = ()) -> dict[str, int]:
    again = [{"event_id": one, "appended_at": NOON + timedelta(seconds=second)} for one, second in repeats]
    found = left_to_batch(
        pa.Table.from_pylist(list(plays), PLAYS),
        pa.Table.from_pylist(again, REPEATS),
        RULES,
        NOON_US + int(marker * 1_000_000),
    )
    return {row["why"]: row["play_count"] + 100 * row["skip_count"] for row in found.to_pylist()}


def cells(*rows: tuple[str, int, int]) -> pa.Table:
    named = [
        {"event_date": DAY, "country": "DE", "track_id": track, "play_count": plays, "skip_count": skips}
        for track, plays, skips in rows
    ]
    return pa.Table.from_pylist(named, CELLS)


def test_what_live_counted_is_not_left_to_batch() -> None:
    assert left(play("a", 0, 1), play("talk", 0, 500, content_type="episode")) == {}


def test_late_old_ahead_and_open_playbacks_are_left_to_batch_each_with_its_reason() -> None:
    assert left(
        play("a", 0, 181),
        play("b", 0, 300, is_skip=True, counts_as_play=False),
        play("c", -3 * 86_400, 0),
        play("d", 100, 0),
        play("e", 3_600, 3_601),
    ) == {"late": 101, "beyond_horizon": 1, "ahead": 1, "open": 1}


def test_an_event_from_a_wrong_clock_that_comes_again_is_what_it_is_then() -> None:
    assert left(play("a", 100, 0), repeats=(("a", 10), ("a", 50), ("b", 60))) == {}
    assert left(play("a", 100, 0), repeats=(("a", 10), ("a", 400))) == {"late": 1}


def test_nothing_is_left_over_where_all_is_explained() -> None:
    late = left_to_batch(pa.Table.from_pylist([play("a", 0, 181)], PLAYS), REPEATS.empty_table(), RULES, 2**60)
    rows = differences(cells(("t1", 5, 2), ("t2", 1, 0)), cells(("t1", 4, 2), ("t2", 1, 0)), late, NONE)
    assert [
        (
            row["track_id"],
            row["play_count"],
            row["live_play_count"],
            row["late_play_count"],
            row["unexplained_play_count"],
        )
        for row in rows.sort_by("track_id").to_pylist()
    ] == [("t1", 5, 4, 1, 0), ("t2", 1, 1, 0, 0)]
    assert Comparison(rows).unexplained == 0


def test_what_live_counts_twice_and_gold_once_is_merged_also_where_one_of_both_is_late() -> None:
    plays = pa.Table.from_pylist(
        [play("a", 0, 1), play("a again", 0, 181), play("b", 60, 61), play("b again", 60, 61, is_skip=True)], PLAYS
    )
    again = counted_by_another(plays, pa.table({"event_id": ["a again", "b again", "of another day"]}))
    late = left_to_batch(plays, REPEATS.empty_table(), RULES, 2**60)
    [row] = differences(cells(("t1", 2, 0)), cells(("t1", 3, 1)), late, again).to_pylist()
    assert (row["merged_play_count"], row["merged_skip_count"], row["late_play_count"]) == (2, 1, 1)
    assert (row["unexplained_play_count"], row["unexplained_skip_count"]) == (0, 0)


def test_a_cell_that_only_one_side_has_is_unexplained() -> None:
    nothing = left_to_batch(PLAYS.empty_table(), REPEATS.empty_table(), RULES, 0)
    rows = differences(cells(("t1", 1, 0)), cells(("t2", 0, 1)), nothing, NONE)
    assert [
        (row["track_id"], row["unexplained_play_count"], row["unexplained_skip_count"])
        for row in rows.sort_by("track_id").to_pylist()
    ] == [
        ("t1", 1, 0),
        ("t2", 0, -1),
    ]
    assert Comparison(rows).unexplained == 2
    with pytest.raises(CheckFailedError, match=DIFFER):
        Comparison(rows).require_explained()


def test_days_that_bigquery_may_be_dropping_are_not_compared(stack: Any) -> None:
    """Cells are kept for 14 days; the stand-in has what is older still."""
    settings = stack.settings.model_copy(update={"bigquery_dataset_prefix": f"c{uuid.uuid4().hex[:8]}_"})
    rows = [
        {"window_start": NOON - timedelta(days=age), "country": "DE", "track_id": f"t{age}"}
        | dict.fromkeys(("play_count", "skip_count", "listener_count"), 1)
        for age in (0, 12, 13, 14, 400)
    ]
    with warehouse(settings, stack.endpoints) as house:
        create_tables(house, MINUTE_TRACK_PLAYS)
        create_view(house, MINUTE_TRACK_PLAYS)
        upsert_rows(
            house, MINUTE_TRACK_PLAYS, pa.Table.from_pylist(rows, arrow_schema(MINUTE_TRACK_PLAYS.fields)), number=1
        )
    found = kept_cells(settings, stack.endpoints, NOON_US + 60_000_000, NOON)
    assert sorted(found["event_date"].to_pylist()) == [DAY - timedelta(days=12), DAY]


@pytest.fixture
def settings(stack: Any) -> Any:
    """A topic of one partition, a keyspace and datasets of the test's own."""
    name = f"c{uuid.uuid4().hex[:8]}"
    own = {"bigquery_dataset_prefix": f"{name}_", "cassandra_keyspace": name, "playback_topic": name}
    return stack.settings.model_copy(update=own | {"playback_partitions": 1})


def test_windows_are_closed_for_both_up_to_the_marker_and_to_what_batch_has_not_read(stack: Any, settings: Any) -> None:
    def closed(read: int) -> int:
        return closed_for_both(settings, stack.endpoints, SimpleNamespace(read=lambda _: {0: read}), RULES)

    topic_id = ensure_playback_topic(settings, stack.endpoints.kafka_bootstrap)
    assert closed(0) == 0, "no pipeline ever ran"
    with serving_session(settings, stack.endpoints) as serving:
        create_control_tables(serving, settings)
        life = begin_live_run(serving, topic_id)
        assert closed(0) == 0, "it has closed nothing yet"
        now_us = int(datetime.now(UTC).timestamp()) * 1_000_000
        producer = Producer({"bootstrap.servers": stack.endpoints.kafka_bootstrap})
        producer.produce(settings.playback_topic, b"any")
        assert producer.flush(30) == 0
        move_marker(serving, life, NOON_US)
        assert closed(1) == NOON_US, "batch has read all there is"
        move_marker(serving, life, 2 * now_us)
        assert closed(1) == 2 * now_us
        assert 0 < now_us - RULES.lateness_us - closed(0) <= RULES.window_us, "the record counts in open windows only"


def test_where_live_does_not_write_to_bigquery_there_are_no_cells(stack: Any, settings: Any) -> None:
    assert kept_cells(settings, stack.endpoints, NOON_US, NOON).num_rows == 0


def test_where_no_batch_run_was_there_is_nothing_to_compare(stack: Any, settings: Any, tmp_path: Any) -> None:
    assert compare(settings.model_copy(update={"home": tmp_path}), stack.endpoints).rows.num_rows == 0


def test_nothing_to_compare_is_a_sentence_and_no_failure(
    stack: Any, home: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    home.mkdir()
    (home / "stack").symlink_to(stack.settings.home.resolve() / "stack")
    assert run(["compare"]) == 0
    assert capsys.readouterr().out.startswith("There is nothing to compare: no minute is closed by a live pipeline")
    assert run(["compare", "--json"]) == 0
    assert capsys.readouterr().out == '{"cells": 0, "unexplained": 0}\n'
