"""Positions, windows and the names that are shown."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
Answer = Callable[..., list[dict[str, Any]]]


def before(days: int) -> dict[str, Any]:
    return {"occurred_at": NOON - timedelta(days=days)}


def chart(answer: Answer, log: list[dict[str, Any]], window: int = 7, country: str = "DE") -> list[tuple[Any, ...]]:
    rows = answer("gold.country_charts", log)
    return [
        (row["position"], row["track_id"], row["play_count"])
        for row in rows
        if row["window_days"] == window and row["country"] == country
    ]


def test_ties_go_by_track_id_in_binary_order(answer: Answer) -> None:
    log = [{"track_id": name} for name in ("é", "z", "a", "B", "a")]
    assert chart(answer, log) == [(1, "a", 2), (2, "B", 1), (3, "z", 1), (4, "é", 1)]


def test_a_track_without_a_play_has_no_position(answer: Answer) -> None:
    assert chart(answer, [{"ms_played": 29_999}]) == []


def test_a_hundred_tracks_have_a_position(answer: Answer) -> None:
    positions = chart(answer, [{"track_id": f"{number:03}"} for number in range(101)])
    assert [positions[0], positions[-1], len(positions)] == [(1, "000", 1), (100, "099", 1), 100]


def test_windows_end_on_the_last_day_of_any_country(answer: Answer) -> None:
    log = [{"country": "SE", "ms_played": 1}, before(6), before(7), before(27), before(28)]
    assert chart(answer, log, 7) == [(1, "uri:1", 1)]
    assert chart(answer, log, 28) == [(1, "uri:1", 3)]
    assert {row["chart_date"] for row in answer("gold.country_charts", log)} == {date(2026, 1, 31)}


def test_the_sum_is_of_all_that_was_heard(answer: Answer) -> None:
    [row, _] = answer("gold.country_charts", [{}, {"ms_played": 5}])
    assert (row["play_count"], row["played_ms"]) == (1, 30_005)


def test_clean_plays_stand_beside_the_raw_ones_that_rank(answer: Answer) -> None:
    full = {"user_id": "bot", "ms_played": 43_200_001}
    log = [*[full] * 2, {}, before(1) | {"user_id": "bot"}, *[before(1) | {"track_id": "uri:2"}] * 3]
    names = ("track_id", "play_count", "clean_play_count", "played_ms", "clean_played_ms")
    rows = [row for row in answer("gold.country_charts", log) if row["window_days"] == 7]
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("uri:1", 4, 2, 86_460_002, 60_000),
        ("uri:2", 3, 3, 90_000, 90_000),
    ]


def shown(answer: Answer, log: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(row["artist_name"], row["track_title"]) for row in answer("gold.country_charts", log)}


def test_the_names_seen_last_are_shown_wherever_they_were_seen(answer: Answer) -> None:
    elsewhere = {"country": "SE", "ms_played": 1, "track_title": "New", **before(0)}
    assert shown(answer, [elsewhere, before(1) | {"track_title": "Old"}]) == {("Poolside", "New")}


def test_of_names_seen_at_once_the_first_in_order_is_shown(answer: Answer) -> None:
    log = [{"artist_name": "B", "track_title": "A"}, {"artist_name": "a"}, {"artist_name": "B", "track_title": "B"}]
    assert shown(answer, log) == {("B", "A")}


def test_absent_names_are_shown_as_empty(answer: Answer) -> None:
    assert shown(answer, [{"artist_name": None, "track_title": None}]) == {("", "")}


def test_a_name_that_was_not_accepted_is_not_shown(answer: Answer) -> None:
    later = before(-1) | {"event_id": "e", "track_title": "New"}
    assert shown(answer, [{"event_id": "e"}, later]) == {("Poolside", "Harvest Moon")}
