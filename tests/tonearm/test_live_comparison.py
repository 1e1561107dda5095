"""What gold counts more than live, and why."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pyarrow as pa

from infra.warehouse.client import warehouse
from infra.warehouse.tables import create_tables, create_view
from infra.warehouse.upsert import upsert_rows
from pipelines.progress import Progress
from pipelines.transforms.rules import Rules
from playback.arrow import arrow_schema
from schemas.live import MINUTE_TRACK_PLAYS
from tonearm.live_comparison import Comparison, counted_by_another, differences, kept_cells, left_to_batch

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
    said = Progress(1, NOON_US / 1e6, 0, NOON_US + 60_000_000, True, {}, 0.0, 0.0, 0.0, RULES)
    found = kept_cells(settings, stack.endpoints, said)
    assert sorted(found["event_date"].to_pylist()) == [DAY - timedelta(days=12), DAY]
