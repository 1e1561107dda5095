"""gold.restatements: what moved after it was over, from what to what, and why."""

from collections import Counter
from datetime import UTC, date, datetime

import pytest
from pyspark.sql import functions as F

from infra.delta_writer import DeltaWriter
from jobs.restatements import Heard, differences, reason, record_restatements
from schemas.area_statistics import COMPARED, RESTATEMENTS
from schemas.music_catalogue import CATALOGUE_ENTRIES
from tests.jobs.shelf import BEN, Shelf, fact, play
from tests.jobs.unchecked import Unchecked

pytestmark = pytest.mark.slow_on_spark

NOW = datetime(2026, 11, 20, tzinfo=UTC)
LATER = datetime(2026, 11, 21, tzinfo=UTC)
OCTOBER = {"area": "DE", "period_kind": "month", "period_start": date(2026, 10, 1)}
NOVEMBER = OCTOBER | {"period_start": date(2026, 11, 1)}


def cell(period, plays, known_at=NOW):
    return period | dict.fromkeys(COMPARED, plays) | {"as_known_at": known_at}


def test_a_period_that_is_not_over_only_grows():
    assert differences([cell(NOVEMBER, 1)], [cell(NOVEMBER, 2, LATER)], NOW, LATER) == []


def test_a_period_that_was_over_says_what_it_said_before():
    (row,) = differences([cell(OCTOBER, 1)], [cell(OCTOBER, 2, LATER)], NOW, LATER)

    assert (row["play_count_before"], row["play_count"]) == (1, 2)
    assert (row["known_before"], row["known_at"], row["restated_date"]) == (NOW, LATER, LATER.date())


def test_a_cell_that_is_no_more_has_nothing_now_and_a_new_one_had_nothing_before():
    (gone,) = differences([cell(OCTOBER, 1)], [], NOW, LATER)
    (new,) = differences([], [cell(OCTOBER, 3, LATER)], NOW, LATER)

    assert (gone["play_count_before"], gone["play_count"], gone["known_at"]) == (1, 0, LATER)
    assert (new["play_count_before"], new["play_count"], new["known_before"]) == (0, 3, None)


def test_equal_counts_are_no_restatement():
    assert differences([cell(OCTOBER, 1)], [cell(OCTOBER, 1, LATER)], NOW, LATER) == []


def playbacks(count, rules="v1", imported=False, country="DE", day=date(2026, 10, 5)):
    return Counter({(day, country, rules, imported): count})


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        (playbacks(1), playbacks(2), "late"),
        (playbacks(1), playbacks(1) + playbacks(1, imported=True), "import"),
        (playbacks(1), playbacks(2) + playbacks(1, imported=True), "late, import"),
        (playbacks(2), playbacks(1), "deletion"),
        (playbacks(2), playbacks(2, rules="v2"), "rules"),
        (playbacks(2), playbacks(2), "correction"),
        (playbacks(1), playbacks(1) + playbacks(1, country="SE"), "correction"),
        (playbacks(1), playbacks(1) + playbacks(1, day=date(2026, 11, 1)), "correction"),
    ],
)
def test_the_reason_is_what_became_of_the_playbacks_of_that_country_and_period(was, now, why):
    assert reason(OCTOBER, (Heard(was), Heard(now))) == why


@pytest.mark.parametrize(
    ("was", "now", "why"),
    [
        (Heard(playbacks(2)), Heard(playbacks(2), playbacks(1)), "merge"),
        (Heard(playbacks(2), playbacks(1)), Heard(playbacks(2)), "merge"),
        (Heard(playbacks(2)), Heard(playbacks(2), playbacks(1, country="SE")), "correction"),
        (Heard(playbacks(1)), Heard(playbacks(1) + playbacks(1, imported=True), playbacks(1)), "import, merge"),
    ],
)
def test_playbacks_that_are_merged_or_no_longer_are_a_reason_of_their_own(was, now, why):
    assert reason(OCTOBER, (was, now)) == why


@pytest.mark.parametrize(
    ("plays", "known", "why"),
    [((1, 1), (0, 1), "catalogue"), ((1, 1), (1, 0), "catalogue"), ((1, 2), (0, 1), "late"), ((1, 2), (0, 0), "late")],
)
def test_another_catalogue_is_a_reason_where_more_or_fewer_genres_are_known_than_plays_came(plays, known, why):
    names = ("play_count_before", "play_count", "genre_play_count_before", "genre_play_count")
    row = OCTOBER | dict(zip(names, (*plays, *known), strict=True))
    was, now = (Heard(playbacks(count)) for count in plays)
    changes = (was, now)

    assert reason(row, changes, is_other_catalogue=True) == why
    assert "catalogue" not in reason(row, changes, is_other_catalogue=False)


def test_a_count_that_was_not_made_before_has_not_moved():
    was = cell(OCTOBER, 1) | {"genre_play_count": None}

    assert differences([was], [cell(OCTOBER, 1, LATER)], NOW, LATER) == []


def test_playbacks_that_are_no_longer_kept_tell_no_reason():
    assert reason(OCTOBER, None) == "unknown"


def test_what_comes_late_is_written_down_once(session, tmp_path, frame):
    shelf, last_year = Shelf(session, tmp_path / "lake", frame), date(2025, 3, 3)
    record = lambda: record_restatements(session, shelf.lake, Unchecked(tmp_path))  # noqa: E731
    shelf.write(play("a", day=last_year))
    shelf.refresh()
    assert record().changed
    assert shelf.lake.rows(RESTATEMENTS).num_rows == 0

    shelf.write(play("a", day=last_year), play("late", BEN, day=last_year, client_id="phone"))
    shelf.refresh()
    record()

    rows = shelf.lake.rows(RESTATEMENTS).to_pylist()
    everywhere = {row["period_kind"]: row for row in rows if row["area"] == "**"}
    assert set(everywhere) == {"week", "month", "quarter", "half_year", "year"}
    assert {row["reason"] for row in rows} == {"late"}
    assert {(row["listener_count_before"], row["listener_count"]) for row in rows} == {(1, 2)}
    assert not record().changed


def test_a_period_that_moves_through_merges_alone_says_so(session, tmp_path, frame):
    shelf, last_year = Shelf(session, tmp_path / "lake", frame), date(2025, 3, 3)
    plays = [play("a", day=last_year), play("a again", day=last_year), play("b", day=last_year, country="SE")]
    for merged in ([], ["a again"], []):
        shelf.write(*plays, merged=merged)
        shelf.refresh()
        record_restatements(session, shelf.lake, Unchecked(tmp_path))

    moved = [row for row in shelf.lake.rows(RESTATEMENTS).to_pylist() if row["period_kind"] == "year"]
    assert {row["reason"] for row in moved} == {"merge"}
    assert Counter((row["area"], row["playback_count_before"], row["playback_count"]) for row in moved) == {
        ("**", 3, 2): 1,
        ("**", 2, 3): 1,
        ("DE", 2, 1): 1,
        ("DE", 1, 2): 1,
    }


def test_another_catalogue_restates_what_was_over_and_says_so(session, tmp_path, frame):
    shelf, last_year = Shelf(session, tmp_path / "lake", frame), date(2025, 3, 3)
    record = lambda: record_restatements(session, shelf.lake, Unchecked(tmp_path))  # noqa: E731
    shelf.lake.create(CATALOGUE_ENTRIES)
    for genres in ((), ("jazz",)):
        shelf.write(play("a", day=last_year), facts=[fact("t", 0, one) for one in genres])
        entry = {"entity_type": "track", "entity_id": "t"}
        entries = frame(CATALOGUE_ENTRIES, *(entry | {"genres": one} for one in genres))
        stored = entries.withColumn("input_positions", F.lit("{}"))
        DeltaWriter(session, shelf.lake).replace_all(CATALOGUE_ENTRIES, stored)
        shelf.refresh()
        record()

    rows = shelf.lake.rows(RESTATEMENTS).to_pylist()
    assert {(row["period_kind"], row["reason"]) for row in rows} == {
        (kind, "catalogue") for kind in ("week", "month", "quarter", "half_year", "year")
    }
    assert {(row["genre_play_count_before"], row["genre_play_count"]) for row in rows} == {(0, 1)}
    assert all(row["known_before"] < row["known_at"] for row in rows)
