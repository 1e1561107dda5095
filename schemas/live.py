"""Live: what the pipeline upserts while it reads the topic, by absolute rows under (window, key).

A window is a minute of event time (UTC), open until the append time of every partition has passed its end by
`LATENESS_SECONDS`. What comes later, from too far ahead or from before the horizon is left to the batch run and counted
in `live.minute_records`. Distinct listeners of minutes do not add up to those of a day.
"""

from schemas import live_comparison
from schemas.bronze import RECORD_FIELDS, RECORD_KEY
from schemas.checks import AtMost, Between, Matches
from schemas.counts import CHART_LENGTH, COUNTRY, PLAY_COUNT, PLAYBACK_COUNT, SKIP_COUNT, TRACK_ID
from schemas.model import Field, Live, Serving, Table, Warehouse

WINDOW_SECONDS = 60
LATENESS_SECONDS = 120
"""How long after its window's end an event may be appended and still be counted in it."""
MAX_AHEAD_SECONDS = 60
"""How far the clock of a client may be ahead of the broker's; an event from further ahead is left to the batch run."""
HORIZON_HOURS = 48
"""An event that ended longer before its append is history, not the present."""
SESSION_GAP_SECONDS = 30 * 60
"""Silence after which a session is over: no playback of a track of the listener ended for so long."""
RECENT_PLAYS, EARLIER_PLAYS = 5, 15
"""Plays of a session that taste drift compares: the last ones, and at most so many before them."""

MINUTE_DAYS, CHART_DAYS, HEALTH_DAYS = 14, 2, 30
"""Retentions, see ADR 0028: cells are read until they were compared with batch and no session goes on from them; charts
are written again each day; fates and dead letters stay as long as the topic of dead letters has them.
"""

WINDOW_START = Field("window_start", "timestamp", "UTC start of the minute in which the playbacks ended.")
_LISTENERS = Field("listener_count", "long", "Distinct listeners of the minute, exact; minutes do not add up.")
_COUNT_CHECKS = (Between("play_count", 0), Between("skip_count", 0))

MINUTE_TRACK_PLAYS = Table(
    layer="live",
    name="minute_track_plays",
    description="Playbacks of each track by minute and country, as they come in.",
    grain="one row per window_start, country and track_id that was played",
    key=("window_start", "country", "track_id"),
    refresh=Live(MINUTE_DAYS),
    partition_by="window_start",
    fields=(WINDOW_START, COUNTRY, TRACK_ID, PLAY_COUNT, SKIP_COUNT, _LISTENERS),
    checks=(*_COUNT_CHECKS, Between("listener_count", 1), Matches("country", "^[A-Z]{2}$")),
    warehouse=Warehouse(cluster_by=("country", "track_id")),
    serving=Serving(
        "upsert", partition_key=("window_start", "country"), clustering=("track_id",), indexed=("window_start",)
    ),
)

MINUTE_USER_PLAYS = Table(
    layer="live",
    name="minute_user_plays",
    description="Playbacks of tracks of each listener by minute: how fast a listener plays.",
    grain="one row per window_start and user_id that played a track",
    key=("window_start", "user_id"),
    refresh=Live(MINUTE_DAYS),
    fields=(
        WINDOW_START,
        Field("user_id", "string", "Keyed pseudonym of the listener.", personal=True),
        PLAYBACK_COUNT,
        PLAY_COUNT,
        SKIP_COUNT,
        Field("track_count", "long", "Distinct tracks of the minute, exact."),
    ),
    checks=(*_COUNT_CHECKS, Between("track_count", 1), AtMost("play_count", "playback_count")),
    serving=Serving("upsert", partition_key=("user_id",), clustering=("window_start",), descending=("window_start",)),
)

MINUTE_USER_SESSIONS = Table(
    layer="live",
    name="minute_user_sessions",
    description="What each listener played last and the session it is in, as of the end of each minute with a "
    "playback of a track: the latest minute of a listener is the present. Moments are whole milliseconds.",
    grain="one row per window_start and user_id that played a track",
    key=("window_start", "user_id"),
    refresh=Live(MINUTE_DAYS),
    fields=(
        WINDOW_START,
        Field("user_id", "string", "Keyed pseudonym of the listener.", personal=True),
        Field("last_track_id", "string", "Track of the playback that ended last.", personal=True),
        Field("last_occurred_at", "timestamp", "UTC moment at which it ended."),
        Field("session_started_at", "timestamp", "UTC moment at which the first playback of the session ended."),
        Field("playback_count", "long", "Playbacks of tracks of the session so far."),
        Field("play_count", "long", "Those of them that count as a play."),
        Field("skip_count", "long", "Those of them that are a skip."),
        Field("skips_in_a_row", "long", "Skips since the last playback that was none; 0 where the last one was none."),
        Field(
            "taste_drift_permille",
            "int",
            "1000 times the total variation distance, 1 - sum over artists of min(p, q), between the artists' shares p "
            "of the last 5 plays of the session and q of the up to 15 before them: 0 the same artists as often, 1000 "
            "none in common; null until there are 6 plays of known artists.",
            nullable=True,
        ),
        Field(
            "recent_artists",
            "binary",
            "Artists of the last up to 20 plays of the session, oldest first: 8 bytes of a hash of each name.",
            personal=True,
        ),
    ),
    checks=(
        Between("playback_count", 1),
        AtMost("play_count", "playback_count"),
        AtMost("skip_count", "playback_count"),
        AtMost("skips_in_a_row", "skip_count"),
        Between("taste_drift_permille", 0, 1000),
    ),
    serving=Serving(
        "upsert",
        partition_key=("user_id",),
        clustering=("window_start",),
        descending=("window_start",),
        indexed=("window_start",),
    ),
)
"""Every playback counts once in the session that it is in by event time. A play is what counts as one by the dated
rules, so that a track that was skipped at once is no taste. Total variation distance: Levin, Peres, Markov Chains and
Mixing Times, chapter 4; to take the last 5 plays against the 15 before them is our own choice.
"""

MINUTE_DEVICE_PLAYS = Table(
    layer="live",
    name="minute_device_plays",
    description="Playbacks of tracks on each device by minute: how fast a device plays, and for how many listeners.",
    grain="one row per window_start and device_id that played a track",
    key=("window_start", "device_id"),
    refresh=Live(MINUTE_DAYS),
    fields=(
        WINDOW_START,
        Field("device_id", "string", "Device the playback ran on.", personal=True),
        PLAYBACK_COUNT,
        PLAY_COUNT,
        SKIP_COUNT,
        _LISTENERS,
    ),
    checks=(*_COUNT_CHECKS, Between("listener_count", 1), AtMost("play_count", "playback_count")),
    serving=Serving("upsert", partition_key=("device_id",), clustering=("window_start",), descending=("window_start",)),
)

MINUTE_TRACK_TOTALS = Table(
    layer="live",
    name="minute_track_totals",
    description="Playbacks of each track by minute over all countries: how fast a track gathers plays.",
    grain="one row per window_start and track_id that was played",
    key=("window_start", "track_id"),
    refresh=Live(MINUTE_DAYS),
    fields=(WINDOW_START, TRACK_ID, PLAYBACK_COUNT, PLAY_COUNT, SKIP_COUNT, _LISTENERS),
    checks=(*_COUNT_CHECKS, Between("listener_count", 1), AtMost("play_count", "playback_count")),
    serving=Serving("upsert", partition_key=("track_id",), clustering=("window_start",), descending=("window_start",)),
)

CHART_HOURS = (1, 24)

COUNTRY_CHARTS = Table(
    layer="live",
    name="country_charts",
    description="The most played tracks of each country over the last hour and the last 24 hours of closed minutes.",
    grain="one row per country, length of the window and position",
    key=("country", "window_hours", "position"),
    refresh=Live(CHART_DAYS),
    fields=(
        COUNTRY,
        Field("window_hours", "int", "Length of the window in hours: 1 or 24."),
        Field("position", "int", "1 to 100 by play_count; ties by track_id."),
        Field("chart_until", "timestamp", "UTC end of the last closed minute when the row was last written."),
        TRACK_ID,
        Field("play_count", "long", "Plays within the window."),
    ),
    checks=(Between("position", 1, CHART_LENGTH), Between("play_count", 1), Matches("country", "^[A-Z]{2}$")),
    serving=Serving("upsert", partition_key=("country", "window_hours"), clustering=("position",)),
)

FATES = ("accepted", "duplicate", "late", "ahead", "beyond_horizon", "dead_letter")
"""Every record of the topic but a mark has exactly one of these."""

MINUTE_RECORDS = Table(
    layer="live",
    name="minute_records",
    description="What became of the records of each minute and partition: the health of the data.",
    grain="one row per minute of append and partition in which a record came",
    key=("appended_minute", "partition"),
    refresh=Live(HEALTH_DAYS),
    partition_by="appended_minute",
    fields=(
        Field("appended_minute", "timestamp", "UTC start of the minute in which the broker appended the records."),
        Field("partition", "int", "Kafka partition."),
        Field("accepted", "long", "Events that were counted in their window."),
        Field("duplicate", "long", "Repeats of an event within minutes."),
        Field("late", "long", "Events appended after their window was over by the lateness: left to the batch run."),
        Field("ahead", "long", "Events from a clock too far ahead of the broker's: left to the batch run."),
        Field("beyond_horizon", "long", "Events older than the live horizon when appended: left to the batch run."),
        Field("dead_letter", "long", "Records that are no valid event."),
    ),
    checks=tuple(Between(fate, 0) for fate in FATES),
    warehouse=Warehouse(),
    serving=Serving("upsert", partition_key=("appended_minute",), clustering=("partition",)),
)

DEAD_LETTERS = Table(
    layer="live",
    name="dead_letters",
    description="Records that are no valid event, as they come in, under the identity they have in the ledger.",
    grain="one row per Kafka record that is no valid event",
    key=("appended_date", *RECORD_KEY),
    refresh=Live(HEALTH_DAYS),
    fields=(
        Field("appended_date", "date", "UTC date of appended_at."),
        *RECORD_FIELDS,
        Field("reason", "string", "Why it is no event: a stable word of `playback.reasons`."),
        Field("detail", "string", "The reason in one sentence, without any content of the record."),
        Field("payload", "binary", "Kafka value, byte for byte.", nullable=True, personal=True),
    ),
    serving=Serving("upsert", partition_key=("appended_date", "topic_id", "partition"), clustering=("offset",)),
)

TABLES = (
    MINUTE_TRACK_PLAYS,
    MINUTE_USER_PLAYS,
    MINUTE_USER_SESSIONS,
    MINUTE_DEVICE_PLAYS,
    MINUTE_TRACK_TOTALS,
    COUNTRY_CHARTS,
    MINUTE_RECORDS,
    DEAD_LETTERS,
    *live_comparison.TABLES,
)
