"""What Airflow costs: importing the DAGs, and a task against the bare command that it runs.

`import` is Airflow's DagBag of `dags/`, as the DAG processor makes it, with the longest time of one file in the note.
`command` runs `tonearm --help` again and again, `task` does as tasks of a DAG, one after the other in one process
(`dag.test()`); their difference is what Airflow itself takes for a task. A scheduler adds what it waits.
"""

import os
import tempfile
from functools import partial
from pathlib import Path

from bench.measure import ROOT, Cost, measure
from bench.results import QUICK, Options, Result, repeated, results

_SIDE = Path(__file__).with_name("airflow_side.py")


def run(options: Options) -> list[Result]:
    from infra.local.setup.toolchain import Toolchain

    toolchain = Toolchain.from_environment()
    count = 3 if options.size == QUICK else 10
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        path = os.pathsep.join((str(ROOT), str(ROOT / "dags")))
        environment = {
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PYTHONPATH": path,
            "TONEARM_TOOLCHAIN": str(toolchain.root),
        }
        measure([str(toolchain.airflow_python.with_name("airflow")), "db", "migrate"], environment)

        def side(name: str) -> Cost:
            return measure([str(toolchain.airflow_python), str(_SIDE), name, str(count), home], environment)

        imported = repeated({"import": partial(side, "import")}, options.repeat)
        ran = repeated({name: partial(side, name) for name in ("command", "task")}, options.repeat)
    files: dict[str, float] = imported["import"][0].answer
    slowest = max(files, key=lambda name: files[name])
    note = {"import": f"slowest file: {slowest}, {files[slowest]:.3f} s of wall time"}
    return [
        *results("orchestration", imported, len(files), "DAG files", note),
        *results("orchestration", ran, count, "tasks", {"task": "dag.test()"}),
    ]
