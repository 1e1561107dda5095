"""The command line: finds the commands, and turns a deliberate error into one sentence and its exit status."""

import importlib
import pkgutil
import sys
from collections.abc import Sequence

import typer

from schemas.errors import TonearmError
from tonearm import commands

INTERRUPTED = 130  # 128 + SIGINT


def build_app() -> typer.Typer:
    """The application with every command that the package `tonearm.commands` holds."""
    app = typer.Typer(
        name="tonearm",
        help="The open data platform of a music-streaming service.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def _root() -> None:
        """The open data platform of a music-streaming service."""

    for module in sorted(pkgutil.iter_modules(commands.__path__), key=lambda found: found.name):
        importlib.import_module(f"{commands.__name__}.{module.name}").register(app)
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit status; errors go to stderr, so that stdout stays what was asked for."""
    try:
        build_app()(args=list(arguments), prog_name="tonearm")
    except TonearmError as error:
        _say(str(error))
        return error.exit_status
    except KeyboardInterrupt:
        _say("Interrupted.")
        return INTERRUPTED
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except Exception as error:
        from infra.disk_space import full_disk
        from infra.settings import Settings

        full = full_disk(error, Settings().home)
        if full is None:
            raise
        _say(str(full))
        return full.exit_status
    return 0


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


def _say(sentence: str) -> None:
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True, soft_wrap=True).print(Text(sentence, style="red"))
