"""The balance sheet: what adds up, and everything that must not."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession

from infra.engine import open_session
from infra.kafka.manifests import Manifest
from infra.lake import Lake
from infra.settings import Settings
from jobs.balance import Balance, HourLine, balance
from playback.arrow import arrow_schema
from schemas import catalog

HOUR, NEXT_HOUR = "2026-11-20T12", "2026-11-20T13"
TABLES = ("bronze.playback_events", "silver.plays", "silver.duplicates", "bronze.dead_letters")
GOLD = ("gold.daily_track_plays", "gold.daily_user_plays")
STAND_IN = {
    "string": "",
    "binary": b"",
    "boolean": False,
    "int": 0,
    "long": 0,
    "timestamp": datetime(2026, 11, 20, 12, 30, tzinfo=UTC),
    "date": date(2026, 11, 20),
}


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One engine: the sheet is counts, and the parity of the engines is tested with the transforms."""
    with open_session(Settings(home=tmp_path_factory.mktemp("home"))) as opened:
        yield opened


class Books:
    """A lake in which records have the given fates."""

    def __init__(self, session: SparkSession, lake: Lake) -> None:
        self._session = session
        self._lake = lake
        for name in (*TABLES, *GOLD):
            lake.create(catalog.table(name))
        self._offset = 0

    def put(self, name: str, count: int, offset: int = 0, hour: int = 12, **values: Any) -> None:
        table = catalog.table(name)
        at = datetime(2026, 11, 20, hour, 30, tzinfo=UTC)
        common = {"topic_id": "T", "topic": "events", "appended_at": at, "content_type": "track"} | values
        empty = {field.name: None if field.nullable else STAND_IN.get(field.type) for field in table.stored_fields}
        rows = [
            empty | {column: value for column, value in (common | {"offset": offset + n}).items() if column in empty}
            for n in range(count)
        ]
        write_deltalake(
            self._lake.path(table), pa.Table.from_pylist(rows, arrow_schema(table.stored_fields)), mode="append"
        )

    def arrive(self, fate: str, count: int, manifest_id: str | None = "m", hour: int = 12) -> None:
        """Records that come in under a manifest and are all of one fate; accepted ones are counted in gold."""
        start, self._offset = self._offset, self._offset + count
        for name in ("bronze.playback_events", fate):
            self.put(name, count, start, hour, manifest_id=manifest_id)
        if fate == "silver.plays":
            for name in GOLD:
                self.put(name, 1, event_date=date(2026, 11, 20), playback_count=count)

    def sheet(self, before: list[Manifest], after: list[Manifest] | None = None, **stores: int) -> Balance:
        return balance(self._session, self._lake, before, before if after is None else after, stores)

    def line(self, before: list[Manifest], after: list[Manifest] | None = None) -> HourLine:
        (line,) = self.sheet(before, after).hours
        return line


@pytest.fixture
def books(session: SparkSession, tmp_path: Path) -> Books:
    return Books(session, Lake(tmp_path / "lake"))


def manifest(planned: int, acknowledged: int | None = None, hour: str = HOUR, name: str = "m") -> Manifest:
    """A manifest of that many messages, all acknowledged within `hour` unless fewer are given."""
    known = planned if acknowledged is None else acknowledged
    return Manifest(
        manifest_id=name,
        source="import",
        subject="",
        started_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
        topic="events",
        topic_id="T",
        events=planned,
        acknowledged=known,
        by_hour_and_partition={hour: {0: known}} if known else {},
        in_doubt_by_hour={hour: planned - known} if planned > known else {},
    )


def test_every_fate_is_counted_and_adds_up(books: Books) -> None:
    books.arrive("silver.plays", 5)
    books.arrive("silver.duplicates", 2)
    books.arrive("bronze.dead_letters", 1)
    sheet = books.sheet([manifest(8)], somewhere=5)
    assert sheet.adds_up
    (line,) = sheet.hours
    assert (line.topic, line.topic_id, line.hour) == ("events", "T", HOUR)
    assert (line.sent, line.accepted, line.duplicate, line.dead_letter) == (8, 5, 2, 1)
    assert (line.unannounced, line.replayed, line.pending, line.lost) == (0, 0, 0, 0)


def test_what_was_acknowledged_before_the_ingest_and_is_not_there_is_lost(books: Books) -> None:
    books.arrive("silver.plays", 4)
    sheet = books.sheet([manifest(5)])
    assert (sheet.total("sent"), sheet.total("lost"), sheet.total("pending")) == (5, 1, 0)
    assert not sheet.adds_up


def test_what_was_acknowledged_after_the_ingest_began_is_pending(books: Books) -> None:
    books.arrive("silver.plays", 4)
    line = books.line([manifest(4)], [manifest(7)])
    assert (line.sent, line.pending, line.lost) == (7, 3, 0)
    assert line.adds_up


def test_a_record_under_a_manifest_that_nobody_planned_does_not_add_up(books: Books) -> None:
    books.arrive("silver.plays", 6)
    line = books.line([manifest(5)])
    assert (line.sent, line.accepted, line.unannounced) == (5, 6, 0)
    assert not line.adds_up


def test_what_was_in_doubt_and_arrived_was_sent(books: Books) -> None:
    books.arrive("silver.plays", 5)
    line = books.line([manifest(5, acknowledged=2)])
    assert (line.sent, line.accepted, line.pending) == (5, 5, 0)
    assert line.adds_up


def test_what_was_in_doubt_and_has_not_arrived_is_pending(books: Books) -> None:
    books.arrive("silver.plays", 3)
    line = books.line([manifest(5, acknowledged=2)])
    assert (line.sent, line.accepted, line.pending, line.lost) == (5, 3, 2, 0)
    assert line.adds_up


def test_what_was_in_doubt_counts_in_the_hour_it_arrived_in(books: Books) -> None:
    books.arrive("silver.plays", 2, hour=12)
    books.arrive("silver.plays", 3, hour=13)
    sheet = books.sheet([manifest(5, acknowledged=2)])
    assert [(line.hour, line.sent, line.accepted) for line in sheet.hours] == [(HOUR, 2, 2), (NEXT_HOUR, 3, 3)]
    assert sheet.adds_up


def test_a_loss_in_one_hour_is_not_made_good_by_a_surplus_in_another(books: Books) -> None:
    books.arrive("silver.plays", 4, hour=12)
    books.arrive("silver.plays", 1, hour=13)
    sheet = books.sheet([manifest(5)])
    assert [line.adds_up for line in sheet.hours] == [False, False]


def test_records_of_no_known_manifest_are_counted_apart(books: Books) -> None:
    books.arrive("silver.plays", 2, manifest_id=None)
    books.arrive("silver.plays", 1, manifest_id="of another home")
    line = books.line([])
    assert (line.sent, line.unannounced, line.accepted) == (0, 3, 3)
    assert line.adds_up


def test_a_record_without_a_fate_does_not_add_up(books: Books) -> None:
    books.arrive("silver.plays", 2)
    books.put("bronze.playback_events", 1, offset=2, manifest_id="m")
    assert not books.line([manifest(3)]).adds_up


def test_a_record_with_two_fates_does_not_add_up(books: Books) -> None:
    books.arrive("silver.plays", 2)
    books.put("silver.duplicates", 1, manifest_id="m")
    assert not books.line([manifest(2)]).adds_up


def test_a_record_that_stands_in_the_ledger_twice_does_not_add_up(books: Books) -> None:
    books.arrive("silver.plays", 2)
    books.put("bronze.playback_events", 1, manifest_id="m")
    assert [line.stage for line in books.sheet([manifest(2)]).stages if not line.adds_up] == ["bronze.playback_events"]


def test_what_is_no_music_is_left_out_of_gold_on_purpose(books: Books) -> None:
    books.arrive("silver.plays", 3)
    books.put("bronze.playback_events", 2, offset=3, manifest_id="m")
    books.put("silver.plays", 2, offset=3, manifest_id="m", content_type="episode")
    sheet = books.sheet([manifest(5)], **{"some store": 3})
    assert sheet.adds_up
    lines = [(line.stage, line.expected, line.counted, line.left_out) for line in sheet.stages]
    assert lines == [("bronze.playback_events", 5, 5, 0), *((name, 5, 3, 2) for name in GOLD), ("some store", 3, 3, 0)]


@pytest.mark.parametrize("name", GOLD)
def test_a_gold_table_that_counts_another_number_does_not_add_up(books: Books, name: str) -> None:
    books.arrive("silver.plays", 3)
    books.put(name, 1, event_date=date(2026, 11, 20), playback_count=1)
    assert [line.stage for line in books.sheet([manifest(3)]).stages if not line.adds_up] == [name]


@pytest.mark.parametrize("counted", [2, 4])
def test_a_store_that_counts_another_number_does_not_add_up(books: Books, counted: int) -> None:
    books.arrive("silver.plays", 3)
    sheet = books.sheet([manifest(3)], **{"a store": counted, "another": 3})
    assert [line.stage for line in sheet.stages if not line.adds_up] == ["a store"]
    assert not sheet.adds_up
    assert sheet.as_dict()["adds_up"] is False
