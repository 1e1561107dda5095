"""Time to resume after a kill: what is left of a run that died, done by running the same command again.

Sides, all on one stack and one topic of simulated playbacks that was filled before: `undisturbed` is a whole run in a
new home; the others run again after a run was killed at a failpoint: with its ledger written, with silver written, with
gold written and checked, and with everything published but the last. Each is the command `tonearm run --once` with an
export that holds nothing, so CPU and memory are its own, without the servers.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.measure import ROOT, Cost, measure
from bench.results import QUICK, Options, Result, repeated, results
from infra import failpoints

KILLED_AT = {
    "ledger written": "ingest.committed",
    "silver written": "write.committed@silver.plays",
    "gold checked": "check.recorded@gold.event_balance",
    "nearly published": "publish.before_pointer@gold.country_charts/cassandra",
}


def run(options: Options) -> list[Result]:
    count = 20_000 if options.size == QUICK else 200_000
    with _stack() as home:
        topic = f"bench-{uuid.uuid4().hex[:8]}"
        _simulate(home, topic, count)
        sides = {"undisturbed": partial(_resumed, home, topic, "")}
        sides |= {name: partial(_resumed, home, topic, point) for name, point in KILLED_AT.items()}
        costs = repeated(sides, options.repeat)
    notes = {name: f"killed at {point}" for name, point in KILLED_AT.items()}
    return results("resume", costs, count, "playbacks", notes)


@contextmanager
def _stack() -> Iterator[Path]:
    """The home of a stack that runs while this is entered."""
    from infra.local.stack import local_stack
    from infra.settings import Settings

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        home = Path(folder)
        with local_stack(Settings(home=home)):
            yield home


def _simulate(home: Path, topic: str, count: int) -> None:
    words = ["simulate", "--events", str(count), "--listeners", str(max(count // 100, 1)), "--days", "30", "--json"]
    _call(words, {"TONEARM_HOME": str(home), "TONEARM_PLAYBACK_TOPIC": topic})


def _resumed(stack_home: Path, topic: str, failpoint: str) -> Cost:
    """Cost of the run that finishes what a killed one left; of a whole run where none was killed."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        home, name = Path(folder) / "home", f"b{uuid.uuid4().hex[:8]}"
        home.mkdir()
        for kept in ("manifests", "secrets"):
            shutil.copytree(stack_home / kept, home / kept)
        shutil.copy(stack_home / "identity.db", home)
        (home / "stack").symlink_to(stack_home / "stack")
        nothing = Path(folder) / "nothing"
        nothing.mkdir()
        (nothing / "StreamingHistory0.json").write_text("[]", encoding="utf-8")
        environment = {
            "TONEARM_HOME": str(home),
            "TONEARM_PLAYBACK_TOPIC": topic,
            "TONEARM_BIGQUERY_DATASET_PREFIX": f"{name}_",
            "TONEARM_CASSANDRA_KEYSPACE": name,
        }
        words = ["run", "--once", "--json", "--input", str(nothing)]
        if failpoint:
            _call(words, environment | {failpoints.VARIABLE: failpoint}, dies=True)
        cost = measure([sys.executable, "-m", "tonearm", *words], environment)
        assert json.loads((home / "report.json").read_text(encoding="utf-8"))["balance"]["adds_up"]
        return cost


def _call(words: list[str], environment: dict[str, str], dies: bool = False) -> None:
    """Run the command, which has to come to its end or to die by SIGKILL."""
    command = [sys.executable, "-m", "tonearm", *words]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
    if done.returncode not in ((-signal.SIGKILL,) if dies else (0,)):
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr[-2000:]}")
