"""A table against its answer."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from truth.compare import Difference, differences


@pytest.fixture
def expected(tmp_path: Path) -> Path:
    (tmp_path / "a=b [c]").mkdir()
    path = tmp_path / "a=b [c]" / "gold.things.parquet"
    pq.write_table(pa.table({"name": ["a", "b", "b", None], "count": [1, 2, 2, 3]}), path)
    return path


def test_the_order_of_rows_and_columns_does_not_matter(expected: Path) -> None:
    actual = pa.table({"count": [3, 2, 1, 2], "name": [None, "b", "a", "b"]})
    assert differences(expected, actual) == Difference(4, 0, 0)
    assert differences(expected, actual).equal


def test_rows_may_come_batch_by_batch(expected: Path) -> None:
    actual = pa.table({"count": [3, 2, 1, 5], "name": [None, "b", "a", "b"]})
    found = differences(expected, actual.to_reader(max_chunksize=1))
    assert found == Difference(4, 1, 1, [{"name": "b", "count": 2}], [{"name": "b", "count": 5}])


def test_a_value_is_the_same_in_another_width_or_zone(tmp_path: Path) -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    rows = {"n": [1], "at": [noon], "day": [date(2026, 1, 1)]}
    pq.write_table(pa.table(rows), tmp_path / "answer.parquet")
    zoned = pa.array([noon.astimezone(timezone(timedelta(hours=2)))], pa.timestamp("ns", tz="+02:00"))
    actual = pa.table({"n": pa.array([1], pa.int8()), "at": zoned, "day": pa.array([date(2026, 1, 1)], pa.date64())})
    assert differences(tmp_path / "answer.parquet", actual).equal


def test_each_side_shows_what_the_other_has_not(expected: Path) -> None:
    actual = pa.table({"name": ["a", "b", "b", None], "count": [1, 2, 2, 4]})
    found = differences(expected, actual)
    assert found == Difference(4, 1, 1, [{"name": None, "count": 3}], [{"name": None, "count": 4}])
    assert not found.equal


def test_a_row_that_is_there_once_too_often_is_a_difference(expected: Path) -> None:
    actual = pa.table({"name": ["a", "a", "b", "b", None], "count": [1, 1, 2, 2, 3]})
    assert differences(expected, actual) == Difference(4, 0, 1, [], [{"name": "a", "count": 1}])


def test_a_row_that_is_there_once_too_seldom_is_a_difference(expected: Path) -> None:
    actual = pa.table({"name": ["a", "b", None], "count": [1, 2, 3]})
    assert differences(expected, actual) == Difference(4, 1, 0, [{"name": "b", "count": 2}], [])


def test_an_empty_table_misses_every_row_and_shows_five(tmp_path: Path) -> None:
    rows = pa.table({"n": list(range(9))})
    pq.write_table(rows, tmp_path / "answer.parquet")
    found = differences(tmp_path / "answer.parquet", rows.slice(0, 0))
    assert (found.only_expected, found.expected_examples) == (9, [{"n": n} for n in range(5)])


def test_other_columns_cannot_be_compared(expected: Path) -> None:
    with pytest.raises(ValueError, match=r"gold\.things\.parquet has the columns"):
        differences(expected, pa.table({"name": ["a"]}))
