"""The balance sheet: what adds up, and everything that must not."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyspark.sql import SparkSession

from infra.checks import Checker
from infra.engine import open_session
from infra.kafka.manifests import Manifest
from infra.lake import Lake
from infra.settings import Settings
from jobs.balance import DAILY, Balance, balance
from jobs.manifests import record_manifests
from jobs.runner import Runner
from jobs.sheet import HourLine
from jobs.stage_line import StageLine
from jobs.store_counts import Cells
from playback.arrow import arrow_schema
from schemas import catalog
from schemas.gold import EVENT_BALANCE

HOUR, NEXT_HOUR = "2026-11-20T12", "2026-11-20T13"
DAY, NEXT_DAY = date(2026, 11, 20), date(2026, 11, 21)
LEDGER = "bronze.playback_events"
SILVER = ("silver.plays", "silver.merged_plays", "silver.duplicates")
TABLES = (LEDGER, *SILVER, "bronze.dead_letters", *DAILY, "gold.country_charts")
STAND_IN = {
    "string": "",
    "binary": b"",
    "boolean": False,
    "int": 0,
    "long": 0,
    "timestamp": datetime(2026, 11, 20, 12, 30, tzinfo=UTC),
    "date": DAY,
}


class Unchecked(Checker):
    """Passes everything, so that what does not add up can be looked at."""

    def verify(self, *_: Any) -> None:
        pass


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
        for name in TABLES:
            lake.create(catalog.table(name))
        self._offset = 0

    def put(self, name: str, count: int, offset: int = 0, hour: int = 12, **values: Any) -> None:
        table = catalog.table(name)
        at = datetime(2026, 11, 20, hour, 30, tzinfo=UTC)
        client = f"manifest:{values['manifest_id']}" if values.get("manifest_id") else "unknown"
        common = {"topic_id": "T", "topic": "events", "appended_at": at, "content_type": "track", "client_id": client}
        empty = {field.name: None if field.nullable else STAND_IN.get(field.type) for field in table.stored_fields}
        given = {column: value for column, value in (common | values).items() if column in empty}
        rows = [empty | given | ({"offset": offset + n} if "offset" in empty else {}) for n in range(count)]
        write_deltalake(
            self._lake.path(table), pa.Table.from_pylist(rows, arrow_schema(table.stored_fields)), mode="append"
        )

    def arrive(self, fate: str, count: int, manifest_id: str | None = "m", hour: int = 12, **values: Any) -> None:
        """Records that come in under a manifest and are all of one fate; accepted ones are counted in gold."""
        start, self._offset = self._offset, self._offset + count
        for name in (LEDGER, fate):
            self.put(name, count, start, hour, manifest_id=manifest_id, **values)
        if fate == "silver.plays":
            for name in DAILY:
                self.put(name, 1, event_date=values.get("event_date", DAY), playback_count=count)

    def sheet(
        self,
        before: list[Manifest],
        after: list[Manifest] | None = None,
        stores: dict[tuple[str, str], Cells] | None = None,
    ) -> Balance:
        """The sheet of a run that starts when the manifests are `before`, and ends when they are `after`."""
        unchecked = Unchecked(self._lake.root)
        record_manifests(self._session, self._lake, unchecked, before)
        Runner(self._session, self._lake, unchecked).refresh(EVENT_BALANCE)
        return balance(self._session, self._lake, before, before if after is None else after, stores or {})

    def line(self, before: list[Manifest], after: list[Manifest] | None = None) -> HourLine:
        (line,) = self.sheet(before, after).hours
        return line

    def announced(self, before: list[Manifest], after: list[Manifest] | None = None) -> StageLine:
        """The line of what our producers announced for the one topic."""
        (line,) = [line for line in self.sheet(before, after).stages if line.stage == "announced for events"]
        return line


@pytest.fixture
def books(session: SparkSession, tmp_path: Path) -> Books:
    return Books(session, Lake(tmp_path / "lake"))


def manifest(
    planned: int, acknowledged: int | None = None, hour: str = HOUR, name: str = "m", source: str = "import"
) -> Manifest:
    """A manifest of that many messages, all acknowledged within `hour` unless fewer are given."""
    known = planned if acknowledged is None else acknowledged
    return Manifest(
        manifest_id=name,
        source=source,
        subject="",
        started_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
        topic="events",
        topic_id="T",
        events=planned,
        acknowledged=known,
        by_hour_and_partition={hour: {0: known}} if known else {},
        in_doubt_by_hour={hour: planned - known} if planned > known else {},
    )


def wrong(sheet: Balance) -> list[str]:
    """The stages that do not add up."""
    return [line.stage for line in sheet.stages if not line.adds_up]


def test_every_fate_is_counted_and_adds_up(books: Books) -> None:
    books.arrive("silver.plays", 5)
    books.arrive("silver.duplicates", 2)
    books.arrive("bronze.dead_letters", 1)
    sheet = books.sheet([manifest(8)])
    assert sheet.adds_up
    (line,) = sheet.hours
    assert (line.topic, line.topic_id, line.hour) == ("events", "T", HOUR)
    assert (line.sent, line.accepted, line.duplicate, line.dead_letter) == (8, 5, 2, 1)
    assert (line.replayed, line.pending, line.lost, line.clients_missing) == (0, 0, 0, 0)
    lines = [(line.stage, line.expected, line.counted, line.left_out) for line in sheet.stages]
    assert lines == [
        ("announced for events", 8, 8, 0),
        (LEDGER, 8, 8, 0),
        ("gold.daily_track_plays", 5, 5, 0),
        ("gold.daily_user_plays", 5, 5, 0),
    ]


@pytest.mark.parametrize("source", ["import", "simulate", "replay"])
def test_what_was_acknowledged_before_the_ingest_and_is_not_there_is_lost(books: Books, source: str) -> None:
    books.arrive("silver.plays", 4)
    sheet = books.sheet([manifest(5, source=source)])
    assert wrong(sheet) == ["announced for events"]
    assert (sheet.stages[0].expected, sheet.stages[0].counted, sheet.stages[0].wrong) == (5, 4, 1)
    assert sheet.total("lost") == (0 if source == "simulate" else 1)
    assert sheet.clients_missing == (0 if source == "simulate" else 1)
    assert not sheet.adds_up


def test_what_a_phone_lost_is_reported_and_fails_nothing(books: Books) -> None:
    for sequence in (0, 2, 5):
        books.arrive("silver.plays", 1, None, install_id="phone", client_id="phone", sequence=sequence)
    sheet = books.sheet([])
    assert (sheet.total("sent"), sheet.total("pending"), sheet.clients_missing) == (6, 3, 1)
    assert sheet.adds_up


def test_what_was_acknowledged_after_the_ingest_began_may_still_come(books: Books) -> None:
    books.arrive("silver.plays", 4)
    line = books.announced([manifest(4)], [manifest(7)])
    assert (line.expected, line.counted, line.left_out) == (7, 4, 3)
    assert line.adds_up


def test_a_record_under_a_manifest_that_nobody_planned_does_not_add_up(books: Books) -> None:
    books.arrive("silver.plays", 6)
    assert wrong(books.sheet([manifest(5)])) == ["announced for events"]


def test_a_record_under_the_manifest_of_another_topic_does_not_add_up(books: Books) -> None:
    books.arrive("silver.plays", 5)
    books.arrive("silver.plays", 1, topic_id="U", topic="others")
    assert wrong(books.sheet([manifest(5)])) == ["announced for others"]


def test_what_was_in_doubt_and_arrived_was_sent(books: Books) -> None:
    books.arrive("silver.plays", 5)
    sheet = books.sheet([manifest(5, acknowledged=2)])
    assert (sheet.total("sent"), sheet.total("accepted"), sheet.total("pending")) == (5, 5, 0)
    assert (sheet.stages[0].expected, sheet.stages[0].counted, sheet.stages[0].left_out) == (5, 5, 0)
    assert sheet.adds_up


def test_what_was_in_doubt_and_has_not_arrived_is_pending(books: Books) -> None:
    books.arrive("silver.plays", 3)
    sheet = books.sheet([manifest(5, acknowledged=2)])
    assert (sheet.total("sent"), sheet.total("accepted"), sheet.total("pending"), sheet.total("lost")) == (5, 3, 2, 0)
    assert (sheet.stages[0].expected, sheet.stages[0].counted, sheet.stages[0].left_out) == (5, 3, 2)
    assert sheet.adds_up


def test_what_was_in_doubt_counts_in_the_hour_it_arrived_in(books: Books) -> None:
    books.arrive("silver.plays", 2, hour=12)
    books.arrive("silver.plays", 3, hour=13)
    sheet = books.sheet([manifest(5, acknowledged=2)])
    assert [(line.hour, line.sent, line.accepted) for line in sheet.hours] == [(HOUR, 2, 2), (NEXT_HOUR, 3, 3)]
    assert sheet.adds_up


def test_a_loss_in_one_hour_is_not_made_good_by_a_surplus_in_another(books: Books) -> None:
    books.arrive("silver.plays", 4, hour=12)
    books.arrive("silver.plays", 1, hour=13)
    line = books.announced([manifest(5)])
    assert (line.expected, line.counted, line.wrong) == (5, 5, 2)
    assert not line.adds_up


def test_records_of_no_known_manifest_are_of_unknown_senders(books: Books) -> None:
    books.arrive("silver.plays", 2, manifest_id=None)
    books.arrive("silver.plays", 1, manifest_id="of-another-home")
    sheet = books.sheet([])
    (line,) = sheet.hours
    assert (line.sent, line.accepted) == (3, 3)
    assert [line.stage for line in sheet.stages] == [LEDGER, *DAILY]
    assert sheet.adds_up


def test_a_record_without_a_fate_does_not_add_up(books: Books) -> None:
    books.arrive("silver.plays", 2)
    books.put(LEDGER, 1, offset=2, manifest_id="m")
    assert not books.line([manifest(3)]).adds_up


def test_a_record_with_two_fates_does_not_add_up(books: Books) -> None:
    books.arrive("silver.plays", 2)
    books.put("silver.duplicates", 1, manifest_id="m")
    assert not books.line([manifest(2)]).adds_up


def test_a_record_that_stands_in_the_ledger_twice_does_not_add_up(books: Books) -> None:
    books.arrive("silver.plays", 2)
    books.put(LEDGER, 1, manifest_id="m")
    sheet = books.sheet([manifest(2)])
    assert not sheet.hours[0].adds_up
    assert wrong(sheet) == ["announced for events", LEDGER]


def test_one_client_that_misses_a_fate_is_not_made_good_by_another_with_two(books: Books) -> None:
    books.arrive("silver.plays", 2, "m")
    books.put(LEDGER, 1, offset=2, manifest_id="m")
    books.put("silver.plays", 1, offset=3, manifest_id="n")
    (line,) = books.sheet([manifest(3)]).hours
    assert (line.sent, line.accepted, line.clients_wrong) == (3, 3, 2)
    assert not line.adds_up


def test_what_is_no_music_is_left_out_of_gold_on_purpose(books: Books) -> None:
    books.arrive("silver.plays", 3)
    books.put(LEDGER, 2, offset=3, manifest_id="m")
    books.put("silver.plays", 2, offset=3, manifest_id="m", content_type="episode", event_date=NEXT_DAY)
    sheet = books.sheet([manifest(5)])
    assert sheet.adds_up
    lines = {line.stage: (line.expected, line.counted, line.left_out) for line in sheet.stages}
    assert [lines[name] for name in DAILY] == [(5, 3, 2)] * 2


def test_what_another_play_tells_of_is_merged_whatever_it_is_and_a_gold_table_that_counts_it_is_wrong(
    books: Books,
) -> None:
    books.arrive("silver.plays", 3)
    books.put(LEDGER, 3, offset=3, manifest_id="m")
    again = {"again": {}, "talk again": {"content_type": "episode"}, "talk": {"content_type": "episode"}}
    for offset, (name, values) in enumerate(again.items(), 3):
        books.put("silver.plays", 1, offset, manifest_id="m", event_id=name, event_date=DAY, **values)
    for name in ("again", "talk again"):
        books.put("silver.merged_plays", 1, event_id=name, event_date=DAY)
    sheet = books.sheet([manifest(6)])
    assert sheet.adds_up
    lines = {line.stage: (line.expected, line.counted, line.left_out, line.merged) for line in sheet.stages}
    assert [lines[name] for name in DAILY] == [(6, 3, 1, 2)] * 2
    books.put(DAILY[0], 1, event_date=DAY, playback_count=1)
    assert wrong(books.sheet([manifest(6)])) == [DAILY[0]]


@pytest.mark.parametrize("name", DAILY)
def test_a_gold_table_that_counts_another_number_does_not_add_up(books: Books, name: str) -> None:
    books.arrive("silver.plays", 3)
    books.put(name, 1, event_date=DAY, playback_count=1)
    assert wrong(books.sheet([manifest(3)])) == [name]


@pytest.mark.parametrize("name", DAILY)
def test_one_lost_on_a_day_and_one_doubled_on_another_do_not_cancel_out(books: Books, name: str) -> None:
    books.arrive("silver.plays", 3)
    books.arrive("silver.plays", 3, event_date=NEXT_DAY)
    for day, count in ((DAY, -1), (NEXT_DAY, 1)):
        books.put(name, 1, event_date=day, playback_count=count)
    sheet = books.sheet([manifest(6)])
    assert wrong(sheet) == [name]
    (line,) = [line for line in sheet.stages if line.stage == name]
    assert (line.expected, line.counted, line.wrong) == (6, 6, 2)


@pytest.mark.parametrize("column", ["play_count", "skip_count", "played_ms"])
def test_every_sum_of_a_day_is_compared(books: Books, column: str) -> None:
    books.arrive("silver.plays", 3)
    books.put("gold.daily_user_plays", 1, event_date=DAY, **{column: 1})
    assert wrong(books.sheet([manifest(3)])) == ["gold.daily_user_plays"]


@pytest.mark.parametrize(
    "cells", [{"2026-11-20": (2, 0, 0, 0, 1)}, {"2026-11-21": (3, 0, 0, 0, 1)}, {"2026-11-20": (3, 0, 0, 0, 2)}, {}]
)
def test_a_store_that_holds_something_else_does_not_add_up(books: Books, cells: Cells) -> None:
    books.arrive("silver.plays", 3)
    books.put("gold.country_charts", 2)
    stores: dict[tuple[str, str], Cells] = {
        ("here", "gold.daily_user_plays"): {"2026-11-20": (3, 0, 0, 0, 1)},
        ("here", "gold.country_charts"): {"": (2,)},
        ("here", "gold.event_balance"): {"": (6, 2)},
    }
    assert books.sheet([manifest(3)], stores=stores).adds_up
    sheet = books.sheet([manifest(3)], stores=stores | {("there", "gold.daily_user_plays"): cells})
    assert wrong(sheet) == ["there gold.daily_user_plays, playbacks"]
    assert sheet.as_dict()["adds_up"] is False
    for name, counted in (("gold.country_charts", (1,)), ("gold.event_balance", (7, 2))):
        (said,) = wrong(books.sheet([manifest(3)], stores={("there", name): {"": counted}}))
        assert said.startswith(f"there {name}, ")
