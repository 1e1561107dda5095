"""`tonearm rollback`: take the last publication of a table back."""

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("rollback")(rollback)


def rollback(
    table: Annotated[str, typer.Argument(help="Full name of a table, such as gold.country_charts.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the publications as JSON.")] = False,
) -> None:
    """Publish what was published before; holds until the table has a newer Delta version than the one taken back."""
    from infra.lake import Lake
    from infra.local.stack import endpoints
    from infra.run_log import running
    from infra.settings import Settings
    from jobs import publish
    from schemas import catalog
    from tonearm.answers import json_value

    declared = catalog.table(table)
    settings = Settings()
    services = ("cassandra", "bigquery") if declared.warehouse else ("cassandra",)
    with running(settings, "rollback", table):
        done = publish.rollback(settings, endpoints(settings, services), Lake(settings.lake), declared)
    if as_json:
        sys.stdout.write(json.dumps([asdict(one) for one in done], default=json_value) + "\n")
        return
    for one in done:
        typer.echo(f"{one.table} in {one.store} is back at version {one.delta_version}, in {one.seconds:.1f} s.")
    typer.echo("This holds until a newer version than the one taken back is published.")
