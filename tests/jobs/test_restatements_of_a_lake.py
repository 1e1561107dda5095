"""gold.restatements of a lake that is computed from its ledger: why a period moved that was over."""

import shutil
from datetime import date
from functools import partial

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from infra.delta_writer import DeltaWriter
from infra.lake import Lake
from infra.settings import Settings
from jobs.backfill import backfill, plan
from jobs.restatements import record_restatements
from jobs.runner import Runner
from playback import classify
from playback.rules import RULES, PlayRule, apply_rules
from schemas import catalog
from schemas.area_statistics import AREA_PERIODS, RESTATEMENTS
from schemas.bronze import PLAYBACK_EVENTS
from schemas.silver import PLAYS
from tests.jobs.shelf import ANNA, BEN
from tests.jobs.unchecked import Unchecked

pytestmark = pytest.mark.parametrize("session", ["sail"], indirect=True)

BEFORE, SINCE, LAST = date(2025, 2, 10), date(2025, 3, 1), date(2025, 3, 10)
LONGER = PlayRule("longer", SINCE, minimum_ms=120_000)
DERIVED = [one for one in catalog.tables().values() if one.is_derived]
PERIODS = (
    ("week", date(2025, 3, 10)),
    ("month", date(2025, 3, 1)),
    ("quarter", date(2025, 1, 1)),
    ("half_year", date(2025, 1, 1)),
    ("year", date(2025, 1, 1)),
)
"""Those of the last day that are over."""


def _compute(session, home, *batches):
    """Append these records and bring everything up to date, as a run with statistics does."""
    lake = Lake(home / "lake")
    lake.create(PLAYBACK_EVENTS)
    for batch in batches:
        at, version = {0: batch["offset"][0].as_py()}, lake.version(PLAYBACK_EVENTS)
        DeltaWriter(session, lake).append_ledger(PLAYBACK_EVENTS, session.createDataFrame(batch), "T", at, version)
    Runner(session, lake, Unchecked(home)).refresh_all(statistics=True)
    record_restatements(session, lake, Unchecked(home))
    return lake


def _moved(lake):
    """Reason, plays before and plays now of each area and period that moved."""
    return {
        (row["area"], row["period_kind"], row["period_start"]): (
            row["reason"],
            row["play_count_before"],
            row["play_count"],
        )
        for row in lake.rows(RESTATEMENTS).to_pylist()
    }


@pytest.fixture(scope="module")
def heard(records, event):
    """Plays before and after the date of the longer rule; two are shorter than it asks. One of them in Sweden."""
    short = {"ms_played": 60_000}
    return records(
        event("before", user_id=ANNA, occurred_at=f"{BEFORE}T10:00:00Z", **short),
        event("long", user_id=ANNA, occurred_at=f"{LAST}T10:00:00Z"),
        event("short", user_id=BEN, occurred_at=f"{LAST}T11:00:00Z", track_id="test:track:2", **short),
        event("in Sweden", user_id=BEN, occurred_at=f"{LAST}T12:00:00Z", country="SE"),
    )


@pytest.fixture(scope="module")
def computed(session, heard, tmp_path_factory):
    """The home of these plays, with all statistics, computed once."""
    home = tmp_path_factory.mktemp("computed")
    assert not _compute(session, home, heard).rows(RESTATEMENTS).num_rows
    return home


@pytest.fixture
def home(computed, tmp_path):
    """That home, copied for the test."""
    shutil.copytree(computed, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_play_rules_in_force_from_a_date_restate_what_was_over_to_what_they_say_from_scratch(
    session, heard, home, tmp_path_factory, monkeypatch
):
    lake = Lake(home / "lake")
    judged = lake.digest(AREA_PERIODS)
    monkeypatch.setattr(classify, "apply_rules", partial(apply_rules, rules=(*RULES, LONGER)))

    backfill(Settings(home=home), plan(lake, "silver.plays", BEFORE, LAST, downstream=True))

    scratch = _compute(session, tmp_path_factory.mktemp("scratch"), heard)
    assert {one.full_name: lake.digest(one) for one in DERIVED} == {
        one.full_name: scratch.digest(one) for one in DERIVED
    }
    assert lake.digest(AREA_PERIODS) != judged
    # The play of before counts on, in the periods that it shares.
    assert _moved(lake) == {
        (area, kind, start): ("rules", plays, plays - 1)
        for area, of_the_day in (("DE", 2), ("**", 3))
        for kind, start in PERIODS
        for plays in (of_the_day + (start <= BEFORE),)
    }


def test_a_history_that_is_imported_later_says_so(session, records, event, home):
    imported = records(event("imported", user_id=BEN, occurred_at=f"{LAST}T20:00:00Z", country="SE"), first=100)
    named = imported.set_column(
        imported.column_names.index("manifest_id"), "manifest_id", pa.array(["a-history"], pa.string())
    )

    moved = _moved(_compute(session, home, named))

    assert set(moved) == {(area, kind, start) for area in ("SE", "**") for kind, start in PERIODS}
    assert moved["SE", "month", date(2025, 3, 1)] == ("import", 1, 2)
    assert {reason for reason, _, _ in moved.values()} == {"import"}


def test_a_listener_who_is_deleted_leaves_periods_that_say_so(session, home):
    """Their slices have no row left that could say what it was computed from, and as of when."""
    lake = Lake(home / "lake")
    DeltaTable(lake.path(PLAYS)).delete(f"user_id = '{BEN}'")

    moved = _moved(_compute(session, home))

    assert all(
        row["known_before"] < row["known_at"] for row in lake.rows(RESTATEMENTS).to_pylist() if row["play_count"]
    )
    assert set(moved) == {(area, kind, start) for area in ("DE", "SE", "**") for kind, start in PERIODS}
    assert moved["SE", "month", date(2025, 3, 1)] == ("deletion", 1, 0)
    assert {reason for reason, _, _ in moved.values()} == {"deletion"}
