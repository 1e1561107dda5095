"""The run report for a person: the balance sheet first, then tables, examples and where to look next."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, ConsoleDimensions
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from jobs.sheet import COLUMNS
from tonearm.answers import print_rows

Report = dict[str, Any]

_PIPED_WIDTH = 120
_UNBOUND = 10_000


def print_report(report: Report) -> None:
    """Print the sheet, the tables, the publications and the examples."""
    console = _console()
    print_sheet(report["balance"], console)
    _print_stages(console, report["balance"])
    _print_catalogue(console, report.get("catalogue", {}))
    _print_answer_key(console, report.get("answer_key", []))
    _print_tables(console, report)
    _print_live(console, report.get("live"))
    for example in report["examples"]:
        console.print()
        console.print(Text(example["title"], style="bold"))
        # Not folded, so that what is copied is what was asked.
        console.print(Text(f"$ {example['command']}", style="cyan"), soft_wrap=True)
        print_rows(example["columns"], example["rows"])


def print_where(report: Report, stack: str) -> None:
    """Print where to look next; `stack` is what becomes of the local servers: `ends`, `stays` or `until Ctrl-C`."""
    console = _console()
    where = report["endpoints"]
    lines = [("Lake", where["lake"])]
    if stack != "ends":
        lines += [(name, where[name.lower()]) for name in ("Kafka", "BigQuery", "Cassandra")]
    if shutil.which("tonearm") is None and Path(sys.argv[0]).name == "tonearm":
        lines.append(("tonearm", f"not on your PATH: call it as {_own_path()}"))
    console.print()
    for name, value in lines:
        console.print(Text(f"{name:<10} {value}"), soft_wrap=True)
    console.print(Text(_NEXT[stack]), soft_wrap=True)


def _print_live(console: Console, live: dict[str, Any] | None) -> None:
    """What became of the records that the live pipeline has read; nothing where it did not run."""
    if live is None:
        return
    fates = ", ".join(f"{count:,} {fate.replace('_', ' ')}" for fate, count in live["records"].items())
    console.print()
    console.print(Text(f"Live, {live['state']}, {live['delay_seconds']:.1f} s behind the clock", style="bold"))
    console.print(Text(f"{fates} (live.minute_records)"), soft_wrap=True)
    # A report of before says only how many cells are left over.
    cells, wrong = live.get("compared_cells", 0), live["unexplained_cells"]
    said = "all explained" if not wrong else f"{wrong:,} not explained"
    if cells or wrong:
        console.print(Text(f"{cells:,} cells of gold against live: {said} (live.batch_differences)"), soft_wrap=True)


_NEXT = {
    "ends": "The stack stops now; its data is kept. `make up` brings it back, `tonearm report` shows this again.",
    "stays": "The stack runs on; `tonearm down` stops it. `tonearm report` shows this again.",
    "until Ctrl-C": "The stack stays up until Ctrl-C. Ask it in another terminal: `tonearm sql`, `tonearm get`.",
}


def _console() -> Console:
    console = Console(highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.size = ConsoleDimensions(_PIPED_WIDTH, console.height)  # a width alone a dumb terminal overrides
    return console


def _own_path() -> str:
    """How this very program can be called from here."""
    program = Path(sys.argv[0]).absolute()
    return str(program.relative_to(Path.cwd())) if program.is_relative_to(Path.cwd()) else str(program)


def print_sheet(sheet: Report, console: Console | None = None) -> None:
    """Print the lines by topic and hour; columns without any count are left out where the width does not do."""
    console = console or _console()
    table, unused = _hours(sheet, COLUMNS), []
    if Measurement.get(console, console.options.update_width(_UNBOUND), table).maximum > console.width:
        used = [name for name in COLUMNS if sheet[name]]
        unused = [name for name in COLUMNS if not sheet[name]]
        table = _hours(sheet, used)
    console.print()
    console.print(Text("Balance sheet, in records", style="bold"))
    console.print(table)
    if unused:
        console.print(Text(f"None {', none '.join(_words(name) for name in unused)}.", style="dim"))
    if clients := sheet["clients_missing"]:
        who = "1 client misses" if clients == 1 else f"{clients:,} clients miss"
        missing = sheet["pending"] + sheet["lost"]
        console.print(Text(f"{who} {missing:,} of what was sent: see `tonearm balance --missing`."), soft_wrap=True)


def _print_stages(console: Console, sheet: Report) -> None:
    stages = Table(box=None, pad_edge=False, header_style="bold")
    # A report of before there were merges has no such column.
    names = (
        "expected",
        "counted",
        "left_out",
        *(["merged"] if any(line.get("merged") for line in sheet["stages"]) else []),
    )
    for heading in ("stage", *map(_words, names), ""):
        stages.add_column(heading, justify="left" if heading == "stage" else "right", overflow="fold")
    for line in sheet["stages"]:
        counts = (_count(line.get(name, 0)) for name in names)
        stages.add_row(line["stage"], *counts, _mark(line))
    console.print()
    console.print(stages)


def _print_catalogue(console: Console, catalogue: Report) -> None:
    """How many rows of the catalogue's feed are no entries, and why; nothing where there is no feed."""
    if not catalogue.get("rows"):
        return
    refused = catalogue["refused"]
    why = f" ({', '.join(f'{reason} {count:,}' for reason, count in refused.items())})" if refused else ""
    said = f"Catalogue: {catalogue['rows']:,} rows, of which {sum(refused.values()):,} are no entries{why}."
    console.print()
    console.print(Text(f"{said} See bronze.catalogue_rows." if refused else said), soft_wrap=True)


def _print_answer_key(console: Console, tables: Sequence[Report]) -> None:
    """One line of how many tables are what the simulation's answer key says, and one for each that is not."""
    if not tables:
        return
    equal = [one for one in tables if one["equal"]]
    rows = sum(one["rows"] for one in equal)
    console.print()
    said = f"Answer key: {len(equal)} of {len(tables)} tables are what it says, row by row ({rows:,} rows)."
    console.print(Text(said, style="green" if len(equal) == len(tables) else "bold red"), soft_wrap=True)
    for one in tables:
        if not one["equal"]:
            console.print(Text(f"✗ {one['table']} differs: see `tonearm verify`.", style="bold red"), soft_wrap=True)


def _hours(sheet: Report, names: Sequence[str]) -> Table:
    """One line for each topic and hour of append, with those columns, and a line of their sums."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("topic, hour (UTC)", overflow="fold")
    for name in names:
        table.add_column(_words(name), justify="right", overflow="fold")
    table.add_column("", overflow="fold")
    for line in sheet["hours"]:
        hour = f"{line['topic']} {line['hour'][5:].replace('T', ' ')}h"
        table.add_row(hour, *(_count(line[name]) for name in names), _mark(line))
    if len(sheet["hours"]) > 1:
        table.add_row("all", *(_count(sheet[name]) for name in names), _mark(sheet), style="bold")
    return table


def _print_tables(console: Console, report: Report) -> None:
    sent: dict[str, list[str]] = {}
    for one in report["publications"]:
        sent.setdefault(one["table"], []).append(f"{one['store']} {one['rows']:,} rows {one['seconds']:.1f} s")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("table", "rows", "MB", "seconds", "published"):
        table.add_column(heading, justify="left" if heading in ("table", "published") else "right", overflow="fold")
    for one in report["tables"]:
        published = "\n".join(sent.get(one["table"], [] if one["changed"] else ["(unchanged)"]))
        megabytes, seconds = f"{one['bytes'] / 1e6:.1f}", f"{one['seconds']:.1f}"
        table.add_row(one["table"], f"{one['rows']:,}", megabytes, seconds, Text(published))
    console.print()
    console.print(table)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _count(number: int) -> str:
    return f"{number:,}" if number else "·"


def _mark(line: Report) -> Text:
    return Text("✓ adds up", style="green") if line["adds_up"] else Text("✗ does not add up", style="bold red")
