"""Housekeeping in a loop beside a run and a reader: nobody stops, no row changes, and both engines read on."""

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.engine import open_session
from infra.settings import Settings
from jobs.housekeeping import STAGED, Upkeep, maintain
from schemas import catalog
from schemas.bronze import PLAYBACK_EVENTS
from schemas.gold import DAILY_TRACK_PLAYS
from schemas.silver import PLAYS
from tests.end_to_end.faults.killing import MUSIC, State
from tonearm.app import run

PAUSE = 0.5
"""Seconds between two rounds of what goes on beside a run."""


@contextmanager
def repeated(action: Callable[[], object]) -> Iterator[list[object]]:
    """Do something again and again in a thread; yields what it returned, and raises at the end what it raised."""
    done: list[object] = []
    failed: list[BaseException] = []
    is_over = threading.Event()

    def loop() -> None:
        while not is_over.wait(PAUSE):
            try:
                done.append(action())
            except Exception as error:
                failed.append(error)
                return

    thread = threading.Thread(target=loop)
    thread.start()
    try:
        yield done
    finally:
        is_over.set()
        thread.join()
    if failed:
        raise failed[0]


def read_days(made: Any) -> int:
    """Read the days of tracks as a reader of the lake does, and hold them to their key; returns the rows."""
    if made.lake.version(DAILY_TRACK_PLAYS) is None:
        return 0
    keys = made.lake.rows(DAILY_TRACK_PLAYS).select(DAILY_TRACK_PLAYS.key)
    assert keys.group_by(list(DAILY_TRACK_PLAYS.key)).aggregate([]).num_rows == keys.num_rows
    return int(keys.num_rows)


@pytest.fixture(scope="module")
def tidied(
    deployment: Callable[..., Any], undisturbed: Any, export: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Any, list[Upkeep]]:
    """A deployment that ran twice, the second time on what it had before, and what housekeeping did all the while."""
    nothing = tmp_path_factory.mktemp("nothing")
    (nothing / "StreamingHistory0.json").write_text("[]")
    made = deployment(like=undisturbed, statistics=True)
    made.send(export)
    with (
        repeated(lambda: maintain(made.settings, made.endpoints)) as tidying,
        repeated(lambda: read_days(made)) as reading,
    ):
        process = made.start(nothing)
        _, said = process.communicate(timeout=280)
        assert process.returncode == 0, said
        made.send(export)
        assert made.run().sheet.adds_up
    assert tidying
    assert reading[-1]
    return made, [one for upkeeps in tidying for one in upkeeps]  # type: ignore[attr-defined]


# Two runs, with others at work on the same tables all the time.
@pytest.mark.timeout(900)
def test_runs_go_on_beside_housekeeping_and_every_table_is_what_it_is_without(tidied: Any, undisturbed: Any) -> None:
    made, upkeeps = tidied
    assert {one.name for one in upkeeps} == {*catalog.lake_tables(), STAGED}
    assert {name: made.digests()[name] for name in MUSIC} == {name: undisturbed.digests()[name] for name in MUSIC}
    assert State.of(made).playbacks == State.of(undisturbed).playbacks
    served, expected = made.served(), undisturbed.served()
    assert {name: served[name] for name in expected} == expected
    sheet = made.run().sheet
    assert sheet.adds_up
    counted = Counter(row["is_conflict"] for row in made.rows("silver.duplicates"))
    assert counted == {False: sheet.total("duplicate")}


def test_small_files_are_few_afterwards_and_the_rows_the_same(tidied: Any) -> None:
    made, _ = tidied
    before = made.digests()

    done = maintain(made.settings, made.endpoints)

    assert not any(one.compaction.is_postponed for one in done)
    assert made.digests() == before
    again = maintain(made.settings, made.endpoints, dry_run=True)
    assert sum(one.compaction.files for one in again) == 0
    for table in catalog.lake_tables().values():
        dates = {row[table.partition_by] for row in made.rows(table.full_name)} if table.partition_by else {None}
        assert len(made.lake.file_sizes(table)) <= max(len(dates), 1), table.full_name


@pytest.mark.slow_on_spark
@pytest.mark.parametrize("engine", ["sail", pytest.param("spark", marks=pytest.mark.spark)])
def test_both_engines_read_what_was_compacted(engine: str, tidied: Any) -> None:
    made, _ = tidied
    with open_session(Settings(home=made.settings.home, engine=engine)) as session:
        for table in (PLAYBACK_EVENTS, PLAYS, DAILY_TRACK_PLAYS):
            read = session.read.format("delta").load(str(made.lake.path(table)))
            assert read.count() == made.lake.row_count(table), table.full_name


def test_the_command_says_what_it_would_do_and_what_it_did(
    tidied: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made, _ = tidied
    for name, value in made.environment().items():
        monkeypatch.setenv(name, value)
    versions = made.versions()

    assert run(["maintain", "--dry-run", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert made.versions() == versions
    assert [one["name"] for one in planned] == [*catalog.lake_tables(), STAGED]
    assert all(set(one) == {"name", "compaction", "removed"} for one in planned)

    assert run(["maintain"]) == 0
    heading, *lines = capsys.readouterr().out.splitlines()
    assert heading.split() == ["table", "files", "merged", "into", "files", "removed", "bytes", "postponed"]
    named = [line for line in lines if line.split()[0] in catalog.lake_tables()]
    assert len(named) == len(catalog.lake_tables())


def test_without_its_servers_it_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TONEARM_HOME", str(tmp_path))
    assert run(["maintain"]) == 75
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "The local stack is not running" in captured.err


@pytest.mark.parametrize("days", ["0", "31", "a week"])
def test_a_retention_that_could_take_what_is_being_written_is_refused(
    days: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TONEARM_LAKE_RETENTION_DAYS", days)
    with pytest.raises(ValueError, match="lake_retention_days"):
        Settings()
