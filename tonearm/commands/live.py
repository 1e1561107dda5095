"""`tonearm live`: the live pipeline, kept alive beside the local stack."""

import time
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pipelines.supervisor import Supervisor

WATCH_INTERVAL = 1.0  # seconds
PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("live", context_settings=PASS_ON)(live)


def live(context: typer.Context) -> None:
    """Keep the live tables up to date until Ctrl-C. Options are handed on, see `python -m pipelines live --help`."""
    from rich.console import Console

    from infra.kafka.topics import ensure_playback_topic
    from infra.local.stack import local_stack
    from infra.settings import Settings
    from pipelines.supervisor import live_pipeline
    from tonearm.live_status import live_status
    from tonearm.steps import steps

    settings, console = Settings(), Console(stderr=True)
    with steps() as say, local_stack(settings, on_progress=say) as endpoints:
        say("", "")
        ensure_playback_topic(settings, endpoints.kafka_bootstrap)
        with live_pipeline(settings, context.args) as pipeline, console.status("The live pipeline starts") as shown:
            while not pipeline.ended:
                time.sleep(WATCH_INTERVAL)
                if found := live_status(settings, endpoints):
                    shown.update(found.sentence)
            raise_failure(pipeline)


def raise_failure(pipeline: "Supervisor") -> None:
    """Say why no further life of the pipeline begins; raises ConfigurationError."""
    from schemas.errors import ConfigurationError

    raise ConfigurationError(pipeline.failure or "The live pipeline ended: start it again.")
