"""`tonearm migrate`: what is stored is brought to what is declared."""

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from schemas.drift import Change


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("migrate")(migrate)


def migrate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what there is to do, and do nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Bring the lake, BigQuery and Cassandra to what the declarations say: all of it, or nothing where it cannot be."""
    from infra.local.stack import endpoints
    from infra.settings import Settings
    from jobs import migration
    from jobs.declarations import refusal
    from schemas.drift import refused
    from schemas.errors import MigrationError
    from tonearm.steps import steps

    settings = Settings()
    with steps() as say:
        changes = migration.migrate(settings, endpoints(settings, ("bigquery", "cassandra")), dry_run, say)
    found = refused(changes)
    is_done = not dry_run and not found
    if as_json:
        sys.stdout.write(json.dumps({"migrated": is_done, "changes": [_plain(one) for one in changes]}) + "\n")
    else:
        _print(changes, is_done)
    if found:
        raise MigrationError(refusal(found))


def _plain(change: "Change") -> dict[str, str]:
    kind = change.kind
    return {
        "table": change.of,
        "place": change.place,
        "kind": kind.name,
        "about": change.about,
        "verdict": change.verdict,
        "because": kind.because,
        "instead": kind.instead if change.verdict == "refused" else "",
    }


def _print(changes: "list[Change]", is_done: bool) -> None:
    from tonearm.answers import print_rows

    # What needs nobody's doing is in the JSON only.
    shown = [one for one in changes if one.verdict not in ("accepted", "automatic")]
    if not shown:
        typer.echo("There is nothing to migrate.")
        return
    verdicts = {"migrate": "migrated" if is_done else "to migrate", "refused": "refused"}
    print_rows(
        ("table", "place", "what", "", "verdict"),
        [(one.of, one.place, one.kind.name, one.about, verdicts[one.verdict]) for one in shown],
    )
