"""Rows validated by Great Expectations, and what it found of each table last, in its own format for its renderers.

Of that only counts are kept: examples of rows that break an expectation are taken out, because they may name listeners.
"""

import json
import logging
import os
import uuid
from functools import cache
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from infra.replace_file import replace_file
from schemas.model import Table
from schemas.render.check_words import expectation_in_words
from schemas.render.expectations import expectations

os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
COUNTS = frozenset(
    {
        "element_count",
        "unexpected_count",
        "unexpected_percent",
        "unexpected_percent_total",
        "unexpected_percent_nonmissing",
        "missing_count",
        "missing_percent",
    }
)
"""What of an expectation's result is no value of a row."""


def validated(rows: DataFrame, table: Table) -> Any:
    """What Great Expectations finds of each expectation, as the result of a suite.

    All are asked whether they hold, in one query; only of those that do not it is found out, in several, how many rows
    break them and which.
    """
    asset = _source().add_dataframe_asset(f"{table.full_name} {uuid.uuid4()}")
    try:
        batch = asset.add_batch_definition_whole_dataframe("changed").get_batch(batch_parameters={"dataframe": rows})
        found = batch.validate(_suite(table, expectations(table)), result_format="BOOLEAN_ONLY")
        broken = {asked_by(one) for one in found.results if not one.success}
        if broken:
            suite = _suite(table, [one for one in expectations(table) if expectation_in_words(one) in broken])
            shown = {"result_format": "SUMMARY", "unexpected_index_column_names": list(table.key)}
            details = {asked_by(one): one for one in batch.validate(suite, result_format=shown).results}
            found.results = [details.get(asked_by(one), one) for one in found.results]
    finally:
        _source().delete_asset(asset.name)
    count = rows.count()
    for one in found.results:
        if one.success and not one.expectation_config.type.startswith("expect_table_"):
            one.result = {"element_count": count, "unexpected_count": 0, "unexpected_percent": 0.0}
    return found


@cache
def _source() -> Any:
    """Where Great Expectations takes rows from; making one takes longer than validating a small table."""
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context.data_sources.add_spark("lake")


def asked_by(result: Any) -> str:
    """What the expectation of a result asks, in words, by which it is known."""
    return expectation_in_words({"type": result.expectation_config.type, "kwargs": result.expectation_config.kwargs})


def _suite(table: Table, declared: list[dict[str, Any]]) -> Any:
    import great_expectations as gx
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    configured = [ExpectationConfiguration(one["type"], one["kwargs"], meta=one["meta"]) for one in declared]
    return gx.ExpectationSuite(name=table.full_name, expectations=[one.to_domain_obj() for one in configured])


class Validations:
    """The last validation of each table in one home."""

    def __init__(self, home: Path) -> None:
        self._folder = home / "checks" / "validations"

    def keep(self, table_name: str, version: int, validation: dict[str, Any]) -> None:
        """Keep `validation`, a suite's result as JSON, of one version of the table, instead of the last one."""
        self._folder.mkdir(parents=True, exist_ok=True)
        kept = without_values(validation) | {"meta": {"table_version": version}}
        replace_file(self._folder / f"{table_name}.json", json.dumps(kept))

    def last(self, table_name: str) -> dict[str, Any] | None:
        """The last one; None where the table was not validated yet."""
        try:
            found: dict[str, Any] = json.loads((self._folder / f"{table_name}.json").read_text())
        except FileNotFoundError:
            return None
        return found


def without_values(validation: dict[str, Any]) -> dict[str, Any]:
    """The same validation without any value of a row, and without traces of errors."""
    return validation | {"results": [_counted(one) for one in validation["results"]]}


def _counted(result: dict[str, Any]) -> dict[str, Any]:
    config = result["expectation_config"]
    kwargs = {name: value for name, value in config["kwargs"].items() if name != "batch_id"}
    counts = {name: value for name, value in (result["result"] or {}).items() if name in COUNTS}
    raised = bool((result.get("exception_info") or {}).get("raised_exception"))
    return {
        "success": result["success"],
        "expectation_config": config | {"kwargs": kwargs},
        "result": counts,
        "meta": {},
        "exception_info": {"raised_exception": raised, "exception_message": None, "exception_traceback": None},
    }
