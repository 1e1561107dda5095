"""Refresh by slices: what is touched is computed again, and the outcome is that of a full recompute."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.settings import ROUND_ROWS
from schemas.periods import Slice
from schemas.statistics import FLAGGED_MS, LISTENER_PERIODS, LISTENER_SESSIONS, LISTENER_TRACK_DAYS
from schemas.year_in_music import YEAR_IN_MUSIC
from tests.jobs.shelf import ANNA, BEN, DAILY, STATISTICS, Shelf, fact, play

pytestmark = pytest.mark.slow_on_spark

NOVEMBER_OF_ANNA = "month.2026-11-01.08"


@pytest.fixture
def shelf(session, tmp_path, frame):
    return Shelf(session, tmp_path / "lake", frame)


def test_a_late_day_of_one_listener_touches_only_their_share_and_its_periods(shelf):
    shelf.write(play("a"), play("b", BEN), play("old", day=date(2025, 3, 3)))
    shelf.refresh()
    before = shelf.lake.version(LISTENER_PERIODS)

    shelf.write(play("a"), play("late", hour=12), play("b", BEN), play("old", day=date(2025, 3, 3)))
    refreshed = shelf.refresh()

    assert refreshed["gold.listener_track_days"].partitions == 1
    touched = shelf.lake.touched_partitions(LISTENER_PERIODS, before, shelf.lake.version(LISTENER_PERIODS))
    assert touched == {
        f"{one}.08"
        for one in (
            "week.2026-11-16",
            "month.2026-11-01",
            "quarter.2026-10-01",
            "half_year.2026-07-01",
            "year.2026-01-01",
            "all_time.1970-01-01",
        )
    }


def test_nothing_new_writes_nothing(shelf):
    shelf.write(play("a"))
    shelf.refresh()

    assert not any(one.changed for one in shelf.refresh().values())


def test_a_listener_who_is_deleted_leaves_nothing_behind(shelf):
    shelf.write(play("a"), play("b", BEN), play("c", BEN, day=date(2024, 1, 1)))
    shelf.refresh()
    shelf.write(play("a"))
    shelf.refresh()

    assert set(shelf.lake.rows(LISTENER_TRACK_DAYS)["user_id"].to_pylist()) == {ANNA}
    assert {row["period_start"].year for row in shelf.lake.rows(LISTENER_PERIODS).to_pylist()} == {1970, 2026}
    assert not any(one.changed for one in shelf.refresh().values())


def test_rows_say_as_of_when_they_are_known(shelf):
    shelf.write(play("a"), play("b", BEN))
    shelf.refresh()
    first = {row["user_id"]: row["as_known_at"] for row in shelf.lake.rows(LISTENER_PERIODS).to_pylist()}
    shelf.write(play("a"), play("b", BEN), play("late", BEN, hour=11))
    shelf.refresh()
    second = {row["user_id"]: row["as_known_at"] for row in shelf.lake.rows(LISTENER_PERIODS).to_pylist()}

    assert first[ANNA] == second[ANNA]
    assert first[BEN] < second[BEN] <= datetime.now(UTC) + timedelta(seconds=1)


def test_a_late_play_of_an_earlier_year_makes_something_of_a_later_year_no_longer_new(shelf):
    shelf.write(play("old", track_id="u", day=date(2023, 5, 1)), play("a"), play("b", BEN))
    shelf.refresh()
    assert new_tracks(shelf) == {(ANNA, 2023): 1, (ANNA, 2026): 1, (BEN, 2026): 1}
    before = shelf.lake.version(YEAR_IN_MUSIC)

    old = [play("old", track_id="u", day=date(2023, 5, 1)), play("late", day=date(2024, 2, 29))]
    shelf.write(*old, play("a"), play("b", BEN))
    shelf.refresh()

    assert new_tracks(shelf) == {(ANNA, 2023): 1, (ANNA, 2024): 1, (ANNA, 2026): 0, (BEN, 2026): 1}
    touched = shelf.lake.touched_partitions(YEAR_IN_MUSIC, before, shelf.lake.version(YEAR_IN_MUSIC))
    assert touched == {"year.2024-01-01.08", "year.2026-01-01.08"}


def new_tracks(shelf):
    rows = shelf.lake.rows(YEAR_IN_MUSIC).to_pylist()
    return {(row["user_id"], row["period_start"].year): row["value"] for row in rows if row["module"] == "new_tracks"}


def test_slices_are_read_back_as_they_are_written(shelf):
    shelf.write(play("a"))
    shelf.refresh()

    assert shelf.lake.partitions(LISTENER_TRACK_DAYS) == {str(Slice("month", date(2026, 11, 1), "08"))}


def test_merges_without_a_new_play_touch_the_months_and_shares_that_they_are_about(shelf):
    plays = [play("a"), play("a again", ms_played=50_000), play("b", BEN), play("old", day=date(2025, 3, 3))]
    shelf.write(*plays)
    shelf.refresh()
    twice = shelf.digests()

    shelf.write(*plays, merged=["a again"])
    merged = shelf.refresh()
    (anna,) = [row for row in shelf.lake.rows(LISTENER_SESSIONS).to_pylist() if row["slice"] == NOVEMBER_OF_ANNA]
    shelf.write(*plays)
    taken_back = shelf.refresh()

    assert [one["gold.listener_track_days"].partitions for one in (merged, taken_back)] == [1, 1]
    assert [one["gold.listener_sessions"].partitions for one in (merged, taken_back)] == [1, 1]
    assert (anna["playback_count"], anna["played_ms"]) == (1, 60_000)
    assert shelf.digests() == twice
    assert not any(one.changed for one in shelf.refresh().values())


def test_a_merged_play_does_not_count_towards_a_flag(shelf):
    plays = [play("a", ms_played=FLAGGED_MS), play("a again", ms_played=FLAGGED_MS)]
    shelf.write(*plays)
    shelf.refresh()
    flagged = shelf.lake.rows(LISTENER_TRACK_DAYS)["is_flagged"].to_pylist()

    shelf.write(*plays, merged=["a again"])
    shelf.refresh()

    assert flagged == [True]
    for table in (LISTENER_TRACK_DAYS, LISTENER_SESSIONS):
        assert shelf.lake.rows(table)["is_flagged"].to_pylist() == [False]


def test_another_catalogue_touches_the_months_and_shares_that_have_its_tracks(shelf):
    plays = [play("a"), play("b", BEN, track_id="u"), play("old", track_id="u", day=date(2025, 3, 3))]
    shelf.write(*plays, facts=[fact("t", 1999, "jazz"), fact("unheard", 1950, "polka")])
    shelf.refresh()
    before = shelf.lake.version(LISTENER_TRACK_DAYS)

    shelf.write(*plays, facts=[fact("t", 1999, "jazz"), fact("u", 0, "rock"), fact("unheard", 1951)])
    refreshed = shelf.refresh()

    assert refreshed["gold.listener_track_days"].partitions == 2
    touched = shelf.lake.touched_partitions(LISTENER_TRACK_DAYS, before, shelf.lake.version(LISTENER_TRACK_DAYS))
    assert touched == {"month.2026-11-01.f8", "month.2025-03-01.08"}
    assert {(row["track_id"], row["genres"]) for row in shelf.lake.rows(LISTENER_TRACK_DAYS).to_pylist()} == {
        ("t", "jazz"),
        ("u", "rock"),
    }
    assert not any(one.changed for one in shelf.refresh().values())


def test_the_same_catalogue_written_again_touches_nothing(shelf):
    for _ in range(2):
        shelf.write(play("a"), facts=[fact("t", 1999, "jazz")])
        refreshed = shelf.refresh()

    assert [name for name, one in refreshed.items() if one.changed] == ["gold.entity_names"]


PLAYBACKS = st.builds(
    play,
    name=st.sampled_from([f"event {number}" for number in range(8)]),
    user_id=st.sampled_from([ANNA, BEN, "0f" + "0" * 30]),
    day=st.sampled_from([date(2026, 11, 30), date(2026, 12, 1), date(2027, 1, 1), date(2024, 2, 29)]),
    hour=st.integers(0, 2),
    country=st.sampled_from(["DE", "ZZ"]),
    track_id=st.sampled_from(["t", "u"]),
    ms_played=st.sampled_from([0, 60_000, 86_400_000]),
    counts_as_play=st.booleans(),
    utc_offset_minutes=st.sampled_from([None, -600, 330]),
)
STATES = st.tuples(
    st.lists(PLAYBACKS, max_size=6, unique_by=lambda one: one["event_id"]),
    st.sets(st.sampled_from([f"event {number}" for number in range(8)]), max_size=3),
    st.lists(
        st.builds(
            fact,
            track_id=st.sampled_from(["t", "u"]),
            release_year=st.sampled_from([0, 1999]),
            genres=st.sampled_from(["", "jazz", "jazz;rock"]),
        ),
        unique_by=lambda one: one["track_id"],
    ),
)
HISTORIES = st.lists(STATES, min_size=2, max_size=4)
# A playback weighs in six kinds of periods: some are several rounds, and some a slice that is more than a round.
ROUNDS = st.one_of(st.integers(5, 40), st.just(ROUND_ROWS))
TABLES = [*DAILY, *STATISTICS]


# Fifty histories of several states, each with all statistics: others every night, the same few ones in every run.
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("examples", "derandomize"),
    [pytest.param(50, False, marks=pytest.mark.nightly, id="50"), pytest.param(3, True, id="3")],
)
def test_restating_again_and_again_is_a_full_recompute(session, tmp_path_factory, frame, examples, derandomize):
    """Late, imported, deleted, otherwise judged and merged plays, and other catalogues, in any order: each state is as
    computed at once, also where it is computed in rounds, and nothing is left to do."""

    @settings(
        max_examples=examples,
        derandomize=derandomize,
        print_blob=True,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(HISTORIES, ROUNDS)
    def holds(states, round_rows):
        restated = Shelf(session, tmp_path_factory.mktemp("restated"), frame, round_rows)
        for plays, merged, facts in states:
            restated.write(*plays, merged=merged, facts=facts)
            restated.refresh(TABLES)
        assert not any(one.changed for one in restated.refresh(TABLES).values())
        at_once = Shelf(session, tmp_path_factory.mktemp("at_once"), frame)
        plays, merged, facts = states[-1]
        at_once.write(*plays, merged=merged, facts=facts)
        at_once.refresh(TABLES)
        assert restated.digests(TABLES) == at_once.digests(TABLES)

    holds()
