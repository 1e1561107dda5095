"""Hold a table against its answer: as multisets of rows."""

import glob
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from truth.answers import MEMORY_LIMIT

EXAMPLES = 5


@dataclass(frozen=True)
class Difference:
    """How a table differs from its answer.

    `row_count` is the answer's. A row that one side has more often than the other counts as often as it is missing
    there; the examples, at most EXAMPLES of each, name it once.
    """

    row_count: int
    only_expected: int
    only_actual: int
    expected_examples: list[dict[str, Any]] = field(default_factory=list)
    actual_examples: list[dict[str, Any]] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        """Whether both have the same rows, each equally often."""
        return not (self.only_expected or self.only_actual)


def differences(expected: Path, actual: pa.Table | pa.RecordBatchReader) -> Difference:
    """Compare the rows of a parquet file with those of a table, in any order; numbers by value, whatever their width.

    Of a reader no more is in memory at once than it takes to compare, which goes to disk where it is much.

    Raises ValueError when the columns have other names.
    """
    with tempfile.TemporaryDirectory(prefix="truth-") as spilled:
        config: dict[str, Any] = {
            "memory_limit": MEMORY_LIMIT,
            "temp_directory": spilled,
            "autoinstall_known_extensions": False,
            "TimeZone": "UTC",
        }
        with duckdb.connect(config=config) as database:
            answer = database.read_parquet(glob.escape(str(expected)), hive_partitioning=False)
            if set(answer.columns) != set(actual.schema.names):
                raise ValueError(f"{expected.name} has the columns {answer.columns}, not {actual.schema.names}")
            answer.create_view("expected")
            database.register("actual", actual)
            database.execute(_SURPLUS)
            [(row_count, only_expected, only_actual)] = database.execute(_COUNTS).fetchall()
            return Difference(
                row_count,
                only_expected,
                only_actual,
                _examples(database, "FROM surplus WHERE surplus_rows > 0"),
                _examples(database, "FROM surplus WHERE surplus_rows < 0"),
            )


# As EXCEPT ALL both ways, in one pass that spills to disk.
_SURPLUS = """
CREATE TABLE surplus AS
SELECT * EXCLUDE side, sum(side) AS surplus_rows
FROM (SELECT *, 1 AS side FROM expected UNION ALL BY NAME SELECT *, -1 AS side FROM actual)
GROUP BY ALL
HAVING surplus_rows <> 0
"""
_COUNTS = """
SELECT
    (SELECT count(*) FROM expected),
    coalesce(sum(surplus_rows) FILTER (surplus_rows > 0), 0)::BIGINT,
    coalesce(-sum(surplus_rows) FILTER (surplus_rows < 0), 0)::BIGINT
FROM surplus
"""


def _examples(database: duckdb.DuckDBPyConnection, rows: str) -> list[dict[str, Any]]:
    found = database.execute(f"SELECT * EXCLUDE surplus_rows {rows} ORDER BY ALL LIMIT {EXAMPLES}")
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
