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

NOBODY = "0" * 32
"""Stands for every listener while rows are only counted, so that nobody is registered for an import that fails."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("import")(import_export)


def import_export(
    path: Annotated[Path, typer.Argument(help="Folder or zip archive of an export, or one of its files.")],
    user: Annotated[
        str, typer.Option(help="Account name of the listener; the folder's or archive's name if not given.")
    ] = "",
    each: Annotated[
        bool, typer.Option("--each", help="Every folder and zip archive in PATH is a listener of its own.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Import listening histories; importing one again, or more of it, changes no count."""
    from infra.local.stack import endpoints
    from infra.settings import Settings
    from schemas.errors import InputError
    from tonearm.sending import progress_bar

    if each and user:
        raise InputError("With --each the listeners are named by their folders: leave --user out.")
    settings = Settings()
    started = time.monotonic()
    kafka = endpoints(settings, services=("kafka",)).kafka_bootstrap
    with progress_bar("Importing") as progress:
        if each:
            manifest = import_each(settings, kafka, path, progress)
        else:
            manifest = import_path(settings, kafka, path, user or None, progress)
    seconds = time.monotonic() - started
    if as_json:
        sys.stdout.write(json.dumps(summary(manifest, seconds)) + "\n")
        return
    partitions = len(manifest.by_partition)
    typer.echo(
        f"Imported {manifest.events:,} playbacks and {manifest.rejects:,} unreadable rows into {partitions} "
        f"partition{'' if partitions == 1 else 's'} of {manifest.topic} in {seconds:.1f} s."
    )


def count_rows(path: Path) -> int:
    """Rows of the export at `path`, read to its end; raises InputError when a file cannot be read or there is none."""
    from playback.importers.exports import find_exports
    from playback.importers.rows import Listener

    nobody = Listener(NOBODY, lambda names: [NOBODY] * len(names))
    return sum(
        batch.events.num_rows + len(batch.rejects)
        for importer, file in find_exports(path)
        for batch in importer.read(file, nobody)
    )


def import_path(
    settings: "Settings",
    kafka_bootstrap: str,
    path: Path,
    user: str | None = None,
    progress: Progress | None = None,
    rows: int | None = None,
) -> "Manifest":
    """Send the export at `path` as the playbacks of `user` (default: `folder_name`); return the manifest.

    Every file is read to its end before anything is sent, unless the caller has counted its `rows`. Raises InputError
    when one cannot be read or there is none, StoreUnavailableError when Kafka does not answer.
    """
    total = count_rows(path) if rows is None else rows
    return _send(settings, kafka_bootstrap, {path: user or folder_name(path)}, total, progress)


def import_each(
    settings: "Settings", kafka_bootstrap: str, folder: Path, progress: Progress | None = None
) -> "Manifest":
    """Send the exports in a folder, each of the listener that its own folder or archive names; as `import_path`."""
    from playback.importers.exports import find_listeners

    names = {path: folder_name(path) for path in find_listeners(folder)}
    return _send(settings, kafka_bootstrap, names, sum(map(count_rows, names)), progress)


def folder_name(path: Path) -> str:
    """Account name of an export that nobody named: its folder's, or its archive's without `.zip`."""
    resolved = path.resolve()
    if resolved.is_dir():
        return resolved.name
    return resolved.stem if resolved.suffix.lower() == ".zip" else resolved.parent.name


def summary(manifest: "Manifest", seconds: float) -> dict[str, object]:
    """What was sent, for `--json`."""
    return {
        "manifest_id": manifest.manifest_id,
        "topic": manifest.topic,
        "events": manifest.events,
        "rejects": manifest.rejects,
        "acknowledged": manifest.acknowledged,
        "partitions": {str(one): count for one, count in sorted(manifest.by_partition.items())},
        "seconds": round(seconds, 3),
    }


def _send(
    settings: "Settings", kafka_bootstrap: str, names: dict[Path, str], total: int, progress: Progress | None
) -> "Manifest":
    """Send each export under its account name, all in one manifest."""
    from infra.identity import Identities
    from infra.kafka.producer import PlaybackProducer
    from playback.importers.exports import find_exports
    from playback.importers.rows import Listener

    identities = Identities(settings.home)
    user_ids = identities.pseudonyms(list(names.values()))
    done = 0
    with PlaybackProducer(settings, kafka_bootstrap, "import") as producer:
        for path, user_id in zip(names, user_ids, strict=True):
            listener = Listener(user_id, identities.pseudonyms)
            for importer, file in find_exports(path):
                for batch in importer.read(file, listener):
                    producer.send(batch.events, batch.rejects, reject_key=user_id.encode())
                    done += batch.events.num_rows + len(batch.rejects)
                    if progress:
                        progress(done, total)
    return producer.manifest
