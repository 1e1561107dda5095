"""`tonearm up`, `down` and `status`: the local Kafka, Cassandra and BigQuery, and the tables in the lake."""

import json
import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from infra.local.stack import ServiceStatus
    from infra.settings import Settings
    from infra.table_sizes import TableSize
    from tonearm.live_status import LiveStatus

WATCH_INTERVAL = 1.0  # seconds
STATE_STYLES = {"running": "green", "stopped": "dim", "died": "red"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("up")(up)
    app.command("down")(down)
    app.command("status")(status)


def up(
    detach: Annotated[bool, typer.Option("--detach", help="Leave the stack running in the background.")] = False,
) -> None:
    """Start the local stack; it stays until Ctrl-C, or with --detach until `tonearm down`."""
    from rich.console import Console

    from infra.local import stack, supervise
    from infra.settings import Settings

    settings, console = Settings(), Console(stderr=True)

    def show(service: str, state: str) -> None:
        console.print(f"  {service:<10} {state}", style="green" if state == "ready" else "dim", highlight=False)

    if detach:
        stack.start_detached(settings, on_progress=show)
        Console().print(_table(stack.status(settings)))
        return
    with supervise.hold(settings, stack.local_services(settings), show, supervisor=True) as servers:
        if servers is None:
            stack.attach(settings)
            console.print("The local stack runs already.")
        Console().print(_table(stack.status(settings)))
        if servers is None:
            return
        console.print("Ctrl-C stops it.")
        while True:
            time.sleep(WATCH_INTERVAL)
            servers.check()


def down() -> None:
    """Stop the local stack; its data stays."""
    from rich.console import Console

    from infra.local import stack
    from infra.settings import Settings

    settings = Settings()
    if (settings.home / "live.lock").exists():
        from pipelines.keep_alive import stop_detached

        stop_detached(settings)
    if not stack.stop(settings):
        Console(stderr=True).print("The local stack was not running.", style="dim")


def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """What runs, where, since when and how big; and of each table its rows, files and versions."""
    from infra.local import stack
    from infra.settings import Settings

    settings = Settings()
    services, tables, live = stack.status(settings), _sizes(settings), _live(settings)
    if as_json:
        found = {"services": [asdict(one) for one in services], "tables": [asdict(one) for one in tables]}
        found["live"] = [asdict(live)] if live else []
        typer.echo(json.dumps(found, default=str))
        return
    from rich.console import Console

    console = Console()
    console.print(_table(services))
    if live:
        console.print()
        console.print(live.sentence, highlight=False, soft_wrap=True)
    if tables:
        console.print()
        console.print(_table_of_tables(tables))


def _live(settings: "Settings") -> "LiveStatus | None":
    """What the live pipeline is at; where it never ran no library is loaded for it."""
    if not (settings.home / "live.json").exists():
        return None
    from infra.local import stack
    from schemas.errors import StoreUnavailableError
    from tonearm.live_status import live_status

    try:
        endpoints = stack.endpoints(settings, ("kafka",))
    except StoreUnavailableError:
        endpoints = stack.Endpoints()
    return live_status(settings, endpoints)


def _sizes(settings: "Settings") -> "list[TableSize]":
    """Sizes of the tables that exist; without a lake no library is loaded for it."""
    if not settings.lake.is_dir():
        return []
    from infra.lake import Lake
    from infra.table_sizes import measure
    from schemas import catalog

    lake = Lake(settings.lake)
    return [size for table in catalog.lake_tables().values() if (size := measure(lake, table))]


def _table(services: "list[ServiceStatus]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, caption=f"logs: {services[0].log.parent}" if services else None)
    for heading in ("service", "state", "address", "since (UTC)", "memory", "data"):
        table.add_column(heading, no_wrap=True)
    for service in services:
        table.add_row(
            service.name,
            Text(service.state, style=STATE_STYLES[service.state]),
            service.address,
            f"{service.started_at:%d %b %H:%M}" if service.started_at else "",
            f"{service.rss_bytes / 2**20:.0f} MiB" if service.rss_bytes else "",
            f"{service.data_bytes / 2**20:.1f} MiB" if service.data_bytes else "",
        )
    return table


def _table_of_tables(sizes: "list[TableSize]") -> "Table":
    from rich.table import Table

    table = Table(box=None, pad_edge=False, caption="size: the current version; stored: with the versions before it")
    table.add_column("table", no_wrap=True)
    for heading in ("rows", "files", "size", "smallest", "mean", "stored", "versions", "compacted (UTC)"):
        table.add_column(heading, justify="right")
    for size in sizes:
        table.add_row(
            size.name,
            f"{size.rows:,}",
            f"{size.files:,}",
            *(_bytes(one) for one in (size.bytes, size.smallest_bytes, size.mean_bytes, size.stored_bytes)),
            f"{size.versions:,}",
            f"{size.compacted_at:%d %b %H:%M}" if size.compacted_at else "",
        )
    return table


def _bytes(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"
