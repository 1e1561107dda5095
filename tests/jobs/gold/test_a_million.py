"""A listener with a million playbacks in two years: every statistic counts all of them."""

from itertools import product

import pytest
from pyspark.sql import functions as F

from jobs.gold import listener_periods, listener_tops, listener_track_days, listening_hours
from jobs.slice_columns import in_slices
from schemas.music_catalogue import TRACK_FACTS
from schemas.silver import MERGED_PLAYS, PLAYS, TRACKS
from schemas.statistics import LISTENER_PERIODS, LISTENER_TOPS, LISTENER_TRACK_DAYS, LISTENING_HOURS

pytestmark = pytest.mark.nightly

MILLION, TRACKS_HEARD = 1_000_000, 1_000


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
    """The base, stored: all statistics are computed from it."""
    sliced = in_slices(plays, LISTENER_TRACK_DAYS.refresh)
    rows = listener_track_days.transform(sliced, frame(MERGED_PLAYS), frame(TRACKS), frame(TRACK_FACTS))
    rows.drop("slice").write.parquet(str(tmp_path / "days"))
    return plays.sparkSession.read.parquet(str(tmp_path / "days"))


def _all_time(transform, days, table):
    rows = transform(in_slices(days, table.refresh))
    return [row.asDict() for row in rows.where(F.col("period_kind") == "all_time").collect()]


def test_a_listener_with_a_million_playbacks_is_counted_like_any_other(days):
    (whole,) = _all_time(listener_periods.transform, days, LISTENER_PERIODS)
    tops = _all_time(listener_tops.transform, days, LISTENER_TOPS)
    hours = _all_time(listening_hours.transform, days, LISTENING_HOURS)

    assert (whole["playback_count"], whole["track_count"], whole["day_count"]) == (MILLION, TRACKS_HEARD, 695)
    assert [row["play_count"] for row in tops] == [MILLION // TRACKS_HEARD] * 100
    assert {(row["weekday"], row["hour"]) for row in hours} == set(product(range(1, 8), range(24)))
    assert sum(row["playback_count"] for row in hours) == MILLION
