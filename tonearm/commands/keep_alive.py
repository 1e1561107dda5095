"""`tonearm keep-alive`: start the live pipeline again where it is dead, as a scheduler asks for every few minutes."""

import json
import sys
from typing import Annotated

import typer

from tonearm.commands.live import PASS_ON


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("keep-alive", context_settings=PASS_ON)(keep_alive)


def keep_alive(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Look whether the live pipeline makes progress, and start it in the background where it does not.

    It ends with `tonearm down`. Options are handed on, see `python -m pipelines live --help`.
    """
    from infra.settings import Settings
    from pipelines.keep_alive import keep_alive

    found = keep_alive(Settings(), context.args)
    if as_json:
        sys.stdout.write(json.dumps({"state": found.state, "started": found.started}) + "\n")
    elif found.started is None:
        typer.echo(f"The live pipeline is {found.state}: nothing was done.")
    else:
        what = "job" if isinstance(found.started, str) else "process"
        typer.echo(f"The live pipeline was {found.state}; it was started again as {what} {found.started}.")
