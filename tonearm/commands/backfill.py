"""`tonearm backfill`: compute dates of a table again, and all that reads it."""

import json
import sys
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from tonearm.dates import day

if TYPE_CHECKING:
    from jobs.backfill import Rewrite
    from jobs.runner import Refreshed


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backfill")(backfill)


def backfill(
    table: Annotated[str, typer.Argument(help="Full name of a table, such as gold.daily_track_plays.")],
    first: Annotated[date, typer.Argument(metavar="FROM", parser=day, help="First UTC date, such as 2026-11-30.")],
    last: Annotated[date, typer.Argument(metavar="TO", parser=day, help="Last UTC date, included.")],
    downstream: Annotated[
        bool, typer.Option("--downstream/--no-downstream", help="Compute what reads the table again too.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be rewritten, and do nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Compute dates of a table again from its inputs; other dates' files stay, and repeating it changes no row."""
    from infra.lake import Lake
    from infra.run_log import running
    from infra.settings import Settings
    from jobs import backfill as job
    from tonearm.steps import steps

    settings = Settings()
    rewrites = job.plan(Lake(settings.lake), table, first, last, downstream)
    if dry_run:
        _show_plan(rewrites, as_json)
        return
    dates = {"first": first, "last": last, "downstream": downstream}
    with steps() as say, running(settings, "backfill", table, **dates):
        done = job.backfill(settings, rewrites, say)
    _show_done(done, as_json)


def _show_plan(rewrites: "list[Rewrite]", as_json: bool) -> None:
    from tonearm.answers import print_rows

    if as_json:
        sys.stdout.write(json.dumps([_planned(one) for one in rewrites]) + "\n")
        return
    print_rows(
        ("table", "dates", "rows", "files", "bytes", "rows to read", "bytes to read"),
        [
            (
                one.table.full_name,
                _dates(one),
                one.replaced.rows,
                one.replaced.files,
                one.replaced.bytes,
                one.read.rows,
                one.read.bytes,
            )
            for one in rewrites
        ],
    )


def _dates(one: "Rewrite") -> str:
    if one.first is None or one.last is None:
        return "as a whole"
    return "all" if one.first == date.min else f"{one.first} to {one.last}"


def _planned(one: "Rewrite") -> dict[str, object]:
    return {
        "table": one.table.full_name,
        "dates": _dates(one),
        "replaced": asdict(one.replaced),
        "read": asdict(one.read),
    }


def _show_done(done: "list[Refreshed]", as_json: bool) -> None:
    from tonearm.answers import print_rows

    columns = ("table", "version", "changed", "partitions", "seconds")
    rows = [(one.table.full_name, one.version, one.changed, one.partitions, round(one.seconds, 2)) for one in done]
    if as_json:
        sys.stdout.write(json.dumps([dict(zip(columns, row, strict=True)) for row in rows]) + "\n")
        return
    print_rows(columns, rows)
    typer.echo("This is in the lake, checked; the next `tonearm run` publishes it.")
