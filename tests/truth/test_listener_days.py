"""The base of the statistics: whose day and hour a playback belongs to, who spells it how, and who is flagged."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

Answer = Callable[..., list[dict[str, Any]]]
DAYS = "gold.listener_track_days"
POOLSIDE = "artist:f3591e0a17b3d859eeb4bec30d598d7c"
PACIFIC = "album:5af1dbc365bb02191bd58d9a7f3003dd"
DAY = date(2026, 1, 31)


def at(hour: int, minute: int = 0, day: int = 31) -> dict[str, Any]:
    return {"occurred_at": datetime(2026, 1, day, hour, minute, tzinfo=UTC)}


def test_playbacks_of_a_track_within_one_local_hour_are_one_row(answer: Answer) -> None:
    log = [{"utc_offset_minutes": 60}, {"utc_offset_minutes": 60, "outcome": "skip", "ms_played": 5, **at(12, 59)}]
    assert answer(DAYS, log) == [
        {
            "slice": "month.2026-01-01.a8",
            "event_date": DAY,
            "user_id": "ada",
            "country": "DE",
            "track_id": "uri:1",
            "artist_id": POOLSIDE,
            "album_id": PACIFIC,
            "local_date": DAY,
            "local_hour": 13,
            "playback_count": 2,
            "play_count": 1,
            "skip_count": 1,
            "played_ms": 30_005,
            "is_flagged": False,
            "release_year": 0,
            "genres": "",
        }
    ]


@pytest.mark.parametrize(
    ("moment", "offset", "local"),
    [
        (at(12, 14), 345, (DAY, 17)),
        (at(12, 15), 345, (DAY, 18)),
        (at(23, 30), 60, (date(2026, 2, 1), 0)),
        (at(4, 59), -300, (date(2026, 1, 30), 23)),
        (at(12), 0, (DAY, 12)),
        (at(12), 840, (date(2026, 2, 1), 2)),
    ],
)
def test_date_and_hour_are_the_listeners_own(
    answer: Answer, moment: dict[str, Any], offset: int, local: tuple[date, int]
) -> None:
    [row] = answer(DAYS, [{"utc_offset_minutes": offset, **moment}])
    assert (row["event_date"], row["local_date"], row["local_hour"]) == (DAY, *local)


def test_where_the_time_zone_is_unknown_the_date_is_that_of_utc_and_there_is_no_hour(answer: Answer) -> None:
    [row] = answer(DAYS, [{"utc_offset_minutes": None, **at(23, 59)}])
    assert (row["local_date"], row["local_hour"]) == (DAY, -1)


def test_artist_and_album_are_those_that_the_playback_itself_spells(answer: Answer) -> None:
    found = answer(DAYS, [{"artist_name": " POOLSIDE"}, {"artist_name": "Somebody"}, {"album_title": "pacific  "}])
    assert [(row["playback_count"], row["track_id"]) for row in found] == [(1, "uri:1"), (2, "uri:1")]
    assert {(row["playback_count"], row["artist_id"] == POOLSIDE, row["album_id"] == PACIFIC) for row in found} == {
        (2, True, True),
        (1, False, False),
    }


def test_an_artist_and_an_album_that_no_source_says_are_empty(answer: Answer) -> None:
    [row] = answer(DAYS, [{"artist_name": None, "album_title": None}, {"artist_name": "\u2003", "album_title": ""}])
    assert (row["artist_id"], row["album_id"], row["playback_count"]) == ("", "", 2)


def test_an_album_needs_no_artist(answer: Answer) -> None:
    [row] = answer(DAYS, [{"artist_name": ""}])
    assert row["artist_id"] == ""
    assert row["album_id"].startswith("album:")


@pytest.mark.parametrize(
    ("user_id", "share"),
    [("00", "00"), ("07", "00"), ("08", "08"), ("0f", "08"), ("a7", "a0"), ("f7", "f0"), ("ff", "f8")],
)
def test_a_share_is_the_first_five_bits_of_the_pseudonym(answer: Answer, user_id: str, share: str) -> None:
    [row] = answer(DAYS, [{"user_id": user_id * 16}])
    assert row["slice"] == f"month.2026-01-01.{share}"


def test_a_slice_is_of_the_month_of_utc(answer: Answer) -> None:
    [row] = answer(DAYS, [{"utc_offset_minutes": 60, **at(23, 30)}])
    assert (row["slice"], row["local_date"]) == ("month.2026-01-01.a8", date(2026, 2, 1))


def flagged(answer: Answer, log: list[dict[str, Any]]) -> set[tuple[str, int, bool]]:
    return {(row["user_id"], row["event_date"].day, row["is_flagged"]) for row in answer(DAYS, log)}


def test_more_than_a_day_within_a_day_is_flagged(answer: Answer) -> None:
    half_days = [{"ms_played": 43_200_000}] * 2
    assert flagged(answer, half_days) == {("ada", 31, False)}
    assert flagged(answer, [*half_days, {"ms_played": 1}]) == {("ada", 31, True)}


def test_two_hundred_short_playbacks_are_flagged(answer: Answer) -> None:
    short = [{"ms_played": 45_000}] * 199
    assert flagged(answer, [*short, {"ms_played": 44_999}]) == {("ada", 31, True)}
    assert flagged(answer, [*short, {"ms_played": 45_000}]) == {("ada", 31, False)}


def test_fewer_than_two_hundred_short_playbacks_are_not_flagged(answer: Answer) -> None:
    assert flagged(answer, [{"ms_played": 1}] * 199) == {("ada", 31, False)}


def test_all_of_a_listeners_day_is_flagged_and_nothing_else(answer: Answer) -> None:
    bot = [{"ms_played": 31_000, "track_id": f"uri:{number % 3}"} for number in range(200)]
    elsewhere = {"country": "SE", "ms_played": 300_000, **at(0)}
    log = [*bot, elsewhere, {"user_id": "bob"}, at(23, day=30)]
    assert flagged(answer, log) == {("ada", 31, True), ("bob", 31, False), ("ada", 30, False)}


def test_the_day_of_a_flag_is_one_of_utc(answer: Answer) -> None:
    evening = [{"ms_played": 1, "utc_offset_minutes": 120, **at(21)}] * 100
    night = [{"ms_played": 1, "utc_offset_minutes": 120, **at(1)}] * 100
    yesterday = [{"ms_played": 1, "utc_offset_minutes": 120, **at(22, 30, day=30)}] * 100
    assert flagged(answer, [*yesterday, *night]) == {("ada", 30, False), ("ada", 31, False)}
    assert flagged(answer, [*night, *evening]) == {("ada", 31, True)}


def test_episodes_do_not_make_a_flag(answer: Answer) -> None:
    log = [{"ms_played": 86_400_000}, {"ms_played": 1, "content_type": "episode"}]
    assert flagged(answer, log) == {("ada", 31, False)}
