"""Backfill: dates computed again give the same rows, and no other date is touched."""

import json
import random
import shutil
from datetime import UTC, date, datetime, timedelta

import pytest
from deltalake import write_deltalake

from infra.delta_writer import DeltaWriter
from infra.lake import Lake
from infra.settings import Settings
from jobs.backfill import backfill, plan
from jobs.run_lock import run_lock
from jobs.runner import Runner
from schemas import catalog
from schemas.bronze import DEAD_LETTERS, PLAYBACK_EVENTS
from schemas.errors import CheckFailedError, InputError, MissingInputError, SupersededError, UnknownTableError
from schemas.render.tasks import DATE, daily_tasks
from schemas.silver import DUPLICATES
from schemas.statistics import TAG
from tests.jobs.unchecked import Unchecked
from tonearm.app import run

pytestmark = pytest.mark.parametrize("session", ["sail"], indirect=True)

DERIVED = [one for one in catalog.tables().values() if one.is_derived and TAG not in one.tags]
TRACKS_BY_DAY = catalog.table("gold.daily_track_plays")
PLAYS = catalog.table("silver.plays")
FIRST = date(2026, 11, 1)
WEEK = [FIRST + timedelta(days=n) for n in range(7)]


@pytest.fixture(scope="module")
def computed(session, records, event, tmp_path_factory):
    """A home with seven days of three listeners and a repeated event, computed once."""
    home = tmp_path_factory.mktemp("week")
    lake = Lake(home / "lake")
    lake.create(PLAYBACK_EVENTS)
    sent = [
        event(f"{day}-{n}", occurred_at=f"{day}T1{n}:00:00Z", user_id=str(n) * 32, track_id=f"test:track:{n % 2}")
        for day in WEEK
        for n in range(3)
    ]
    rows = session.createDataFrame(records(*sent, sent[0], b"\xff"))
    DeltaWriter(session, lake).append_ledger(PLAYBACK_EVENTS, rows, "T", {0: 0}, 0)
    Runner(session, lake, Unchecked(home)).refresh_all()
    return home


@pytest.fixture
def week(computed, tmp_path):
    """That home, copied for the test."""
    shutil.copytree(computed, tmp_path, dirs_exist_ok=True)


def _digests(lake):
    return {table.full_name: lake.digest(table) for table in DERIVED}


def _files(lake, table):
    return {path.partition("/")[0]: path for path in sorted(lake.file_paths(table))}


@pytest.mark.parametrize("times", [2, pytest.param(3, marks=pytest.mark.nightly)])
def test_a_week_day_by_day_in_any_order_repeatedly_gives_the_same_rows(week, session, lake, tmp_path, times):
    before = _digests(lake)
    shuffle = random.Random(7).shuffle
    runner = Runner(session, lake, Unchecked(tmp_path))

    for _ in range(times):
        days = list(WEEK)
        shuffle(days)
        for day in days:
            for table in ("silver.plays", "gold.daily_track_plays"):
                runner.backfill(catalog.table(table), day, day)
    runner.refresh_all()

    assert _digests(lake) == before


@pytest.mark.parametrize("table", [TRACKS_BY_DAY, PLAYS], ids=lambda table: table.full_name)
def test_files_of_other_dates_stay_and_there_is_one_commit(week, runner, lake, table):
    before, version = _files(lake, table), lake.version(table)

    runner.backfill(table, WEEK[2], WEEK[3])

    after = _files(lake, table)
    assert {day for day in before if before[day] != after[day]} == {f"event_date={day}" for day in WEEK[2:4]}
    assert lake.version(table) == version + 1


def test_a_day_that_was_damaged_is_whole_again(week, runner, lake):
    before = _digests(lake)
    for table in (PLAYS, TRACKS_BY_DAY):
        nothing = lake.rows(table).slice(0, 0)
        write_deltalake(lake.path(table), nothing, mode="overwrite", predicate=f"event_date = '{WEEK[4]}'")
    assert WEEK[4] not in lake.partitions(PLAYS)

    runner.backfill(PLAYS, WEEK[4], WEEK[4])
    runner.backfill(TRACKS_BY_DAY, WEEK[4], WEEK[4])

    assert lake.digest(PLAYS) == before["silver.plays"]
    assert lake.digest(TRACKS_BY_DAY) == before["gold.daily_track_plays"]


@pytest.mark.parametrize("table", [DEAD_LETTERS, DUPLICATES], ids=lambda one: one.name)
def test_what_is_missing_of_a_table_that_remembers_nothing_itself_comes_back(week, runner, lake, table):
    before, days = lake.digest(table), lake.partitions(table)
    write_deltalake(lake.path(table), lake.rows(table).slice(0, 0), mode="overwrite", predicate="true")
    assert not lake.row_count(table)

    runner.backfill(table, min(days), max(days))

    assert lake.digest(table) == before


def test_a_backfill_does_not_take_what_is_pending_of_other_dates_for_done(week, append, runner, lake, records, event):
    late = event("late", occurred_at=f"{WEEK[6]}T20:00:00Z")
    append(records(late, first=100))
    runner.refresh(PLAYS)

    runner.backfill(TRACKS_BY_DAY, WEEK[0], WEEK[0])
    runner.refresh(TRACKS_BY_DAY)

    counts = {row["event_date"]: 0 for row in lake.rows(TRACKS_BY_DAY).to_pylist()}
    for row in lake.rows(TRACKS_BY_DAY).to_pylist():
        counts[row["event_date"]] += row["playback_count"]
    assert counts[WEEK[6]] == 4


def test_what_a_backfill_has_done_the_next_refresh_does_not_do_again(week, runner, lake):
    runner.backfill(PLAYS, WEEK[1], WEEK[1])
    runner.backfill(TRACKS_BY_DAY, WEEK[1], WEEK[1])
    version = lake.version(TRACKS_BY_DAY)

    assert not runner.refresh(TRACKS_BY_DAY).changed
    assert lake.version(TRACKS_BY_DAY) == version


def test_downstream_is_everything_that_reads_the_table_but_what_follows_the_ledger(week, lake):
    planned = plan(lake, "silver.plays", WEEK[0], WEEK[1], downstream=True)

    dates = {one.table.full_name: (one.first, one.last) for one in planned}
    assert dates.pop("silver.plays") == (WEEK[0], WEEK[1])
    by_date = ("silver.merged_plays", "gold.daily_track_plays", "gold.daily_user_plays")
    assert {dates.pop(name) for name in by_date} == {(WEEK[0], WEEK[1])}
    whole = ("silver.tracks", "silver.track_facts", "gold.country_charts", "gold.event_balance")
    assert dates == dict.fromkeys(whole, (None, None))


def test_with_downstream_all_that_reads_it_is_right_again(week, lake, tmp_path):
    before = _digests(lake)
    wrong = lake.rows(PLAYS, partitions=[WEEK[0]])
    wrong = wrong.set_column(wrong.column_names.index("country"), "country", [["SE"] * wrong.num_rows])
    write_deltalake(lake.path(PLAYS), wrong, mode="overwrite", predicate=f"event_date = '{WEEK[0]}'")

    planned = plan(lake, "silver.plays", WEEK[0], WEEK[0], downstream=True)
    done = backfill(Settings(home=tmp_path), planned)

    assert [one.table.full_name for one in done] == [one.table.full_name for one in planned]
    assert _digests(lake) == before


def test_a_run_of_airflows_backfill_does_for_its_date_what_a_backfill_does(week, session, lake, tmp_path):
    before = _digests(lake)
    wrong = lake.rows(PLAYS, partitions=[WEEK[3]])
    wrong = wrong.set_column(wrong.column_names.index("country"), "country", [["SE"] * wrong.num_rows])
    write_deltalake(lake.path(PLAYS), wrong, mode="overwrite", predicate=f"event_date = '{WEEK[3]}'")
    runner = Runner(session, lake, Unchecked(tmp_path))

    asked = [task.backfill_words or task.words for task in daily_tasks()]
    for command, *words in asked:
        if command == "backfill":
            name, *dates = words
            first, last = (date.fromisoformat(one.replace(DATE, str(WEEK[3]))) for one in dates)
            runner.backfill(catalog.table(name), first, last)
        elif command == "refresh":
            runner.refresh(catalog.table(words[0]))

    by_date = {name for name, one in catalog.tables().items() if one.is_by_date}
    assert {words[1] for words in asked if words[0] == "backfill"} == by_date
    assert _digests(lake) == before


def test_a_check_that_fails_stops_what_comes_after(week, runner, lake, tmp_path, monkeypatch):
    from dataclasses import replace

    from schemas.checks import Between

    strict = replace(PLAYS, checks=(Between("ms_played", 0, 1000),))
    monkeypatch.setitem(catalog.tables(), "silver.plays", strict)
    version = lake.version(TRACKS_BY_DAY)

    with pytest.raises(CheckFailedError, match=r"silver\.plays.*ms_played"):
        backfill(Settings(home=tmp_path), plan(lake, "silver.plays", WEEK[0], WEEK[0], downstream=True))
    assert lake.version(TRACKS_BY_DAY) == version


def test_the_plan_says_what_is_rewritten_and_read(week, lake):
    (one,) = plan(lake, "gold.daily_track_plays", WEEK[0], WEEK[1])

    paths = [path for path in lake.file_paths(TRACKS_BY_DAY) if any(str(day) in path for day in WEEK[:2])]
    sizes = [(lake.path(TRACKS_BY_DAY) / path).stat().st_size for path in paths]
    assert (one.replaced.rows, one.replaced.files, one.replaced.bytes) == (4, len(paths), sum(sizes))
    assert one.read.rows == 6 + 6  # plays, and days of listeners


def test_a_dry_run_writes_nothing_and_is_json_for_programs(week, lake, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TONEARM_HOME", str(tmp_path))
    before = {table.full_name: lake.version(table) for table in DERIVED}
    arguments = ["backfill", "silver.plays", str(WEEK[0]), str(WEEK[1]), "--downstream", "--dry-run"]

    assert run([*arguments, "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert run(arguments) == 0

    assert [one["table"] for one in planned][:2] == ["silver.plays", "silver.tracks"]
    assert "silver.tracks" in capsys.readouterr().out
    assert {table.full_name: lake.version(table) for table in DERIVED} == before


def test_while_a_run_is_at_work_a_backfill_is_refused(week, lake, tmp_path):
    planned = plan(lake, "gold.daily_track_plays", WEEK[0], WEEK[0])

    with run_lock(tmp_path), pytest.raises(SupersededError, match="Another run is at work"):
        backfill(Settings(home=tmp_path), planned)


def test_dates_without_rows_are_nothing_to_do(week, runner, lake):
    version = lake.version(TRACKS_BY_DAY)

    assert runner.backfill(TRACKS_BY_DAY, date(1, 1, 1), date(2020, 1, 1)).partitions == 0
    assert lake.version(TRACKS_BY_DAY) == version


def test_bad_input_is_one_sentence(runner, lake):
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    with pytest.raises(InputError, match=r"^2026-11-02 is after 2026-11-01: give the earlier date first\.$"):
        plan(lake, "gold.daily_track_plays", WEEK[1], WEEK[0])
    with pytest.raises(InputError, match=f"^{tomorrow} is in the future: "):
        plan(lake, "gold.daily_track_plays", WEEK[0], tomorrow)
    with pytest.raises(UnknownTableError, match=r"^There is no table gold\.daily_tracks; declared are: "):
        plan(lake, "gold.daily_tracks", WEEK[0], WEEK[0])
    with pytest.raises(InputError, match=r"^gold\.country_charts is not computed by date; these are: bronze\.dead"):
        plan(lake, "gold.country_charts", WEEK[0], WEEK[0])
    with pytest.raises(MissingInputError, match=r"has not been computed yet: run `tonearm run` first\.$"):
        plan(lake, "gold.daily_track_plays", WEEK[0], WEEK[0])
