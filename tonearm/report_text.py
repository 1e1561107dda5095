"""The run report for a person: on the terminal, worst news first."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from tonearm.answers import print_rows

Report = dict[str, Any]

_SHEET = ("sent", "unannounced", "accepted", "duplicate", "dead_letter", "replayed", "pending", "lost")
_PIPED_WIDTH = 110


def print_report(report: Report) -> None:
    """Print the sheet, the tables, the publications and the examples."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _PIPED_WIDTH
    _print_sheet(console, report["balance"])
    _print_tables(console, report)
    for example in report["examples"]:
        console.print()
        console.print(Text(example["title"], style="bold"))
        console.print(Text(f"$ {example['command']}", style="cyan"))
        print_rows(example["columns"], example["rows"])


def print_where(report: Report, stays_up: bool) -> None:
    """Print where to look next; `stays_up` is whether the stack goes on running."""
    console = Console(highlight=False)
    where = report["endpoints"]
    console.print()
    console.print(f"Lake       {where['lake']}")
    if not stays_up:
        console.print("The stack is stopped; its data is kept. `make up` brings it back, `tonearm report` shows this again.")
        return
    console.print(f"Kafka      {where['kafka']}")
    console.print(f"BigQuery   {where['bigquery']}")
    console.print(f"Cassandra  {where['cassandra']}")
    console.print("Next: `tonearm status`, `tonearm sql \"SELECT …\"`, `tonearm simulate --live 20`, `tonearm import FOLDER`.")
    console.print("The stack stays up until Ctrl-C.")


def _print_sheet(console: Console, sheet: Report) -> None:
    table = Table(title="Balance sheet, in records", title_justify="left", box=None, pad_edge=False, header_style="bold")
    table.add_column("topic, hour (UTC)")
    for name in _SHEET:
        table.add_column(name.replace("_", " "), justify="right")
    table.add_column("")
    for line in sheet["hours"]:
        table.add_row(f"{line['topic']} {line['hour'][5:]}h", *(_count(line[name]) for name in _SHEET), _mark(line))
    if len(sheet["hours"]) > 1:
        table.add_row("all", *(_count(sheet[name]) for name in _SHEET), _mark(sheet), style="bold")
    console.print()
    console.print(table)
    stages = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("stage, in playbacks", "expected", "counted", "left out", ""):
        stages.add_column(heading, justify="left" if heading.startswith("stage") else "right")
    for line in sheet["stages"]:
        counts = (_count(line[name]) for name in ("expected", "counted", "left_out"))
        stages.add_row(line["stage"], *counts, _mark(line))
    console.print()
    console.print(stages)


def _print_tables(console: Console, report: Report) -> None:
    sent: dict[str, list[str]] = {}
    for one in report["publications"]:
        sent.setdefault(one["table"], []).append(f"{one['store']} {one['rows']:,} rows {one['seconds']:.1f} s")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("table", "rows", "MB", "seconds", "published"):
        table.add_column(heading, justify="left" if heading in ("table", "published") else "right")
    for one in report["tables"]:
        megabytes = f"{one['bytes'] / 1e6:.1f}"
        seconds = f"{one['seconds']:.1f}" if one["changed"] else "unchanged"
        table.add_row(one["table"], f"{one['rows']:,}", megabytes, seconds, ", ".join(sent.get(one["table"], [])))
    console.print()
    console.print(table)


def _count(number: int) -> str:
    return f"{number:,}" if number else "·"


def _mark(line: Report) -> Text:
    return Text("✓ adds up", style="green") if line["adds_up"] else Text("✗ does not add up", style="bold red")
