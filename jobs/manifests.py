"""bronze.manifests: what our producers announced, written down when it has changed."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime

import pyarrow as pa
from pyspark.sql import SparkSession

from infra.checks import Checker
from infra.delta_writer import DeltaWriter
from infra.kafka.manifests import Manifest
from infra.lake import Lake
from jobs.runner import Refreshed
from playback.arrow import arrow_schema
from schemas.bronze import MANIFESTS


def record_manifests(session: SparkSession, lake: Lake, checker: Checker, manifests: Iterable[Manifest]) -> Refreshed:
    """Make the table say what these manifests say, and check it; the same ones again make no new version."""
    started = time.perf_counter()
    lake.create(MANIFESTS)
    before = lake.version(MANIFESTS)
    rows = manifest_rows(manifests)
    if not lake.rows(MANIFESTS).sort_by(_ORDER).equals(rows.sort_by(_ORDER)):
        DeltaWriter(session, lake).replace_all(MANIFESTS, session.createDataFrame(rows), before)
    version = lake.version(MANIFESTS)
    assert version is not None
    checker.verify(session, lake, MANIFESTS, version)
    return Refreshed(MANIFESTS, version, version != before, None, time.perf_counter() - started)


def manifest_rows(manifests: Iterable[Manifest]) -> pa.Table:
    """Rows of `MANIFESTS`: one for each hour in which messages were acknowledged or are in doubt."""
    rows = [
        {
            "manifest_id": one.manifest_id,
            "source": one.source,
            "topic_id": one.topic_id,
            "topic": one.topic,
            "hour": datetime.fromisoformat(f"{hour}:00").replace(tzinfo=UTC),
            "acknowledged": one.by_hour.get(hour, 0),
            "in_doubt": one.in_doubt_by_hour.get(hour, 0),
        }
        for one in manifests
        for hour in sorted({*one.by_hour, *one.in_doubt_by_hour})
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(MANIFESTS.fields))


_ORDER = [(name, "ascending") for name in MANIFESTS.key]
