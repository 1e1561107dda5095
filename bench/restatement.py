"""What comes late to a year of 5,000 listeners beside a full recompute of all statistics, from the same silver tables.

Late are ten years of one listener (150,000 playbacks), and a day of all of them. Restated and recomputed are compared.
"""

import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.measure import Cost, measure_side, work
from bench.results import QUICK, Options, Result, repeated, results
from bench.statistics_lake import imported, late, playbacks, write_silver

_QUICK_PLAYBACKS, _PLAYBACKS, _LATE = 200_000, 1_000_000, 5_000


def run(options: Options) -> list[Result]:
    rows = _QUICK_PLAYBACKS if options.size == QUICK else _PLAYBACKS
    year, additions = playbacks(rows), {"ten-years": imported(), "late-day": late(_LATE)}
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        root = Path(folder)
        _child("silver", root / "year", [year])
        _child("refresh", root / "year")
        for name, file in additions.items():
            _copy(root / "year", root / name)
            _child("silver", root / name, [year, file])
        _child("silver", root / "all-at-once", [year, additions["ten-years"]])
        sides = {name: partial(_copied, root, name) for name in ("all-at-once", *additions)}
        costs = repeated(sides, options.repeat)
    return results("restatement", costs, rows, "playbacks")


def _copied(root: Path, name: str) -> Cost:
    """Refresh a copy of that lake."""
    with tempfile.TemporaryDirectory(prefix="copy-", dir=root) as copy:
        _copy(root / name, Path(copy) / "lake")
        return _child("refresh", Path(copy) / "lake")


def _copy(lake: Path, copy: Path) -> None:
    """The lake, and what of it has passed its checks: what has passed is not asked again."""
    shutil.copytree(lake, copy)
    if _checked(lake).exists():
        shutil.copytree(_checked(lake), _checked(copy))


def _checked(lake: Path) -> Path:
    return Path(f"{lake} checked")


def _child(what: str, root: Path, files: Sequence[Path] = ()) -> Cost:
    arguments = {"root": str(root)} | ({"files": [str(file) for file in files]} if files else {})
    return measure_side(f"bench.restatement:{what}", arguments)


def silver(root: str, files: list[str]) -> None:
    from infra.engine import BATCH_ROWS, open_session
    from infra.settings import Settings

    with open_session(Settings(engine="sail"), BATCH_ROWS) as session:
        write_silver(session, Path(root), [Path(file) for file in files])


def refresh(root: str) -> None:
    """Bring the statistics of a lake up to date."""
    from infra.checks import Checker
    from infra.engine import BATCH_ROWS, open_session
    from infra.lake import Lake
    from infra.settings import Settings
    from jobs.runner import Runner
    from schemas import catalog
    from schemas.statistics import TAG

    with open_session(Settings(engine="sail"), BATCH_ROWS) as session:
        lake = Lake(Path(root))
        runner = Runner(session, lake, Checker(_checked(Path(root))))
        wanted = [one for one in catalog.tables().values() if TAG in one.tags and one.is_derived]
        with work():
            for table in wanted:
                runner.refresh(table)
