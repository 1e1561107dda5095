"""Composite transforms on Beam's TestStream, and what they give out."""

from collections.abc import Iterable
from typing import Any

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.testing import test_stream

from pipelines.transforms.elements import Batch, Changes, PickledCoder
from pipelines.transforms.live import LiveTables, Run
from schemas.live import FATES
from tests.pipelines.conftest import NOON

MINUTE = 60_000_000
_FOUND: dict[str, list[Any]] = {}


def keep(element: Any, run: str) -> None:
    _FOUND.setdefault(run, []).append(element)


def through(transform: Any, batches: Iterable[Any], name: str) -> list[Any]:
    """What a transform makes of batches that come one by one, each in a bundle of its own."""
    stream = test_stream.TestStream(coder=PickledCoder())
    for batch in batches:
        stream = stream.add_elements([batch]).advance_processing_time(1)
    options = PipelineOptions(["--runner=BundleBasedDirectRunner"], streaming=True)
    with beam.Pipeline(options=options) as pipeline:
        pipeline | stream.advance_watermark_to_infinity() | transform | beam.Map(keep, name)
    return sorted(_FOUND.pop(name, []), key=lambda element: element.number)


def live(batches: Iterable[Batch], run: Run) -> list[Changes]:
    return through(LiveTables(run), batches, run.name)


def cells(changes: Iterable[Changes], table: str = "live.minute_track_plays") -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Rows as they stand when all changes are upserted, by (seconds of the window, country, track)."""
    stored = {}
    for one in changes:
        for row in one.rows[table].to_pylist() if table in one.rows else []:
            stored[int((row["window_start"] - NOON).total_seconds()), row["country"], row["track_id"]] = tuple(
                row[name] for name in ("play_count", "skip_count", "listener_count")
            )
    return stored


def fates(changes: Iterable[Changes]) -> dict[str, int]:
    stored = {}
    for one in changes:
        for row in one.rows["live.minute_records"].to_pylist() if "live.minute_records" in one.rows else []:
            stored[row["appended_minute"], row["partition"]] = row
    sums = {fate: sum(row[fate] for row in stored.values()) for fate in FATES}
    return {fate: count for fate, count in sums.items() if count}
