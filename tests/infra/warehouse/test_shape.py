"""The shape of tables in BigQuery: what was made is as declared, what can be changed is, the rest is refused."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from google.cloud.bigquery import SchemaField

from infra.warehouse.client import Warehouse, warehouse
from infra.warehouse.shape import declared_shape, found_shape, stored_table
from infra.warehouse.statements import relax_column_sql
from infra.warehouse.tables import create_tables, create_view, refresh_view
from schemas import catalog
from schemas.drift import drift
from schemas.drift_kinds import (
    ADDED_NULLABLE,
    BECAME_NULLABLE,
    CLUSTERING_CHANGED,
    PARTITION_CHANGED,
    REORDERED,
    RETENTION_CHANGED,
    TYPE_CHANGED,
    UNKNOWN_NULLABLE,
    WAREHOUSE_VERSION,
    Kind,
)
from schemas.errors import MigrationError
from schemas.gold import COUNTRY_CHARTS, DAILY_USER_PLAYS
from schemas.live import MINUTE_TRACK_PLAYS
from schemas.model import Field, Live, Snapshot, Table
from schemas.model import Warehouse as Declared

MOOD = Field("mood", "string", "What for.", nullable=True)
WIDER = replace(DAILY_USER_PLAYS, fields=(*DAILY_USER_PLAYS.fields, MOOD))


@pytest.fixture
def house(stack: Any) -> Iterator[Warehouse]:
    prefix = f"w{uuid.uuid4().hex[:8]}_"
    with warehouse(stack.settings.model_copy(update={"bigquery_dataset_prefix": prefix}), stack.endpoints) as opened:
        yield opened


def kinds(house: Warehouse, table: Table) -> list[tuple[Kind, str]]:
    found = drift(table.full_name, declared_shape(table), found_shape(house, table))
    return [(one.kind, one.about) for one in found]


def shown(house: Warehouse, table: Table) -> list[str]:
    """Columns that analysts get of the view."""
    _, rows = house.run(f"SELECT * FROM `{house.path(table, table.name)}`")
    return [field.name for field in rows.schema]


@pytest.mark.parametrize(
    "table", [one for one in catalog.tables().values() if one.warehouse], ids=lambda table: table.full_name
)
def test_a_table_that_was_just_made_is_as_declared(table: Table, house: Warehouse) -> None:
    assert found_shape(house, table) is None
    create_tables(house, table)
    assert kinds(house, table) == []


def test_a_new_column_is_added_and_the_view_shows_it(house: Warehouse) -> None:
    create_tables(house, DAILY_USER_PLAYS)
    create_view(house, DAILY_USER_PLAYS)
    assert kinds(house, WIDER) == [(ADDED_NULLABLE, "mood")]

    create_tables(house, WIDER)
    refresh_view(house, WIDER)

    assert kinds(house, WIDER) == [(REORDERED, "")]
    assert shown(house, WIDER) == [field.name for field in WIDER.fields]


def test_a_view_that_is_not_there_or_shows_another_version_is_left_alone(house: Warehouse) -> None:
    create_tables(house, DAILY_USER_PLAYS)
    refresh_view(house, WIDER)
    assert stored_table(house, WIDER, WIDER.name) is None

    create_view(house, DAILY_USER_PLAYS)
    raised = replace(WIDER, warehouse=Declared(version=2))
    create_tables(house, raised)
    refresh_view(house, raised)

    assert shown(house, raised) == [field.name for field in DAILY_USER_PLAYS.fields]


def test_another_clustering_is_taken_over(house: Warehouse) -> None:
    create_tables(house, COUNTRY_CHARTS)
    other = replace(COUNTRY_CHARTS, warehouse=Declared(cluster_by=("window_days", "position")))
    assert [kind for kind, _ in kinds(house, other)] == [CLUSTERING_CHANGED]
    create_tables(house, other)
    assert kinds(house, other) == []


def test_a_table_of_before_gets_the_declared_retention_of_its_partitions(house: Warehouse) -> None:
    """The stand-in keeps the number, and drops nothing."""
    create_tables(house, replace(MINUTE_TRACK_PLAYS, refresh=Snapshot()))
    assert kinds(house, MINUTE_TRACK_PLAYS) == [(RETENTION_CHANGED, "no to 14 days")]
    create_tables(house, MINUTE_TRACK_PLAYS)
    assert kinds(house, MINUTE_TRACK_PLAYS) == []
    stored = stored_table(house, MINUTE_TRACK_PLAYS)
    assert stored is not None and stored.time_partitioning.to_api_repr() == {
        "type": "DAY",
        "field": "window_start",
        "expirationMs": str(14 * 86_400_000),
    }
    create_tables(house, replace(MINUTE_TRACK_PLAYS, refresh=Live(7)))
    assert kinds(house, MINUTE_TRACK_PLAYS) == [(RETENTION_CHANGED, "7 to 14 days")]


def test_a_required_column_may_become_nullable(house: Warehouse) -> None:
    create_tables(house, COUNTRY_CHARTS)
    fields = tuple(replace(one, nullable=one.nullable or one.name == "play_count") for one in COUNTRY_CHARTS.fields)
    laxer = replace(COUNTRY_CHARTS, fields=fields)
    assert kinds(house, laxer) == [(BECAME_NULLABLE, "play_count")]
    create_tables(house, laxer)
    assert kinds(house, laxer) == []


def test_a_raised_version_is_a_table_beside_it(house: Warehouse) -> None:
    create_tables(house, COUNTRY_CHARTS)
    raised = replace(COUNTRY_CHARTS, warehouse=Declared(version=3))
    assert kinds(house, raised) == [(WAREHOUSE_VERSION, "1 to 3")]


def test_a_column_that_somebody_added_is_left_alone(house: Warehouse) -> None:
    create_tables(house, COUNTRY_CHARTS)
    stored = stored_table(house, COUNTRY_CHARTS)
    assert stored is not None
    stored.schema = [*stored.schema, SchemaField("mood", "STRING")]
    house.client.update_table(stored, ["schema"])
    assert kinds(house, COUNTRY_CHARTS) == [(UNKNOWN_NULLABLE, "mood")]
    create_tables(house, COUNTRY_CHARTS)


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"partition_by": None}, PARTITION_CHANGED),
        (
            {
                "fields": tuple(
                    replace(one, type="string") if one.name == "played_ms" else one for one in DAILY_USER_PLAYS.fields
                )
            },
            TYPE_CHANGED,
        ),
    ],
    ids=["partition", "type"],
)
def test_what_cannot_be_changed_is_refused_before_anything_is(
    changes: dict[str, Any], kind: Kind, house: Warehouse
) -> None:
    create_tables(house, DAILY_USER_PLAYS)
    other = replace(WIDER, **changes)
    with pytest.raises(MigrationError, match=rf"gold.daily_user_plays, bigquery: {kind.name}.* raise the `version`"):
        create_tables(house, other)
    assert kinds(house, DAILY_USER_PLAYS) == []


def test_names_are_quoted_in_what_relaxes_a_column() -> None:
    assert relax_column_sql(COUNTRY_CHARTS, "p.gold", "play_count") == (
        "ALTER TABLE `p.gold.country_charts_v1` ALTER COLUMN `play_count` DROP NOT NULL"
    )
