"""What a listener heard in calendar periods: sums, tops, hours and discoveries."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

Answer = Callable[..., list[dict[str, Any]]]
TOPS, PERIODS = "gold.listener_tops", "gold.listener_periods"
HOURS, DISCOVERIES = "gold.listening_hours", "gold.listener_discoveries"
BOT_DAY = [{"ms_played": 31_000, "track_id": "uri:bot"}] * 200


def on(year: int, month: int, day: int, hour: int = 12) -> dict[str, Any]:
    return {"occurred_at": datetime(year, month, day, hour, tzinfo=UTC)}


def test_a_listener_has_a_row_in_each_kind_of_period(answer: Answer) -> None:
    rows = answer(PERIODS, [{}, {"track_id": "uri:2", "outcome": "skip", "ms_played": 5}])
    sums = {"playback_count": 2, "play_count": 1, "skip_count": 1, "played_ms": 30_005}
    clean = {f"clean_{name}": value for name, value in sums.items()}
    distinct = {"track_count": 2, "artist_count": 1, "album_count": 1, "day_count": 1}
    distinct |= {"genre_count": 0, "genre_play_count": 0}
    distinct |= {f"clean_{name}": value for name, value in distinct.items()}
    assert rows == [
        {"slice": f"{kind}.{start}.a8", "period_kind": kind, "period_start": start, "user_id": "ada"}
        | sums
        | clean
        | distinct
        for kind, start in [
            ("all_time", date(1970, 1, 1)),
            ("half_year", date(2026, 1, 1)),
            ("month", date(2026, 1, 1)),
            ("quarter", date(2026, 1, 1)),
            ("week", date(2026, 1, 26)),
            ("year", date(2026, 1, 1)),
        ]
    ]


@pytest.mark.parametrize(
    ("day", "starts"),
    [
        ((2025, 12, 28), {"week": (2025, 12, 22), "month": (2025, 12, 1), "quarter": (2025, 10, 1)}),
        ((2025, 12, 31), {"week": (2025, 12, 29), "half_year": (2025, 7, 1), "year": (2025, 1, 1)}),
        ((2026, 1, 1), {"week": (2025, 12, 29), "half_year": (2026, 1, 1), "year": (2026, 1, 1)}),
        ((2026, 1, 5), {"week": (2026, 1, 5), "month": (2026, 1, 1)}),
        ((2026, 6, 30), {"quarter": (2026, 4, 1), "half_year": (2026, 1, 1), "month": (2026, 6, 1)}),
        ((2026, 7, 1), {"quarter": (2026, 7, 1), "half_year": (2026, 7, 1), "week": (2026, 6, 29)}),
        ((2024, 2, 29), {"week": (2024, 2, 26), "month": (2024, 2, 1), "all_time": (1970, 1, 1)}),
    ],
)
def test_where_periods_begin(
    answer: Answer, day: tuple[int, int, int], starts: dict[str, tuple[int, int, int]]
) -> None:
    found = {row["period_kind"]: row["period_start"] for row in answer(PERIODS, [on(*day)])}
    assert {kind: found[kind] for kind in starts} == {kind: date(*start) for kind, start in starts.items()}


def test_a_week_goes_on_over_new_year_and_a_year_does_not(answer: Answer) -> None:
    rows = answer(PERIODS, [on(2025, 12, 31), on(2026, 1, 1)])
    found = {(row["period_kind"], row["period_start"].year, row["playback_count"]) for row in rows}
    assert {("week", 2025, 2), ("year", 2025, 1), ("year", 2026, 1), ("all_time", 1970, 2)} < found


def test_a_period_is_one_of_utc_wherever_the_listener_is(answer: Answer) -> None:
    rows = answer(PERIODS, [on(2025, 12, 31, 23) | {"utc_offset_minutes": 120}])
    assert {row["period_start"] for row in rows if row["period_kind"] == "year"} == {date(2025, 1, 1)}


def all_time(answer: Answer, table: str, log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in answer(table, log) if row["period_kind"] == "all_time"]


def test_clean_counts_leave_out_flagged_days(answer: Answer) -> None:
    [row] = all_time(answer, PERIODS, [*BOT_DAY, on(2026, 1, 30)])
    assert (row["playback_count"], row["play_count"], row["played_ms"]) == (201, 201, 6_230_000)
    assert (row["clean_playback_count"], row["clean_play_count"], row["clean_played_ms"]) == (1, 1, 30_000)
    assert (row["track_count"], row["day_count"]) == (2, 2)
    assert (row["clean_track_count"], row["clean_artist_count"], row["clean_day_count"]) == (1, 1, 1)


def test_a_listener_of_flagged_days_only_has_nothing_clean(answer: Answer) -> None:
    [row] = all_time(answer, PERIODS, BOT_DAY)
    assert [row[name] for name in row if name.startswith("clean_")] == [0] * 10


def test_unknown_artists_and_albums_are_not_counted(answer: Answer) -> None:
    [row] = all_time(answer, PERIODS, [{"artist_name": None}, {"album_title": ""}, {"artist_name": "B"}])
    assert (row["track_count"], row["artist_count"], row["album_count"]) == (1, 2, 2)


def tops(answer: Answer, log: list[dict[str, Any]], entity_type: str = "track") -> list[tuple[Any, ...]]:
    rows = all_time(answer, TOPS, log)
    return [
        (row["user_id"], row["position"], row["entity_id"], row["play_count"], row["playback_count"])
        for row in rows
        if row["entity_type"] == entity_type
    ]


def test_most_plays_come_first_and_ties_go_by_id_in_binary_order(answer: Answer) -> None:
    log = [{"track_id": name} for name in ("é", "z", "a", "B", "z")]
    found = tops(answer, [*log, {"track_id": "a", "ms_played": 1}])
    assert found == [("ada", 1, "z", 2, 2), ("ada", 2, "B", 1, 1), ("ada", 3, "a", 1, 2), ("ada", 4, "é", 1, 1)]


def test_what_was_never_played_to_count_has_no_position(answer: Answer) -> None:
    assert tops(answer, [{"ms_played": 29_999}, {"track_id": "uri:2"}]) == [("ada", 1, "uri:2", 1, 1)]


def test_each_listener_has_tops_of_a_hundred(answer: Answer) -> None:
    log = [{"track_id": f"{number:03}", "user_id": user} for number in range(101) for user in ("ada", "bob")]
    found = tops(answer, log)
    assert len(found) == 200
    assert [found[0], found[99], found[100]] == [
        ("ada", 1, "000", 1, 1),
        ("ada", 100, "099", 1, 1),
        ("bob", 1, "000", 1, 1),
    ]


def test_an_artist_and_an_album_gather_what_is_spelled_as_theirs(answer: Answer) -> None:
    log = [{}, {"track_id": "uri:2", "artist_name": "POOLSIDE "}, {"artist_name": None}, {"album_title": None}]
    assert [row[3] for row in tops(answer, log, "artist")] == [3]
    assert [row[3] for row in tops(answer, log, "album")] == [2, 1]
    assert [row[2:4] for row in tops(answer, log)] == [("uri:1", 3), ("uri:2", 1)]


def test_tops_are_by_raw_counts_and_show_clean_ones_beside_them(answer: Answer) -> None:
    log = [*BOT_DAY, *[on(2026, 1, 30) | {"track_id": "uri:own"}] * 2]
    found = [row for row in all_time(answer, TOPS, log) if row["entity_type"] == "track"]
    counts = [(row["entity_id"], row["play_count"], row["clean_play_count"], row["clean_played_ms"]) for row in found]
    assert counts == [("uri:bot", 200, 0, 0), ("uri:own", 2, 2, 60_000)]


def hours(answer: Answer, log: list[dict[str, Any]]) -> list[tuple[int, int, int]]:
    return [(row["weekday"], row["hour"], row["playback_count"]) for row in all_time(answer, HOURS, log)]


def test_weekday_and_hour_are_the_listeners_own(answer: Answer) -> None:
    sunday = on(2026, 2, 1, 23)
    log = [sunday | {"utc_offset_minutes": offset} for offset in (0, 59, 60, -840)]
    assert hours(answer, log) == [(1, 0, 1), (7, 9, 1), (7, 23, 2)]


def test_where_the_time_zone_is_unknown_there_is_no_weekday(answer: Answer) -> None:
    assert hours(answer, [on(2026, 1, 26), on(2026, 1, 31)]) == [(0, -1, 2)]


def test_hours_are_of_months_years_and_all_time(answer: Answer) -> None:
    log = [on(2026, 1, 31, 23) | {"utc_offset_minutes": 60}]
    assert [(row["slice"], row["weekday"], row["hour"]) for row in answer(HOURS, log)] == [
        ("all_time.1970-01-01.a8", 7, 0),
        ("month.2026-01-01.a8", 7, 0),
        ("year.2026-01-01.a8", 7, 0),
    ]


def discoveries(answer: Answer, log: list[dict[str, Any]]) -> dict[tuple[str, str], tuple[Any, Any]]:
    rows = answer(DISCOVERIES, log)
    assert {row["slice"] for row in rows} <= {"all_time.1970-01-01.a8"}
    return {
        (row["entity_type"], row["entity_id"].split(":")[0]): (row["first_date"], row["clean_first_date"])
        for row in rows
    }


def test_a_discovery_is_the_first_day_with_a_play(answer: Answer) -> None:
    log = [on(2026, 1, 3), on(2026, 1, 2), on(2026, 1, 1) | {"ms_played": 29_999}]
    day = date(2026, 1, 2)
    found = discoveries(answer, log)
    assert found == {("track", "uri"): (day, day), ("artist", "artist"): (day, day), ("album", "album"): (day, day)}


def test_a_clean_discovery_is_one_of_a_day_that_is_not_flagged(answer: Answer) -> None:
    farmed = [{"ms_played": 31_000, **on(2026, 1, 1)}] * 200
    later = on(2026, 1, 4) | {"artist_name": None, "album_title": None}
    assert discoveries(answer, [*farmed, later]) == {
        ("track", "uri"): (date(2026, 1, 1), date(2026, 1, 4)),
        ("artist", "artist"): (date(2026, 1, 1), None),
        ("album", "album"): (date(2026, 1, 1), None),
    }
