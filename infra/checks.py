"""Quality checks: the expectations of a declaration, validated by Great Expectations on what was committed.

All dates that changed since the last version that passed are validated in one pass. What passed is remembered beside
the lake (`<home>/checks/<table>.json`), so a run that died between commit and check checks again. What failed stays
unpassed until a newer version passes; publishing asks `passed_version`.
"""

import json
import logging
import os
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from infra import failpoints
from infra.lake import Lake
from infra.replace_file import replace_file
from schemas.errors import CheckFailedError, MissingInputError
from schemas.model import Table
from schemas.render.expectations import expectations, expectations_digest

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
_SHOWN_KEYS = 3


class Checker:
    """Validates tables and remembers, per table, the last version that passed."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "checks"

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
        if passed is not None and lake.same_rows(table, passed, version):
            return
        rows = _changed(session, lake, table, passed, version)
        failures = [] if rows is None else _failures(rows, table)
        stops = [text for severity, text in failures if severity == "stop"]
        if stops:
            raise CheckFailedError(
                f"{table.full_name} version {version} failed {len(stops)} check(s), nothing after it was run or "
                f"published: {'; '.join(stops)}."
            )
        failpoints.reach("check.passed", table.full_name)
        self._folder.mkdir(parents=True, exist_ok=True)
        warnings = [text for severity, text in failures if severity == "warn"]
        passing = {
            "table_id": table_id,
            "passed_version": version,
            "expectations": digest,
            "key": table.key,
            "warnings": warnings,
        }
        replace_file(self._file(table), json.dumps(passing))
        failpoints.reach("check.recorded", table.full_name)

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


def _changed(session: SparkSession, lake: Lake, table: Table, passed: int | None, version: int) -> DataFrame | None:
    """Rows to validate: those of changed dates, the whole table where it has no dates, None where nothing changed."""
    reader = session.read.format("delta").option("versionAsOf", version)
    rows = reader.load(str(lake.path(table))).select(*(field.name for field in table.stored_fields))
    if table.partition_by is None or passed is None or passed > version:
        return rows
    try:
        dates = lake.touched_dates(table, passed, version)
    except MissingInputError:
        return rows
    return rows.where(F.col(table.partition_by).isin(*sorted(dates))) if dates else None


def _failures(rows: DataFrame, table: Table) -> list[tuple[str, str]]:
    """(severity, sentence) of each expectation that does not hold."""
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batch = (
        context.data_sources.add_spark(table.layer)
        .add_dataframe_asset(table.name)
        .add_batch_definition_whole_dataframe("changed")
        .get_batch(batch_parameters={"dataframe": rows})
    )
    declared = expectations(table)
    suite = gx.ExpectationSuite(name=table.full_name, expectations=[_expectation(one) for one in declared])
    shown = {"result_format": "SUMMARY", "unexpected_index_column_names": list(table.key)}
    result = batch.validate(suite, result_format=shown)
    return [_failure(one, table) for one in result.results if not one.success]


def _expectation(declared: dict[str, Any]) -> Any:
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    return ExpectationConfiguration(declared["type"], declared["kwargs"], meta=declared["meta"]).to_domain_obj()


def _failure(result: Any, table: Table) -> tuple[str, str]:
    config = result.expectation_config
    about = ", ".join(
        f"{name} {value}" for name, value in sorted(config.kwargs.items()) if name not in ("batch_id", "result_format")
    )
    keys = (result.result or {}).get("partial_unexpected_index_list") or []
    personal = {field.name for field in table.fields if field.personal}
    rows = [
        " ".join(f"{name}={'…' if name in personal else key.get(name)}" for name in table.key)
        for key in keys[:_SHOWN_KEYS]
        if isinstance(key, dict)
    ]
    broken = (result.exception_info or {}).get("exception_message") if result.exception_info else None
    count = (result.result or {}).get("unexpected_count")
    severity = (config.meta or {}).get("severity", "stop")
    means = (config.meta or {}).get("means")
    if means and count and not broken:
        return severity, f"{count} row(s) {means}"
    sentence = f"{config.type} ({about})"
    if count:
        sentence += f" by {count} row(s)"
    if rows:
        sentence += f", first {' | '.join(rows)}"
    if broken:
        sentence += f" could not be evaluated: {broken}"
    return severity, sentence
