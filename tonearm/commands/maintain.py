"""`tonearm maintain`: compaction, vacuum and clearing up, while runs go on."""

import json
import sys
from contextlib import nullcontext
from dataclasses import asdict
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("maintain")(maintain)


def maintain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what there is to do, and do nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Merge small files of the tables and remove files that nobody needs; no row changes, and no run has to stop."""
    from infra.local.stack import endpoints
    from infra.run_log import running
    from infra.settings import Settings
    from jobs import housekeeping
    from tonearm.answers import print_rows
    from tonearm.steps import steps

    settings = Settings()
    with steps() as say, nullcontext() if dry_run else running(settings, "maintain"):
        done = housekeeping.maintain(settings, endpoints(settings, ("cassandra",)), dry_run, say)
    if as_json:
        sys.stdout.write(json.dumps([asdict(one) for one in done]) + "\n")
        return
    into = "small files" if dry_run else "files merged"
    gone = "files to remove" if dry_run else "files removed"
    print_rows(
        ("table", into, "into", gone, "bytes", "postponed"),
        [
            (
                one.name,
                one.compaction.files,
                None if dry_run else one.compaction.into,
                one.removed.files,
                one.removed.bytes,
                "a run was faster: next time" if one.compaction.is_postponed else "",
            )
            for one in done
        ],
    )
