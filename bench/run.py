"""The main job from end to end, as `make run ONCE=1` does it on a new home: start the stack, send, compute, publish.

Both sides are the whole command, so CPU and memory include Kafka, Cassandra and BigQuery. Set `TONEARM_BENCH_EXPORT` to
the folder of an export to measure its import too.
"""

import json
import os
import sys
import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.measure import Cost, measure
from bench.results import QUICK, Options, Result, repeated, results

_EXPORT = "TONEARM_BENCH_EXPORT"


def run(options: Options) -> list[Result]:
    """The size is the command's own default whatever the options say; a quick look is one run."""
    repeat = 1 if options.size == QUICK else options.repeat
    sides: dict[str, tuple[str, ...]] = {"simulate": ()}
    if export := os.environ.get(_EXPORT):
        sides["import"] = ("--input", str(Path(export).resolve()))
    found: list[Result] = []
    for name, arguments in sides.items():
        costs = repeated({name: partial(_run, arguments)}, repeat)
        found += results("run", costs, costs[name][0].answer, "events", {name: "whole command, stores included"})
    return found


def _run(arguments: tuple[str, ...]) -> Cost:
    with tempfile.TemporaryDirectory(prefix="bench-") as home:
        command = [sys.executable, "-m", "tonearm", "run", "--once", *arguments]
        cost = measure(command, {"TONEARM_HOME": home})
        report = json.loads((Path(home) / "report.json").read_text(encoding="utf-8"))
        return replace(cost, answer=report["balance"]["sent"])
