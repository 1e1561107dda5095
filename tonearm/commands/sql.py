"""`tonearm sql`: ask the warehouse."""

import json
import sys
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("sql")(sql)


def sql(
    statement: Annotated[str, typer.Argument(help="A statement in BigQuery's SQL.", show_default=False)],
    user: Annotated[str, typer.Option(help="Account name; its pseudonym is bound to @user_id.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how much it would read; do not run it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a row.")] = False,
) -> None:
    """Ask the warehouse, for instance "SELECT * FROM gold.country_charts LIMIT 10"."""
    from infra.identity import Identities
    from infra.local.stack import endpoints
    from infra.settings import Settings
    from infra.warehouse.queries import ask, weigh
    from tonearm.answers import json_value, print_rows

    settings = Settings()
    user_id = Identities(settings.home).find(user) if user else None
    services = endpoints(settings, services=("bigquery",))
    if dry_run:
        read = weigh(settings, services, statement, user_id)
        service = "BigQuery" if settings.bigquery_endpoint else "the local stand-in of BigQuery"
        sys.stdout.write((json.dumps({"bytes": read}) if as_json else weight_in_words(read, service)) + "\n")
        return
    answer = ask(settings, services, statement, user_id)
    if as_json:
        for row in answer.rows:
            values = dict(zip(answer.columns, row, strict=True))
            sys.stdout.write(json.dumps(values, default=json_value, ensure_ascii=False) + "\n")
        return
    print_rows(answer.columns, answer.rows)


def weight_in_words(read: int | None, service: str) -> str:
    """One sentence on the bytes that a statement would read; None where `service` cannot tell."""
    if read is None:
        return f"The statement is in order, but how much it would read {service} cannot tell."
    return f"The statement is in order and would read {read:,} bytes ({read / 2**30:,.3f} GiB)."
