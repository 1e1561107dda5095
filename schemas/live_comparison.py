"""Live, continued: what its closed minutes say beside what gold says of the same days."""

from schemas.checks import Between
from schemas.counts import COUNTRY, TRACK_ID
from schemas.model import Field, Live, Table, Warehouse
from schemas.silver import EVENT_DATE

COMPARED_DAYS = 90
"""Retention, see ADR 0028."""
_COMPARED = ("play_count", "skip_count")
LEFT_TO_BATCH = ("late", "beyond_horizon", "ahead", "open")
"""Why a playback that gold counts is in no closed live cell; open: its window is not closed yet."""

BATCH_DIFFERENCES = Table(
    layer="live",
    name="batch_differences",
    description="What gold counts of each day, country and track, what the closed live cells add up to, and why the "
    "others are not in them. Distinct listeners cannot be compared: those of minutes do not add up to those of a day.",
    grain="one row per event_date, country and track_id of a day that live has cells of",
    key=("event_date", "country", "track_id"),
    refresh=Live(COMPARED_DAYS),
    partition_by="event_date",
    fields=(
        EVENT_DATE,
        COUNTRY,
        TRACK_ID,
        *(
            field
            for name in _COMPARED
            for field in (
                Field(name, "long", f"{name} of gold.daily_track_plays."),
                Field(f"live_{name}", "long", f"Sum of {name} of the closed windows of live.minute_track_plays."),
                *(
                    Field(f"{why}_{name}", "long", f"{name} of playbacks that live left out: {why}.")
                    for why in LEFT_TO_BATCH
                ),
                Field(
                    f"merged_{name}",
                    "long",
                    f"{name} of plays that live counts or left out, and gold does not count because another play tells "
                    "of the playback too (silver.merged_plays).",
                    nullable=True,
                ),
                Field(f"unexplained_{name}", "long", "What is left over: 0."),
            )
        ),
    ),
    checks=tuple(Between(f"unexplained_{name}", 0, 0) for name in _COMPARED),
    warehouse=Warehouse(cluster_by=("country", "track_id")),
)

TABLES = (BATCH_DIFFERENCES,)
