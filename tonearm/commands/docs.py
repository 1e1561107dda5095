"""`tonearm docs`: the site of tables."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("docs")(docs)


def docs(
    output: Annotated[Path | None, typer.Option(help="Folder of the site (docs in TONEARM_HOME).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Build a static site with a page for each table, from declarations, the lake, checks and lineage."""
    from infra.settings import Settings
    from tonearm.site.build import build
    from tonearm.site.facts import gather

    settings = Settings()
    folder = output or settings.home / "docs"
    pages = build(gather(settings), folder)
    if as_json:
        sys.stdout.write(json.dumps({"index": str(folder.resolve() / "index.html"), "pages": pages}) + "\n")
        return
    typer.echo(f"{pages} pages: open {folder.resolve() / 'index.html'}")
