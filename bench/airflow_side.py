"""Runs in Airflow's environment: one side of `bench.orchestration`, by its name, with how many tasks and a folder."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

DAG = """
from airflow.sdk import DAG
from tonearm_operators import tonearm_dag
from schemas.render.tasks import LIVE_POOL, Task
after = [(f"task{n - 1}",) if n else () for n in range(COUNT)]
tasks = [Task(f"task{n}", ("--help",), after[n], "bench", "", pool=LIVE_POOL) for n in range(COUNT)]
dag: DAG = tonearm_dag("bench", tasks, doc="bench", schedule=None)
"""


@contextmanager
def work(answer: Any) -> Iterator[None]:
    """The part that is compared, as `bench.measure.work`, but with children that come and go and are waited for."""
    before, started = sum(os.times()[:4]), time.perf_counter()
    yield
    taken = {"wall": time.perf_counter() - started, "cpu": sum(os.times()[:4]) - before, "answer": answer}
    Path(os.environ["TONEARM_BENCH_ANSWER"]).write_text(json.dumps(taken))


def importing() -> None:
    """Every DAG of the checkout; answers the seconds of each file."""
    from airflow.dag_processing.dagbag import DagBag

    seconds: dict[str, float] = {}
    with work(seconds):
        bag = DagBag(dag_folder=str(Path(__file__).parent.parent / "dags"))
        seconds |= {Path(one.file).name: one.duration.total_seconds() for one in bag.dagbag_stats}
    assert not bag.import_errors, bag.import_errors


def commands(count: int) -> None:
    """The bare command."""
    from tonearm_deployments.local import tonearm

    with work(count):
        for _ in range(count):
            subprocess.run([tonearm(), "--help"], env=dict(os.environ), stdout=subprocess.PIPE, check=True)


def tasks(count: int, folder: Path) -> None:
    """The same command as tasks."""
    from airflow.dag_processing.dagbag import DagBag

    dags = folder / "dags"
    dags.mkdir(exist_ok=True)
    (dags / "bench.py").write_text(DAG.replace("COUNT", str(count)))
    dag: Any = DagBag(dag_folder=str(dags)).dags["bench"]
    with work(count):
        run = dag.test()
    assert run.state == "success", run.state


name, given, home = sys.argv[1:]
if name == "import":
    importing()
elif name == "command":
    commands(int(given))
else:
    tasks(int(given), Path(home))
