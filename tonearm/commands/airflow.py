"""`tonearm airflow`: a local Airflow with the DAGs of the catalogue, beside the local stack."""

import time

import typer

_WATCH_SECONDS = 1.0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("airflow")(airflow)


def airflow() -> None:
    """Start the local stack and Airflow on loopback, and print where to log in; both stop with Ctrl-C."""
    from rich.console import Console

    from infra.local.airflow import local_airflow
    from infra.local.signals import signals_as_exceptions
    from infra.local.stack import local_stack
    from infra.settings import Settings
    from tonearm.steps import steps

    settings = Settings()
    with (
        signals_as_exceptions(),
        steps() as say,
        local_stack(settings, on_progress=say),
        local_airflow(settings, say) as running,
    ):
        say("", "")
        console = Console(highlight=False, soft_wrap=True)
        console.print(f"Airflow   {running.url}")
        console.print(f"login     {running.user} / {running.password}")
        console.print("Unpause tonearm_daily to run everything. Ctrl-C stops Airflow and the stack.")
        while True:
            running.check()
            time.sleep(_WATCH_SECONDS)
