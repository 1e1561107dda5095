"""The command is killed at every point that matters; running it again ends where an undisturbed run does."""

import signal
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

MUSIC = ("silver.tracks", "gold.daily_track_plays", "gold.daily_user_plays", "gold.country_charts")
ATTEMPTS = 6


@pytest.fixture(scope="module")
def nothing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export without rows: a run with it only finishes what is there."""
    folder = tmp_path_factory.mktemp("nothing")
    (folder / "StreamingHistory0.json").write_text("[]")
    return folder


@pytest.fixture(scope="module")
def grown(deployment: Callable[..., Any], undisturbed: Any, longer_export: Path) -> Any:
    """An undisturbed run of the longer export, for the same listener."""
    made = deployment(like=undisturbed)
    made.send(longer_export)
    made.run()
    return made


def killed(process: subprocess.Popen[str]) -> bool:
    """Whether the process died by SIGKILL; it may have come to its end, but not failed otherwise."""
    _, said = process.communicate(timeout=200)
    assert process.returncode in (0, -signal.SIGKILL), said
    return process.returncode == -signal.SIGKILL


def caught_before_commit(process: subprocess.Popen[str], table: Path) -> bool:
    """Kill the process the moment the table has a data file that is in no commit; False when it committed first."""
    watched = psutil.Process(process.pid)
    before = DeltaTable(table).version()
    while process.poll() is None:
        if next(table.rglob("*.parquet"), None) is None:
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


@pytest.mark.parametrize("name", ["silver.plays", "gold.daily_track_plays"])
def test_killed_between_data_files_and_commit(
    name: str, deployment: Callable[..., Any], undisturbed: Any, nothing: Path
) -> None:
    table = catalog.table(name)
    for _ in range(ATTEMPTS):
        made = deployment(like=undisturbed, own_topic=False)
        made.lake.create(table)
        if caught_before_commit(made.start(nothing), made.lake.path(table)):
            break
    else:
        pytest.fail("the process was never caught between its data files and its commit")
    assert made.rows(name) == []

    again = made.run()

    assert again.sheet.adds_up
    assert made.digests() == undisturbed.digests()
    assert made.served() == undisturbed.served()


POINTS = (
    "publish.before_merge",
    "publish.after_merge",
    "publish.before_rows",
    "publish.after_rows",
    "publish.before_pointer",
)


def test_killed_while_publishing_at_one_point_after_the_other(
    deployment: Callable[..., Any], undisturbed: Any, grown: Any, export: Path, longer_export: Path, nothing: Path
) -> None:
    """Until everything is there, readers of the chart see the old generation, whole."""
    made = deployment(like=undisturbed)
    made.send(export)
    made.run()
    before = made.served()
    assert before == undisturbed.served()
    made.send(longer_export)
    for point in POINTS:
        assert killed(made.start(nothing, failpoint=point)), point
        assert made.served_chart() == before["chart"], point

    again = made.run()

    assert again.sheet.adds_up
    assert {name: made.digests()[name] for name in MUSIC} == {name: grown.digests()[name] for name in MUSIC}
    assert made.served() == grown.served()
    assert made.served_chart() != before["chart"]


def test_killed_while_importing_at_one_point_after_the_other(
    deployment: Callable[..., Any], undisturbed: Any, export: Path
) -> None:
    """What was in doubt counts as pending until it is seen, and never twice."""
    made = deployment(like=undisturbed)
    for point in ("producer.planned", "producer.queued", "producer.delivered"):
        assert killed(made.start(export, failpoint=point)), point
    in_doubt = sum(one.in_doubt for one in read_manifests(made.settings.home))
    whole = made.send(export)
    assert in_doubt > 0

    sheet = made.run().sheet

    assert sheet.adds_up
    assert sheet.total("sent") == in_doubt + whole.planned
    assert sheet.total("accepted") == len(undisturbed.rows("silver.plays"))
    assert sheet.total("duplicate") + sheet.total("pending") >= whole.events
    assert {name: made.digests()[name] for name in MUSIC} == {name: undisturbed.digests()[name] for name in MUSIC}
    assert made.served() == undisturbed.served()
