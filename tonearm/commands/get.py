"""`tonearm get`: read a serving table by key, as the front end does."""

import json
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from schemas.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("get")(get)


def get(
    table: Annotated[str, typer.Argument(help="Full name of a table, such as gold.country_charts.")],
    key: Annotated[list[str] | None, typer.Argument(help="column=value of its key.", metavar="COLUMN=VALUE…")] = None,
    user: Annotated[str, typer.Option(help="Account name; its pseudonym is the value of user_id.")] = "",
    limit: Annotated[int, typer.Option(min=1, help="Most rows to read.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object a row.")] = False,
) -> None:
    """Read rows of a serving table by key, for instance: gold.country_charts country=DE window_days=7."""
    from infra.identity import Identities
    from infra.local.stack import endpoints
    from infra.serving_store.reads import parse_key, read
    from infra.settings import Settings
    from schemas import catalog
    from tonearm.answers import json_value, print_rows

    declared = catalog.table(table)
    given = pairs(key or ())
    settings = Settings()
    if user:
        given["user_id"] = Identities(settings.home).find(user)
    parse_key(declared, given)  # what is wrong with the question is said before a server is needed
    rows = read(settings, endpoints(settings, services=("cassandra",)), declared, given, limit)
    if as_json:
        for row in rows:
            sys.stdout.write(json.dumps(row, default=json_value, ensure_ascii=False) + "\n")
        return
    columns = [field.name for field in declared.fields]
    print_rows(columns, [[row[name] for name in columns] for row in rows])


def pairs(words: Sequence[str]) -> dict[str, str]:
    """`column=value` words as a mapping; raises InputError for another word and for a column given twice."""
    given: dict[str, str] = {}
    for word in words:
        column, equals, value = word.partition("=")
        if not equals or not column:
            raise InputError(f"A key is given as column=value, one word each: correct {word!r}.")
        if column in given:
            raise InputError(f"{column} is given twice: leave one out.")
        given[column] = value
    return given
