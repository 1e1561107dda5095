"""A listener with a million playbacks in two years: every statistic counts all of them."""

from datetime import date
from itertools import product

import pytest
from pyspark.sql import functions as F

from jobs.gold import listener_sessions, listener_track_days, year_in_music
from jobs.slice_columns import in_slices
from jobs.transforms import transform_of
from schemas.area_statistics import AREA_PERIODS, AREA_TOP_LENGTH, AREA_TOPS
from schemas.eras import AREA_ERAS, LISTENER_ERAS
from schemas.music_catalogue import TRACK_FACTS
from schemas.periods import BEGINNING, Slice
from schemas.silver import MERGED_PLAYS, PLAYS, TRACKS
from schemas.statistics import (
    LISTENER_DISCOVERIES,
    LISTENER_PERIODS,
    LISTENER_SESSIONS,
    LISTENER_TOPS,
    LISTENER_TRACK_DAYS,
    LISTENING_HOURS,
)
from schemas.year_in_music import YEAR_IN_MUSIC

pytestmark = pytest.mark.nightly

MILLION, TRACKS_HEARD = 1_000_000, 1_000
FIRST_DAY = date(2024, 1, 1)
BY_YEAR = {2024: 366 * 1_440, 2025: MILLION - 366 * 1_440}


@pytest.fixture
def plays(session):
    """One ends every minute from the beginning of 2024 on; a thousand tracks in turn."""
    at = F.timestamp_seconds(F.lit(1_704_067_200) + F.col("id") * 60)
    known = {
        "event_id": F.col("id").cast("string"),
        "user_id": F.lit("a0" + "0" * 30),
        "occurred_at": at,
        "event_date": at.cast("date"),
        "country": F.lit("DE"),
        "content_type": F.lit("track"),
        "track_id": F.concat(F.lit("t"), (F.col("id") % TRACKS_HEARD).cast("string")),
        "utc_offset_minutes": F.lit(0),
        "ms_played": F.lit(60_000).cast("long"),
        "counts_as_play": F.lit(True),
        "is_skip": F.lit(False),
    }
    columns = [known.get(field.name, F.lit(None)).alias(field.name) for field in PLAYS.fields]
    return session.range(MILLION).select(*columns)


@pytest.fixture
def days(plays, frame, tmp_path):
    """The base, stored: all statistics but sessions are computed from it."""
    sliced = in_slices(plays, LISTENER_TRACK_DAYS.refresh)
    rows = listener_track_days.transform(sliced, frame(MERGED_PLAYS), frame(TRACKS), frame(TRACK_FACTS))
    rows.drop("slice").write.parquet(str(tmp_path / "days"))
    return plays.sparkSession.read.parquet(str(tmp_path / "days"))


def _all_time(days, table):
    whole = Slice("all_time", BEGINNING, "a0" if table.refresh.by_share else "")
    return _told(transform_of(table)(listener_track_days=in_slices(days, table.refresh, [whole])))


def _told(rows):
    return [row.asDict() for row in rows.collect()]


def test_a_listener_with_a_million_playbacks_is_counted_like_any_other(days):
    (whole,) = _all_time(days, LISTENER_PERIODS)
    tops = _all_time(days, LISTENER_TOPS)
    hours = _all_time(days, LISTENING_HOURS)
    (era,) = _all_time(days, LISTENER_ERAS)
    discoveries = _all_time(days, LISTENER_DISCOVERIES)

    assert (whole["playback_count"], whole["track_count"], whole["day_count"]) == (MILLION, TRACKS_HEARD, 695)
    assert [row["play_count"] for row in tops] == [MILLION // TRACKS_HEARD] * 100
    assert {(row["weekday"], row["hour"]) for row in hours} == set(product(range(1, 8), range(24)))
    assert sum(row["playback_count"] for row in hours) == MILLION
    assert (era["release_year"], era["playback_count"], era["played_ms"]) == (0, MILLION, MILLION * 60_000)
    assert {row["entity_id"] for row in discoveries} == {f"t{number}" for number in range(TRACKS_HEARD)}
    assert {(row["first_date"], row["clean_first_date"]) for row in discoveries} == {(FIRST_DAY, FIRST_DAY)}


def test_in_areas_a_million_playbacks_are_those_of_one_listener(days):
    periods = _all_time(days, AREA_PERIODS)
    tops = _all_time(days, AREA_TOPS)
    eras = _all_time(days, AREA_ERAS)

    assert {(row["area"], row["playback_count"], row["listener_count"], row["track_count"]) for row in periods} == {
        (area, MILLION, 1, TRACKS_HEARD) for area in ("DE", "**")
    }
    for area in ("DE", "**"):
        places = sorted((row["position"], row["play_count"]) for row in tops if row["area"] == area)
        assert places == [(position, MILLION // TRACKS_HEARD) for position in range(1, AREA_TOP_LENGTH + 1)]
    assert {(row["area"], row["release_year"], row["playback_count"]) for row in eras} == {
        (area, 0, MILLION) for area in ("DE", "**")
    }


def test_a_million_playbacks_without_silence_are_one_session_a_month(plays, frame):
    rows = listener_sessions.transform(in_slices(plays, LISTENER_SESSIONS.refresh), frame(MERGED_PLAYS))
    found = sorted(_told(rows), key=lambda row: row["event_date"])

    assert [row["event_date"] for row in found] == [
        date(2024 + month // 12, month % 12 + 1, 1) for month in range(12 + 11)
    ]
    assert sum(row["playback_count"] for row in found) == sum(row["play_count"] for row in found) == MILLION
    assert sum(row["played_ms"] for row in found) == MILLION * 60_000
    assert {(row["track_count"], row["is_flagged"]) for row in found} == {(TRACKS_HEARD, False)}


def test_both_years_of_a_million_playbacks_are_told_whole(days):
    sliced = in_slices(days, YEAR_IN_MUSIC.refresh)
    discoveries, eras = (
        transform_of(table)(listener_track_days=in_slices(days, table.refresh))
        for table in (LISTENER_DISCOVERIES, LISTENER_ERAS)
    )
    rows = _told(year_in_music.transform(sliced, discoveries, eras))

    for year, plays in BY_YEAR.items():
        found = {row["module"]: row["value"] for row in rows if row["period_start"].year == year}
        active_days = {2024: 366, 2025: 695 - 366}[year]
        numbers = {"plays": plays, "played_ms": plays * 60_000, "tracks": TRACKS_HEARD, "skips_permille": 0}
        numbers |= {"active_days": active_days, "longest_streak_days": active_days}
        numbers |= {"new_tracks": TRACKS_HEARD if year == FIRST_DAY.year else 0}
        assert numbers.items() <= found.items()
        tops = [row["value"] for row in rows if (row["period_start"].year, row["module"]) == (year, "top_tracks")]
        assert tops == [-(-plays // TRACKS_HEARD)] * 5
