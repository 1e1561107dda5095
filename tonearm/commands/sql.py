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
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a row.")] = False,
) -> None:
    """Ask the warehouse, for instance "SELECT * FROM gold.country_charts LIMIT 10"."""
    from infra.identity import Identities
    from infra.local.stack import endpoints
    from infra.settings import Settings
    from infra.warehouse.queries import ask
    from tonearm.answers import json_value, print_rows

    settings = Settings()
    user_id = Identities(settings.home).find(user) if user else None
    answer = ask(settings, endpoints(settings, services=("bigquery",)), statement, user_id)
    if as_json:
        for row in answer.rows:
            values = dict(zip(answer.columns, row, strict=True))
            sys.stdout.write(json.dumps(values, default=json_value, ensure_ascii=False) + "\n")
        return
    print_rows(answer.columns, answer.rows)
