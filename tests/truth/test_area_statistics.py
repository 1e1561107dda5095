"""What was heard in countries and in all of them together, and the charts of days."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

Answer = Callable[..., list[dict[str, Any]]]
TOPS, PERIODS = "gold.area_tops", "gold.area_periods"
DAILY, CHARTS = "gold.daily_tops", "gold.daily_charts"
LISTENERS = ("listener_count", "clean_listener_count")
NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
BOT_DAY = [{"user_id": "bot", "ms_played": 31_000, "track_id": "uri:bot"}] * 200


def before(days: int) -> dict[str, Any]:
    return {"occurred_at": NOON - timedelta(days=days)}


def all_time(answer: Answer, table: str, log: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [row for row in answer(table, log) if row["period_kind"] == "all_time"]


def test_an_area_has_a_row_in_each_kind_of_period(answer: Answer) -> None:
    rows = answer(PERIODS, [{}, {"ms_played": 5, "outcome": "skip", "track_id": "uri:2"}])
    sums = {"playback_count": 2, "play_count": 1, "skip_count": 1, "played_ms": 30_005}
    clean = {f"clean_{name}": value for name, value in sums.items()}
    distinct = {"listener_count": 1, "track_count": 2, "genre_play_count": 0}
    distinct |= {f"clean_{name}": value for name, value in distinct.items()}
    assert rows == [
        {"slice": f"{kind}.{start}", "period_kind": kind, "period_start": start, "area": area} | sums | clean | distinct
        for kind, start in [
            ("all_time", date(1970, 1, 1)),
            ("half_year", date(2026, 1, 1)),
            ("month", date(2026, 1, 1)),
            ("quarter", date(2026, 1, 1)),
            ("week", date(2026, 1, 26)),
            ("year", date(2026, 1, 1)),
        ]
        for area in ("**", "DE")
    ]


def test_a_listener_in_two_countries_is_one_of_all_together(answer: Answer) -> None:
    log = [{}, {"country": "SE"}, {"country": "SE", "user_id": "bob", **before(1)}, {"country": None}]
    rows = all_time(answer, PERIODS, log)
    assert [(row["area"], row["playback_count"], row["listener_count"], row["track_count"]) for row in rows] == [
        ("**", 4, 2, 1),
        ("DE", 1, 1, 1),
        ("SE", 2, 2, 1),
        ("ZZ", 1, 1, 1),
    ]


def test_a_clean_listener_has_a_day_in_the_area_that_is_not_flagged(answer: Answer) -> None:
    elsewhere = {"user_id": "bot", "country": "SE", **before(1)}
    rows = all_time(answer, PERIODS, [*BOT_DAY, elsewhere, {}])
    assert [(row["area"], row["listener_count"], row["clean_listener_count"]) for row in rows] == [
        ("**", 2, 2),
        ("DE", 2, 1),
        ("SE", 1, 1),
    ]
    assert [(row["playback_count"], row["clean_playback_count"], row["clean_played_ms"]) for row in rows] == [
        (202, 2, 60_000),
        (201, 1, 30_000),
        (1, 1, 30_000),
    ]
    assert [(row["track_count"], row["clean_track_count"]) for row in rows] == [(2, 1), (2, 1), (1, 1)]


def test_a_week_goes_on_over_new_year(answer: Answer) -> None:
    rows = answer(PERIODS, [{"occurred_at": datetime(*day, tzinfo=UTC)} for day in ((2025, 12, 31), (2026, 1, 4))])
    found = [(row["slice"], row["playback_count"]) for row in rows if row["area"] == "DE"]
    assert ("week.2025-12-29", 2) in found
    assert ("year.2025-01-01", 1) in found


def tops(answer: Answer, log: list[dict[str, Any]], entity_type: str = "track") -> list[tuple[Any, ...]]:
    return [
        (row["area"], row["position"], row["entity_id"], row["play_count"], row["listener_count"])
        for row in all_time(answer, TOPS, log)
        if row["entity_type"] == entity_type
    ]


def test_positions_are_by_plays_then_by_id_in_each_area(answer: Answer) -> None:
    log = [{"track_id": "b"}, {"track_id": "B"}, {"track_id": "c", "ms_played": 1}]
    assert tops(answer, [*log, {"track_id": "b", "country": "SE"}]) == [
        ("**", 1, "b", 2, 1),
        ("**", 2, "B", 1, 1),
        ("DE", 1, "B", 1, 1),
        ("DE", 2, "b", 1, 1),
        ("SE", 1, "b", 1, 1),
    ]


def test_listeners_of_an_entity_are_those_of_any_playback_of_it(answer: Answer) -> None:
    log = [{}, {"user_id": "bob", "ms_played": 1}, {"country": "SE"}]
    assert tops(answer, log) == [
        ("**", 1, "uri:1", 2, 2),
        ("DE", 1, "uri:1", 1, 2),
        ("SE", 1, "uri:1", 1, 1),
    ]


def test_two_hundred_of_an_area_have_a_position(answer: Answer) -> None:
    found = tops(answer, [{"track_id": f"{number:03}"} for number in range(201)])
    assert len(found) == 400
    assert [found[199], found[200]] == [("**", 200, "199", 1, 1), ("DE", 1, "000", 1, 1)]


def test_an_artist_or_album_that_no_source_says_has_no_position(answer: Answer) -> None:
    log = [{"artist_name": ""}, {"artist_name": None, "album_title": None}]
    assert tops(answer, log, "artist") == []
    assert [row[3] for row in tops(answer, log, "album")] == [1, 1]
    assert [row[3] for row in tops(answer, log)] == [2, 2]


def test_tops_show_clean_counts_beside_raw_ones(answer: Answer) -> None:
    other_day = {"user_id": "bot", "track_id": "uri:bot", **before(1)}
    rows = all_time(answer, TOPS, [*BOT_DAY, {}, {"user_id": "bot"}, other_day])
    found = [
        tuple(row[name] for name in ("entity_id", "play_count", "clean_play_count", *LISTENERS))
        for row in rows
        if (row["area"], row["entity_type"]) == ("**", "track")
    ]
    assert found == [("uri:bot", 201, 1, 1, 1), ("uri:1", 2, 1, 2, 1)]


def test_the_tops_of_a_day_are_of_each_area(answer: Answer) -> None:
    log = [{}, {"user_id": "bob", "country": "SE"}, {"track_id": "uri:2", **before(0)}, before(31)]
    rows = answer(DAILY, log)
    found = [(row["slice"], row["event_date"].day, row["area"], row["position"], row["track_id"]) for row in rows]
    assert found == [
        ("month.2025-12-01", 31, "**", 1, "uri:1"),
        ("month.2025-12-01", 31, "DE", 1, "uri:1"),
        ("month.2026-01-01", 31, "**", 1, "uri:1"),
        ("month.2026-01-01", 31, "**", 2, "uri:2"),
        ("month.2026-01-01", 31, "DE", 1, "uri:1"),
        ("month.2026-01-01", 31, "DE", 2, "uri:2"),
        ("month.2026-01-01", 31, "SE", 1, "uri:1"),
    ]
    assert [row["listener_count"] for row in rows] == [1, 1, 2, 1, 1, 1, 1]


def test_a_hundred_tracks_of_a_day_have_a_position_and_none_without_a_play(answer: Answer) -> None:
    log = [{"track_id": f"{number:03}"} for number in range(101)]
    rows = answer(DAILY, [*log, before(1) | {"ms_played": 1}])
    assert [(row["area"], row["position"]) for row in rows] == [
        (area, position) for area in ("**", "DE") for position in range(1, 101)
    ]


def test_the_tops_of_a_day_have_clean_counts(answer: Answer) -> None:
    rows = answer(DAILY, [*BOT_DAY, {"track_id": "uri:bot"}, {"track_id": "uri:bot", "ms_played": 5}])
    assert [(row["play_count"], row["clean_play_count"], row["clean_playback_count"]) for row in rows] == [
        (201, 1, 2),
        (201, 1, 2),
    ]
    assert [(row["listener_count"], row["clean_listener_count"]) for row in rows] == [(2, 1), (2, 1)]


def chart(answer: Answer, log: list[dict[str, Any]], track_id: str = "uri:1") -> list[tuple[Any, ...]]:
    """date, position, previous, peak, days, weeks of a track in Germany."""
    names = ("position", "previous_position", "peak_position", "days_on_chart", "weeks_on_chart")
    return [
        (row["event_date"], *(row[name] for name in names))
        for row in answer(CHARTS, log)
        if (row["area"], row["track_id"]) == ("DE", track_id)
    ]


def played(day: int, track_id: str = "uri:1", country: str = "DE") -> dict[str, Any]:
    moment = datetime(2026, 1, day, 12, tzinfo=UTC)
    return {"occurred_at": moment, "track_id": track_id, "country": country}


def test_a_track_rises_and_falls(answer: Answer) -> None:
    first = [played(5), *[played(5, "uri:2")] * 2]
    second = [*[played(6)] * 2, played(6, "uri:2")]
    third = [played(7), *[played(7, "uri:2")] * 2]
    assert chart(answer, [*first, *second, *third]) == [
        (date(2026, 1, 5), 2, None, 2, 1, 1),
        (date(2026, 1, 6), 1, 2, 1, 2, 1),
        (date(2026, 1, 7), 2, 1, 1, 3, 1),
    ]


def test_a_track_that_comes_back_has_no_previous_position_and_keeps_its_peak(answer: Answer) -> None:
    log = [played(5), played(7), *[played(7, "uri:2")] * 2, played(8)]
    assert chart(answer, log) == [
        (date(2026, 1, 5), 1, None, 1, 1, 1),
        (date(2026, 1, 7), 2, None, 1, 2, 1),
        (date(2026, 1, 8), 1, 2, 1, 3, 1),
    ]


def test_weeks_begin_on_monday_and_count_once(answer: Answer) -> None:
    log = [played(day) for day in (2, 4, 5, 11, 12, 26)]
    assert [(day.day, weeks) for day, *_, weeks in chart(answer, log)] == [
        (2, 1), (4, 1), (5, 2), (11, 2), (12, 3), (26, 4),
    ]  # fmt: skip


def test_charts_of_areas_do_not_mix(answer: Answer) -> None:
    log = [played(5, country="SE"), played(6), played(6, country="SE")]
    assert chart(answer, log) == [(date(2026, 1, 6), 1, None, 1, 1, 1)]
    everywhere = [
        (row["event_date"].day, row["days_on_chart"], row["play_count"])
        for row in answer(CHARTS, log)
        if row["area"] == "**"
    ]
    assert everywhere == [(5, 1, 1), (6, 2, 2)]
