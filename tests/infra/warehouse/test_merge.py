"""Tables, views and merges in the BigQuery stand-in, which runs the statements (not their costs or modes)."""

import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pyarrow as pa
import pytest
from google.cloud.bigquery import ScalarQueryParameter, SchemaField, Table

from infra import failpoints
from infra.settings import Settings
from infra.warehouse.client import Warehouse, warehouse
from infra.warehouse.merge import fence, merge_rows
from infra.warehouse.queries import ask
from infra.warehouse.statements import raise_fence_sql
from infra.warehouse.tables import create_tables, create_view, table_exists
from playback.arrow import arrow_schema
from schemas.errors import InputError, SupersededError
from schemas.gold import DAILY_TRACK_PLAYS
from schemas.model import Field
from schemas.model import Warehouse as Declared

HOSTILE = ["'; DROP TABLE x; --", "`quoted`", "ünï 🎧 \u202e", "@user_id ? {b} %s", ""]


@pytest.fixture
def settings(stack: Any) -> Settings:
    own: Settings = stack.settings.model_copy(update={"bigquery_dataset_prefix": f"w{uuid.uuid4().hex[:8]}_"})
    return own


@pytest.fixture
def house(settings: Settings, stack: Any) -> Iterator[Warehouse]:
    with warehouse(settings, stack.endpoints) as house:
        create_tables(house, DAILY_TRACK_PLAYS)
        yield house


def tracks(*rows: tuple[int, str, int]) -> pa.Table:
    """Day, track and every count of it."""
    counts = ("playback_count", "play_count", "skip_count", "listener_count", "played_ms")
    shared = {"country": "DE", "input_positions": "{}"}
    made = [
        {**shared, "event_date": date(2026, 1, day), "track_id": track, **dict.fromkeys(counts, count)}
        for day, track, count in rows
    ]
    return pa.Table.from_pylist(made, schema=arrow_schema(DAILY_TRACK_PLAYS.stored_fields))


def stored(house: Warehouse) -> list[tuple[Any, ...]]:
    table = house.path(DAILY_TRACK_PLAYS, "daily_track_plays_v1")
    sql = f"SELECT EXTRACT(DAY FROM event_date), track_id, play_count, publish_number FROM `{table}` ORDER BY 1, 2"
    return [row.values() for row in house.run(sql)[1]]


def test_tables_are_partitioned_clustered_and_described(house: Warehouse) -> None:
    table = house.client.get_table(house.path(DAILY_TRACK_PLAYS, "daily_track_plays_v1"))
    assert (table.time_partitioning.field, table.clustering_fields) == ("event_date", ["country", "track_id"])
    assert table.description == f"{DAILY_TRACK_PLAYS.description} Grain: {DAILY_TRACK_PLAYS.grain}."
    assert all(column.description for column in table.schema)


def test_a_table_of_another_version_is_another_table(house: Warehouse) -> None:
    assert table_exists(house, DAILY_TRACK_PLAYS)
    assert not table_exists(house, replace(DAILY_TRACK_PLAYS, warehouse=Declared(version=2)))


def test_a_merge_leaves_other_dates_alone(house: Warehouse) -> None:
    merge_rows(house, DAILY_TRACK_PLAYS, tracks((1, "x", 1), (2, "x", 1), (3, "x", 1)), 1, 1, None)
    merged = merge_rows(house, DAILY_TRACK_PLAYS, tracks((1, "y", 2)), 2, 2, {date(2026, 1, 1), date(2026, 1, 3)})
    assert (merged.rows, merged.deleted) == (1, 2)
    assert stored(house) == [(1, "y", 2, 2), (2, "x", 1, 1)]


def test_a_whole_merge_deletes_what_is_no_more(house: Warehouse) -> None:
    merge_rows(house, DAILY_TRACK_PLAYS, tracks((1, "x", 1), (2, "x", 1)), 1, 1, None)
    merge_rows(house, DAILY_TRACK_PLAYS, tracks((2, "x", 3)), 2, 2, None)
    assert stored(house) == [(2, "x", 3, 2)]


def test_a_lower_number_changes_nothing_even_where_all_was_deleted(house: Warehouse) -> None:
    merge_rows(house, DAILY_TRACK_PLAYS, tracks((1, "x", 1)), 1, 1, None)
    merge_rows(house, DAILY_TRACK_PLAYS, tracks(), 3, 3, None)
    with pytest.raises(SupersededError):
        merge_rows(house, DAILY_TRACK_PLAYS, tracks((1, "zombie", 9)), 2, 2, None)
    assert stored(house) == []
    assert fence(house, DAILY_TRACK_PLAYS) == 3


@pytest.mark.parametrize("dates", [None, {date(2026, 1, 1)}])
def test_a_publisher_that_is_overtaken_before_its_merge_changes_and_deletes_nothing(
    house: Warehouse, monkeypatch: pytest.MonkeyPatch, dates: set[date] | None
) -> None:
    """The later one has raised the fence and merged nothing yet."""
    merge_rows(house, DAILY_TRACK_PLAYS, tracks((1, "x", 1), (1, "y", 1), (2, "x", 1)), 1, 1, None)
    dataset = f"{house.project}.{house.dataset(DAILY_TRACK_PLAYS)}"
    later = [
        ScalarQueryParameter("table_name", "STRING", "daily_track_plays_v1"),
        ScalarQueryParameter("publish_number", "INT64", 3),
    ]

    def reach(point: str, _place: str) -> None:
        if point == "publish.before_merge":
            house.run(raise_fence_sql(dataset), later)

    monkeypatch.setattr(failpoints, "reach", reach)
    with pytest.raises(SupersededError):
        merge_rows(house, DAILY_TRACK_PLAYS, tracks((1, "x", 2), (1, "z", 2)), 2, 2, dates)
    assert stored(house) == [(1, "x", 1, 1), (1, "y", 1, 1), (2, "x", 1, 1)]


def test_staging_tables_of_dead_publishers_are_deleted_and_those_of_later_ones_stay(house: Warehouse) -> None:
    for number in (1, 9):
        name = house.path(DAILY_TRACK_PLAYS, f"daily_track_plays_v1_staging_{number}")
        house.client.create_table(Table(name, schema=[SchemaField("a", "INTEGER")]))
    merge_rows(house, DAILY_TRACK_PLAYS, tracks((1, "x", 1)), 5, 1, None)
    names = {table.table_id for table in house.client.list_tables(house.dataset(DAILY_TRACK_PLAYS))}
    assert {name for name in names if "staging" in name} == {"daily_track_plays_v1_staging_9"}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_comes_back_as_it_went_in(house: Warehouse, text: str) -> None:
    merge_rows(house, DAILY_TRACK_PLAYS, tracks((1, text, 2**63 - 1)), 1, 1, {date(2026, 1, 1)})
    assert stored(house) == [(1, text, 2**63 - 1, 1)]


def test_a_declared_column_more_is_added_and_filled(house: Warehouse) -> None:
    merge_rows(house, DAILY_TRACK_PLAYS, tracks((1, "x", 1)), 1, 1, None)
    mood = Field("mood", "string", "What it's like.")
    wider = replace(DAILY_TRACK_PLAYS, fields=(*DAILY_TRACK_PLAYS.fields, mood))
    create_tables(house, wider)
    rows = tracks((2, "y", 1)).append_column("mood", pa.array(["calm"]))
    merge_rows(house, wider, rows, 2, 2, {date(2026, 1, 2)})
    table = house.path(wider, "daily_track_plays_v1")
    assert [row.values() for row in house.run(f"SELECT mood FROM `{table}` ORDER BY event_date")[1]] == [
        (None,),
        ("calm",),
    ]


def test_analysts_read_a_view_without_the_audit_columns(house: Warehouse, settings: Settings, stack: Any) -> None:
    merge_rows(house, DAILY_TRACK_PLAYS, tracks((1, "x", 1)), 1, 1, None)
    create_view(house, DAILY_TRACK_PLAYS)
    answer = ask(settings, stack.endpoints, f"SELECT * FROM {house.dataset(DAILY_TRACK_PLAYS)}.daily_track_plays")
    assert answer.columns == tuple(field.name for field in DAILY_TRACK_PLAYS.fields)
    assert len(answer.rows) == 1


def test_the_listener_is_a_bound_parameter(settings: Settings, stack: Any) -> None:
    assert ask(settings, stack.endpoints, "SELECT @user_id AS me", "'; DROP").rows == [("'; DROP",)]


@pytest.mark.parametrize("statement", ["selec 1", "SELECT * FROM nowhere.nothing"])
def test_a_wrong_query_is_one_sentence(settings: Settings, stack: Any, statement: str) -> None:
    with pytest.raises(InputError, match=r"^BigQuery refuses the query: [^\n]+\.$"):
        ask(settings, stack.endpoints, statement)
