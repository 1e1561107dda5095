"""Rows on the terminal and as JSON."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from rich.console import Console, ConsoleDimensions
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

_NUMBERS = (int, float)
_PIPED_WIDTH = 10_000


def print_rows(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table, numbers to the right and null dimmed; no value is taken for markup. Piped, no line is folded."""
    shown = [tuple(row) for row in rows]
    console = Console()
    if not console.is_terminal:
        console.size = ConsoleDimensions(_PIPED_WIDTH, console.height)
    table = _table(columns, shown)
    if Measurement.get(console, console.options.update_width(_PIPED_WIDTH), table).maximum > console.width:
        table = _table([name.replace("_", "_\n") for name in columns], shown)
    if columns:
        console.print(table)
    console.print(Text(f"{len(shown):,} row{'' if len(shown) == 1 else 's'}", style="dim"))


def _table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    table = Table(header_style="bold", box=None, pad_edge=False)
    for index, heading in enumerate(headings):
        values = [row[index] for row in rows if row[index] is not None]
        is_number = bool(values) and all(isinstance(value, _NUMBERS) for value in values)
        is_short = all(isinstance(value, (*_NUMBERS, date)) for value in values)
        table.add_column(
            Text(heading), justify="right" if is_number else "left", no_wrap=is_short and bool(values), overflow="fold"
        )
    for row in rows:
        table.add_row(*(_text(value) for value in row))
    return table


def json_value(value: object) -> object:
    """What JSON has no type for: moments and dates in ISO 8601, bytes in hexadecimal digits, the rest as text."""
    if isinstance(value, date | datetime):
        return value.isoformat()
    return value.hex() if isinstance(value, bytes) else str(value)


def _text(value: object) -> Text:
    if value is None:
        return Text("null", style="dim")
    if isinstance(value, bool | str):
        return Text(str(value))
    return Text(
        f"{value:,}" if isinstance(value, int) else str(value if isinstance(value, float) else json_value(value))
    )
