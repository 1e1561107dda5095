"""The runner: what is new is found from the tables' own rows, and running again changes nothing."""

import json
import shutil
import struct
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest

from infra.checks import Checker
from infra.delta_writer import DeltaWriter
from infra.lake import Lake
from jobs.runner import Runner
from jobs.verdicts import Verdicts
from playback.wire import HEADER_BYTES, decode, encode
from schemas import catalog
from schemas.bronze import PLAYBACK_EVENTS
from schemas.errors import CheckFailedError, StoreUnavailableError, SupersededError
from schemas.events import CURRENT
from schemas.gold import EVENT_BALANCE
from schemas.statistics import TAG
from tests.registry import started_registry

pytestmark = pytest.mark.parametrize("session", ["sail"], indirect=True)
"""What the runner does is the same on both engines; `test_parity` holds that, at a tenth of the time."""

DERIVED = [one for one in catalog.tables().values() if one.is_derived and TAG not in one.tags]


def _rows(lake, name, *columns):
    table = lake.rows(catalog.table(name))
    return sorted(tuple(row[column] for column in columns) for row in table.to_pylist())


def test_every_record_becomes_a_play_a_duplicate_or_a_dead_letter(append, runner, lake, records, event):
    append(records(event("a"), event("a"), b"\xff", event("b")))

    runner.refresh_all()

    assert _rows(lake, "silver.plays", "event_id", "offset") == [("a", 0), ("b", 3)]
    assert _rows(lake, "silver.duplicates", "offset", "kept_offset") == [(1, 0)]
    assert _rows(lake, "bronze.dead_letters", "offset", "reason") == [(2, "unknown_format")]


def test_a_long_ledger_is_merged_in_portions_to_the_same_content(append, lake, records, event, session, tmp_path):
    messages = [event(f"e{number % 7}", ms_played=number) if number % 4 else b"\xff" for number in range(30)]
    append(records(*messages))
    whole = Lake(tmp_path / "whole")
    shutil.copytree(lake.root, whole.root)
    Runner(session, whole, Checker(tmp_path / "checks of whole")).refresh_all()
    Runner(session, lake, Checker(tmp_path), round_rows=7).refresh_all()

    names = ("bronze.dead_letters", "silver.duplicates", "silver.plays", "gold.event_balance")
    assert [lake.digest(catalog.table(name)) for name in names] == [whole.digest(catalog.table(name)) for name in names]
    assert lake.version(catalog.table("bronze.dead_letters")) > 1


def test_records_without_a_new_play_are_not_read_again(append, lake, records, event, session, tmp_path, monkeypatch):
    append(records(event("a"), event("b")))
    Runner(session, lake, Checker(tmp_path)).refresh_all()
    append(records(event("a"), b"\xff", event("b"), first=2))
    Runner(session, lake, Checker(tmp_path)).refresh_all()
    read = []
    monkeypatch.setattr(Verdicts, "of", lambda *arguments: read.append(arguments))

    assert not any(one.changed for one in Runner(session, lake, Checker(tmp_path)).refresh_all())
    assert not read
    assert len(_rows(lake, "silver.duplicates", "offset")) == 2


class AskedError(Exception):
    """The other session was asked."""


class Other:
    """A session of which it is enough to know that it is asked."""

    def __getattr__(self, name):
        raise AskedError(name)


def test_tables_without_payloads_are_left_to_the_other_session(append, lake, records, event, session, tmp_path):
    append(records(event("a")))
    runner = Runner(session, lake, Checker(tmp_path), others=Other())

    for name in ("bronze.dead_letters", "silver.duplicates", "silver.plays"):
        runner.refresh(catalog.table(name))
    with pytest.raises(AskedError):
        runner.refresh(catalog.table("silver.tracks"))
    Runner(session, lake, Checker(tmp_path)).refresh_all()
    with pytest.raises(AskedError):
        runner.backfill(catalog.table("gold.daily_user_plays"), date(2026, 1, 1), date(2026, 1, 2))
    assert _rows(lake, "silver.plays", "event_id") == [("a",)]


@pytest.mark.parametrize("done", [(), ("bronze.dead_letters",), ("bronze.dead_letters", "silver.duplicates")], ids=str)
def test_what_comes_into_the_ledger_between_two_of_its_tables_is_in_each_of_them(
    append, lake, records, event, session, tmp_path, done
):
    """As tasks of a scheduler: each in a process of its own, and an ingest may come between them."""
    append(records(event("a")))
    for name in done:
        Runner(session, lake, Checker(tmp_path)).refresh(catalog.table(name))
    append(records(b"\xff", event("a"), event("b"), first=1))
    Runner(session, lake, Checker(tmp_path)).refresh(catalog.table("silver.plays"))
    Runner(session, lake, Checker(tmp_path)).refresh_all()

    assert _rows(lake, "silver.plays", "event_id", "offset") == [("a", 0), ("b", 3)]
    assert _rows(lake, "silver.duplicates", "offset", "kept_offset") == [(2, 0)]
    assert _rows(lake, "bronze.dead_letters", "offset", "reason") == [(1, "unknown_format")]


def test_what_comes_into_the_ledger_before_it_is_balanced_is_merged_first(
    append, lake, records, event, session, tmp_path
):
    append(records(event("a")))
    Runner(session, lake, Checker(tmp_path)).refresh_all()
    append(records(b"\xff", event("b"), first=1))

    Runner(session, lake, Checker(tmp_path)).refresh_alone(EVENT_BALANCE)

    assert _rows(lake, "silver.plays", "event_id", "offset") == [("a", 0), ("b", 2)]
    assert {row["unaccounted"] for row in lake.rows(EVENT_BALANCE).to_pylist()} == {0}


def test_running_again_commits_nothing(append, runner, lake, records, event):
    append(records(event("a"), event("a"), b"\xff"))
    runner.refresh_all()
    before = {table.full_name: lake.version(table) for table in DERIVED}

    assert [done.table.full_name for done in runner.refresh_all() if done.changed] == []
    assert {table.full_name: lake.version(table) for table in DERIVED} == before


def test_two_batches_give_the_same_content_as_one(append, runner, lake, records, event, session, tmp_path):
    first = records(event("a"), event("b", occurred_at="2026-11-18T23:00:00Z"), b"\xff")
    second = records(event("a", ms_played=1), event("c"), event("b"), b"{}", first=3)
    append(first)
    runner.refresh_all()
    append(second)
    runner.refresh_all()

    whole = Lake(tmp_path / "whole")
    whole.create(PLAYBACK_EVENTS)
    for part in (first, second):
        start = part["offset"][0].as_py()
        DeltaWriter(session, whole).append_ledger(
            PLAYBACK_EVENTS, session.createDataFrame(part), "T", {0: start}, whole.version(PLAYBACK_EVENTS)
        )
    Runner(session, whole, Checker(tmp_path / "other")).refresh_all()

    assert {t.full_name: lake.digest(t) for t in DERIVED} == {t.full_name: whole.digest(t) for t in DERIVED}


def test_ids_of_a_registry_name_who_wrote_an_event_and_one_that_is_away_leaves_everything_for_later(
    append, session, lake, records, event, tmp_path
):
    from infra.checks import Checker
    from infra.schema_registry import SchemaRegistry

    with started_registry() as registry:
        registry.register(7, CURRENT)
        as_json = pa.array([json.dumps(event("a")).encode()], pa.binary())
        first = struct.pack(">bI", 0, 7) + encode(decode(as_json).events)[0].as_py()[HEADER_BYTES:]
        append(records(first, event("b"), struct.pack(">bI", 0, 8), b"\x00"))
        registry.broken = 503
        runner = Runner(session, lake, Checker(tmp_path), SchemaRegistry(registry.url))
        with pytest.raises(StoreUnavailableError):
            runner.refresh_all()
        registry.broken = 0
        runner.refresh_all()
    assert _rows(lake, "silver.plays", "event_id", "offset") == [("a", 0), ("b", 1)]
    assert _rows(lake, "bronze.dead_letters", "offset", "reason") == [(2, "unknown_schema_id"), (3, "truncated_avro")]


def test_a_late_event_restates_its_day_and_leaves_other_days_files_alone(append, runner, lake, records, event):
    append(records(event("a"), event("b", occurred_at="2026-11-01T10:00:00Z")))
    runner.refresh_all()
    gold = catalog.table("gold.daily_track_plays")
    before = lake.version(gold)

    append(records(event("late", occurred_at="2026-11-01T11:00:00Z"), first=2))
    runner.refresh_all()

    assert lake.touched_partitions(gold, before, lake.version(gold)) == {date(2026, 11, 1)}
    assert _rows(lake, "gold.daily_track_plays", "event_date", "playback_count") == [
        (date(2026, 11, 1), 2),
        (date(2026, 11, 19), 1),
    ]


def test_a_record_appended_before_the_accepted_one_takes_its_place_and_an_emptied_day_vanishes(
    append, runner, lake, records, event
):
    append(records(event("a", occurred_at="2026-11-19T10:00:00Z"), event("keep", occurred_at="2026-11-17T10:00:00Z")))
    runner.refresh_all()

    earlier = datetime(2026, 11, 20, 11, tzinfo=UTC)
    append(records(event("a", occurred_at="2026-11-18T10:00:00Z"), partition=1, at=earlier))
    runner.refresh_all()

    assert _rows(lake, "silver.plays", "event_id", "partition") == [("a", 1), ("keep", 0)]
    assert _rows(lake, "silver.duplicates", "partition", "offset", "kept_partition", "is_conflict") == [(0, 0, 1, True)]
    assert _rows(lake, "gold.daily_user_plays", "event_date") == [(date(2026, 11, 17),), (date(2026, 11, 18),)]


def test_a_failed_check_stops_what_comes_after_and_names_the_row(append, runner, lake, records, event, monkeypatch):
    from dataclasses import replace

    from schemas.checks import Between

    plays = catalog.table("silver.plays")
    strict = replace(plays, checks=(Between("ms_played", 0, 1000),))
    monkeypatch.setitem(catalog.tables(), "silver.plays", strict)
    append(records(event("too-long", ms_played=5000)))

    with pytest.raises(CheckFailedError, match=r"silver\.plays.*ms_played.*event_id=too-long"):
        runner.refresh_all()

    assert lake.version(catalog.table("gold.daily_track_plays")) is None


def test_a_failed_check_goes_on_stopping_until_it_passes(append, runner, records, event, monkeypatch):
    from dataclasses import replace

    from schemas.checks import Between

    strict = replace(catalog.table("silver.plays"), checks=(Between("ms_played", 0, 1000),))
    append(records(event("too-long", ms_played=5000)))
    with monkeypatch.context() as patched:
        patched.setitem(catalog.tables(), "silver.plays", strict)
        for _ in range(2):
            with pytest.raises(CheckFailedError):
                runner.refresh_all()

    assert [done.table.full_name for done in runner.refresh_all()][-1] == "gold.country_charts"


def test_an_ingest_that_read_its_offsets_before_another_committed_is_refused(append, records, event, lake):
    append(records(event("a")))
    seen = lake.version(PLAYBACK_EVENTS)
    append(records(event("b"), first=1), seen)

    with pytest.raises(SupersededError, match="another writer committed first"):
        append(records(event("late"), first=1), seen)

    assert lake.rows(PLAYBACK_EVENTS).num_rows == 2


def test_ingests_racing_for_the_same_offsets_double_nothing(append, records, event, lake):
    from concurrent.futures import ThreadPoolExecutor

    append(records(event("a")))
    seen = lake.version(PLAYBACK_EVENTS)

    with ThreadPoolExecutor(4) as pool:
        racing = [pool.submit(append, records(event(f"racer-{n}"), first=1), seen) for n in range(4)]
        failures = [racer.exception() for racer in racing if racer.exception()]

    assert {type(failure) for failure in failures} == {SupersededError}
    assert lake.rows(PLAYBACK_EVENTS)["offset"].to_pylist().count(1) == 1
