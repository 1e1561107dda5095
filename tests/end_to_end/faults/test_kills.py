"""The command is killed in every stage; running it again ends where an undisturbed run does."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from deltalake import DeltaTable

from infra.kafka.manifests import read_manifests
from schemas import catalog
from tests.end_to_end.faults.killing import MUSIC, PRODUCING, State, Twice, charts, killed, killed_at, reading

ATTEMPTS = 6

# Each kill is a run of its own, and the first test waits for the stack and three runs.
pytestmark = pytest.mark.timeout(1800)


def caught_before_commit(process: subprocess.Popen[str], table: Path, known: set[Path]) -> bool:
    """Kill the process the moment the table has a data file that is in no commit; False when it committed first."""
    watched = psutil.Process(process.pid)
    before = DeltaTable(table).version()
    while process.poll() is None:
        if not set(table.rglob("*.parquet")) - known:
            time.sleep(0.0005)
            continue
        watched.suspend()
        while watched.status() != psutil.STATUS_STOPPED:
            time.sleep(0.001)
        if DeltaTable(table).version() == before:
            watched.kill()
        watched.resume()
        return killed(process)
    return False


@pytest.mark.parametrize("name", ["silver.plays", pytest.param("gold.daily_track_plays", marks=pytest.mark.nightly)])
def test_killed_between_data_files_and_commit(name: str, twice: Twice, nothing: Path) -> None:
    table = catalog.table(name)
    for _ in range(ATTEMPTS):
        made = twice.unbegun()
        made.lake.create(table)
        if caught_before_commit(made.start(nothing), made.lake.path(table), set()):
            break
    else:
        pytest.fail("the process was never caught between its data files and its commit")
    assert made.rows(name) == []

    assert twice.finish(made) == twice.second


STAGES = (
    "ingest.committed",
    "check.passed@silver.plays",
    "write.prepared@gold.daily_track_plays",
    "publish.after_rows@gold.daily_user_plays/cassandra",
)
"""One after the other; `test_every_point.py` has every point, each alone, in the nightly tier."""

POINTED = ("publish.after_pointer@gold.country_charts/cassandra",)


def test_killed_in_every_stage_one_after_the_other(twice: Twice, nothing: Path) -> None:
    """Until everything is there, readers of the chart see the old generation, whole; then the new one."""
    made = twice.twin()
    with reading(made) as seen:
        for place in STAGES:
            killed_at(made, nothing, place)
            assert charts(made) == twice.first.served["charts"], place
        for place in POINTED:
            killed_at(made, nothing, place)
            assert charts(made) == twice.second.served["charts"], place

        assert twice.finish(made) == twice.second

    assert seen.mixtures(twice) == []
    assert len(seen.views) == 2
    assert len(seen.charts) >= 2  # two countries' charts may be of either side of the moment


@pytest.mark.nightly
def test_killed_while_importing_at_one_point_after_the_other(
    deployment: Callable[..., Any], undisturbed: Any, export: Path
) -> None:
    """What was in doubt counts as pending until it is seen, and never twice."""
    made = deployment(like=undisturbed)
    for place in PRODUCING:
        killed_at(made, export, place)
    in_doubt = sum(one.in_doubt for one in read_manifests(made.settings.home))
    acknowledged = sum(one.acknowledged for one in read_manifests(made.settings.home))
    whole = made.send(export)
    assert in_doubt > 0
    assert acknowledged > 0

    sheet = made.run().sheet

    assert sheet.adds_up
    assert sheet.total("sent") == in_doubt + acknowledged + whole.planned
    assert sheet.total("lost") == 0
    assert sheet.total("accepted") == len(undisturbed.rows("silver.plays"))
    assert sheet.total("duplicate") + sheet.total("pending") >= whole.events
    assert {name: made.digests()[name] for name in MUSIC} == {name: undisturbed.digests()[name] for name in MUSIC}
    assert made.served() == undisturbed.served()
    assert State.of(made).playbacks == State.of(undisturbed).playbacks
