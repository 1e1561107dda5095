"""`tonearm report`: the last run's report again."""

import json
import sys
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report")(report)


def report(as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False) -> None:
    """Show the report of the last complete run: the balance sheet, tables, publications and examples."""
    from infra.settings import Settings
    from tonearm.report import last_report
    from tonearm.report_text import print_report

    last = last_report(Settings().home)
    if as_json:
        sys.stdout.write(json.dumps(last) + "\n")
    else:
        print_report(last)
