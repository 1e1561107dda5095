"""Gold, continued: the era map, listening by the year in which music was released.

Every playback is in exactly one cell of its period, so that cells add up to `gold.listener_periods`, and to decades.
"""

from schemas.area_statistics import AREA, CLEAN_LISTENERS, IS_AREA
from schemas.checks import AtMost, Between
from schemas.counts import LISTENER_COUNT, USER_ID
from schemas.model import ReplaceSlices, Table, Warehouse
from schemas.music_catalogue import LAST_YEAR, RELEASE_YEAR
from schemas.periods import PeriodKind
from schemas.statistics import PERIOD, PERIOD_CHECKS, RAW_AND_CLEAN, TAG

_KINDS: tuple[PeriodKind, ...] = ("month", "year", "all_time")
_IS_YEAR = Between("release_year", 0, LAST_YEAR)

LISTENER_ERAS = Table(
    layer="gold",
    name="listener_eras",
    description="What each listener heard in a period, by the year in which it was released.",
    grain="one row per listener, period and year of release, 0 included, with a playback of a track",
    key=("user_id", "period_kind", "period_start", "release_year"),
    refresh=ReplaceSlices(kinds=_KINDS),
    inputs=("gold.listener_track_days",),
    partition_by="slice",
    fields=(*PERIOD, USER_ID, RELEASE_YEAR, *RAW_AND_CLEAN),
    checks=(*PERIOD_CHECKS, _IS_YEAR),
    warehouse=Warehouse(cluster_by=("user_id", "period_kind", "period_start")),
    tags=(TAG,),
)

AREA_ERAS = Table(
    layer="gold",
    name="area_eras",
    description="What was heard in each country, and in all together, in a period, by the year of its release.",
    grain="one row per area, period and year of release, 0 included, with a playback of a track",
    key=("area", "period_kind", "period_start", "release_year"),
    refresh=ReplaceSlices(kinds=_KINDS, by_share=False),
    inputs=("gold.listener_track_days",),
    partition_by="slice",
    fields=(*PERIOD, AREA, RELEASE_YEAR, *RAW_AND_CLEAN, LISTENER_COUNT, CLEAN_LISTENERS),
    checks=(
        *PERIOD_CHECKS,
        IS_AREA,
        _IS_YEAR,
        Between("listener_count", 1),
        AtMost("clean_listener_count", "listener_count"),
    ),
    warehouse=Warehouse(cluster_by=("area", "period_kind", "period_start")),
    tags=(TAG,),
)

TABLES = (LISTENER_ERAS, AREA_ERAS)
