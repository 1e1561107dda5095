"""gold.listener_tops: the most played tracks, artists, albums and genres of each listener by period."""

from datetime import date
from functools import partial

import pytest

from schemas.statistics import LISTENER_TOPS
from tests.jobs.gold.base_rows import ANNA, BEN, cell, made_of

pytestmark = pytest.mark.slow_on_spark


@pytest.fixture
def tops(frame):
    return partial(made_of, frame, LISTENER_TOPS)


def _top(rows, kind="month", entity_type="track", user_id=ANNA):
    wanted = {"period_kind": kind, "entity_type": entity_type, "user_id": user_id}
    return sorted(
        (row["position"], row["entity_id"], row["play_count"]) for row in rows if wanted.items() <= row.items()
    )


def test_a_track_is_summed_over_days_hours_and_countries_with_and_without_flagged_days(tops):
    cells = [cell("t", 2), cell("t", 3, country="SE"), cell("t", 5, event_date=date(2026, 11, 1), is_flagged=True)]

    (month,) = [row for row in tops(*cells) if row["period_kind"] == "month"]

    assert month == {
        "slice": "month.2026-11-01.a0",
        "period_kind": "month",
        "period_start": date(2026, 11, 1),
        "user_id": ANNA,
        "entity_type": "track",
        "position": 1,
        "entity_id": "t",
        "playback_count": 13,
        "play_count": 10,
        "skip_count": 3,
        "played_ms": 10_000,
        "clean_playback_count": 7,
        "clean_play_count": 5,
        "clean_skip_count": 2,
        "clean_played_ms": 5_000,
    }


def test_more_plays_come_first_and_ties_go_by_entity_id_not_by_time_heard(tops):
    cells = [cell("c", 2, played_ms=9), cell("b", 5), cell("a", 2), cell("B", 2)]

    assert _top(tops(*cells)) == [(1, "b", 5), (2, "B", 2), (3, "a", 2), (4, "c", 2)]


def test_a_day_is_in_one_top_list_of_each_kind(tops):
    rows = tops(cell("t", event_date=date(2027, 1, 3)), cell("t", event_date=date(2026, 12, 28)))

    assert {(row["period_kind"], str(row["period_start"]), row["play_count"]) for row in rows} == {
        ("week", "2026-12-28", 2),
        ("month", "2026-12-01", 1),
        ("month", "2027-01-01", 1),
        ("quarter", "2026-10-01", 1),
        ("quarter", "2027-01-01", 1),
        ("half_year", "2026-07-01", 1),
        ("half_year", "2027-01-01", 1),
        ("year", "2026-01-01", 1),
        ("year", "2027-01-01", 1),
        ("all_time", "1970-01-01", 2),
    }


def test_artists_and_albums_have_lists_of_their_own_and_a_playback_without_one_is_in_none(tops):
    named = {"artist_id": "artist:1", "album_id": "album:1"}

    rows = tops(cell("t", 1, **named), cell("u", 1, **named), cell("v", 3))

    assert _top(rows, entity_type="track") == [(1, "v", 3), (2, "t", 1), (3, "u", 1)]
    assert _top(rows, entity_type="artist") == [(1, "artist:1", 2)]
    assert _top(rows, entity_type="album") == [(1, "album:1", 2)]


def test_what_was_never_played_has_no_place_and_what_was_played_on_a_flagged_day_only_has_one(tops):
    rows = tops(cell("skipped", 0), cell("farmed", 1, is_flagged=True))

    assert _top(rows) == [(1, "farmed", 1)]
    assert {row["clean_play_count"] for row in rows} == {0}


def test_a_list_has_a_hundred_places_for_each_listener(tops):
    others = [cell(f"t{number:03}", user_id=BEN) for number in range(3)]

    rows = tops(*(cell(f"t{number:03}") for number in reversed(range(101))), *others)

    assert _top(rows) == [(number + 1, f"t{number:03}", 1) for number in range(100)]
    assert [place for place, _, _ in _top(rows, user_id=BEN)] == [1, 2, 3]


def test_nothing_played_is_no_list(tops):
    assert tops() == []


def test_a_playback_counts_for_every_genre_of_its_track_and_one_of_unknown_genre_for_none(tops):
    cells = [
        cell("t", 2, genres="jazz;rock"),
        cell("u", 3, genres="rock", is_flagged=True),
        cell("v", 9),
        cell("w", 9, genres=""),
    ]

    rows = tops(*cells)

    assert _top(rows, entity_type="genre") == [(1, "rock", 5), (2, "jazz", 2)]
    clean = {row["entity_id"]: row["clean_play_count"] for row in rows if row["entity_type"] == "genre"}
    assert clean == {"rock": 2, "jazz": 2}
