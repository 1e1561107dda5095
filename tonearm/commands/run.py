"""`tonearm run`: the main job from listening history to warehouse and serving store, with a report at the end."""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from infra.local.stack import Endpoints
    from infra.settings import Settings
    from pipelines.supervisor import Supervisor

LIVE_SECONDS = 60.0
"""How long the report waits for the live pipeline to read what was sent."""
_WATCH_SECONDS = 1.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run")(run)


def run(
    path: Annotated[
        Path | None,
        typer.Option("--input", help="Export to import, a folder or one of its files; without it, simulate a service."),
    ] = None,
    user: Annotated[str, typer.Option(help="Account name for --input; the folder's name if not given.")] = "",
    once: Annotated[bool, typer.Option("--once", help="Exit when the run is complete.")] = False,
    live: Annotated[bool, typer.Option("--live", help="Run the live pipeline beside it.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Send events to Kafka, compute every table, check, publish, and show that the numbers add up."""
    from contextlib import ExitStack

    from infra.local.stack import local_stack
    from infra.run_log import running
    from infra.settings import Settings
    from jobs.declarations import require_migrated
    from tonearm.commands.import_ import count_rows
    from tonearm.report_text import print_report, print_where
    from tonearm.steps import steps

    settings = Settings()
    started = time.monotonic()
    # What cannot be imported, or computed, is said before anything is started.
    rows = None if path is None else count_rows(path)
    require_migrated(settings)
    with ExitStack() as at_work:
        at_work.enter_context(running(settings, "run"))
        with (
            steps() as say,
            local_stack(settings, on_progress=say) as endpoints,
            _live_beside(settings, live) as pipeline,
        ):
            say("", "")
            listener = _send(settings, endpoints, path, user, rows)
            report = _report(settings, endpoints, say, listener, pipeline, started)
            if as_json:
                sys.stdout.write(json.dumps(report) + "\n")
                sys.stdout.flush()
            else:
                print_report(report)
                print_where(report, _what_becomes_of_the_stack(settings, once))
            _raise_for(report)
            _raise_if_ended(pipeline)
            # The run is over, although the stack may stay.
            at_work.close()
            if not once:
                _wait(pipeline)


def _report(
    settings: "Settings",
    endpoints: "Endpoints",
    say: "Callable[[str, str], None]",
    listener: str,
    pipeline: "Supervisor | None",
    started: float,
) -> dict[str, Any]:
    """The batch run, what is held against it, and the report of both, which is kept."""
    from jobs.batch import run_batch
    from tonearm.report import run_report, save_report

    report = run_report(settings, endpoints, run_batch(settings, endpoints, say), listener)
    report["answer_key"] = _answer_key(settings, say)
    report["live"] = _live(settings, endpoints, say, pipeline) if pipeline else None
    say("", "")
    report["seconds"]["total"] = round(time.monotonic() - started, 1)
    save_report(settings.home, report)
    return report


def _raise_for(report: dict[str, Any]) -> None:
    """BalanceError or CheckFailedError where the report says that something is wrong."""
    from schemas.errors import BalanceError, CheckFailedError
    from tonearm.live_comparison import DIFFER

    if not report["balance"]["adds_up"]:
        raise BalanceError("The balance sheet does not add up: see `tonearm report` for the lines that do not.")
    if not all(one["equal"] for one in report["answer_key"]):
        raise CheckFailedError("Tables are not what the answer key says: `tonearm verify` shows where they differ.")
    if report["live"] and report["live"]["unexplained_cells"]:
        raise CheckFailedError(DIFFER)


def _raise_if_ended(pipeline: "Supervisor | None") -> None:
    """ConfigurationError where the live pipeline has ended for good; what batch has done stands."""
    from schemas.errors import ConfigurationError

    if pipeline and pipeline.ended:
        raise ConfigurationError(
            "All tables of the batch run are published, but the live pipeline ended, and no other life of it begins: "
            f"{pipeline.failure or 'it does not say why.'} (The rest is in logs/live.log; `tonearm live` starts it.)"
        )


def _live_beside(settings: "Settings", wanted: bool) -> "AbstractContextManager[Supervisor | None]":
    from contextlib import nullcontext

    if not wanted:
        return nullcontext()
    from pipelines.supervisor import live_pipeline

    return live_pipeline(settings)


def _live(
    settings: "Settings",
    endpoints: "Endpoints",
    say: "Callable[[str, str], None]",
    pipeline: "Supervisor",
) -> dict[str, object] | None:
    """What the live pipeline has counted, when it has read all that there is, has ended, or a minute has gone by."""
    from schemas.live_comparison import BATCH_DIFFERENCES
    from tonearm.live_comparison import compare
    from tonearm.live_status import live_fates, live_report, live_status

    deadline = time.monotonic() + LIVE_SECONDS
    say("live tables", "catch up")
    while time.monotonic() < deadline and not pipeline.ended:
        found = live_status(settings, endpoints)
        if found and found.state == "running" and found.lag_records == 0:
            break
        time.sleep(1.0)
    found_at_end = live_report(settings, endpoints)
    if found_at_end is None:
        return None
    say(BATCH_DIFFERENCES.full_name, "compare")
    compared = compare(settings, endpoints)
    cells = {"compared_cells": compared.rows.num_rows, "unexplained_cells": compared.unexplained}
    return found_at_end | {"records": live_fates(settings, endpoints)} | cells


def _answer_key(settings: "Settings", say: "Callable[[str, str], None]") -> list[dict[str, object]]:
    """What the simulation's key says of each table; nothing where the home holds more or less than the simulation."""
    from tonearm import verification
    from tonearm.simulation import truth_folder

    folder = truth_folder(settings.home)
    if not verification.answers_for(settings, folder):
        return []
    say("answer key", "verify")
    return [
        {"table": one.table, "rows": one.difference.row_count, "equal": one.equal}
        for one in verification.verify(settings, folder)
        if one.difference is not None
    ]


def _what_becomes_of_the_stack(settings: "Settings", once: bool) -> str:
    """Of the local servers, when this command ends: another process may have started them."""
    from infra.local.owner import current_owner

    if not once:
        return "until Ctrl-C"
    owner = current_owner(settings.home.resolve())
    return "ends" if owner is None or owner.process.pid == os.getpid() else "stays"


def _send(settings: "Settings", endpoints: "Endpoints", path: Path | None, user: str, rows: int | None) -> str:
    """Import the export or play the simulation; returns an account name to show examples of."""
    from playback.simulator.parameters import TYPICAL
    from tonearm import simulation
    from tonearm.commands.import_ import folder_name, import_path
    from tonearm.sending import progress_bar

    if path is not None:
        with progress_bar("Importing") as progress:
            import_path(settings, endpoints.kafka_bootstrap, path, user or None, progress, rows)
        return user or folder_name(path)
    known = simulation.read_simulation(settings.home)
    played = known or simulation.simulation_of(settings.home, TYPICAL)
    with progress_bar("Playing") as progress:
        simulation.simulate(settings, endpoints.kafka_bootstrap, played, progress)
    return ""


def _wait(pipeline: "Supervisor | None") -> None:
    """Stay until Ctrl-C or SIGTERM; the stack stops with this process. Raises when the live pipeline ends for good."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(_WATCH_SECONDS):
        _raise_if_ended(pipeline)
