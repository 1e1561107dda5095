"""quality.check_results: what the checks of runs found, written down when a verdict is new."""

import time
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from infra import run_log
from infra.check_results import CheckResult
from infra.checks import Checker
from infra.delta_writer import DeltaWriter
from infra.lake import Lake
from jobs.runner import Refreshed
from playback.arrow import arrow_schema
from schemas.quality import CHECK_RESULTS

_AUDIT = ("checked_at", "checked_date")


def record_check_results(session: SparkSession, lake: Lake, checker: Checker) -> tuple[Refreshed, list[CheckResult]]:
    """Write what was found since the last time into the table, in one commit; returned with what warns.

    A verdict that is there already stays as it is, with its moment: repeating it commits nothing.
    """
    started = time.perf_counter()
    results = checker.results.kept()
    lake.create(CHECK_RESULTS)
    before = lake.version(CHECK_RESULTS)
    stored = {_key(row): row for row in lake.rows(CHECK_RESULTS).to_pylist()}
    found = [row for row in _as_rows(results) if _verdict(row) != _verdict(stored.get(_key(row), {}))]
    if found:
        replaced = {_key(row) for row in found}
        dates = {row["checked_date"] for row in found}
        dates |= {row["checked_date"] for key, row in stored.items() if key in replaced}
        kept = [row for key, row in stored.items() if key not in replaced and row["checked_date"] in dates]
        rows = pa.Table.from_pylist([*kept, *found], schema=arrow_schema(CHECK_RESULTS.fields))
        DeltaWriter(session, lake).replace_partitions(CHECK_RESULTS, session.createDataFrame(rows), dates, before)
    checker.results.forget(results)
    for one in results:
        if not one.is_met:
            run_log.check_failed(one)
    version = lake.version(CHECK_RESULTS)
    assert version is not None
    done = Refreshed(CHECK_RESULTS, version, version != before, None, time.perf_counter() - started)
    return done, [one for one in results if one.severity == "warn" and not one.is_met]


def _as_rows(results: Iterable[CheckResult]) -> list[dict[str, Any]]:
    return [asdict(one) | {"checked_date": one.checked_at.date()} for one in results]


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in CHECK_RESULTS.key)


def _verdict(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in _AUDIT}
