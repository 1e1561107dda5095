"""A thousand records of poison among good ones: each has the fate it should, and nothing else changes."""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import functions as F

from infra.engine import open_session
from infra.kafka.record_batches import MAX_KEPT_BYTES, UNREADABLE_HEADERS
from playback.reasons import Reason, sentence
from playback.simulator.parameters import Faults
from playback.simulator.play import play
from schemas import catalog
from schemas.bronze import CLIENT_ID, DEAD_LETTERS, PLAYBACK_EVENTS, RECORD_FIELDS
from schemas.model import Table
from schemas.silver import DUPLICATES, PLAYS
from schemas.statistics import TAG
from tests.poison.envelopes import RAW_KEY
from tests.poison.kinds import OF_A_REGISTRY, Fate, Group, Headers
from tests.poison.sending import Sent, mixed, send_with_poison, send_without_poison
from tonearm.simulation import simulation_of, world_of

# Apache Spark takes minutes for the 100,000 and as many again for their twins without poison.
pytestmark = pytest.mark.timeout(2_400)

DOSES = 1_000
BLOCKS = 20
OF_THE_RECORD = {field.name for field in (*RECORD_FIELDS, CLIENT_ID)} | {"manifest_id"}
SAME = ("silver.plays", "silver.tracks", "gold.daily_track_plays", "gold.daily_user_plays", "gold.country_charts")

FAST = pytest.param((5_000, "sail"), id="sail-5,000")
SLOW = [
    pytest.param((100_000, "sail"), id="sail-100,000", marks=pytest.mark.nightly),
    pytest.param((100_000, "spark"), id="spark-100,000", marks=[pytest.mark.nightly, pytest.mark.spark]),
]


@dataclass(frozen=True)
class Poisoned:
    """What ran with poison, what was sent, and what ran on the same without it. Only read them."""

    made: Any
    twin: Any
    sent: list[Sent]
    sheets: list[Any]

    def fates(self, *fates: Fate | type[Reason]) -> list[Sent]:
        return [one for one in self.sent if one.dose.poison.fate in fates or type(one.dose.poison.fate) in fates]

    def at_places(self, table: Table) -> dict[tuple[int, int], dict[str, Any]]:
        """Rows of a table that are of poison, by place."""
        rows, places = self.made.lake.rows(table), {one.place for one in self.sent}
        found = zip(rows["partition"].to_pylist(), rows["offset"].to_pylist(), strict=True)
        chosen = rows.take([row for row, place in enumerate(found) if place in places])
        return {(row["partition"], row["offset"]): row for row in chosen.to_pylist()}


@pytest.fixture(scope="module", params=[FAST, *SLOW])
def poisoned(request: pytest.FixtureRequest, deployment: Callable[..., Any]) -> Poisoned:
    events, engine = request.param
    made = deployment(engine=engine)
    simulation = simulation_of(made.settings.home, Faults(json=0.05, retries=0.01), events=events, days=14, seed=11)
    batches = [played.messages for played in play(world_of(made.settings, simulation))]
    blocks = mixed(pa.concat_batches(batches), DOSES, BLOCKS)
    twin = deployment(like=made)
    send_without_poison(twin.settings, twin.endpoints.kafka_bootstrap, blocks)
    sheets, sent = [twin.run().sheet], []
    # In two runs, so that an id also comes again when the first of them is an old row.
    for part in (blocks[:-1], blocks[-1:]):
        sent += send_with_poison(made.settings, made.endpoints.kafka_bootstrap, part)
        sheets.append(made.run().sheet)
    return Poisoned(made, twin, sent, sheets)


def test_a_thousand_records_of_every_kind_were_sent(poisoned: Poisoned) -> None:
    assert len(poisoned.sent) == DOSES
    assert {one.dose.poison.group for one in poisoned.sent} == set(Group)
    assert {one.dose.poison.fate for one in poisoned.sent} == {*Reason, *Fate} - OF_A_REGISTRY


def test_the_broker_refuses_what_is_larger_than_the_topic_allows_and_nothing_else(poisoned: Poisoned) -> None:
    assert [one for one in poisoned.sent if one.place is None] == poisoned.fates(Fate.REFUSED)


def test_everything_that_came_in_is_good_or_dead_or_a_duplicate_or_a_mark(poisoned: Poisoned) -> None:
    counts = [poisoned.made.lake.row_count(table) for table in (PLAYS, DEAD_LETTERS, DUPLICATES)]
    ledger = poisoned.made.lake.rows(PLAYBACK_EVENTS)
    marks = len(ledger) - sum(counts)
    clean = poisoned.twin.lake
    marks_of_our_own = clean.row_count(PLAYBACK_EVENTS) - sum(map(clean.row_count, (PLAYS, DEAD_LETTERS, DUPLICATES)))
    assert marks == marks_of_our_own + len(poisoned.fates(Fate.MARK))
    assert counts == [
        clean.row_count(PLAYS),
        len(poisoned.fates(Reason)),
        clean.row_count(DUPLICATES) + len(poisoned.fates(Fate.DUPLICATE, Fate.CONFLICT)),
    ]
    assert [sheet.adds_up for sheet in poisoned.sheets] == [True, True, True]


def test_the_ledger_has_every_byte_that_was_sent(poisoned: Poisoned) -> None:
    rows = poisoned.at_places(PLAYBACK_EVENTS)
    for one in poisoned.sent:
        if one.place is not None:
            record, row = one.dose.record, rows[one.place]
            assert row["payload"] == kept(record.value), one.dose.poison.name
            assert row["key"] == record.key, one.dose.poison.name
            assert row["headers"] == readable(record.headers), one.dose.poison.name


def test_every_dead_letter_has_its_bytes_and_its_reason(poisoned: Poisoned) -> None:
    letters = poisoned.at_places(DEAD_LETTERS)
    dead = {one.place: one.dose for one in poisoned.fates(Reason)}
    assert {place: row["payload"] for place, row in letters.items()} == {
        place: kept(dose.record.value) for place, dose in dead.items()
    }
    assert {dead[place].poison.name: row["reason"] for place, row in letters.items()} == {
        dose.poison.name: str(dose.poison.fate) for dose in dead.values()
    }
    for place, row in letters.items():
        poison = dead[place].poison
        if poison.column:
            assert row["detail"] == sentence(Reason(poison.fate), poison.column), poison.name


def test_an_id_that_comes_again_is_a_duplicate_and_other_content_a_conflict(poisoned: Poisoned) -> None:
    conflicts = {place: row["is_conflict"] for place, row in poisoned.at_places(DUPLICATES).items()}
    again = poisoned.fates(Fate.DUPLICATE, Fate.CONFLICT)
    assert conflicts == {one.place: one.dose.poison.fate is Fate.CONFLICT for one in again}


@pytest.mark.parametrize("name", SAME)
def test_every_row_is_that_of_a_run_without_poison(poisoned: Poisoned, name: str) -> None:
    table = catalog.table(name)
    names = [field.name for field in table.fields if field.name not in OF_THE_RECORD]
    order = [(one, "ascending") for one in table.key]
    with_poison, without = (one.lake.rows(table).select(names).sort_by(order) for one in (poisoned.made, poisoned.twin))
    assert len(without)
    assert with_poison.equals(without)


@pytest.mark.parametrize("engine", ["sail", pytest.param("spark", marks=[pytest.mark.nightly, pytest.mark.spark])])
def test_every_table_can_be_read_to_its_last_byte(poisoned: Poisoned, engine: str) -> None:
    with open_session(poisoned.made.settings.model_copy(update={"engine": engine})) as session:
        made_here = [one for one in catalog.lake_tables().values() if TAG not in one.tags]
        for table in made_here:
            texts = [field.name for field in table.fields if field.type in ("string", "binary")]
            sums = [F.sum(F.crc32(F.col(name).cast("binary"))).alias(name) for name in texts]
            read = session.read.format("delta").load(str(poisoned.made.lake.path(table)))
            (found,) = read.agg(F.count(F.lit(1)).alias("rows"), *sums).collect()
            rows = poisoned.made.lake.rows(table)
            assert found.asDict() == {"rows": len(rows)} | {name: checksum(rows[name]) for name in texts}


def kept(value: bytes | None) -> bytes | None:
    return None if value is None else value[:MAX_KEPT_BYTES]


def readable(headers: Headers) -> list[dict[str, Any]] | None:
    """Headers as the ledger has them."""
    if RAW_KEY in [key for key, _ in headers]:
        return [{"key": UNREADABLE_HEADERS, "value": None}]
    return [{"key": key, "value": value} for key, value in headers] or None


def checksum(column: pa.ChunkedArray) -> int | None:
    """Sum of the CRC-32 of each value; null of no value at all."""
    values = column.cast(pa.large_binary()).drop_null().to_pylist()
    return sum(map(zlib.crc32, values)) if values else None
