"""Rows of gold.daily_user_plays as tests of the job and of the answer key look at them."""

from collections.abc import Iterable
from typing import Any


def clean_beside_raw(rows: Iterable[Any]) -> dict[tuple[str, int], tuple[tuple[int, int], ...]]:
    """Of each listener and day of the month the clean count beside the raw one: playbacks, plays, skips, ms."""
    return {
        (row["user_id"], row["event_date"].day): (
            (row["clean_playback_count"], row["playback_count"]),
            (row["clean_play_count"], row["play_count"]),
            (row["clean_skip_count"], row["skip_count"]),
            (row["clean_played_ms"], row["played_ms"]),
        )
        for row in rows
    }
