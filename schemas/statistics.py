"""Gold, continued: statistics of listeners, by calendar period.

All of them are cells over one base, `gold.listener_track_days`. A cell belongs to an absolute period, so that a day
touches one cell of each kind and what is over stays as it is, until something of it comes late. Raw counts stand beside
clean ones, which leave out the days on which a listener is flagged.
"""

from dataclasses import replace

from schemas.checks import AtMost, Between, Check, InSet
from schemas.counts import (
    COUNT_CHECKS,
    COUNTRY,
    COUNTS,
    IS_COUNTRY,
    PLAYED_MS,
    TRACK_COUNT,
    TRACK_ID,
    USER_ID,
    clean_at_most,
    clean_of,
    later_clean,
)
from schemas.model import Field, ReplaceAll, ReplaceSlices, Table, Warehouse
from schemas.music_catalogue import GENRES, RELEASE_YEAR
from schemas.periods import RANGES
from schemas.silver import EVENT_DATE

TAG = "statistics"
"""Of the tables that a deployment may leave out (`TONEARM_STATISTICS`)."""

FLAGGED_MS = 86_400_000
FLAGGED_PLAYBACKS = 200
FLAGGED_MEAN_MS = 45_000
LISTENER_TOP_LENGTH = 100
ENTITY_TYPES = ("track", "artist", "album", "genre")
SESSION_SILENCE_MS = 30 * 60 * 1000

SLICE = Field("slice", "string", "What is computed at once: kind and first day of the period, share of the listeners.")
PERIOD_KIND = Field("period_kind", "string", "week (from Monday), month, quarter, half_year, year or all_time.")
PERIOD_START = Field("period_start", "date", "First day of the period (UTC); of all_time 1970-01-01.")
ENTITY_TYPE = Field("entity_type", "string", "track, artist, album or genre.")
ENTITY_ID = Field("entity_id", "string", "Identity of what is named; names to show are in gold.entity_names.")
GENRE_PLAY_COUNT = Field(
    "genre_play_count",
    "long",
    "Plays of tracks of which the catalogue knows a genre: the others are in none.",
    nullable=True,
)
FLAGGED = (
    f"A listener is flagged on a day (UTC) of which more than {FLAGGED_MS:,} ms are heard, or which has "
    f"{FLAGGED_PLAYBACKS} or more playbacks that last less than {FLAGGED_MEAN_MS:,} ms in the mean."
)
LISTENED = (*COUNTS, PLAYED_MS)
CLEAN = tuple(map(clean_of, LISTENED))
RAW_AND_CLEAN = (*LISTENED, *CLEAN)
PERIOD = (SLICE, PERIOD_KIND, PERIOD_START)
CLEAN_CHECKS: tuple[Check, ...] = (
    *(Between(one.name, 0) for one in CLEAN),
    *clean_at_most(*LISTENED),
)
PERIOD_CHECKS: tuple[Check, ...] = (InSet("period_kind", RANGES), *COUNT_CHECKS, *CLEAN_CHECKS)

LISTENER_TRACK_DAYS = Table(
    layer="gold",
    name="listener_track_days",
    description="Playbacks of tracks of each listener by day and local hour: the base of all statistics. One that is "
    f"told of twice counts once. {FLAGGED}",
    grain="one row per event_date, user_id, country, track, artist, album and local hour in which it was played",
    key=("event_date", "user_id", "country", "track_id", "artist_id", "album_id", "local_date", "local_hour"),
    refresh=ReplaceSlices(kinds=("month",), also=("silver.merged_plays",), of_tracks=("silver.track_facts",)),
    inputs=("silver.plays", "silver.merged_plays", "silver.tracks", "silver.track_facts"),
    partition_by="slice",
    fields=(
        SLICE,
        EVENT_DATE,
        USER_ID,
        COUNTRY,
        TRACK_ID,
        Field("artist_id", "string", "Identity of the artist as this playback spells it; empty where it does not say."),
        Field("album_id", "string", "Identity of the album as this playback spells it; empty where it does not say."),
        Field("local_date", "date", "Date of the end in the listener's own time zone; event_date where unknown."),
        Field("local_hour", "int", "Hour of the end, 0 to 23, in the listener's own time zone; -1 where unknown."),
        *LISTENED,
        Field("is_flagged", "boolean", "Whether the listener is flagged on event_date."),
        replace(RELEASE_YEAR, nullable=True),
        replace(GENRES, nullable=True),
    ),
    checks=(*COUNT_CHECKS, IS_COUNTRY, Between("local_hour", -1, 23)),
    tags=(TAG,),
)

LISTENER_TOPS = Table(
    layer="gold",
    name="listener_tops",
    description="The most played tracks, artists, albums and genres of each listener by period.",
    grain="one row per listener, period, entity_type and position",
    key=("user_id", "period_kind", "period_start", "entity_type", "position"),
    refresh=ReplaceSlices(kinds=RANGES),
    inputs=("gold.listener_track_days",),
    partition_by="slice",
    fields=(
        *PERIOD,
        USER_ID,
        ENTITY_TYPE,
        Field("position", "int", f"1 to {LISTENER_TOP_LENGTH} by play_count; ties by entity_id. Without a play, none."),
        ENTITY_ID,
        *RAW_AND_CLEAN,
    ),
    checks=(*PERIOD_CHECKS, InSet("entity_type", ENTITY_TYPES), Between("position", 1, LISTENER_TOP_LENGTH)),
    warehouse=Warehouse(cluster_by=("user_id", "period_kind", "period_start")),
    tags=(TAG,),
)

_DIFFERENT = (
    TRACK_COUNT,
    Field("artist_count", "long", "Distinct artists, exact; playbacks whose artist is unknown have none."),
    Field("album_count", "long", "Distinct albums, exact; playbacks whose album is unknown have none."),
    Field("day_count", "long", "Days (UTC) with a playback."),
    Field("genre_count", "long", "Distinct genres, exact, as far as the catalogue knows them.", nullable=True),
    GENRE_PLAY_COUNT,
)

LISTENER_PERIODS = Table(
    layer="gold",
    name="listener_periods",
    description="What each listener heard in a period, all together.",
    grain="one row per listener and period with a playback of a track",
    key=("user_id", "period_kind", "period_start"),
    refresh=ReplaceSlices(kinds=RANGES),
    inputs=("gold.listener_track_days",),
    partition_by="slice",
    fields=(
        *PERIOD,
        USER_ID,
        *RAW_AND_CLEAN,
        *_DIFFERENT,
        *later_clean(*_DIFFERENT),
    ),
    checks=(
        *PERIOD_CHECKS,
        Between("track_count", 1),
        AtMost("track_count", "playback_count"),
        Between("day_count", 1),
        AtMost("genre_play_count", "play_count"),
        *clean_at_most(*_DIFFERENT),
    ),
    warehouse=Warehouse(cluster_by=("user_id", "period_kind", "period_start")),
    tags=(TAG,),
)

LISTENING_HOURS = Table(
    layer="gold",
    name="listening_hours",
    description="When each listener listens: playbacks by weekday and hour of the end, by their own clock.",
    grain="one row per listener, period, weekday and hour with a playback of a track",
    key=("user_id", "period_kind", "period_start", "weekday", "hour"),
    refresh=ReplaceSlices(kinds=("month", "year", "all_time")),
    inputs=("gold.listener_track_days",),
    partition_by="slice",
    fields=(
        *PERIOD,
        USER_ID,
        Field("weekday", "int", "1 (Monday) to 7 (Sunday), as ISO 8601; 0 where the time zone is unknown."),
        Field("hour", "int", "0 to 23; -1 where the time zone is unknown."),
        *RAW_AND_CLEAN,
    ),
    checks=(*PERIOD_CHECKS, Between("weekday", 0, 7), Between("hour", -1, 23)),
    warehouse=Warehouse(cluster_by=("user_id", "period_kind", "period_start")),
    tags=(TAG,),
)

LISTENER_DISCOVERIES = Table(
    layer="gold",
    name="listener_discoveries",
    description="When each listener first played each track, artist, album and genre.",
    grain="one row per listener and track, artist, album or genre with a play",
    key=("user_id", "entity_type", "entity_id"),
    refresh=ReplaceSlices(kinds=("all_time",)),
    inputs=("gold.listener_track_days",),
    partition_by="slice",
    fields=(
        SLICE,
        USER_ID,
        ENTITY_TYPE,
        ENTITY_ID,
        Field("first_date", "date", "First date (UTC) with a play."),
        Field(
            "clean_first_date", "date", "First date with a play on which the listener is not flagged.", nullable=True
        ),
    ),
    checks=(InSet("entity_type", ENTITY_TYPES),),
    warehouse=Warehouse(cluster_by=("user_id", "entity_type", "first_date")),
    tags=(TAG,),
)

LISTENER_SESSIONS = Table(
    layer="gold",
    name="listener_sessions",
    description="Sessions of each listener: playbacks of tracks with no silence of more than 30 minutes between them, "
    "from the end of one to the start of the next. One that goes on over the end of a month (UTC) is two.",
    grain="one row per listener and session",
    key=("user_id", "first_ended_at"),
    refresh=ReplaceSlices(kinds=("month",), also=("silver.merged_plays",)),
    inputs=("silver.plays", "silver.merged_plays"),
    partition_by="slice",
    fields=(
        SLICE,
        EVENT_DATE,
        USER_ID,
        Field("first_ended_at", "timestamp", "UTC end of the first playback."),
        Field("started_at", "timestamp", "UTC start of the first playback: its end less what was heard of it."),
        Field("ended_at", "timestamp", "UTC end of the last playback."),
        *LISTENED,
        TRACK_COUNT,
        Field("is_flagged", "boolean", "Whether the listener is flagged on event_date."),
    ),
    checks=(*COUNT_CHECKS, Between("track_count", 1), AtMost("first_ended_at", "ended_at")),
    warehouse=Warehouse(cluster_by=("user_id", "event_date")),
    tags=(TAG,),
)

ENTITY_NAMES = Table(
    layer="gold",
    name="entity_names",
    description="Names to show of tracks, artists and albums: those that were seen last; and of genres.",
    grain="one row per track, artist, album or genre",
    key=("entity_type", "entity_id"),
    refresh=ReplaceAll(),
    inputs=("silver.tracks", "silver.track_facts"),
    fields=(
        ENTITY_TYPE,
        ENTITY_ID,
        Field("entity_name", "string", "Title of the track or album, name of the artist or genre; empty if unknown."),
        Field(
            "artist_name",
            "string",
            "Artist of the track or album, the artist itself; empty of genres, and where no source says.",
        ),
    ),
    checks=(InSet("entity_type", ENTITY_TYPES),),
    warehouse=Warehouse(cluster_by=("entity_type", "entity_id")),
    tags=(TAG,),
)

TABLES = (
    LISTENER_TRACK_DAYS,
    LISTENER_TOPS,
    LISTENER_PERIODS,
    LISTENING_HOURS,
    LISTENER_DISCOVERIES,
    LISTENER_SESSIONS,
    ENTITY_NAMES,
)
