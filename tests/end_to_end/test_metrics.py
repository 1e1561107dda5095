"""Metrics and the log of runs against a real deployment: what the report says, a backlog, a stop, and stores away."""

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer

from infra.kafka import offsets
from infra.openlineage_events import stored_events
from infra.run_log import LOG, running
from schemas import catalog
from schemas.bronze import DEAD_LETTERS
from schemas.checks import Between
from schemas.errors import CheckFailedError
from tests.end_to_end.conftest import LISTENER
from tests.tonearm.metrics.scraping import Values, scrape
from tonearm.report import run_report, save_report

BACKLOG = 7
POISON = (b"\xff no event", b"\xff no event either", b"")


@dataclass(frozen=True)
class Watched:
    """A deployment with metrics after a good run, with a backlog, and after a run that a check stopped."""

    made: Any
    report: dict[str, Any]
    good: Values
    behind: Values
    stopped: Values


def produce(made: Any, *payloads: bytes) -> None:
    producer = Producer({"bootstrap.servers": made.endpoints.kafka_bootstrap})
    for payload in payloads:
        producer.produce(made.settings.playback_topic, payload)
    assert producer.flush(30) == 0


@pytest.fixture(scope="module")
def watched(deployment: Callable[..., Any], export: Path, longer_export: Path) -> Watched:
    made = deployment(statistics=True)
    made.send(export)
    produce(made, *POISON)
    with running(made.settings, "run"):
        report = run_report(made.settings, made.endpoints, made.run(), "")
        save_report(made.settings.home, report)
    good = scrape(made.settings)

    made.send(longer_export)
    produce(made, *[b"\xff late"] * BACKLOG)
    plays = catalog.table("silver.plays")
    behind = scrape(made.settings)
    with pytest.MonkeyPatch.context() as patch:
        strict = replace(plays, checks=(*plays.checks, Between("ms_played", 0, 199_999)))
        patch.setitem(catalog.tables(), "silver.plays", strict)
        with pytest.raises(CheckFailedError), running(made.settings, "run"):
            made.run()
        stopped = scrape(made.settings)
    return Watched(made, report, good, behind, stopped)


def test_every_source_is_read(watched: Watched) -> None:
    assert set(watched.good["tonearm_source_up"].values()) == {1}


def test_the_sheet_is_that_of_the_report(watched: Watched) -> None:
    sheet, topic = watched.report["balance"], watched.made.settings.playback_topic
    assert watched.good["tonearm_balance_sent_records"] == {(topic,): sheet["sent"]}
    assert watched.good["tonearm_balance_records"] == {
        (fate, topic): sheet[fate] for fate in ("accepted", "duplicate", "dead_letter", "replayed", "pending", "lost")
    }
    assert sum(watched.good["tonearm_balance_records"].values()) == sheet["sent"] > 100
    assert watched.good["tonearm_balance_adds_up"] == {(): 1}
    assert watched.good["tonearm_stage_adds_up"] == {(stage["stage"],): 1 for stage in sheet["stages"]}
    assert set(watched.good["tonearm_stage_missing_records"].values()) == {0}


def test_dead_letters_by_reason_are_the_rows_of_the_lake(watched: Watched) -> None:
    found = {reason: count for (reason,), count in watched.good["tonearm_dead_letters_total"].items() if count}
    letters = watched.made.lake.rows(DEAD_LETTERS, version=1).to_pylist()  # of the first run
    assert found == Counter(row["reason"] for row in letters)
    assert found["empty_payload"] == 1
    assert sum(found.values()) == watched.report["balance"]["dead_letter"]


def test_tables_have_the_rows_and_bytes_of_the_report(watched: Watched) -> None:
    for name in ("rows", "bytes", "files"):
        assert watched.good[f"tonearm_table_{name}"] == {
            (table["table"],): table[name] for table in watched.report["tables"]
        }


def test_what_was_published_is_in_force_in_each_store(watched: Watched) -> None:
    places = {(one["store"], one["table"]) for one in watched.report["publications"]}
    assert len(places) > 5
    assert watched.good["tonearm_publication_behind"] == dict.fromkeys(places, 0)
    assert watched.good["tonearm_publications_unfinished"] == dict.fromkeys(places, 0)
    began = min(watched.good["tonearm_table_written_timestamp_seconds"].values())
    ended = watched.good["tonearm_run_ended_timestamp_seconds"]["run", ""]
    completed = watched.good["tonearm_publication_completed_timestamp_seconds"]
    assert completed.keys() == places
    assert all(began < moment < ended for moment in completed.values())


def test_all_tables_are_up_to_date_and_nothing_is_left_on_the_topic(watched: Watched) -> None:
    assert set(watched.good["tonearm_table_refreshed_timestamp_seconds"]) == {(name,) for name in catalog.lake_tables()}
    assert set(watched.good["tonearm_ledger_lag_records"].values()) == {0}
    ends = sum(watched.good["tonearm_topic_records_total"].values())
    assert ends == watched.good["tonearm_table_rows"]["bronze.playback_events",]


def test_what_comes_in_afterwards_is_the_lag_of_the_ledger(watched: Watched) -> None:
    came = sum(watched.behind["tonearm_topic_records_total"].values())
    before = sum(watched.good["tonearm_topic_records_total"].values())
    assert sum(watched.behind["tonearm_ledger_lag_records"].values()) == came - before > BACKLOG


def test_a_run_that_a_check_stopped_shows_where_and_what_is_late(watched: Watched) -> None:
    failures = watched.stopped["tonearm_check_failures"]
    assert {labels for labels, count in failures.items() if count} == {("stop", "silver.plays")}
    assert watched.stopped["tonearm_run_exit_status"] == {("run", ""): 1}
    succeeded = "tonearm_run_succeeded_timestamp_seconds"
    assert watched.stopped[succeeded] == watched.good[succeeded]
    before, after = (one["tonearm_table_refreshed_timestamp_seconds"] for one in (watched.good, watched.stopped))
    moved = {name for (name,), moment in after.items() if moment > before[name,]}
    assert "bronze.dead_letters" in moved
    assert not {name for name in moved if name in ("silver.plays", "silver.tracks") or name.startswith("gold.")}


def test_without_the_stores_the_rest_is_there(watched: Watched, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offsets, "_ANSWER_SECONDS", 1.0)
    away = {"cassandra_hosts": "127.0.0.1", "cassandra_port": 1, "kafka_bootstrap": "127.0.0.1:1"}
    said: list[str] = []
    found = scrape(watched.made.settings.model_copy(update=away), said)
    assert {source for (source,), is_up in found["tonearm_source_up"].items() if not is_up} == {"kafka", "cassandra"}
    assert not [name for name in found if "publication" in name or "lag" in name or "topic" in name]
    assert found["tonearm_balance_adds_up"] == {(): 1}
    assert sorted(line.partition(" ")[0] for line in said) == ["cassandra:", "kafka:"]


def test_the_log_tells_of_both_runs_what_the_report_does(watched: Watched) -> None:
    events = [json.loads(line) for line in (watched.made.settings.home / LOG).read_text().splitlines()]
    first, second = (
        [event for event in events if event["run_id"] == run_id]
        for run_id in dict.fromkeys(event["run_id"] for event in events)
    )
    assert {event["command"] for event in events} == {"run"}
    assert {event["table"]: event["rows"] for event in first if event["event"] == "table written"} == {
        table["table"]: table["rows"] for table in watched.report["tables"]
    }
    assert [(event["table"], event["store"], event["rows"]) for event in first if event["event"] == "published"] == [
        (one["table"], one["store"], one["rows"]) for one in watched.report["publications"]
    ]
    assert (first[-1]["event"], first[-1]["status"]) == ("run ended", 0)
    failed = [event for event in second if event["event"] == "check failed"]
    assert [(event["table"], event["check"], event["level"]) for event in failed] == [
        ("silver.plays", "ms_played is 0 to 199999", "error")
    ]
    assert (second[-1]["status"], second[-1]["error"]) == (1, "CheckFailedError")


def test_the_log_and_the_metrics_name_no_listener_and_no_track(watched: Watched) -> None:
    home = watched.made.settings.home
    told = [(home / LOG).read_text(), *(file.read_text() for file in (home / "runs").iterdir())]
    told.append(str([watched.good, watched.behind, watched.stopped]))
    for text in told:
        assert not [
            word for word in (LISTENER, watched.made.user_id, "Poolside", "Harvest", "Band ", "Song") if word in text
        ]


def test_lineage_has_the_same_run(watched: Watched) -> None:
    told = {json.loads(line)["run_id"] for line in (watched.made.settings.home / LOG).read_text().splitlines()}
    parents = {event["run"]["facets"]["parent"]["run"]["runId"] for event in stored_events(watched.made.settings.home)}
    assert told <= parents
