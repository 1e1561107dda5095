"""`python -m bench [NAME …]`: measure, and print a table or JSON."""

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.results import FULL, QUICK, Options, Result


def main() -> None:
    names = benchmarks()
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(names)}; without one: all")
    parser.add_argument("--quick", action="store_true", help="small sizes, for a look; the figures are rough")
    parser.add_argument("--repeat", type=int, default=3, help="repetitions of each side; medians are shown")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(names):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    options = Options(QUICK if asked.quick else FULL, asked.repeat)
    found: list[Result] = []
    for name in asked.names or names:
        print(f"measuring {name} …", file=sys.stderr)
        measured = import_module(f"bench.{name}").run(options)
        found += measured
        if not asked.json:
            show(name, measured)
    if asked.json:
        lines = [asdict(one) | {"per_second": one.per_second} for one in found]
        print(json.dumps({"machine": machine(), "size": options.size, "repeat": options.repeat, "results": lines}))


def benchmarks() -> list[str]:
    """Modules of this package that have a `run`; found by reading them, so that none is imported for nothing."""
    folder = Path(__file__).parent
    return sorted(path.stem for path in folder.glob("*.py") if "\ndef run(" in path.read_text(encoding="utf-8"))


def machine() -> str:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, load {load}"


def show(name: str, measured: list[Result]) -> None:
    table = Table(title=f"{name} ({machine()})")
    columns = ("side", "units", "CPU ratio", "CPU s (work)", "wall s (work)", "units/s", "CPU s (all)", "wall s (all)")
    for column in (*columns, "peak MiB", "note"):
        table.add_column(column, justify="left" if column in {"side", "note"} else "right")
    for one in measured:
        low, high = one.work_cpu_range
        table.add_row(
            one.side,
            f"{one.units:,} {one.unit}",
            f"{one.cpu_ratio:.2f}",
            f"{one.work_cpu:.2f} ({low:.2f} to {high:.2f})",
            f"{one.work_wall:.2f}",
            f"{one.per_second:,.0f}",
            f"{one.cpu:.2f}",
            f"{one.wall:.2f}",
            f"{one.peak_rss_mib:,.0f}",
            one.note,
        )
    Console(width=None if sys.stdout.isatty() else 160).print(table)


if __name__ == "__main__":
    main()
