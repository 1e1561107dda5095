"""gold.area_tops: the most played tracks, artists, albums and genres of each country, and of all, by period."""

from datetime import date
from functools import partial

import pytest

from schemas.area_statistics import AREA_TOPS
from tests.jobs.gold.base_rows import BEN, cell, made_of

pytestmark = pytest.mark.slow_on_spark


@pytest.fixture
def tops(frame):
    return partial(made_of, frame, AREA_TOPS)


def _top(rows, area, kind="month", entity_type="track"):
    wanted = {"area": area, "period_kind": kind, "entity_type": entity_type}
    chosen = [row for row in rows if wanted.items() <= row.items()]
    return sorted((row["position"], row["entity_id"], row["play_count"], row["listener_count"]) for row in chosen)


def test_a_track_is_summed_over_listeners_of_all_shares_with_and_without_flagged_days(tops):
    cells = [
        cell("t", 2),
        cell("t", 3, event_date=date(2026, 11, 1), is_flagged=True),
        cell("t", 5, user_id=BEN, is_flagged=True),
    ]

    (month,) = [row for row in tops(*cells) if (row["period_kind"], row["area"]) == ("month", "DE")]

    assert month == {
        "slice": "month.2026-11-01",
        "period_kind": "month",
        "period_start": date(2026, 11, 1),
        "area": "DE",
        "entity_type": "track",
        "position": 1,
        "entity_id": "t",
        "playback_count": 13,
        "play_count": 10,
        "skip_count": 3,
        "played_ms": 10_000,
        "clean_playback_count": 3,
        "clean_play_count": 2,
        "clean_skip_count": 1,
        "clean_played_ms": 2_000,
        "listener_count": 2,
        "clean_listener_count": 1,
    }


def test_who_listens_in_two_countries_is_one_listener_of_each_and_one_of_all_together(tops):
    rows = tops(cell("t"), cell("t", country="SE"), cell("t", user_id=BEN, country="ZZ"))

    assert {area: _top(rows, area) for area in ("DE", "SE", "ZZ", "**")} == {
        "DE": [(1, "t", 1, 1)],
        "SE": [(1, "t", 1, 1)],
        "ZZ": [(1, "t", 1, 1)],
        "**": [(1, "t", 3, 2)],
    }


def test_a_listener_of_an_artist_is_one_however_many_tracks_and_who_only_skipped_is_one_too(tops):
    cells = [
        cell("t", artist_id="artist:1", album_id="album:1"),
        cell("u", artist_id="artist:1"),
        cell("u", 0, artist_id="artist:1", user_id=BEN),
        cell("v", 9),
    ]

    rows = tops(*cells)

    assert _top(rows, "**", entity_type="artist") == [(1, "artist:1", 2, 2)]
    assert _top(rows, "**", entity_type="album") == [(1, "album:1", 1, 1)]


def test_a_listener_whose_clean_days_are_in_another_country_is_clean_in_all_together(tops):
    rows = tops(cell("t", is_flagged=True), cell("t", country="SE", event_date=date(2026, 11, 20)))

    clean = {row["area"]: row["clean_listener_count"] for row in rows if row["period_kind"] == "year"}
    assert clean == {"DE": 0, "SE": 1, "**": 1}


def test_the_first_of_all_together_may_be_first_nowhere_and_ties_go_by_entity_id(tops):
    plays = {"DE": {"a": 2, "c": 3}, "SE": {"b": 3, "c": 2}, "FR": {"a": 1}}
    cells = [cell(track_id, count, country=area) for area, of in plays.items() for track_id, count in of.items()]

    rows = tops(*cells)

    assert [entity_id for _, entity_id, _, _ in _top(rows, "**")] == ["c", "a", "b"]
    assert [entity_id for _, entity_id, _, _ in _top(rows, "SE")] == ["b", "c"]


def test_what_was_never_played_has_no_place_in_the_area(tops):
    rows = tops(cell("t", 0), cell("t", 1, country="SE"))

    assert _top(rows, "DE") == []
    assert _top(rows, "**") == [(1, "t", 1, 1)]


def test_a_list_has_two_hundred_places(tops):
    rows = tops(*(cell(f"t{number:03}") for number in reversed(range(201))))

    assert _top(rows, "DE") == [(number + 1, f"t{number:03}", 1, 1) for number in range(200)]


def test_nothing_played_is_no_list(tops):
    assert tops() == []


def test_a_listener_of_a_genre_on_two_tracks_or_in_two_countries_is_one_of_all_together(tops):
    cells = [
        cell("t", 2, genres="jazz;rock"),
        cell("u", 3, genres="rock", is_flagged=True),
        cell("v", 1, genres="rock", country="SE"),
        cell("t", 1, genres="jazz;rock", user_id=BEN),
    ]

    rows = tops(*cells)

    assert _top(rows, "**", entity_type="genre") == [(1, "rock", 7, 2), (2, "jazz", 3, 2)]
    assert _top(rows, "DE", entity_type="genre") == [(1, "rock", 6, 2), (2, "jazz", 3, 2)]
    assert _top(rows, "SE", entity_type="genre") == [(1, "rock", 1, 1)]
