"""`tonearm balance`: what was sent, what became of it, what is missing, and whose it is."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("balance")(balance)


def balance(
    client: Annotated[str, typer.Option(help="Only this client's counts, by stage.", show_default=False)] = "",
    missing: Annotated[bool, typer.Option("--missing", help="Who misses what, most first.")] = False,
    hours: Annotated[bool, typer.Option("--hours", help="With --client or --missing: each hour apart.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the balance sheet as it is in the lake, also when the run has refused to publish it."""
    from infra.lake import Lake
    from infra.settings import Settings
    from jobs.sheet import balance_rows, client_lines, missing_by_client
    from schemas.errors import InputError

    if client and missing:
        raise InputError("Ask for one client or for who misses something: leave --client or --missing out.")
    if hours and not (client or missing):
        raise InputError("The sheet is by hour already: give --hours together with --client or --missing.")
    rows = balance_rows(Lake(Settings().lake))
    if missing:
        found = missing_by_client(rows, hours)
        totals = {name: sum(one[name] for one in found) for name in ("missing", "lost", "pending")}
        _print({**totals, "clients": found}, "clients", as_json)
    elif client:
        found = client_lines(rows, client, hours)
        if not found:
            raise InputError("Nothing is known of that client: `tonearm balance --missing` names those that miss some.")
        _print({"client_id": client, "lines": found}, "lines", as_json)
    else:
        _print_sheet(rows, as_json)


def _print_sheet(rows: Any, as_json: bool) -> None:
    from jobs.sheet import sheet_of
    from tonearm.report_text import print_sheet

    sheet = sheet_of(rows).as_dict()
    if as_json:
        sys.stdout.write(json.dumps(sheet) + "\n")
    else:
        print_sheet(sheet)


def _print(answer: Mapping[str, Any], listed: str, as_json: bool) -> None:
    from tonearm.answers import json_value, print_rows

    if as_json:
        sys.stdout.write(json.dumps(answer, default=json_value, ensure_ascii=False) + "\n")
        return
    lines: Sequence[Mapping[str, Any]] = answer[listed]
    if lines:
        print_rows(list(lines[0]), [tuple(line.values()) for line in lines])
    else:
        typer.echo("Nobody misses anything.")
