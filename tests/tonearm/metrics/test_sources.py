"""What each source gives for what is in a home, and what becomes of the answer when one cannot be read."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from infra.lake import Lake
from infra.run_log import LastRun
from infra.settings import Settings
from pipelines.progress import write_progress
from pipelines.transforms.elements import Changes
from pipelines.transforms.rules import Rules
from playback.arrow import arrow_schema
from playback.reasons import Reason
from schemas import catalog
from schemas.bronze import DEAD_LETTERS, PLAYBACK_EVENTS
from schemas.errors import StoreUnavailableError
from schemas.gold import EVENT_BALANCE
from schemas.model import Table
from schemas.quality import CHECK_RESULTS
from schemas.render.check_words import checks_in_words
from schemas.silver import PLAYS
from tests.tonearm.metrics.scraping import scrape
from tonearm.metrics import sources

SEEN = datetime(2026, 11, 20, 8, tzinfo=UTC)
USUAL = {"string": "x", "long": 0, "int": 0, "boolean": True, "timestamp": SEEN, "date": SEEN.date(), "binary": b""}


def write(settings: Settings, table: Table, *given: dict[str, Any], mode: Any = "append") -> None:
    lake = Lake(settings.lake)
    lake.create(table)
    rows = [{field.name: USUAL.get(field.type) for field in table.stored_fields} | row for row in given]
    write_deltalake(lake.path(table), pa.Table.from_pylist(rows, schema=arrow_schema(table.stored_fields)), mode=mode)


def remember(settings: Settings, command: str, table: str = "", **said: Any) -> None:
    usual = {"run_id": "r", "ended_at": 100.0, "seconds": 2.5, "status": 0, "succeeded_at": 100.0, "refreshed": {}}
    record = LastRun(command, table, **usual | said)
    (settings.home / "runs").mkdir(parents=True, exist_ok=True)
    (settings.home / "runs" / f"{command}{table}.json").write_text(json.dumps(vars(record)))


def test_a_home_where_nothing_ran_has_promises_and_no_store(settings: Settings) -> None:
    said: list[str] = []
    found = scrape(settings, said)
    assert found["tonearm_source_up"] == {
        ("lake",): 1, ("runs",): 1, ("report",): 1, ("live",): 1, ("kafka",): 0, ("cassandra",): 0,
    }  # fmt: skip
    assert found["tonearm_table_promise_seconds"]["bronze.playback_events",] == 2 * 3600
    assert set(found["tonearm_table_promise_seconds"]) == {(name,) for name in catalog.lake_tables()}
    assert "tonearm_table_rows" not in found
    assert "tonearm_ledger_lag_records" not in found
    assert sorted(line.partition(":")[0] for line in said) == ["cassandra", "kafka"]
    assert not settings.home.exists()  # asking leaves nothing behind


def test_the_sheet_is_by_topic_of_all_hours_and_clients(settings: Settings) -> None:
    line = {"stage": "silver", "topic": "events", "input_positions": "{}"}
    later = {"hour": datetime(2026, 11, 20, 9, tzinfo=UTC), "client_id": "another"}
    write(
        settings,
        EVENT_BALANCE,
        line | {"sent": 5, "accepted": 4, "lost": 1},
        line | {"stage": "bronze", "sent": 5, "accepted": 5},
        line | later | {"sent": 2, "dead_letter": 2},
        line | {"topic": "others", "sent": 1, "pending": 1},
    )
    found = scrape(settings)
    assert found["tonearm_balance_sent_records"] == {("events",): 7, ("others",): 1}
    fates = found["tonearm_balance_records"]
    assert {labels: count for labels, count in fates.items() if count} == {
        ("accepted", "events"): 4,
        ("lost", "events"): 1,
        ("dead_letter", "events"): 2,
        ("pending", "others"): 1,
    }
    assert found["tonearm_balance_adds_up"] == {(): 1}


def test_a_sheet_that_does_not_add_up_says_so(settings: Settings) -> None:
    write(settings, EVENT_BALANCE, {"stage": "silver", "sent": 1, "unaccounted": 1, "input_positions": "{}"})
    assert scrape(settings)["tonearm_balance_adds_up"] == {(): 0}


def test_dead_letters_are_counted_by_reason_and_a_reason_without_any_is_zero(settings: Settings) -> None:
    reasons = ["invalid_json", "invalid_json", "bad_country"]
    write(settings, DEAD_LETTERS, *({"offset": n, "reason": one} for n, one in enumerate(reasons)))
    found = scrape(settings)["tonearm_dead_letters_total"]
    assert (found["invalid_json",], found["bad_country",], found["clock_skew",]) == (2, 1, 0)
    assert set(found) == {(str(reason),) for reason in Reason}
    write(settings, DEAD_LETTERS, {"offset": 9, "reason": "clock_skew"})
    assert scrape(settings)["tonearm_dead_letters_total"]["clock_skew",] == 1


def test_rows_and_the_moment_of_the_last_commit_are_those_of_the_lake(settings: Settings) -> None:
    began = time.time()
    write(settings, DEAD_LETTERS, *({"offset": n} for n in range(3)))
    found = scrape(settings)
    assert found["tonearm_table_rows"] == {("bronze.dead_letters",): 3}
    assert found["tonearm_table_bytes"]["bronze.dead_letters",] > 0
    assert began - 1 <= found["tonearm_table_written_timestamp_seconds"]["bronze.dead_letters",] <= time.time()


def test_only_checks_whose_last_verdict_is_broken_fail(settings: Settings) -> None:
    words = next(one for one, severity in checks_in_words(PLAYS).items() if severity == "stop")
    result = {"checked_table": "silver.plays", "check_name": words, "severity": "stop", "is_met": False}
    write(settings, CHECK_RESULTS, result | {"table_version": 1})
    assert scrape(settings)["tonearm_check_failures"]["stop", "silver.plays"] == 1
    later = datetime(2026, 11, 21, tzinfo=UTC)
    write(settings, CHECK_RESULTS, result | {"table_version": 2, "is_met": True, "checked_at": later})
    found = scrape(settings)
    assert found["tonearm_check_failures"]["stop", "silver.plays"] == 0
    assert found["tonearm_checks"]["stop", "silver.plays"] > 1


def test_how_commands_ended_and_what_they_brought_up_to_date(settings: Settings) -> None:
    remember(settings, "run", refreshed={"silver.plays": 50.0, "silver.tracks": 60.0})
    remember(settings, "refresh", "silver.plays", status=75, succeeded_at=None, refreshed={"silver.plays": 70.0})
    remember(settings, "backfill", "silver.plays", refreshed={"silver.plays": 99.0})
    found = scrape(settings)
    assert found["tonearm_run_exit_status"] == {
        ("run", ""): 0, ("refresh", "silver.plays"): 75, ("backfill", "silver.plays"): 0,
    }  # fmt: skip
    assert ("refresh", "silver.plays") not in found["tonearm_run_succeeded_timestamp_seconds"]
    assert found["tonearm_run_duration_seconds"]["run", ""] == 2.5
    # A backfill leaves to the next run what else there is.
    assert found["tonearm_table_refreshed_timestamp_seconds"] == {("silver.plays",): 70, ("silver.tracks",): 60}


def test_two_stages_of_one_name_are_one(settings: Settings) -> None:
    stage = {"stage": "announced for events", "expected": 5, "counted": 5, "left_out": 0, "adds_up": True}
    stages = [stage, stage | {"counted": 2, "left_out": 1, "adds_up": False}]
    report = {"finished_at": "2026-11-20T08:00:00+00:00", "balance": {"stages": stages}}
    settings.home.mkdir()
    (settings.home / "report.json").write_text(json.dumps(report))
    found = scrape(settings)
    assert found["tonearm_report_timestamp_seconds"] == {(): SEEN.timestamp()}
    assert found["tonearm_stage_adds_up"] == {("announced for events",): 0}
    assert found["tonearm_stage_missing_records"] == {("announced for events",): 2}


def test_what_the_live_pipeline_says_of_itself(settings: Settings) -> None:
    settings.home.mkdir()
    passed_us = int((time.time() - 5) * 1e6)
    write_progress(settings.home, 4, Rules(lateness_us=5), Changes(0, passed_us, 60_000_000, caught_up=False))
    found = scrape(settings)
    assert (found["tonearm_live_up"][()], found["tonearm_live_caught_up"][()]) == (1, 0)
    assert found["tonearm_live_run_number"][()] == 4
    assert found["tonearm_live_marker_timestamp_seconds"][()] == 60
    assert found["tonearm_live_watermark_timestamp_seconds"][()] == pytest.approx(passed_us / 1e6)


def test_a_live_pipeline_that_is_gone_reads_nothing_and_its_watermark_stays(settings: Settings) -> None:
    settings.home.mkdir()
    write_progress(settings.home, 4, Rules(lateness_us=5), Changes(0, 7_000_000, 0, records=100))
    write_progress(settings.home, 4, Rules(lateness_us=5), Changes(0, 8_000_000, 0, records=100))
    kept = json.loads((settings.home / "live.json").read_text())
    (settings.home / "live.json").write_text(json.dumps(kept | {"at": kept["at"] - 60}))
    found = scrape(settings)
    assert (found["tonearm_live_up"][()], found["tonearm_live_records_per_second"][()]) == (0, 0)
    assert found["tonearm_live_watermark_timestamp_seconds"] == {(): 8}
    assert "tonearm_live_marker_timestamp_seconds" not in found  # there is none yet


@pytest.mark.parametrize(
    ("error", "sentence"),
    [(StoreUnavailableError("It is away."), "runs: It is away."), (ValueError("A Secret"), "runs: ValueError")],
    ids=["deliberate", "unexpected"],
)
def test_a_source_that_fails_takes_only_its_own_metrics_away(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    def fail(_settings: Settings) -> Iterator[Any]:
        yield sources.declared.RUN_STATUS(0, "run", "")
        raise error

    monkeypatch.setitem(sources.SOURCES, "runs", fail)
    said: list[str] = []
    found = scrape(settings, said)
    assert found["tonearm_source_up"]["runs",] == 0
    assert "tonearm_run_exit_status" not in found
    assert "tonearm_table_promise_seconds" in found
    assert sentence in said


def test_the_ledgers_end_is_of_each_topic_id_and_partition(settings: Settings) -> None:
    rows = [("T", 0, 4), ("T", 0, 9), ("T", 1, 2), ("U", 0, 1)]
    for row in rows:
        write(settings, PLAYBACK_EVENTS, dict(zip(("topic_id", "partition", "offset"), row, strict=True)))
    assert Lake(settings.lake).greatest(PLAYBACK_EVENTS, "offset", ("topic_id", "partition")) == {
        ("T", 0): 9, ("T", 1): 2, ("U", 0): 1,
    }  # fmt: skip
