"""What checks cost: every derived table computed from the ledger in one process, without and with its checks (sail)."""

import shutil
import tempfile
from functools import partial
from pathlib import Path

from bench.audit import filled
from bench.data import events
from bench.measure import measure_side, work
from bench.results import QUICK, Options, Result, repeated, results
from infra.lake import Lake
from schemas.bronze import MANIFESTS, PLAYBACK_EVENTS


def run(options: Options) -> list[Result]:
    count = 20_000 if options.size == QUICK else 200_000
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        make_ledger(Lake(Path(folder) / "lake"), count)
        sides = {
            name: partial(measure_side, "bench.checks:refresh_side", {"folder": folder, "checked": checked})
            for name, checked in (("without checks", False), ("with checks", True))
        }
        costs = repeated(sides, options.repeat)
    return results("checks", costs, count, "events")


def refresh_side(folder: str, checked: bool) -> None:
    from infra.checks import Checker
    from infra.engine import open_session
    from infra.settings import Settings
    from jobs.runner import Runner

    class Unchecked(Checker):
        def verify(self, *_: object) -> None:
            pass

    with tempfile.TemporaryDirectory(prefix="bench-") as own:
        home = Path(own)
        shutil.copytree(Path(folder) / "lake", home / "lake")
        checker = Checker(home) if checked else Unchecked(home)
        with open_session(Settings(home=home)) as session, work():
            refreshed = Runner(session, Lake(home / "lake"), checker).refresh_all()
        assert checked == bool(checker.results.kept())
        assert sum(one.changed for one in refreshed) > 5


def make_ledger(lake: Lake, count: int) -> None:
    """`bronze.playback_events` of that many simulated events, and no manifests."""
    import pyarrow as pa
    from deltalake import write_deltalake

    from playback.wire import encode

    lake.create(MANIFESTS)
    lake.create(PLAYBACK_EVENTS)
    start = 0
    for batch in events(count):
        offsets = pa.array(range(start, start + len(batch)))
        rows = pa.table({"offset": offsets, "payload": encode(batch)})
        write_deltalake(lake.path(PLAYBACK_EVENTS), filled(PLAYBACK_EVENTS, rows), mode="append")
        start += len(batch)
    assert start == count
