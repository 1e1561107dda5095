"""What is kept of a validation has its counts and no value of a row."""

import json
from pathlib import Path

import pandas as pd
import pytest

from infra.validations import Validations

NAME, ADDRESS = "Secret Listener", "listener@example.org"


@pytest.fixture(scope="module")
def validation() -> dict[str, object]:
    import great_expectations as gx

    rows = pd.DataFrame({"user_name": [NAME, ADDRESS, None], "minutes": [1, 2, 3]})
    asset = gx.get_context(mode="ephemeral").data_sources.add_pandas("gold").add_dataframe_asset("t")
    batch = asset.add_batch_definition_whole_dataframe("all").get_batch(batch_parameters={"dataframe": rows})
    expectations = [
        gx.expectations.ExpectColumnValuesToNotBeNull(column="user_name"),
        gx.expectations.ExpectColumnValuesToMatchRegex(column="user_name", regex="^[a-f]+$"),
        gx.expectations.ExpectColumnDistinctValuesToBeInSet(column="user_name", value_set=["a"]),
    ]
    suite = gx.ExpectationSuite(name="gold.t", expectations=expectations)
    shown = {"result_format": "SUMMARY", "unexpected_index_column_names": ["user_name"]}
    found: dict[str, object] = batch.validate(suite, result_format=shown).to_json_dict()
    assert NAME in json.dumps(found)
    return found


def test_no_value_of_a_row_is_kept(validation: dict[str, object], tmp_path: Path) -> None:
    Validations(tmp_path).keep("gold.t", 3, validation)
    kept = next((tmp_path / "checks").rglob("*.json")).read_text()
    assert NAME not in kept
    assert ADDRESS not in kept


def test_the_last_one_is_kept_with_its_counts_and_version(validation: dict[str, object], tmp_path: Path) -> None:
    validations = Validations(tmp_path)
    assert validations.last("gold.t") is None
    validations.keep("gold.t", 3, validation)
    validations.keep("gold.t", 4, validation)
    kept = validations.last("gold.t")
    assert kept is not None
    assert kept["meta"] == {"table_version": 4}
    counts = {one["expectation_config"]["type"]: one["result"].get("unexpected_count") for one in kept["results"]}
    assert counts == {
        "expect_column_values_to_not_be_null": 1,
        "expect_column_values_to_match_regex": 2,
        "expect_column_distinct_values_to_be_in_set": 2,
    }
    assert not any(one["success"] for one in kept["results"])
