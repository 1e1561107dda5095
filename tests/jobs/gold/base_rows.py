"""Rows of the base of the statistics, and what a table makes of them."""

from datetime import date
from functools import reduce
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.slice_columns import in_slices
from jobs.transforms import halves_of, transform_of
from schemas.model import ReplaceSlices, Table
from schemas.statistics import LISTENER_TRACK_DAYS

ANNA, BEN = "a0" + "0" * 30, "0f" + "0" * 30
DAY = date(2026, 11, 19)


def cell(track_id: str, plays: int = 1, **fields: Any) -> dict[str, Any]:
    """What Anna played of a track in Germany on a day; of no known artist and album."""
    usual = {"event_date": DAY, "user_id": ANNA, "country": "DE", "artist_id": "", "album_id": ""}
    counts = {"playback_count": plays + 1, "play_count": plays, "skip_count": 1, "played_ms": plays * 1_000}
    return usual | counts | {"track_id": track_id, "is_flagged": False} | fields


def made_of(frame: Any, table: Table, *cells: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of a table that reads nothing but the base, of these rows of it; `frame` is the fixture.

    Where they are of all listeners together, the same must come of what each of them alone tells.
    """
    assert isinstance(table.refresh, ReplaceSlices)
    sliced = in_slices(frame(LISTENER_TRACK_DAYS, *cells), table.refresh)
    rows = _told(transform_of(table)(listener_track_days=sliced))
    if cells and not table.refresh.by_share:
        halves = halves_of(table)
        of_each = [sliced.where(F.col("user_id") == one) for one in sorted({cell["user_id"] for cell in cells})]
        merged = halves.merged(reduce(DataFrame.unionByName, map(halves.partial, of_each)))
        assert sorted(_told(merged), key=repr) == sorted(rows, key=repr)
    return rows


def _told(frame: DataFrame) -> list[dict[str, Any]]:
    return [row.asDict() for row in frame.collect()]
