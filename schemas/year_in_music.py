"""Gold, continued: what a year was to each listener, as rows to tell it by."""

from schemas.checks import Between, InSet
from schemas.counts import USER_ID
from schemas.model import Field, ReplaceSlices, Table, Warehouse
from schemas.statistics import SLICE, TAG

YEAR_TOP_LENGTH = 5

NUMBERS = {
    "played_ms": "milliseconds heard in all playbacks",
    "plays": "playbacks that count as a play",
    "tracks": "distinct tracks with a playback",
    "artists": "distinct artists with a playback, as far as they are known",
    "albums": "distinct albums with a playback, as far as they are known",
    "active_days": "days (UTC) with a playback",
    "longest_streak_days": "most active days of the year in a row",
    "skips_permille": "skips of a thousand playbacks, rounded down; 0 of none",
    "new_tracks": "tracks whose first play of all time is in the year",
    "new_artists": "artists whose first play of all time is in the year",
    "new_albums": "albums whose first play of all time is in the year",
    "genres": "distinct genres with a playback, as far as they are known",
    "new_genres": "genres whose first play of all time is in the year",
    "musical_age": "years since the release of what was played, of which half the plays are younger or as old (no row "
    "where no year of release is known)",
}
"""Modules that are a number of the whole year, and what `value` is."""

TOPS = {"track": "top_tracks", "artist": "top_artists", "album": "top_albums"}
KNOWN_TOPS = {"genre": "top_genres", "decade": "top_decades"}
"""Of what the catalogue knows: decades of release among them."""

BEST = {"weekday": "top_weekday", "hour": "top_hour", "month": "top_month", "day": "busiest_day"}
"""Modules of what is ranked by plays, by its kind: the first five of TOPS and KNOWN_TOPS, the first of BEST."""

OTHERS = ("top_discovery", "most_repeated_track_in_a_day")
"""The most played artist of those that are new, and the most plays of one track on one day (UTC)."""

MODULES = (*NUMBERS, *TOPS.values(), *KNOWN_TOPS.values(), *BEST.values(), *OTHERS)

YEAR_IN_MUSIC = Table(
    layer="gold",
    name="year_in_music",
    description="What each year was to each listener, to tell it by: one module is one number, or a short top list. "
    "Years and days are those of UTC; weekday and hour are by the listener's own clock, as far as it is known.",
    grain="one row per listener, year, module and position",
    key=("user_id", "period_start", "module", "position"),
    refresh=ReplaceSlices(kinds=("year",), later=True),
    inputs=("gold.listener_track_days", "gold.listener_discoveries", "gold.listener_eras"),
    partition_by="slice",
    fields=(
        SLICE,
        Field("period_start", "date", "First day of the year."),
        USER_ID,
        Field("module", "string", f"What it is about: {', '.join(MODULES)}."),
        Field("position", "int", f"1 to {YEAR_TOP_LENGTH} by plays, ties by entity_id; 1 where there is but one."),
        Field(
            "entity_type",
            "string",
            "track, artist, album, genre, decade, weekday, hour, month or day; empty where it is a number.",
        ),
        Field(
            "entity_id",
            "string",
            "Identity of the track, artist, album or genre (names are in gold.entity_names); the first year of the "
            "decade; weekday 1 (Monday) to 7, hour 00 to 23, month as 2026-11, day as 2026-11-23; empty where it is a "
            "number.",
        ),
        Field(
            "value",
            "long",
            f"Plays of what is named, of most_repeated_track_in_a_day on that day. Else: "
            f"{'; '.join(f'{name}, {what}' for name, what in NUMBERS.items())}.",
        ),
        Field("clean_value", "long", "The same without flagged days of listeners."),
    ),
    checks=(
        InSet("module", MODULES),
        InSet("entity_type", ("", *TOPS, *KNOWN_TOPS, *BEST)),
        Between("position", 1, YEAR_TOP_LENGTH),
        Between("value", 0),
        Between("clean_value", 0),
    ),
    warehouse=Warehouse(cluster_by=("user_id", "period_start", "module")),
    tags=(TAG,),
)

TABLES = (YEAR_IN_MUSIC,)
