"""The request of a dry run, and what is made of its answer."""

from collections.abc import Iterator

import pytest
from google.auth.credentials import AnonymousCredentials
from google.cloud.bigquery import Client, ScalarQueryParameter

from infra.warehouse.client import Warehouse, one_sentence
from tests.infra.warehouse.dry_run_service import ASKED, STATISTICS, served


@pytest.fixture
def house() -> Iterator[Warehouse]:
    """A warehouse at a service that answers with STATISTICS."""
    credentials = AnonymousCredentials()  # type: ignore[no-untyped-call]
    with served() as address:
        yield Warehouse(Client("p", credentials, client_options={"api_endpoint": address}), "p", "")


def test_a_dry_run_is_one_request_that_asks_for_no_rows(house: Warehouse) -> None:
    STATISTICS["totalBytesProcessed"] = "1610612736"

    assert house.bytes_read("SELECT @user_id", [ScalarQueryParameter("user_id", "STRING", "a")]) == 1_610_612_736

    [(path, asked)] = ASKED
    assert path == "/bigquery/v2/projects/p/jobs"
    assert asked["configuration"]["dryRun"] is True
    assert asked["configuration"]["query"]["useQueryCache"] is False
    assert asked["configuration"]["query"]["queryParameters"][0]["parameterValue"] == {"value": "a"}


def test_what_the_service_does_not_say_is_not_known(house: Warehouse) -> None:
    assert house.bytes_read("BEGIN SELECT 1; END") is None


def test_the_address_of_the_request_is_no_part_of_what_is_said() -> None:
    said = one_sentence(ValueError("POST https://bigquery.googleapis.com/x?prettyPrint=false: Table a.b was not found"))
    assert said == "Table a.b was not found."
