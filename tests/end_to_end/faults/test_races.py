"""Two that want the same: one wins, the other says so in one sentence, and nothing is lost or doubled."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from infra.settings import REPOSITORY
from tests.end_to_end.faults.killing import State, Twice, ended, last_line, reading, wait_until_stopped

REFUSED = "Another run is at work in {home}: wait for it or stop it."
LOCK = "run.lock"

pytestmark = pytest.mark.timeout(1800)


@contextmanager
def stopped_at(made: Any, export: Path, place: str) -> Any:
    """A run in another process that has stopped itself at that place; it is gone afterwards."""
    process = made.start(export, failpoint=f"stop:{place}")
    try:
        wait_until_stopped(process)
        yield process
    finally:
        process.kill()
        process.wait()


def goes_on(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Let a stopped run go on to its end; its exit status and its last words."""
    os.kill(process.pid, signal.SIGCONT)
    status, said = ended(process)
    return status, last_line(said)


def test_two_runs_at_once(twice: Twice, nothing: Path) -> None:
    made = twice.unbegun()
    processes = [made.start(nothing) for _ in range(2)]
    told = sorted((status, last_line(said)) for status, said in map(ended, processes))
    assert told[0][0] == 0
    assert told[1] == (1, REFUSED.format(home=made.settings.home))
    assert twice.finish(made) == twice.second


def test_a_stopped_run_cannot_be_overtaken_and_goes_on_where_it_was(twice: Twice, nothing: Path) -> None:
    """Neither by a run nor by a replay: both say so, and the stopped one is none the wiser."""
    made = twice.unbegun()
    with stopped_at(made, nothing, "write.prepared@silver.plays") as zombie:
        for command in (["run", "--once", "--input", str(nothing)], ["replay", "--reason", "all", "--only-valid"]):
            words = [sys.executable, "-m", "tonearm", *command]
            done = subprocess.run(
                words, cwd=REPOSITORY, env=made.environment(), capture_output=True, text=True, check=False
            )
            assert (done.returncode, last_line(done.stderr)) == (1, REFUSED.format(home=made.settings.home))
        assert goes_on(zombie)[0] == 0
    assert State.of(made) == twice.second


SUPERSEDED = "{table}: another writer committed first; nothing was written here, run again."
OVERTAKEN = "A later publication of {table} to {store} than number "
OLDER = "is published to"
GONE_BY = {
    "ingest.planned": SUPERSEDED.format(table="bronze.playback_events"),
    "write.prepared@bronze.playback_events": SUPERSEDED.format(table="bronze.playback_events"),
    "write.prepared@silver.duplicates": SUPERSEDED.format(table="silver.duplicates"),
    "write.prepared@silver.plays": SUPERSEDED.format(table="silver.plays"),
    "write.prepared@silver.tracks": SUPERSEDED.format(table="silver.tracks"),
    "write.prepared@gold.daily_track_plays": SUPERSEDED.format(table="gold.daily_track_plays"),
    "write.prepared@gold.country_charts": SUPERSEDED.format(table="gold.country_charts"),
    "check.passed@gold.country_charts": OLDER,
    "publish.entered@gold.daily_track_plays/bigquery": OVERTAKEN.format(
        table="gold.daily_track_plays", store="bigquery"
    ),
    "publish.before_merge@gold.country_charts/bigquery": OVERTAKEN.format(
        table="gold.country_charts", store="bigquery"
    ),
    "publish.before_rows@gold.daily_user_plays/cassandra": OVERTAKEN.format(
        table="gold.daily_user_plays", store="cassandra"
    ),
    "publish.before_pointer@gold.country_charts/cassandra": OVERTAKEN.format(
        table="gold.country_charts", store="cassandra"
    ),
}


@pytest.mark.nightly
@pytest.mark.parametrize(("place", "words"), GONE_BY.items(), ids=GONE_BY)
def test_where_there_is_no_lock_a_run_that_wakes_up_too_late_writes_nothing(
    place: str,
    words: str,
    deployment: Callable[..., Any],
    undisturbed: Any,
    export: Path,
    longer_export: Path,
    nothing: Path,
) -> None:
    """As two machines on a file system without locks: while the one sleeps, the other gets more and ends."""
    made = deployment(like=undisturbed)
    for _ in range(2):  # so that there are duplicates to write, too
        made.send(export)
    with stopped_at(made, nothing, place) as zombie:
        (made.settings.lake / LOCK).unlink()
        made.send(longer_export)
        assert made.run().sheet.adds_up
        newest = State.of(made)
        with reading(made) as seen:
            status, said = goes_on(zombie)
    assert (status, words in said) == (1, True), said
    assert len(seen.charts) <= 1
    assert State.of(made) == newest
    assert made.run().sheet.adds_up
    clean = deployment(like=made, own_topic=False)
    assert clean.run().sheet.adds_up
    assert State.of(made) == newest == State.of(clean)
