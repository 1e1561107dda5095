"""Rows into a real Cassandra and out of it, whatever they hold, fenced by the publish number."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from infra.serving_store.reads import read
from infra.serving_store.rows import delete_generations, delete_rows, ordered, plain, stored_keys, write_rows
from infra.serving_store.sending import vanished
from infra.serving_store.session import ServingSession
from infra.serving_store.tables import create_serving_table
from infra.settings import Settings
from playback.arrow import arrow_schema
from schemas.errors import ContractError
from schemas.gold import COUNTRY_CHARTS
from schemas.model import Field, ReplaceAll, Serving, Table

NOTES = Table(
    layer="features",
    name="notes",
    description="What a listener's hostile client might call things.",
    grain="one row per owner and number",
    key=("owner", "number"),
    refresh=ReplaceAll(),
    inputs=("silver.plays",),
    fields=(
        Field("owner", "string", "Partition."),
        Field("number", "long", "Clustering."),
        Field("text", "string", "Free.", nullable=True),
        Field("raw", "binary", "Bytes.", nullable=True),
        Field("count", "int", "Small number.", nullable=True),
        Field("is_new", "boolean", "Flag.", nullable=True),
        Field("seen_at", "timestamp", "Moment.", nullable=True),
        Field("day", "date", "Day.", nullable=True),
    ),
    serving=Serving("upsert", partition_key=("owner",), clustering=("number",)),
)
HOSTILE = ["'; DROP TABLE features_notes; --", "\x00\n\t", "ünïcödé 🎧 \u202e", "%s ? :a {b}", '"quoted"', "x" * 70_000]


def note(owner: str, number: int, **values: Any) -> dict[str, Any]:
    return {"owner": owner, "number": number, **values}


def notes(*rows: dict[str, Any]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(NOTES.fields))


def stored(serving: ServingSession) -> list[tuple[Any, ...]]:
    rows = serving.rows(f'SELECT owner, number, text FROM "{serving.keyspace}".features_notes')
    return sorted((row["owner"], row["number"], row["text"]) for row in rows)


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_comes_back_as_it_went_in_as_key_and_as_value(
    serving: ServingSession, settings: Settings, stack: Any, text: str
) -> None:
    owner = text[:100]
    create_serving_table(serving, NOTES)
    write_rows(serving, NOTES, notes(note(owner, 1, text=text)), 1)
    assert [row["text"] for row in read(settings, stack.endpoints, NOTES, {"owner": owner})] == [text]


def test_every_type_comes_back_at_its_extremes_and_null(
    serving: ServingSession, settings: Settings, stack: Any
) -> None:
    full = note("a", 2**63 - 1, text="", raw=b"\xff\x00", count=-(2**31), is_new=False)
    full |= {"seen_at": datetime(1969, 12, 31, 23, 59, 59, 999000, UTC), "day": date(9999, 12, 31)}
    empty = note("a", -(2**63)) | dict.fromkeys(("text", "raw", "count", "is_new", "seen_at", "day"))
    create_serving_table(serving, NOTES)
    write_rows(serving, NOTES, notes(full, empty), 1)
    assert read(settings, stack.endpoints, NOTES, {"owner": "a"}) == [empty, full]


def test_a_null_replaces_the_value_before(serving: ServingSession) -> None:
    create_serving_table(serving, NOTES)
    write_rows(serving, NOTES, notes(note("a", 1, text="was")), 1)
    write_rows(serving, NOTES, notes(note("a", 1)), 2)
    assert stored(serving) == [("a", 1, None)]


def test_a_partition_of_many_rows_is_written_whole(serving: ServingSession) -> None:
    create_serving_table(serving, NOTES)
    assert write_rows(serving, NOTES, notes(*(note("a", number, text="t" * 90) for number in range(1_000))), 1) == 1_000
    assert [number for _, number, _ in stored(serving)] == list(range(1_000))


def test_a_lower_number_neither_overwrites_nor_revives(serving: ServingSession) -> None:
    create_serving_table(serving, NOTES)
    write_rows(serving, NOTES, notes(note("a", 1, text="new")), 2)
    delete_rows(serving, NOTES, notes(note("a", 2)), 2)
    write_rows(serving, NOTES, notes(note("a", 1, text="old"), note("a", 2, text="old")), 1)
    assert stored(serving) == [("a", 1, "new")]


def test_a_deletion_with_a_lower_number_leaves_the_row(serving: ServingSession) -> None:
    create_serving_table(serving, NOTES)
    write_rows(serving, NOTES, notes(note("a", 1, text="new")), 2)
    delete_rows(serving, NOTES, notes(note("a", 1)), 1)
    assert stored(serving) == [("a", 1, "new")]


def test_an_empty_partition_key_is_a_broken_contract(serving: ServingSession) -> None:
    create_serving_table(serving, NOTES)
    with pytest.raises(ContractError, match="empty owner"):
        write_rows(serving, NOTES, notes(note("", 1)), 1)


def test_generations_are_deleted_but_for_those_kept_and_later_ones(serving: ServingSession) -> None:
    row = {"country": "DE", "window_days": 7, "position": 1, "chart_date": date(2026, 1, 1), "track_id": "t"}
    row |= {"artist_name": "", "track_title": "", "play_count": 1, "played_ms": 1}
    rows = pa.Table.from_pylist([row], schema=arrow_schema(COUNTRY_CHARTS.fields))
    create_serving_table(serving, COUNTRY_CHARTS)
    for generation in (1, 2, 3, 9):
        write_rows(serving, COUNTRY_CHARTS, rows, generation)
    assert delete_generations(serving, COUNTRY_CHARTS, kept={2, 4}, below=4) == 2
    found = serving.rows(f'SELECT generation FROM "{serving.keyspace}".gold_country_charts')
    assert {one["generation"] for one in found} == {2, 9}


def test_a_declared_column_more_is_added(serving: ServingSession) -> None:
    create_serving_table(serving, NOTES)
    wider = replace(NOTES, fields=(*NOTES.fields, Field("mood", "string", "New.", nullable=True)))
    create_serving_table(serving, wider)
    assert serving.columns("features_notes") == {field.name for field in wider.fields}


def test_the_stored_keys_are_all_keys(serving: ServingSession) -> None:
    create_serving_table(serving, NOTES)
    write_rows(serving, NOTES, notes(note("a", 1), note("b", 2)), 1)
    assert sorted(stored_keys(serving, NOTES).to_pylist(), key=str) == [note("a", 1), note("b", 2)]


def test_vanished_are_the_keys_of_any_earlier_rows_that_are_no_more() -> None:
    before = [notes(note("a", 1), note("a", 2)), notes(note("a", 2), note("b", 1))]
    gone = vanished(NOTES, notes(note("a", 1)), before)
    assert sorted(gone.to_pylist(), key=str) == [note("a", 2), note("b", 1)]


def test_moments_that_cassandra_cannot_tell_apart_are_one_key() -> None:
    """A deletion of 0.123456 would take the row of 0.123999 with it: both are stored as 0.123."""
    table = replace(NOTES, key=("owner", "seen_at"))
    now, was = (datetime(2026, 1, 1, microsecond=micros, tzinfo=UTC) for micros in (123_999, 123_456))
    assert vanished(table, notes(note("a", 1, seen_at=now)), [notes(note("a", 1, seen_at=was))]).num_rows == 0


def test_rows_come_sorted_by_the_partition_key() -> None:
    rows = notes(note("b", 1), note("a", 2))
    assert list(ordered(rows, ("number", "owner"), ("owner",))) == [(2, "a"), (1, "b")]


def test_naive_moments_of_the_driver_are_utc() -> None:
    assert plain(datetime(2026, 1, 1)) == datetime(2026, 1, 1, tzinfo=UTC)
