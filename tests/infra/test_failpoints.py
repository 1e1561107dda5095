"""The list of failpoints is what the code has, each is killed at by a test, and a point kills what it should."""

import ast
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from infra import failpoints
from infra.settings import REPOSITORY
from tests.end_to_end.faults.killing import COMPUTING, ENDING, PRODUCING, PUBLISHING, names

ROOMS = ("schemas", "playback", "jobs", "pipelines", "serving", "infra", "truth", "tonearm")
ELSEWHERE = {
    "replay.decided": "tests/end_to_end/faults/test_replay_kills.py",
    "replay.batch_sent": "tests/end_to_end/faults/test_replay_kills.py",
    "replay.sent": "tests/end_to_end/faults/test_replay_kills.py",
    "simulate.second-sent": "tests/tonearm/simulation/test_live.py",
    **dict.fromkeys(
        (
            "migrate.marked",
            "migrate.widened",
            "migrate.after_lake",
            "migrate.before_view",
            "migrate.before_serving",
            "migrate.after_stores",
        ),
        "tests/end_to_end/test_migration.py",
    ),
    "slices.round": "tests/jobs/test_rounds.py",
    "restatements.written": "tests/end_to_end/faults/test_restatement_kills.py",
    **dict.fromkeys(
        (name for name in failpoints.POINTS if name.startswith("live.")), "tests/end_to_end/live_pipeline.py"
    ),
}
"""Points of other commands, and the tests that kill there."""

REACH = "import sys\nfrom infra.failpoints import reach\nreach(*sys.argv[1:])\nprint('alive')\n"


def reached(path: Path) -> list[str]:
    """First arguments of the calls of `failpoints.reach` in a module; a computed one as `?`."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
    return [
        call.args[0].value if isinstance(call.args[0], ast.Constant) else "?"
        for call in calls
        if isinstance(call.func, ast.Attribute) and call.func.attr == "reach"
    ]


def test_every_point_that_is_declared_is_in_the_code_and_the_other_way_round() -> None:
    modules = [path for room in ROOMS for path in (REPOSITORY / room).rglob("*.py")]
    assert {name for path in modules for name in reached(path)} == set(failpoints.POINTS)


def test_every_point_is_killed_at_by_a_test() -> None:
    killed = names((*PRODUCING, *COMPUTING, *PUBLISHING, *ENDING))
    assert killed | set(ELSEWHERE) == set(failpoints.POINTS)
    for name, path in ELSEWHERE.items():
        assert f'"{name}"' in (REPOSITORY / path).read_text(), name


def start(asked: str, *arguments: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-c", REACH, *arguments]
    environment = os.environ | ({failpoints.VARIABLE: asked} if asked else {})
    return subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE)


@pytest.mark.parametrize("asked", ["check.passed", "check.passed@silver.plays"])
def test_a_process_dies_at_the_point_it_was_asked_to_die_at(asked: str) -> None:
    process = start(asked, "check.passed", "silver.plays")
    assert (process.communicate()[0], process.returncode) == (b"", -signal.SIGKILL)


@pytest.mark.parametrize("asked", ["", "check", "check.recorded", "check.passed@silver.tracks", "check.passed@"])
def test_it_does_not_die_anywhere_else(asked: str) -> None:
    process = start(asked, "check.passed", "silver.plays")
    assert (process.communicate()[0], process.returncode) == (b"alive\n", 0)


def test_a_process_that_was_asked_to_stop_goes_on_when_it_is_told_to() -> None:
    process = start("stop:check.passed@silver.plays", "check.passed", "silver.plays")
    try:
        watched = psutil.Process(process.pid)
        while watched.status() != psutil.STATUS_STOPPED:
            assert process.poll() is None
        os.kill(process.pid, signal.SIGCONT)
        assert (process.communicate()[0], process.returncode) == (b"alive\n", 0)
    finally:
        process.kill()
