"""Quality checks: the expectations of a declaration, asked of what was committed.

What changed since the last version that passed is validated in one pass. What passed is remembered beside the lake
(`<home>/checks/<table>.json`), so a run that died between commit and check checks again. What failed stays
unpassed until a newer version passes; publishing asks `passed_version`. Checks of the table as a whole
(`infra.table_checks`) are asked every time. What any of them found is kept (`infra.check_results`), and the last
validation as Great Expectations has it (`infra.validations`).
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from infra import failpoints
from infra.check_results import CheckResult, CheckResults, now, raise_for_stops
from infra.lake import Lake
from infra.parts import in_parts
from infra.replace_file import replace_file
from infra.settings import ROUND_ROWS
from infra.table_checks import Asked, finding
from infra.validations import Evaluated, Validations, evaluated, together
from schemas.checks import TableCheck
from schemas.errors import MissingInputError
from schemas.model import ReplaceSlices, Table
from schemas.periods import PartitionValue
from schemas.render.check_words import check_in_words, expectation_in_words
from schemas.render.expectations import expectations_digest


class Checker:
    """Validates tables and remembers, per table, the last version that passed."""

    def __init__(self, home: Path, part_rows: int = ROUND_ROWS) -> None:
        self._folder = home / "checks"
        self._part_rows = part_rows
        self.results = CheckResults(home)
        self._validations = Validations(home)

    def passed_version(self, table: Table) -> int | None:
        """The last Delta version whose rows all met the expectations; None when none has."""
        return self._remembered(table)[0]

    def passed_expectations(self, table: Table) -> str | None:
        """Digest of the expectations that the version met which passed last; None when none has, or it is not known."""
        return self._passing(table).get("expectations")

    def passed_key(self, table: Table) -> tuple[str, ...] | None:
        """Key that was found unique in the version that passed last; None when none has, or it is not known."""
        key = self._passing(table).get("key")
        return tuple(key) if key else None

    def verify(self, session: SparkSession, lake: Lake, table: Table, version: int) -> None:
        """Validate what changed between the last version that passed and `version`.

        A version that was only compacted since has the same rows: the one that passed stays what is published. Other
        expectations than those that it met are asked of the whole table.
        Raises CheckFailedError, naming the expectation and the keys of some rows that break it.
        """
        passed, passed_id = self._remembered(table)
        table_id, digest = lake.table_id(table), expectations_digest(table)
        if passed_id != table_id or self.passed_expectations(table) != digest:
            passed = None  # The table was made anew, and its versions mean other rows; or more is asked of its rows.
        all_rows = _rows(session, lake, table, version)
        of_table = [
            _asked(check, Asked(session, lake, table, all_rows, now()), table_id, version) for check in _whole(table)
        ]
        if passed is not None and lake.same_rows(table, passed, version):
            self.results.keep(of_table)
            raise_for_stops(of_table)
            return
        parts = _parts(all_rows, lake, table, _touched(lake, table, passed, version), version, self._part_rows)
        results = of_table + (self._validate(parts, table, table_id, version) if parts else [])
        self.results.keep(results)
        raise_for_stops(results)
        failpoints.reach("check.passed", table.full_name)
        self._folder.mkdir(parents=True, exist_ok=True)
        warnings = [one.message for one in results if not one.is_met]
        passing = {
            "table_id": table_id,
            "passed_version": version,
            "expectations": digest,
            "key": table.key,
            "warnings": warnings,
        }
        replace_file(self._file(table), json.dumps(passing))
        failpoints.reach("check.recorded", table.full_name)

    def _validate(self, parts: list[DataFrame], table: Table, table_id: str, version: int) -> list[CheckResult]:
        found = together([evaluated(rows, table) for rows in parts])
        self._validations.keep(table.full_name, version, found)
        at = now()
        return [_result(one, table, table_id, version, at) for one in found]

    def _remembered(self, table: Table) -> tuple[int | None, str]:
        """The last version that passed, and Delta's id of the table it was a version of."""
        passing = self._passing(table)
        return (int(passing["passed_version"]), str(passing["table_id"])) if passing else (None, "")

    def _passing(self, table: Table) -> dict[str, Any]:
        try:
            passing: dict[str, Any] = json.loads(self._file(table).read_text())
        except FileNotFoundError:
            return {}
        return passing

    def _file(self, table: Table) -> Path:
        return self._folder / f"{table.full_name}.json"


def _rows(session: SparkSession, lake: Lake, table: Table, version: int) -> DataFrame:
    reader = session.read.format("delta").option("versionAsOf", version)
    return reader.load(str(lake.path(table))).select(*(field.name for field in table.stored_fields))


def _whole(table: Table) -> list[TableCheck]:
    return [check for check in table.checks if isinstance(check, TableCheck)]


def _asked(check: TableCheck, asked: Asked, table_id: str, version: int) -> CheckResult:
    found = finding(check, asked)
    return CheckResult(
        asked.table.full_name,
        table_id,
        version,
        check_in_words(check),
        check.severity,
        not found.message,
        found.row_count,
        found.unexpected_count,
        found.message,
        asked.at,
    )


def _touched(lake: Lake, table: Table, passed: int | None, version: int) -> set[PartitionValue] | None:
    """Partitions that changed since the version that passed; None: all, or there are none to tell apart."""
    if table.partition_by is None or passed is None or passed > version:
        return None
    try:
        return lake.touched_partitions(table, passed, version)
    except MissingInputError:
        return None


def _parts(
    rows: DataFrame, lake: Lake, table: Table, touched: set[PartitionValue] | None, version: int, limit: int
) -> list[DataFrame]:
    """The rows to validate: in parts where they are many, and by slices. A key says its slice, so that it is in one."""
    if not isinstance(table.refresh, ReplaceSlices):
        return [rows] if touched is None else [_within(rows, table, touched)] if touched else []
    there = lake.rows_by_partition(table, version)
    if touched is None and sum(there.values()) <= limit:
        return [rows]
    parts = in_parts(sorted(there if touched is None else touched, key=str), there, limit)
    return [_within(rows, table, part) for part in parts]


def _within(rows: DataFrame, table: Table, partitions: set[PartitionValue]) -> DataFrame:
    return rows.where(F.col(str(table.partition_by)).isin(*sorted(partitions, key=str)))


def _result(one: Evaluated, table: Table, table_id: str, version: int, at: datetime) -> CheckResult:
    return CheckResult(
        table.full_name,
        table_id,
        version,
        expectation_in_words(one.expectation),
        one.expectation["meta"]["severity"],
        one.is_met,
        one.row_count,
        one.unexpected_count,
        "" if one.is_met else _sentence(one, table),
        at,
    )


def _sentence(one: Evaluated, table: Table) -> str:
    """What does not hold, by how many rows, and the keys of some of them."""
    if means := one.expectation["meta"].get("means"):
        return f"{one.unexpected_count} row(s) {means}"
    about = ", ".join(f"{name} {value}" for name, value in sorted(one.expectation["kwargs"].items()))
    personal = {field.name for field in table.fields if field.personal}
    rows = [
        " ".join(f"{name}={'…' if name in personal else key[name]}" for name in table.key)
        for key in one.unexpected_keys
    ]
    first = f", first {' | '.join(rows)}" if rows else ""
    return f"{one.expectation['type']} ({about}) by {one.unexpected_count} row(s){first}"
