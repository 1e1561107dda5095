"""bronze.catalogue_rows: the rows of the feed of the service's catalogue, read when the feed is another one.

The table holds one feed, the last. Which one stands in a property, set after the rows: whoever dies in between reads it
again. Without a feed the table stays as it is.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from infra.checks import Checker
from infra.delta_writer import DeltaWriter
from infra.lake import Lake
from infra.lake_shape import consumed_beside, remember_consumed
from jobs.runner import Refreshed
from playback.arrow import arrow_schema
from playback.catalogue_feed import feed_files, read_feed
from schemas.errors import InputError
from schemas.music_catalogue import CATALOGUE_ROWS, REASONS

_CHUNK_BYTES = 1 << 20


def record_catalogue(session: SparkSession, lake: Lake, checker: Checker, feed: Path | None) -> Refreshed:
    """Make the table hold the rows of the feed at that path, and check it; the same feed makes no new version.

    Raises InputError when it cannot be read, or holds no entry at all; the table stays as it was then.
    """
    started = time.perf_counter()
    lake.create(CATALOGUE_ROWS)
    before = lake.version(CATALOGUE_ROWS)
    files = feed_files(feed) if feed else []
    digest = feed_digest(files)
    if files and consumed_beside(lake, CATALOGUE_ROWS) != digest:
        writer, name = DeltaWriter(session, lake), CATALOGUE_ROWS.full_name
        _stage(lake.root / "_staging" / name, files)
        writer.replace_all(CATALOGUE_ROWS, writer.staged(name, CATALOGUE_ROWS.stored_fields), before)
        remember_consumed(lake, CATALOGUE_ROWS, digest)
    version = lake.version(CATALOGUE_ROWS)
    assert version is not None
    checker.verify(session, lake, CATALOGUE_ROWS, version)
    return Refreshed(CATALOGUE_ROWS, version, version != before, None, time.perf_counter() - started)


def feed_digest(files: Iterable[Path]) -> str:
    """SHA-256 of the names and contents of the files."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(os.fsencode(file.name) + b"\0")
        with file.open("rb") as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                digest.update(chunk)
        digest.update(b"\0")
    return digest.hexdigest()


def refused_rows(lake: Lake) -> dict[str, int]:
    """How many rows of the feed in the table are no entries, by reason."""
    counts = lake.counts(CATALOGUE_ROWS, "reason") if lake.version(CATALOGUE_ROWS) is not None else {}
    return {reason: counts[reason] for reason in REASONS if reason in counts}


def _stage(folder: Path, files: list[Path]) -> None:
    """Write the rows where an engine reads them, a batch at a time; the feed is read to its end before that counts."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rows = entries = 0
    with pq.ParquetWriter(folder / "part-0.parquet", arrow_schema(CATALOGUE_ROWS.fields), compression="zstd") as writer:
        for batch in read_feed(files):
            writer.write_batch(batch)
            rows += batch.num_rows
            entries += pc.sum(batch.column("reason").is_null()).as_py() or 0
    where = files[0] if len(files) == 1 else files[0].parent
    if not entries:
        said = f"none of its {rows:,} rows is an entry" if rows else "it has no rows"
        raise InputError(
            f"{where} is no feed of the catalogue, as {said}: a feed is a whole snapshot, and this one would take away "
            "every genre and year that is known."
        )
