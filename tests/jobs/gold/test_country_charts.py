"""gold.country_charts: positions by plays within windows that end on the latest day."""

from datetime import date, timedelta

from jobs.gold.country_charts import transform
from schemas.gold import DAILY_TRACK_PLAYS
from schemas.silver import TRACKS

LAST = date(2026, 11, 28)


def _cell(track_id, plays, days_before=0, country="DE", clean=None):
    return {
        "event_date": LAST - timedelta(days=days_before),
        "country": country,
        "track_id": track_id,
        "play_count": plays,
        "played_ms": plays * 1000,
        "clean_play_count": clean,
        "clean_played_ms": clean and clean * 1000,
    }


def _chart(rows, window, country="DE"):
    chosen = [row for row in rows.collect() if row["window_days"] == window and row["country"] == country]
    return [
        (row["position"], row["track_id"], row["play_count"]) for row in sorted(chosen, key=lambda r: r["position"])
    ]


def test_more_plays_come_first_and_ties_go_by_track_id(frame):
    rows = transform(frame(DAILY_TRACK_PLAYS, _cell("c", 2), _cell("b", 5), _cell("a", 2)), frame(TRACKS))

    assert _chart(rows, 7) == [(1, "b", 5), (2, "a", 2), (3, "c", 2)]


def test_a_window_of_seven_days_ends_with_the_latest_day_and_leaves_out_the_eighth(frame):
    rows = transform(frame(DAILY_TRACK_PLAYS, _cell("a", 1), _cell("a", 1, 6), _cell("a", 1, 7)), frame(TRACKS))

    assert _chart(rows, 7) == [(1, "a", 2)]
    assert _chart(rows, 28) == [(1, "a", 3)]


def test_the_latest_day_of_any_country_ends_the_window_of_all(frame):
    rows = transform(frame(DAILY_TRACK_PLAYS, _cell("a", 1), _cell("b", 1, 7, country="SE")), frame(TRACKS))

    assert _chart(rows, 7, "SE") == []
    assert _chart(rows, 28, "SE") == [(1, "b", 1)]


def test_a_track_that_was_only_skipped_has_no_place(frame):
    assert _chart(transform(frame(DAILY_TRACK_PLAYS, _cell("a", 0)), frame(TRACKS)), 7) == []


def test_a_chart_has_a_hundred_places(frame):
    rows = transform(frame(DAILY_TRACK_PLAYS, *[_cell(f"t{n:03}", 1) for n in range(101)]), frame(TRACKS))

    assert [place for place, _, _ in _chart(rows, 7)] == list(range(1, 101))


def test_the_current_names_are_shown_and_a_track_without_names_stays(frame):
    names = {"track_id": "a", "artist_name": "New", "track_title": "Song", "is_current": True}
    old = names | {"artist_name": "Old", "is_current": False}
    rows = transform(frame(DAILY_TRACK_PLAYS, _cell("a", 2), _cell("b", 1)), frame(TRACKS, names, old))

    shown = {row["track_id"]: (row["artist_name"], row["track_title"]) for row in rows.collect()}
    assert shown == {"a": ("New", "Song"), "b": ("", "")}


def _clean_of_week(frame, *cells):
    rows = transform(frame(DAILY_TRACK_PLAYS, *cells), frame(TRACKS)).where("window_days = 7").collect()
    shown = ("play_count", "clean_play_count", "clean_played_ms")
    return [(row["track_id"], *(row[name] for name in shown)) for row in sorted(rows, key=lambda row: row["position"])]


def test_clean_plays_stand_beside_the_raw_ones_that_rank(frame):
    cells = [_cell("a", 2, clean=2), _cell("a", 1, 1, clean=1), _cell("b", 5, clean=0)]

    assert _clean_of_week(frame, *cells) == [("b", 5, 0, 0), ("a", 3, 3, 3_000)]


def test_where_a_day_is_from_before_there_were_clean_counts_there_is_none(frame):
    cells = [_cell("a", 2, clean=2), _cell("a", 1, 1), _cell("b", 1)]

    assert _clean_of_week(frame, *cells) == [("a", 3, None, None), ("b", 1, None, None)]


def test_without_a_history_there_is_no_chart(frame):
    assert transform(frame(DAILY_TRACK_PLAYS), frame(TRACKS)).collect() == []
