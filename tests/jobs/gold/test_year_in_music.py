"""The year of a listener: numbers, top lists, and what was new, raw and without flagged days."""

from datetime import date

import pytest

from jobs.gold.year_in_music import transform
from schemas.eras import LISTENER_ERAS
from schemas.statistics import LISTENER_DISCOVERIES, LISTENER_TRACK_DAYS
from schemas.year_in_music import MODULES

pytestmark = pytest.mark.slow_on_spark

ANNA, BEN = "0a" + "0" * 30, "ff" + "0" * 30
SHARES = {ANNA: "08", BEN: "f8"}


def heard(track="t", day=(2026, 11, 23), plays=1, user_id=ANNA, hour=9, **fields):
    """Plays of a track of an artist and an album of the same name; 23 November 2026 is a Monday."""
    usual = {
        "slice": f"year.{day[0]}-01-01.{SHARES[user_id]}",
        "event_date": date(*day),
        "user_id": user_id,
        "country": "DE",
        "track_id": track,
        "artist_id": f"artist of {track}",
        "album_id": f"album of {track}",
        "local_date": date(*day),
        "local_hour": hour,
        "playback_count": plays,
        "play_count": plays,
        "played_ms": 1_000 * plays,
    }
    return usual | fields


def first(entity_id, day, clean_day, kind="track", user_id=ANNA):
    return {
        "user_id": user_id,
        "entity_type": kind,
        "entity_id": entity_id,
        "first_date": date(*day),
        "clean_first_date": clean_day and date(*clean_day),
    }


def era(release_year, plays=1, clean=None, user_id=ANNA, of=2026):
    counts = {"play_count": plays, "clean_play_count": plays if clean is None else clean}
    return {"slice": f"year.{of}-01-01.{SHARES[user_id]}", "user_id": user_id, "release_year": release_year} | counts


@pytest.fixture
def year(frame):
    """A function: of each module of Anna's 2026 the places in order, as (entity, value, clean value)."""

    def told(days, firsts=(), user_id=ANNA, of=2026, eras=()):
        rows = transform(
            listener_track_days=frame(LISTENER_TRACK_DAYS, *days),
            listener_discoveries=frame(LISTENER_DISCOVERIES, *firsts),
            listener_eras=frame(LISTENER_ERAS, *eras),
        ).collect()
        found = {}
        for row in sorted(rows, key=lambda row: (row.module, row.position)):
            if (row.user_id, row.period_start.year) == (user_id, of):
                assert row.slice == f"year.{of}-01-01.{SHARES[user_id]}"
                places = found.setdefault(row.module, [])
                places.append((row.entity_id, row.value, row.clean_value))
                assert row.position == len(places)
        return found

    return told


def test_every_module_of_a_year_with_one_play(year):
    found = year(
        [heard(genres="rock")],
        [
            first("rock", (2026, 11, 23), (2026, 11, 23), "genre"),
            first("t", (2026, 11, 23), (2026, 11, 23)),
            first("artist of t", (2026, 11, 23), (2026, 11, 23), "artist"),
            first("album of t", (2025, 1, 1), (2025, 1, 1), "album"),
        ],
        eras=[era(1999)],
    )
    assert found == {
        "played_ms": [("", 1_000, 1_000)],
        "plays": [("", 1, 1)],
        "tracks": [("", 1, 1)],
        "artists": [("", 1, 1)],
        "albums": [("", 1, 1)],
        "active_days": [("", 1, 1)],
        "longest_streak_days": [("", 1, 1)],
        "skips_permille": [("", 0, 0)],
        "genres": [("", 1, 1)],
        "new_genres": [("", 1, 1)],
        "musical_age": [("", 27, 27)],
        "top_genres": [("rock", 1, 1)],
        "top_decades": [("1990", 1, 1)],
        "new_tracks": [("", 1, 1)],
        "new_artists": [("", 1, 1)],
        "new_albums": [("", 0, 0)],
        "top_tracks": [("t", 1, 1)],
        "top_artists": [("artist of t", 1, 1)],
        "top_albums": [("album of t", 1, 1)],
        "top_weekday": [("1", 1, 1)],
        "top_hour": [("09", 1, 1)],
        "top_month": [("2026-11", 1, 1)],
        "busiest_day": [("2026-11-23", 1, 1)],
        "top_discovery": [("artist of t", 1, 1)],
        "most_repeated_track_in_a_day": [("t", 1, 1)],
    }
    assert found.keys() == set(MODULES)


def test_top_lists_have_five_places_and_ties_are_by_identity(year):
    found = year([heard(track, plays=2 if track == "f" else 1) for track in "gfedcba"])
    assert found["top_tracks"] == [("f", 2, 2), ("a", 1, 1), ("b", 1, 1), ("c", 1, 1), ("d", 1, 1)]
    assert found["tracks"] == [("", 7, 7)]


def test_flagged_days_are_in_the_raw_value_only(year):
    days = [heard(day=(2026, 3, 1), plays=9, is_flagged=True, skip_count=3), heard(day=(2026, 3, 2), plays=2)]
    found = year(days, [first("t", (2026, 3, 1), (2026, 3, 2)), first("u", (2025, 3, 1), (2026, 5, 1))])
    assert found["plays"] == [("", 11, 2)]
    assert found["skips_permille"] == [("", 272, 0)]
    assert found["longest_streak_days"] == [("", 2, 1)]
    assert found["busiest_day"] == [("2026-03-01", 9, 0)]
    assert found["most_repeated_track_in_a_day"] == [("t", 9, 0)]
    assert found["new_tracks"] == [("", 1, 2)]


def test_a_streak_is_of_days_in_a_row_within_the_year(year):
    dates = [(2025, 12, 31), (2026, 1, 1), (2026, 1, 3), (2026, 1, 4), (2026, 1, 5), (2026, 2, 1)]
    found = year([heard(day=day) for day in dates])
    assert found["longest_streak_days"] == [("", 3, 3)]
    assert found["active_days"] == [("", 5, 5)]


def test_what_was_heard_and_never_counted_as_a_play_has_no_places(year):
    found = year([heard(plays=0, playback_count=4, skip_count=3)])
    assert found["skips_permille"] == [("", 750, 750)]
    assert (found["plays"], found["tracks"]) == ([("", 0, 0)], [("", 1, 1)])
    assert not [module for module in found if module.startswith(("top_", "busiest", "most_"))]


def test_hours_of_an_unknown_time_zone_have_no_place_and_unknown_artists_are_none(year):
    found = year([heard(hour=-1, artist_id="", album_id="")])
    assert "top_hour" not in found
    assert "top_weekday" not in found
    assert "top_artists" not in found
    assert found["artists"] == [("", 0, 0)]


def test_the_top_discovery_is_the_most_played_artist_that_is_new_to_this_listener(year):
    days = [heard("old", plays=9), heard("new", plays=2), heard("new", user_id=BEN), heard("old", user_id=BEN)]
    firsts = [
        first("artist of old", (2021, 1, 1), None, "artist"),
        first("artist of new", (2026, 11, 23), None, "artist"),
        first("artist of old", (2026, 11, 23), None, "artist", BEN),
        first("artist of new", (2026, 1, 1), None, "artist", BEN),
    ]
    assert year(days, firsts)["top_discovery"] == [("artist of new", 2, 2)]
    assert year(days, firsts, user_id=BEN)["top_discovery"] == [("artist of new", 1, 1)]
    assert year(days, firsts)["new_artists"] == [("", 1, 0)]


def test_every_genre_of_a_track_has_its_plays_and_an_unknown_one_has_no_place(year):
    found = year([heard(genres="jazz;rock", plays=2), heard("u", genres="rock", is_flagged=True), heard("v", plays=9)])
    assert found["top_genres"] == [("rock", 3, 2), ("jazz", 2, 2)]
    assert found["genres"] == [("", 2, 2)]


def test_decades_are_of_known_years_only_and_of_this_year_of_this_listener(year):
    eras = [era(1999, 1), era(1990, 2, clean=1), era(2000, 4), era(0, 9), era(1980, user_id=BEN), era(1970, of=2025)]
    found = year([heard()], eras=eras)
    assert found["top_decades"] == [("2000", 4, 4), ("1990", 3, 2)]


def test_the_musical_age_is_what_half_of_the_plays_reach(year):
    known = [era(1996, 1), era(2006, 1), era(2016, 2, clean=0), era(0, 50)]
    assert year([heard()], eras=known)["musical_age"] == [("", 20, 30)]
    assert year([heard()], eras=[era(2030, 1, clean=0)])["musical_age"] == [("", 0, 0)]
    assert "musical_age" not in year([heard()], eras=[era(0, 5), era(1990, 0)])
