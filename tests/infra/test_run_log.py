"""Events of runs and how each command ended last: what is told, and what is not."""

import errno
import json
import signal
from datetime import UTC, date, datetime
from typing import Any

import pytest
from deltalake import write_deltalake

from infra import run_log
from infra.check_results import CheckResult
from infra.lake import Lake
from infra.run_log import LOG, LastRun, last_runs, running
from infra.settings import Settings
from playback.arrow import arrow_schema
from schemas.errors import CheckFailedError, InputError, StoreUnavailableError
from schemas.silver import TRACKS

BROKEN = CheckResult(
    "silver.tracks", "id", 3, "track_id is not null", "stop", False, 10, 2, "track_title=A Secret", datetime.now(UTC)
)


def events(settings: Settings) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (settings.home / LOG).read_text().splitlines()]


def last(settings: Settings) -> LastRun:
    (one,) = last_runs(settings.home)
    return one


def write(settings: Settings) -> None:
    lake = Lake(settings.lake)
    lake.create(TRACKS)
    write_deltalake(lake.path(TRACKS), arrow_schema(TRACKS.stored_fields).empty_table(), mode="overwrite")


def fail(settings: Settings, error: BaseException, command: str = "run") -> None:
    with pytest.raises(type(error)), running(settings, command):
        raise error


def test_all_events_of_a_run_have_its_id_command_and_date(settings: Settings) -> None:
    with running(settings, "run"):
        with run_log.writing(Lake(settings.lake), TRACKS):
            write(settings)
        run_log.check_failed(BROKEN)
        run_log.published("gold.country_charts", "cassandra", version=4, rows=7)
    told = events(settings)
    assert [one["event"] for one in told] == ["run started", "table written", "check failed", "published", "run ended"]
    assert len({(one["run_id"], one["command"], one["date"]) for one in told}) == 1
    assert told[0]["date"] == f"{datetime.now(UTC):%Y-%m-%d}"
    assert (told[1]["table"], told[1]["version"], told[1]["rows"]) == ("silver.tracks", 1, 0)
    assert (told[2]["level"], told[2]["check"], told[2]["unexpected"]) == ("error", "track_id is not null", 2)
    assert (told[-1]["status"], told[-1]["level"]) == (0, "info")


def test_a_table_that_stays_as_it_is_is_no_event_and_is_up_to_date(settings: Settings) -> None:
    write(settings)
    with running(settings, "refresh", "silver.tracks"), run_log.writing(Lake(settings.lake), TRACKS):
        pass
    assert [one["event"] for one in events(settings)] == ["run started", "run ended"]
    assert last(settings).refreshed.keys() == {"silver.tracks"}


def test_a_table_that_failed_is_as_late_as_it_was(settings: Settings) -> None:
    with running(settings, "run"), run_log.writing(Lake(settings.lake), TRACKS):
        write(settings)
    before = last(settings)
    error = StoreUnavailableError("Kafka does not answer.")
    with pytest.raises(StoreUnavailableError), running(settings, "run"), run_log.writing(Lake(settings.lake), TRACKS):
        raise error
    after = last(settings)
    assert after.refreshed == before.refreshed
    assert (after.status, after.succeeded_at) == (75, before.succeeded_at)
    assert after.run_id != before.run_id


def test_an_error_is_told_with_its_sentence_and_exit_status(settings: Settings) -> None:
    fail(settings, StoreUnavailableError("Kafka does not answer: start it."))
    ended = events(settings)[-1]
    assert (ended["status"], ended["error"]) == (75, "StoreUnavailableError")
    assert ended["sentence"] == "Kafka does not answer: start it."
    assert last(settings).succeeded_at is None


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InputError("There is no /home/A Secret."), 1),
        (CheckFailedError("silver.tracks failed: track_title=A Secret."), 1),
        (ValueError("A Secret"), 1),
        (KeyboardInterrupt(), 130),
        (SystemExit(128 + signal.SIGTERM), 143),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_an_error_quotes_is_not_told(settings: Settings, error: BaseException, status: int) -> None:
    fail(settings, error)
    assert last(settings).status == status
    assert "Secret" not in (settings.home / LOG).read_text()


def test_the_message_of_a_check_is_not_told(settings: Settings) -> None:
    with running(settings, "run"):
        run_log.check_failed(BROKEN)
    assert "Secret" not in (settings.home / LOG).read_text()


def test_a_full_disk_is_told_as_what_it_is(settings: Settings) -> None:
    fail(settings, OSError(errno.ENOSPC, "No space left on device"))
    assert (last(settings).status, events(settings)[-1]["error"]) == (75, "DiskFullError")


def test_a_log_that_cannot_be_written_stops_no_run(settings: Settings) -> None:
    settings.home.mkdir()
    for name in ("logs", "runs"):
        (settings.home / name).write_text("no folder")
    with running(settings, "run"):
        pass
    assert last_runs(settings.home) == []


def test_the_log_is_bounded(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_log, "MOST_BYTES", 1000)
    for _ in range(50):
        with running(settings, "ingest"):
            pass
    assert {one.name for one in (settings.home / "logs").iterdir()} == {"run.jsonl", "run.jsonl.1"}
    assert all(one.stat().st_size < 1500 for one in (settings.home / "logs").iterdir())


def test_a_run_is_told_with_what_it_is_about(settings: Settings) -> None:
    with running(settings, "backfill", "silver.plays", first=date(2026, 11, 1), last=date(2026, 11, 30)):
        pass
    started, ended = events(settings)
    assert (started["table"], started["first"], started["last"]) == ("silver.plays", "2026-11-01", "2026-11-30")
    assert ended["table"] == "silver.plays"


def test_each_command_and_table_has_its_own_last_run(settings: Settings) -> None:
    for command, table in (("run", ""), ("refresh", "silver.plays"), ("refresh", "silver.tracks"), ("run", "")):
        with running(settings, command, table):
            pass
    assert [(one.command, one.table) for one in last_runs(settings.home)] == [
        ("refresh", "silver.plays"),
        ("refresh", "silver.tracks"),
        ("run", ""),
    ]


def test_a_record_that_is_none_is_passed_over(settings: Settings) -> None:
    with running(settings, "run"):
        pass
    (settings.home / "runs" / "ingest.json").write_text("{torn")
    (settings.home / "runs" / "publish.json").write_text('{"command": "publish"}')
    assert [one.command for one in last_runs(settings.home)] == ["run"]


def test_outside_of_a_run_nothing_is_told(settings: Settings) -> None:
    with run_log.writing(Lake(settings.lake), TRACKS):
        write(settings)
    run_log.check_failed(BROKEN)
    assert run_log.run_id() == ""
    assert not (settings.home / LOG).exists()
