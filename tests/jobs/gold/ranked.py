"""Rows of the base of the statistics for tables that rank by plays."""

from datetime import date
from typing import Any

ANNA, BEN = "a0" + "0" * 30, "0f" + "0" * 30
DAY = date(2026, 11, 19)


def cell(track_id: str, plays: int = 1, **fields: Any) -> dict[str, Any]:
    """What Anna played of a track in Germany on a day; of no known artist and album."""
    usual = {"event_date": DAY, "user_id": ANNA, "country": "DE", "artist_id": "", "album_id": ""}
    counts = {"playback_count": plays + 1, "play_count": plays, "skip_count": 1, "played_ms": plays * 1_000}
    return usual | counts | {"track_id": track_id, "is_flagged": False} | fields
