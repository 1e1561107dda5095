"""`tonearm import`: send the playbacks of a streaming-service export to Kafka."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from infra.kafka.manifests import Manifest
    from infra.settings import Settings

Progress = Callable[[int, int], None]
"""Called with the rows sent so far and all rows."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_export)


def import_export(
    path: Annotated[Path, typer.Argument(help="Folder of an export, or one of its files.")],
    user: Annotated[str, typer.Option(help="Account name of the listener; the folder's name if not given.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Import a listener's own streaming history; importing it again, or more of it, changes no count."""
    from infra.local.stack import endpoints
    from infra.settings import Settings
    from tonearm.sending import progress_bar

    settings = Settings()
    started = time.monotonic()
    kafka = endpoints(settings, services=("kafka",)).kafka_bootstrap
    with progress_bar("Importing") as progress:
        manifest = import_path(settings, kafka, path, user or None, progress)
    seconds = time.monotonic() - started
    if as_json:
        sys.stdout.write(json.dumps(_summary(manifest, seconds)) + "\n")
        return
    partitions = len(manifest.by_partition)
    typer.echo(
        f"Imported {manifest.events:,} playbacks and {manifest.rejects:,} unreadable rows into {partitions} "
        f"partition{'' if partitions == 1 else 's'} of {manifest.topic} in {seconds:.1f} s."
    )


def count_rows(path: Path) -> int:
    """Rows of the export at `path`, read to its end; raises InputError when a file cannot be read or there is none."""
    from playback.importers.exports import find_exports

    return sum(
        batch.events.num_rows + len(batch.rejects)
        for importer, file in find_exports(path)
        for batch in importer.read(file, user_id="")
    )


def import_path(
    settings: "Settings",
    kafka_bootstrap: str,
    path: Path,
    user: str | None = None,
    progress: Progress | None = None,
    rows: int | None = None,
) -> "Manifest":
    """Send the export at `path` as the playbacks of `user` (default: the name of the folder); return the manifest.

    Every file is read to its end before anything is sent, unless the caller has counted its `rows`. Raises InputError
    when one cannot be read or there is none, StoreUnavailableError when Kafka does not answer.
    """
    from infra.identity import Identities
    from infra.kafka.producer import PlaybackProducer
    from playback.importers.exports import find_exports

    total = count_rows(path) if rows is None else rows
    user_id = Identities(settings.home).pseudonym(user or folder_name(path))
    done = 0
    with PlaybackProducer(settings, kafka_bootstrap, "import") as producer:
        for importer, file in find_exports(path):
            for batch in importer.read(file, user_id):
                producer.send(batch.events, batch.rejects, reject_key=user_id.encode())
                done += batch.events.num_rows + len(batch.rejects)
                if progress:
                    progress(done, total)
    return producer.manifest


def folder_name(path: Path) -> str:
    """Account name of an export that nobody named: its folder's."""
    resolved = path.resolve()
    return (resolved if resolved.is_dir() else resolved.parent).name


def _summary(manifest: "Manifest", seconds: float) -> dict[str, object]:
    return {
        "manifest_id": manifest.manifest_id,
        "topic": manifest.topic,
        "events": manifest.events,
        "rejects": manifest.rejects,
        "acknowledged": manifest.acknowledged,
        "partitions": {str(one): count for one, count in sorted(manifest.by_partition.items())},
        "seconds": round(seconds, 3),
    }
