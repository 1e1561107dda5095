"""bronze.manifests: what our producers announced, as a table."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from infra.checks import Checker
from infra.kafka.manifests import Journal, Manifest, read_manifests
from infra.lake import Lake
from jobs.manifests import record_manifests
from schemas.bronze import MANIFESTS
from schemas.errors import CheckFailedError

pytestmark = pytest.mark.parametrize("session", ["sail"], indirect=True)

NOON, ONE = (datetime(2026, 11, 20, hour, tzinfo=UTC) for hour in (12, 13))


def manifest(name: str, acknowledged: dict[str, int], in_doubt: dict[str, int]) -> Manifest:
    return Manifest(
        manifest_id=name,
        source="import",
        subject="",
        started_at=NOON,
        topic="events",
        topic_id="T",
        by_hour_and_partition={hour: {0: 1, 1: count - 1} for hour, count in acknowledged.items()},
        in_doubt_by_hour=in_doubt,
    )


def test_a_row_for_each_hour_in_which_something_was_acknowledged_or_is_in_doubt(
    session: SparkSession, lake: Lake, tmp_path: Path
) -> None:
    both = manifest("both", {"2026-11-20T12": 5}, {"2026-11-20T12": 1, "2026-11-20T13": 2})

    record_manifests(session, lake, Checker(tmp_path), [both, manifest("nothing yet", {}, {})])

    rows = [tuple(row.values()) for row in lake.rows(MANIFESTS).sort_by("hour").to_pylist()]
    assert rows == [("both", "import", "T", "events", NOON, 5, 1), ("both", "import", "T", "events", ONE, 0, 2)]


def test_the_same_manifests_again_in_any_order_make_no_new_version(
    session: SparkSession, lake: Lake, tmp_path: Path
) -> None:
    known = [manifest(name, {"2026-11-20T12": 5}, {}) for name in ("a", "b")]
    first = record_manifests(session, lake, Checker(tmp_path), known)

    again = record_manifests(session, lake, Checker(tmp_path), known[::-1])

    assert (first.changed, again.changed, again.version) == (True, False, first.version)


def test_a_manifest_that_was_taken_away_is_no_row_any_more(session: SparkSession, lake: Lake, tmp_path: Path) -> None:
    known = [manifest(name, {"2026-11-20T12": 5}, {}) for name in ("a", "b")]
    record_manifests(session, lake, Checker(tmp_path), known)

    assert record_manifests(session, lake, Checker(tmp_path), known[1:]).changed
    assert lake.rows(MANIFESTS)["manifest_id"].to_pylist() == ["b"]


def test_a_producer_that_died_before_it_was_answered_is_in_doubt(
    session: SparkSession, lake: Lake, tmp_path: Path
) -> None:
    journal = Journal(tmp_path, "import", "events", "T")
    journal.plan(events=3, rejects=1)
    journal.close()

    record_manifests(session, lake, Checker(tmp_path), read_manifests(tmp_path))

    assert lake.rows(MANIFESTS).select(["acknowledged", "in_doubt"]).to_pylist() == [{"acknowledged": 0, "in_doubt": 4}]


def test_a_manifest_that_acknowledges_less_than_nothing_stops_the_run(
    session: SparkSession, lake: Lake, tmp_path: Path
) -> None:
    with pytest.raises(CheckFailedError, match=r"bronze\.manifests.*acknowledged"):
        record_manifests(session, lake, Checker(tmp_path), [manifest("odd", {"2026-11-20T12": -5}, {})])
