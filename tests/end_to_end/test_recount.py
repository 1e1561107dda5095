"""What the tables and stores say, against a recount of the export that shares no code with the project."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from infra.settings import REPOSITORY
from tests.end_to_end.recount import Recount, TrackKey, compares_as, recount

REAL_EXPORT = REPOSITORY.parent / "shared" / "data" / "spotify-export"
NO_REAL_EXPORT = "needs the real export in ../shared/data/spotify-export, which is not part of the repository"
COUNTS = ("playback_count", "play_count", "skip_count")


@pytest.fixture(
    scope="module",
    params=["small", pytest.param("real", marks=pytest.mark.skipif(not REAL_EXPORT.is_dir(), reason=NO_REAL_EXPORT))],
)
def counted(request: pytest.FixtureRequest, deployment: Callable[..., Any], now: datetime) -> tuple[Any, Recount]:
    """A deployment that has run on an export, and the recount of that export."""
    if request.param == "small":
        return request.getfixturevalue("undisturbed"), recount(request.getfixturevalue("export"), now)
    made = deployment()
    made.send(REAL_EXPORT)
    assert made.run().sheet.adds_up
    return made, recount(REAL_EXPORT, now)


def key_of(row: dict[str, Any]) -> TrackKey:
    """The track of a row of silver.tracks, named as the recount names it."""
    if row["track_id"].startswith("name:"):
        return compares_as(row["artist_name"]), compares_as(row["track_title"])
    return (row["track_id"],)


def track_cells(rows: list[dict[str, Any]], keys: dict[str, TrackKey]) -> dict[Any, Any]:
    counts = (*COUNTS, "listener_count", "played_ms")
    return {(row["event_date"], row["country"], keys[row["track_id"]]): _values(row, counts) for row in rows}


def user_cells(rows: list[dict[str, Any]], user_id: str) -> dict[Any, Any]:
    assert {row["user_id"] for row in rows} == {user_id}
    return {row["event_date"]: _values(row, (*COUNTS, "track_count", "played_ms")) for row in rows}


def _values(row: dict[str, Any], names: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


@pytest.mark.skipif(not REAL_EXPORT.is_dir(), reason=NO_REAL_EXPORT)
def test_the_recount_reads_the_whole_real_export(now: datetime) -> None:
    counted = recount(REAL_EXPORT, now)
    assert counted.unreadable + counted.repeated + len(counted.heard) == 18_706 + 1_821


def test_every_row_has_one_fate(counted: tuple[Any, Recount]) -> None:
    made, expected = counted
    assert len(made.rows("silver.plays")) == len(expected.heard)
    assert len(made.rows("bronze.dead_letters")) == expected.unreadable
    assert len(made.rows("silver.duplicates")) == expected.repeated
    assert [row["content_type"] for row in made.rows("silver.plays")].count("track") == len(expected.music) + sum(
        expected.heard[place].kind == "track" for place in expected.merged
    )


def test_what_two_exports_tell_of_is_merged_and_counted_once(counted: tuple[Any, Recount]) -> None:
    made, expected = counted
    assert len(made.rows("silver.merged_plays")) == len(expected.merged) > 0


def test_a_track_is_its_uri_or_its_names_however_they_are_spelled(counted: tuple[Any, Recount]) -> None:
    made, expected = counted
    for rows in (made.rows("silver.tracks"), made.analysed("silver.tracks")):
        keys = {(row["track_id"], key_of(row)) for row in rows}
        assert len({name for name, _ in keys}) == len({key for _, key in keys}) == len(keys)
        spelled = {
            (key_of(row), (row["artist_name"], row["track_title"], row["album_title"])): (
                row["first_seen_at"].replace(tzinfo=None),
                row["last_seen_at"].replace(tzinfo=None),
            )
            for row in rows
        }
        assert spelled == {
            (key, names): seen for key, spellings in expected.spellings().items() for names, seen in spellings.items()
        }


def test_plays_by_day_country_and_track_in_the_lake_and_in_the_warehouse(counted: tuple[Any, Recount]) -> None:
    made, expected = counted
    keys = {row["track_id"]: key_of(row) for row in made.rows("silver.tracks")}
    cells = expected.by_day_country_and_track()
    assert track_cells(made.rows("gold.daily_track_plays"), keys) == cells
    analysed = made.analysed("gold.daily_track_plays")
    assert len(analysed) == len(cells)
    assert track_cells(analysed, keys) == cells


def test_plays_by_day_and_listener_in_the_lake_and_in_both_stores(counted: tuple[Any, Recount]) -> None:
    made, expected = counted
    for rows in (made.rows("gold.daily_user_plays"), made.analysed("gold.daily_user_plays"), made.served_days()):
        assert len(rows) == len(expected.by_day())
        assert user_cells(rows, made.user_id) == expected.by_day()


def test_charts_in_the_lake_and_in_both_stores(counted: tuple[Any, Recount]) -> None:
    made, expected = counted
    charts = expected.charts({key_of(row): row["track_id"] for row in made.rows("silver.tracks")})
    shown = ("chart_date", "track_id", "artist_name", "track_title", "play_count", "played_ms")
    names = ("country", "window_days", "position", *shown)
    for rows in (made.rows("gold.country_charts"), made.analysed("gold.country_charts")):
        assert len(rows) == len(charts)
        assert {_values(row, names) for row in rows} == charts
    for country in {chart[0] for chart in charts}:
        served = [_values(row, names) for row in made.served_chart(str(country))]
        assert served == sorted(chart for chart in charts if chart[:2] == (country, 28))
