"""`tonearm ingest`, `refresh`, `publish` and `compare`: the steps of a run one by one, as a scheduler calls them."""

import json
import sys
from dataclasses import asdict
from typing import Annotated

import typer

_Table = Annotated[str, typer.Argument(help="Full name of a table, such as gold.country_charts.")]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("ingest")(ingest)
    app.command("refresh")(refresh)
    app.command("publish")(publish)
    app.command("compare")(compare)


def ingest(as_json: _Json = False) -> None:
    """Read what Kafka has and the ledger has not."""
    from infra.local.stack import endpoints
    from infra.run_log import running
    from infra.settings import Settings
    from jobs.steps import ingest_step
    from tonearm.steps import steps

    settings = Settings()
    with steps() as say, running(settings, "ingest"):
        count = ingest_step(settings, endpoints(settings, ("kafka",)), say)
    _answer({"records": count}, as_json, f"{count:,} records were read.")


def refresh(table: _Table, as_json: _Json = False) -> None:
    """Bring one table up to date with its inputs, and check it."""
    from infra.run_log import running
    from infra.settings import Settings
    from jobs.steps import refresh_step
    from schemas import catalog
    from tonearm.steps import steps

    declared, settings = catalog.table(table), Settings()
    with steps() as say, running(settings, "refresh", table):
        say(table, "refresh")
        done = refresh_step(settings, declared, say)
    answer = {"table": table, "version": done.version, "changed": done.changed, "partitions": done.partitions}
    what = f"has version {done.version} now" if done.changed else f"is up to date, at version {done.version}"
    _answer(answer | {"seconds": round(done.seconds, 2)}, as_json, f"{table} {what}.")


def publish(table: _Table, as_json: _Json = False) -> None:
    """Publish the version of one table that passed its checks last; what is published is left alone."""
    from infra.local.stack import endpoints
    from infra.run_log import running
    from infra.settings import Settings
    from jobs.steps import publish_step
    from schemas import catalog
    from tonearm.answers import json_value
    from tonearm.steps import steps

    declared = catalog.table(table)
    settings = Settings()
    services = ("cassandra", "bigquery") if declared.warehouse else ("cassandra",)
    with steps() as say, running(settings, "publish", table):
        done = publish_step(settings, endpoints(settings, services), declared, say)
    if as_json:
        sys.stdout.write(json.dumps([asdict(one) for one in done], default=json_value) + "\n")
        return
    for one in done:
        typer.echo(
            f"{table} is in {one.store} at version {one.delta_version}: {one.rows:,} rows, {one.deleted:,} gone."
        )
    if not done:
        typer.echo(f"{table} is published already.")


def compare(as_json: _Json = False) -> None:
    """Hold gold against the minutes that the live pipeline has closed, and publish what they differ by, and why."""
    from infra.local.stack import endpoints
    from infra.run_log import running
    from infra.settings import Settings
    from schemas.live_comparison import BATCH_DIFFERENCES
    from tonearm import live_comparison
    from tonearm.steps import steps

    settings = Settings()
    with steps() as say, running(settings, "compare", BATCH_DIFFERENCES.full_name):
        say(BATCH_DIFFERENCES.full_name, "compare")
        compared = live_comparison.compare(settings, endpoints(settings))
        cells, unexplained = compared.rows.num_rows, compared.unexplained
        said = f"{cells:,} cells were compared; {unexplained:,} of them are not explained."
        nothing = "There is nothing to compare: no minute is closed by a live pipeline and read by the batch run."
        _answer({"cells": cells, "unexplained": unexplained}, as_json, said if cells else nothing)
        compared.require_explained()


def _answer(answer: dict[str, object], as_json: bool, sentence: str) -> None:
    sys.stdout.write((json.dumps(answer) if as_json else sentence) + "\n")
