"""Gold, continued: statistics of each country and of all together, and the daily charts."""

from schemas.checks import AtMost, Between, InSet, Matches
from schemas.counts import (
    CHART_LENGTH,
    COUNT_CHECKS,
    LISTENER_COUNT,
    TRACK_COUNT,
    TRACK_ID,
    clean_at_most,
    clean_of,
    later_clean,
)
from schemas.model import Field, ReplaceAll, ReplaceSlices, Snapshot, Table, Warehouse
from schemas.periods import RANGES
from schemas.silver import EVENT_DATE
from schemas.statistics import (
    ENTITY_ID,
    ENTITY_TYPE,
    ENTITY_TYPES,
    GENRE_PLAY_COUNT,
    PERIOD,
    PERIOD_CHECKS,
    RAW_AND_CLEAN,
    SLICE,
    TAG,
)

AREA_TOP_LENGTH = 200
EVERYWHERE = "**"

AREA = Field("area", "string", "Country of the playbacks; ** of all countries together.")
CLEAN_LISTENERS = clean_of(LISTENER_COUNT)
IS_AREA = Matches("area", r"^([A-Z]{2}|\*\*)$")
_CHART_POSITION = Field("position", "int", f"1 to {CHART_LENGTH} by play_count of the day; ties by track_id.")

AREA_TOPS = Table(
    layer="gold",
    name="area_tops",
    description="The most played tracks, artists, albums and genres of each country, and of all together, by period.",
    grain="one row per area, period, entity_type and position",
    key=("area", "period_kind", "period_start", "entity_type", "position"),
    refresh=ReplaceSlices(kinds=RANGES, by_share=False),
    inputs=("gold.listener_track_days",),
    partition_by="slice",
    fields=(
        *PERIOD,
        AREA,
        ENTITY_TYPE,
        Field("position", "int", f"1 to {AREA_TOP_LENGTH} by play_count; ties by entity_id. Without a play, none."),
        ENTITY_ID,
        *RAW_AND_CLEAN,
        LISTENER_COUNT,
        CLEAN_LISTENERS,
    ),
    checks=(
        *PERIOD_CHECKS,
        IS_AREA,
        InSet("entity_type", ENTITY_TYPES),
        Between("position", 1, AREA_TOP_LENGTH),
        Between("listener_count", 1),
        AtMost("clean_listener_count", "listener_count"),
    ),
    warehouse=Warehouse(cluster_by=("area", "period_kind", "period_start")),
    tags=(TAG,),
)

AREA_PERIODS = Table(
    layer="gold",
    name="area_periods",
    description="What was heard in each country, and in all together, in a period.",
    grain="one row per area and period with a playback of a track",
    key=("area", "period_kind", "period_start"),
    refresh=ReplaceSlices(kinds=RANGES, by_share=False),
    inputs=("gold.listener_track_days",),
    partition_by="slice",
    fields=(
        *PERIOD,
        AREA,
        *RAW_AND_CLEAN,
        LISTENER_COUNT,
        CLEAN_LISTENERS,
        TRACK_COUNT,
        GENRE_PLAY_COUNT,
        *later_clean(TRACK_COUNT, GENRE_PLAY_COUNT),
    ),
    checks=(
        *PERIOD_CHECKS,
        IS_AREA,
        Between("listener_count", 1),
        AtMost("clean_listener_count", "listener_count"),
        AtMost("genre_play_count", "play_count"),
        *clean_at_most(TRACK_COUNT, GENRE_PLAY_COUNT),
    ),
    warehouse=Warehouse(cluster_by=("area", "period_kind", "period_start")),
    tags=(TAG,),
)

DAILY_TOPS = Table(
    layer="gold",
    name="daily_tops",
    description="The most played tracks of each day in each country, and in all together.",
    grain="one row per event_date, area and position",
    key=("event_date", "area", "position"),
    refresh=ReplaceSlices(kinds=("month",), by_share=False),
    inputs=("gold.listener_track_days",),
    partition_by="slice",
    fields=(SLICE, EVENT_DATE, AREA, _CHART_POSITION, TRACK_ID, *RAW_AND_CLEAN, LISTENER_COUNT, CLEAN_LISTENERS),
    checks=(*COUNT_CHECKS, IS_AREA, Between("position", 1, CHART_LENGTH), Between("listener_count", 1)),
    tags=(TAG,),
)

DAILY_CHARTS = Table(
    layer="gold",
    name="daily_charts",
    description="The charts of each day in each country, and in all together, with the way of each track through them.",
    grain="one row per event_date, area and position",
    key=("event_date", "area", "position"),
    refresh=ReplaceAll(),
    inputs=("gold.daily_tops",),
    fields=(
        EVENT_DATE,
        AREA,
        _CHART_POSITION,
        TRACK_ID,
        Field("previous_position", "int", "Position on the day before; null where it had none.", nullable=True),
        Field("peak_position", "int", "Best position up to this day."),
        Field("days_on_chart", "long", "Days with a position up to this day."),
        Field("weeks_on_chart", "long", "Weeks (from Monday) with a position on one of their days up to this day."),
        *RAW_AND_CLEAN,
        LISTENER_COUNT,
        CLEAN_LISTENERS,
    ),
    checks=(
        *COUNT_CHECKS,
        IS_AREA,
        Between("position", 1, CHART_LENGTH),
        AtMost("peak_position", "position"),
        AtMost("weeks_on_chart", "days_on_chart"),
    ),
    warehouse=Warehouse(cluster_by=("area", "event_date")),
    tags=(TAG,),
)

COMPARED = ("playback_count", "play_count", "clean_play_count", "played_ms", "listener_count", "genre_play_count")
"""Counts of `AREA_PERIODS` whose movement is a restatement."""

REASONS = ("late", "import", "deletion", "rules", "merge", "catalogue", "correction", "unknown")

RESTATEMENTS = Table(
    layer="gold",
    name="restatements",
    description="Which periods moved after they were over, from what to what, when and why.",
    grain="one row per area, period that was over, and moment as of which it says something else",
    key=("area", "period_kind", "period_start", "known_at"),
    refresh=Snapshot(),
    inputs=("gold.area_periods",),
    partition_by="restated_date",
    fields=(
        Field("restated_date", "date", "UTC date of known_at."),
        AREA,
        PERIOD[1],
        PERIOD[2],
        Field("known_at", "timestamp", "UTC moment as of which the new counts are known."),
        Field("known_before", "timestamp", "As of when the counts before were known; null: none were.", nullable=True),
        Field(
            "reason",
            "string",
            "Why, of these in this order, with commas between: late (events of clients), import (of a history), "
            "deletion, rules (others apply), merge (more or fewer are told of twice), catalogue (another feed: of more "
            "or fewer plays a genre is known, beyond those that came or went), correction (the same playbacks say "
            "something else); unknown where the earlier playbacks are no longer kept.",
        ),
        *(
            Field(f"{name}{suffix}", "long", f"{name} of the area and period {when}.", name == GENRE_PLAY_COUNT.name)
            for name in COMPARED
            for suffix, when in (("_before", "before; 0 where it had none"), ("", "now; 0 where it has none any more"))
        ),
    ),
    checks=(InSet("period_kind", RANGES), IS_AREA),
    warehouse=Warehouse(cluster_by=("period_kind", "period_start", "area")),
    tags=(TAG,),
)

TABLES = (AREA_TOPS, AREA_PERIODS, DAILY_TOPS, DAILY_CHARTS, RESTATEMENTS)
