"""`tonearm run --live` to its end: gold and the closed live cells differ by what can be said, and both are shown."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from infra.identity import Identities
from jobs.steps import ingest_step, refresh_step
from schemas.live import FATES
from schemas.silver import PLAYS
from tests.end_to_end.conftest import LISTENER, Deployment, basic
from tests.end_to_end.live_pipeline import pipeline_of
from tests.end_to_end.past_service import AHEAD, LATE, NOON, ON_TIME, TWICE, UPLOADED, export, play

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def finished(
    deployment: Callable[..., Deployment], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Deployment, dict[str, Any]]:
    """A deployment whose live pipeline had closed a day, on which the listener uploads an export of it; the report."""
    made, folder = deployment(), tmp_path_factory.mktemp("run")
    play(made, Identities(made.settings.home).pseudonym(LISTENER))
    with pipeline_of(made, folder / "live.log") as pipeline:
        before = replace(pipeline, options=("--flush_seconds=0.5", "--bigquery_seconds=0.5"))
        life = before.start()
        try:
            before.wait_for_marker(int(NOON.timestamp() + 86_400) * 1_000_000, life)
        finally:
            life.kill()
            life.wait(30)
    (folder / "StreamingHistory0.json").write_text(json.dumps(export()))
    run = made.start(folder / "StreamingHistory0.json", "", "--live")
    out, said = run.communicate(timeout=500)
    assert run.returncode == 0, said
    return made, json.loads(out)


@pytest.fixture
def rows(finished: tuple[Deployment, dict[str, Any]]) -> list[dict[str, Any]]:
    return finished[0].analysed("live.batch_differences")


def test_what_gold_has_more_is_late_beyond_the_horizon_or_ahead_and_what_it_has_less_is_merged(
    rows: list[dict[str, Any]],
) -> None:
    plays = {
        name: sum(row[f"{name}_play_count"] for row in rows) for name in ("live", "late", "beyond_horizon", "ahead")
    }
    assert plays == {
        "live": ON_TIME + 2 * TWICE,
        "late": LATE,
        "beyond_horizon": 2 * UPLOADED,
        "ahead": AHEAD,
    }
    assert sum(row["merged_play_count"] for row in rows) == TWICE + UPLOADED
    assert sum(row["play_count"] for row in rows) == ON_TIME + LATE + AHEAD + TWICE + UPLOADED


def test_nothing_is_left_over_in_any_cell(rows: list[dict[str, Any]]) -> None:
    assert rows
    assert {(row["unexplained_play_count"], row["unexplained_skip_count"]) for row in rows} == {(0, 0)}
    assert {row["event_date"] for row in rows} == {NOON.date()}


def test_the_report_has_what_live_counted_and_what_was_compared(
    finished: tuple[Deployment, dict[str, Any]], rows: list[dict[str, Any]]
) -> None:
    made, report = finished
    live = report["live"]
    assert live["records"] == dict.fromkeys(FATES, 0) | {
        "accepted": ON_TIME + 2 * TWICE,
        "late": LATE,
        "ahead": AHEAD,
        "beyond_horizon": 2 * UPLOADED,
        "dead_letter": 2,
    }
    assert (live["lag_records"], live["compared_cells"], live["unexplained_cells"]) == (0, len(rows), 0)
    shown = made.said("report")
    assert f"{2 * UPLOADED} beyond horizon, 2 dead letter (live.minute_records)" in shown
    assert f"{len(rows)} cells of gold against live: all explained (live.batch_differences)" in shown


def test_a_schedulers_task_compares_the_same_and_the_status_says_how_live_was(
    finished: tuple[Deployment, dict[str, Any]], rows: list[dict[str, Any]]
) -> None:
    made, _ = finished
    assert json.loads(made.said("compare", "--json")) == {"cells": len(rows), "unexplained": 0}
    (live,) = json.loads(made.said("status", "--json"))["live"]
    assert live["run_number"] == 2
    assert live["lag_records"] == 0
    assert live["delay_seconds"] >= 0
    assert live["records_a_second"] >= 0
    assert 0 < live["dead_letter_rate"] < 1


def test_what_has_come_into_silver_since_gold_was_made_is_no_difference(
    finished: tuple[Deployment, dict[str, Any]], rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    """As when an hourly ingest comes between, and another table wants to know of it."""
    made, _ = finished
    later = basic(f"{NOON:%Y-%m-%d} 23:00", "Later", "Song")
    (tmp_path / "StreamingHistory0.json").write_text(json.dumps([later]))
    made.send(tmp_path)
    assert ingest_step(made.settings, made.endpoints, lambda _what, _step: None) == 1
    assert refresh_step(made.settings, PLAYS, lambda _what, _step: None).changed
    assert json.loads(made.said("compare", "--json")) == {"cells": len(rows), "unexplained": 0}
