"""What is found of rows is what Great Expectations finds, and what is kept of it has no value of a row."""

import json
import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from infra.engine import open_session
from infra.settings import Settings
from infra.validations import Evaluated, Validations, evaluated
from schemas.checks import AtMost, Between, InSet, Matches
from schemas.errors import ContractError
from schemas.model import Field, ReplaceAll, Table
from schemas.render.check_words import expectation_in_words
from schemas.render.expectations import expectations
from schemas.render.spark import spark_ddl
from tonearm.site.validations import rendered  # first: it keeps Great Expectations from telling its makers

NAME = "Secret Listener"
TABLE = Table(
    layer="gold",
    name="t",
    description="Made for this test.",
    grain="one row per user_name and kind",
    key=("user_name", "kind"),
    refresh=ReplaceAll(),
    inputs=("silver.plays",),
    fields=(
        Field("user_name", "string", "Name.", personal=True),
        Field("kind", "string", "Kind.", nullable=True),
        Field("minutes", "long", "Minutes.", nullable=True),
        Field("limit", "long", "Their limit.", nullable=True),
    ),
    checks=(
        InSet("kind", ("a", "b")),
        Between("minutes", 0, 10),
        Between("limit", 1),
        AtMost("minutes", "limit", severity="warn"),
        Matches("user_name", "^[a-f]+$"),
    ),
)
FIELDS = TABLE.stored_fields
NUMBERS = (None, -1, 0, 1, 5, 10, 11)
ALL = list(product((None, "a", "abc", "x", "bx", NAME), (None, "a", "b", "c", ""), NUMBERS, NUMBERS, ("{}",)))
"""Every combination: the key of each row is that of 48 others."""


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    with open_session(Settings(home=tmp_path_factory.mktemp("home"))) as opened:
        yield opened


@pytest.fixture(scope="module")
def theirs() -> Any:
    """Where Great Expectations takes rows from: frames of pandas, without an engine of ours."""
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return context.data_sources.add_pandas("rows").add_dataframe_asset("t").add_batch_definition_whole_dataframe("all")


def ours(session: SparkSession, rows: list[tuple[Any, ...]]) -> list[Evaluated]:
    return evaluated(session.createDataFrame(rows, spark_ddl(replace(one, nullable=True) for one in FIELDS)), TABLE)


@pytest.mark.parametrize("rows", [ALL, [(*key, 1, 5, "{}") for key in product("abcdef", "ab")]], ids=["bad", "good"])
def test_verdicts_and_counts_are_those_of_great_expectations(
    session: SparkSession, theirs: Any, rows: list[tuple[Any, ...]]
) -> None:
    import great_expectations as gx

    suite = gx.ExpectationSuite(name="gold.t", expectations=expectations(TABLE))
    frame = pd.DataFrame(rows, columns=[one.name for one in FIELDS], dtype=object)
    found = theirs.get_batch(batch_parameters={"dataframe": frame}).validate(suite, result_format="COMPLETE").results
    theirs_by_name = {expectation_in_words(other.expectation_config.to_json_dict()): other for other in found}
    for one in ours(session, rows):
        their = theirs_by_name.pop(expectation_in_words(one.expectation))
        assert one.is_met == their.success, one
        if one.expectation["type"] not in ("expect_table_columns_to_match_set", "expect_compound_columns_to_be_unique"):
            assert one.unexpected_count == their.result.get("unexpected_count", 0), one
    assert not theirs_by_name


def test_rows_that_break_one_are_counted_and_some_are_named_by_key(session: SparkSession) -> None:
    rows = [("a", "a", n, 5, "{}") for n in range(8)] + [(NAME, "b", None, None, "{}")]
    found = {json.dumps(one.expectation["kwargs"]): one for one in ours(session, rows)}
    at_most = found['{"column_A": "limit", "column_B": "minutes", "or_equal": true}']
    assert (at_most.row_count, at_most.unexpected_count, at_most.is_met) == (9, 2, False)
    assert at_most.unexpected_keys == ({"user_name": "a", "kind": "a"},) * 2
    unique = found['{"column_list": ["user_name", "kind"]}']
    assert (unique.unexpected_count, unique.unexpected_keys) == (8, ({"user_name": "a", "kind": "a"},))


def test_of_no_rows_everything_holds(session: SparkSession) -> None:
    assert all(one.is_met and one.row_count == 0 for one in ours(session, []))


def test_an_expectation_that_nothing_evaluates_is_an_error(session: SparkSession, monkeypatch: Any) -> None:
    unknown = [{"type": "expect_wonders", "kwargs": {}, "meta": {}}]
    monkeypatch.setattr("infra.validations.expectations", lambda _: unknown)
    with pytest.raises(ContractError, match="expect_wonders"):
        ours(session, [])


def test_the_last_one_is_kept_with_its_counts_and_version_and_no_value_of_a_row(tmp_path: Path) -> None:
    breaks = {"type": "expect_column_values_to_not_be_null", "kwargs": {"column": "user_name"}, "meta": {}}
    validations = Validations(tmp_path)
    assert validations.last("gold.t") is None
    validations.keep("gold.t", 3, [])
    validations.keep("gold.t", 4, [Evaluated(breaks, 3, 1, ({"user_name": NAME},))])
    assert NAME not in next((tmp_path / "checks").rglob("*.json")).read_text()
    kept = validations.last("gold.t")
    assert kept is not None
    assert (kept["success"], kept["meta"]) == (False, {"table_version": 4})
    (result,) = kept["results"]
    assert result["result"]["unexpected_count"] == 1
    assert math.isclose(result["result"]["unexpected_percent"], 100 / 3)


def test_what_was_found_of_a_table_is_shown_by_the_renderer_of_great_expectations(
    session: SparkSession, tmp_path: Path
) -> None:
    Validations(tmp_path).keep("gold.t", 1, ours(session, [("a", "c", 3, 5, "{}")]))
    kept = Validations(tmp_path).last("gold.t")
    assert kept is not None
    assert "1 unexpected values found" in " ".join(rendered(kept).split())
