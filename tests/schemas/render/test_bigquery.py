"""BigQuery table resources and views."""

from dataclasses import replace

import pytest

from schemas.catalog import table, tables
from schemas.errors import ContractError
from schemas.model import INPUT_POSITIONS, Field, Live, ReplaceDates, Table, Warehouse
from schemas.render.bigquery import bigquery_schema, bigquery_table, versioned_name, view_sql

DAYS = Table(
    layer="gold",
    name="days",
    description='Days, "all" of them.',
    grain="one row per date",
    key=("event_date",),
    refresh=ReplaceDates(),
    inputs=("silver.plays",),
    partition_by="event_date",
    fields=(Field("event_date", "date", "Date."), Field("n", "int", "Number.", nullable=True)),
    warehouse=Warehouse(cluster_by=("n",), version=3),
)
DAYS_SCHEMA = [
    {"name": "event_date", "description": "Date.", "type": "DATE", "mode": "REQUIRED"},
    {"name": "n", "description": "Number.", "type": "INTEGER", "mode": "NULLABLE"},
    {
        "name": "input_positions",
        "description": INPUT_POSITIONS.description,
        "type": "STRING",
        "mode": "REQUIRED",
    },
]


def test_a_table_is_described_partitioned_and_clustered() -> None:
    assert bigquery_table(DAYS) == {
        "description": 'Days, "all" of them. Grain: one row per date.',
        "schema": {"fields": DAYS_SCHEMA},
        "timePartitioning": {"type": "DAY", "field": "event_date"},
        "clustering": {"fields": ["n"]},
    }


def test_a_table_without_dates_has_no_partitions() -> None:
    assert bigquery_table(replace(DAYS, partition_by=None, warehouse=Warehouse())) == {
        "description": 'Days, "all" of them. Grain: one row per date.',
        "schema": {"fields": DAYS_SCHEMA},
    }


def test_partitions_of_a_table_with_a_retention_expire() -> None:
    assert bigquery_table(replace(DAYS, refresh=Live(2), inputs=()))["timePartitioning"] == {
        "type": "DAY",
        "field": "event_date",
        "expirationMs": "172800000",
    }


def test_headers_are_repeated_records() -> None:
    headers = bigquery_schema(table("bronze.playback_events"))[-2]
    assert headers == {
        "name": "headers",
        "description": "Kafka headers in order, as received.",
        "type": "RECORD",
        "mode": "REPEATED",
        "fields": [
            {"name": "key", "type": "STRING", "mode": "REQUIRED", "description": "Name of the header."},
            {"name": "value", "type": "BYTES", "mode": "NULLABLE", "description": "Value of the header."},
        ],
    }


def test_the_view_names_the_declared_columns_of_the_current_version() -> None:
    assert view_sql(DAYS, "my-project", "gold") == (
        "CREATE OR REPLACE VIEW `my-project.gold.days`\n"
        'OPTIONS (description = "Days, \\"all\\" of them.") AS\n'
        "SELECT\n  `event_date`,\n  `n`\nFROM `my-project.gold.days_v3`"
    )


def test_a_name_that_would_end_the_quotes_is_refused() -> None:
    with pytest.raises(ContractError, match="is no name of a BigQuery project"):
        view_sql(DAYS, "my`project", "gold")


def test_a_table_that_is_not_published_has_no_name_in_bigquery() -> None:
    with pytest.raises(ContractError, match=r"^gold\.days is not published to BigQuery; give"):
        versioned_name(replace(DAYS, warehouse=None))


@pytest.mark.parametrize("name", tables())
def test_every_table_renders_each_stored_field(name: str) -> None:
    one = tables()[name]
    assert [column["name"] for column in bigquery_schema(one)] == [field.name for field in one.stored_fields]


@pytest.mark.parametrize("name", [name for name, one in tables().items() if one.warehouse])
def test_every_published_table_has_a_view_over_its_version(name: str) -> None:
    one = tables()[name]
    assert view_sql(one, "p", "d").endswith(f"FROM `p.d.{versioned_name(one)}`")
