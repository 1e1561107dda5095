"""The auditor finds one lost and one doubled event among a hundred thousand, wherever it is, and nothing else."""

import json
import random
from collections import Counter

import pyarrow.compute as pc
import pytest
from deltalake import write_deltalake

from infra.serving_store.rows import delete_rows, write_rows
from infra.serving_store.session import serving_session
from infra.warehouse.client import warehouse
from jobs.sheet import balance_rows, missing_by_client
from schemas import catalog
from schemas.gold import DAILY_USER_PLAYS
from schemas.render.bigquery import versioned_name
from tests.end_to_end.auditing import (
    CELLS,
    DROPPED,
    LEDGER,
    PLAYS,
    Auditor,
    Phones,
    event,
    hidden,
    one_of,
    record_of,
    where,
)
from tonearm.app import run


def test_seven_messages_that_never_came_are_seven_and_it_says_whose(
    auditor: Auditor, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TONEARM_HOME", str(auditor.made.settings.home))
    assert run(["balance", "--missing", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["missing"], answer["lost"], answer["pending"]) == (DROPPED, DROPPED, 0)
    assert {one["client_id"]: one["lost"] for one in answer["clients"]} == Counter(name for name, _ in auditor.dropped)


RECORD = ("topic_id", "partition", "offset")
ROWS = [
    (LEDGER, RECORD),
    (PLAYS, ("event_id", "event_date")),
    ("silver.duplicates", RECORD),
    ("bronze.dead_letters", RECORD),
]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("name", "key"), ROWS, ids=[name for name, _ in ROWS])
def test_a_lost_row(auditor: Auditor, name: str, key: tuple[str, ...], seed: int) -> None:
    chance = random.Random(f"{name} {seed}")
    row = record_of(auditor, chance) if name == LEDGER else one_of(auditor, name, chance)
    with hidden(auditor, name) as table:
        assert table.delete(where(row, *key))["num_deleted_rows"] == 1
        assert auditor.finds_something()


@pytest.mark.parametrize(("name", "key"), ROWS, ids=[name for name, _ in ROWS])
def test_a_doubled_row(auditor: Auditor, name: str, key: tuple[str, ...]) -> None:
    chance = random.Random(f"{name} {key}")
    row = record_of(auditor, chance) if name == LEDGER else one_of(auditor, name, chance)
    with hidden(auditor, name) as table:
        write_deltalake(table, row, mode="append")
        assert auditor.finds_something()


@pytest.mark.parametrize("change", ["+ 1", "- 1"])
@pytest.mark.parametrize("name", CELLS)
def test_one_playback_more_or_less_in_a_cell(auditor: Auditor, name: str, change: str) -> None:
    row = one_of(auditor, name, random.Random(f"{name} {change}"))
    with hidden(auditor, name) as table:
        table.update({"playback_count": f"playback_count {change}"}, predicate=where(row, *CELLS[name]))
        assert auditor.finds_something()


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("change", ["SET playback_count = playback_count + 1", "DELETE"])
def test_bigquery_holds_one_more_or_a_row_less(auditor: Auditor, name: str, change: str) -> None:
    row = one_of(auditor, name, random.Random(f"{name} {change}"))
    table = catalog.table(name)
    with warehouse(auditor.made.settings, auditor.made.endpoints) as bigquery:
        stored = bigquery.path(table, versioned_name(table))
        at = where(row, *CELLS[name])
        bigquery.run(
            f"UPDATE `{stored}` {change} WHERE {at}" if "SET" in change else f"DELETE FROM `{stored}` WHERE {at}"
        )
        auditor.ask_stores()
        assert auditor.finds_something()
        with_values = ", ".join(literal(value) for value in row.to_pylist()[0].values())
        bigquery.run(f"DELETE FROM `{stored}` WHERE {at}")
        bigquery.run(f"INSERT INTO `{stored}` ({', '.join(row.column_names)}) VALUES ({with_values})")
    auditor.ask_stores()
    assert auditor.sheet().adds_up


def literal(value: object) -> str:
    return f"DATE '{value}'" if hasattr(value, "year") else repr(value)


@pytest.mark.parametrize("change", [1, -1, None])
def test_cassandra_holds_one_more_or_less_or_a_row_less(auditor: Auditor, change: int | None) -> None:
    row = one_of(auditor, "gold.daily_user_plays", random.Random(f"cassandra {change}"))
    with serving_session(auditor.made.settings, auditor.made.endpoints) as serving:
        if change is None:
            delete_rows(serving, DAILY_USER_PLAYS, row, 1_000)
        else:
            position = row.column_names.index("playback_count")
            count = pc.add(row["playback_count"], change)
            write_rows(serving, DAILY_USER_PLAYS, row.set_column(position, "playback_count", count), 1_000)
        auditor.ask_stores()
        assert auditor.finds_something()
        write_rows(serving, DAILY_USER_PLAYS, row, 1_001)
    auditor.ask_stores()
    assert auditor.sheet().adds_up


def missing_now(auditor: Auditor) -> dict[str, tuple[int, int]]:
    """Whose numbers are lost and pending."""
    found = missing_by_client(balance_rows(auditor.made.lake))
    return {one["client_id"]: (one["lost"], one["pending"]) for one in found}


def test_a_message_that_was_never_sent_is_missing_and_it_says_whose(auditor: Auditor, phones: Phones) -> None:
    before = missing_now(auditor)
    for sequence in (0, 2):
        phones.send("gap", sequence, event(f"gap {sequence}"))
        phones.send("closed", sequence // 2, event(f"closed {sequence}"))
    phones.send("closed", None, None, high_water=3)
    phones.flush()
    assert auditor.take_in().adds_up
    assert missing_now(auditor) == before | {"gap": (0, 1), "closed": (1, 0)}


def test_the_next_run_publishes_what_came_and_adds_up(auditor: Auditor) -> None:
    assert auditor.made.run().sheet.adds_up
