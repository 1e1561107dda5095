"""The whole batch on `sail`: a ledger of simulated messages → silver → gold with statistics, every table checked.

A side is a size: that many playbacks with the usual faults, 100 of a listener in 30 days. The ledger is written
beforehand by the project's own writer, without Kafka; what that costs is no part of the figures. Nothing is published.

`TONEARM_BENCH_SIZES` (200000,1000000) chooses other sizes, such as 1000000,10000000,50000000; where one fails or is
ended, larger ones are left out. The notes say what a million more costs than at the size before, and which tables cost
most: CPU-seconds, and the highest memory of the engine's process.
"""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.audit import filled
from bench.data import world_of
from bench.measure import Cost, measure_side, tree_cpu, work
from bench.results import QUICK, Options, Result, repeated, results
from playback.simulator.parameters import TYPICAL
from playback.simulator.play import play
from schemas.bronze import PLAYBACK_EVENTS
from schemas.model import Table
from schemas.render.spark import spark_ddl

_SIZES = "TONEARM_BENCH_SIZES"
_PARTITIONS = 4
_LIMIT_SECONDS = 4 * 3600.0
_DEAREST = 5


def run(options: Options) -> list[Result]:
    default = "100000" if options.size == QUICK else "200000,1000000"
    costs: dict[int, list[Cost]] = {}
    for count in sorted(map(int, os.environ.get(_SIZES, default).split(","))):
        try:
            costs[count] = _measured(count, options.repeat)
        except RuntimeError as error:
            if not costs:
                raise
            print(f"{count:,} events: {error}", file=sys.stderr)
            break
    found = results("full_batch", {f"{count:,}": taken for count, taken in costs.items()}, 0, "events")
    sized = [replace(one, units=count) for count, one in zip(costs, found, strict=True)]
    slopes = ["", *(_slope(*pair) for pair in pairwise(sized))]
    return [replace(one, note=slope + _dearest(costs[one.units][-1])) for one, slope in zip(sized, slopes, strict=True)]


def _measured(count: int, repeat: int) -> list[Cost]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        ledger = Path(folder) / "ledger"
        measure_side("bench.full_batch:ledger_side", {"home": str(ledger), "count": count}, _LIMIT_SECONDS)
        return repeated({"": partial(_of_a_copy, ledger)}, repeat)[""]


def _of_a_copy(ledger: Path) -> Cost:
    """Of links to the same files: nothing changes a file of the ledger."""
    with tempfile.TemporaryDirectory(prefix="copy-", dir=ledger.parent) as home:
        shutil.copytree(ledger, home, copy_function=os.link, dirs_exist_ok=True)
        return measure_side("bench.full_batch:batch_side", {"home": home}, _LIMIT_SECONDS)


def _slope(smaller: Result, larger: Result) -> str:
    more = (larger.work_cpu - smaller.work_cpu) / (larger.units - smaller.units) * 1e6
    return f"{more:.1f} CPU s a million more; "


def _dearest(cost: Cost) -> str:
    tables = sorted(cost.answer.items(), key=lambda one: -one[1]["cpu"])[:_DEAREST]
    return ", ".join(f"{name} {taken['cpu']:.1f} s {taken['mib']:,.0f} MiB" for name, taken in tables)


def ledger_side(home: str, count: int) -> None:
    """A lake that has nothing but a ledger of that many playbacks, in commits as large as an ingest's."""
    from infra.delta_writer import DeltaWriter
    from infra.engine import open_session
    from infra.lake import Lake
    from infra.settings import Settings

    settings = Settings(home=Path(home))
    lake, file, written = Lake(settings.lake), Path(home) / "records.parquet", 0
    lake.create(PLAYBACK_EVENTS)
    with open_session(settings) as session:
        writer = DeltaWriter(session, lake)
        for messages in _commits(count):
            pq.write_table(_records(messages, written), file)
            # Dealt in turn: partition 0 has had one more than the others, or as many.
            starts = {partition: -(-(written - partition) // _PARTITIONS) for partition in range(_PARTITIONS)}
            rows = session.read.schema(spark_ddl(PLAYBACK_EVENTS.stored_fields)).parquet(str(file))
            writer.append_ledger(PLAYBACK_EVENTS, rows, "T", starts, lake.version(PLAYBACK_EVENTS) or 0)
            written += messages.num_rows
    file.unlink()
    assert lake.row_count(PLAYBACK_EVENTS) == written > count


def batch_side(home: str) -> None:
    """What `tonearm run` does between reading Kafka and publishing."""
    from infra.settings import Settings
    from jobs.steps import opened, recording, write_manifests

    taken: dict[str, Any] = {}
    with opened(Settings(home=Path(home)), "run", lambda *_: None) as step, work(taken), recording(step):
        write_manifests(step, [])
        step.runner.refresh_all(around=partial(_told, taken), statistics=True)


@contextmanager
def _told(taken: dict[str, Any], table: Table) -> Iterator[None]:
    """Around a refresh: what it takes. Its name is said before, so that a side that is ended has said where it was."""
    print(f"{table.full_name} …", flush=True)
    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak of memory
    before = tree_cpu()
    yield
    taken[table.full_name] = {"cpu": tree_cpu() - before, "mib": _peak_mib()}
    print(taken[table.full_name], flush=True)


def _peak_mib() -> float:
    (line,) = (one for one in Path("/proc/self/status").read_text().splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _commits(count: int) -> Iterator[pa.Table]:
    from jobs.ingest import BATCH_RECORDS

    waiting: list[pa.RecordBatch] = []
    for batch in play(world_of(count, TYPICAL)):
        waiting.append(batch.messages)
        if sum(one.num_rows for one in waiting) >= BATCH_RECORDS:
            yield pa.Table.from_batches(waiting)
            waiting = []
    if waiting:
        yield pa.Table.from_batches(waiting)


def _records(messages: pa.Table, first: int) -> pa.Table:
    """As the ledger has them, where `first` came before; dealt to the partitions in turn."""
    numbers = np.arange(first, first + messages.num_rows)
    for name, values in (("partition", numbers % _PARTITIONS), ("offset", numbers // _PARTITIONS)):
        messages = messages.append_column(name, pa.array(values))
    return filled(PLAYBACK_EVENTS, messages)
