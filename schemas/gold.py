"""Gold: aggregates about music, and the balance sheet.

Those about music take `content_type = 'track'`; what they leave out stays counted in silver.
"""

from schemas import area_statistics, eras, statistics, year_in_music
from schemas.bronze import CLIENT_ID
from schemas.checks import AtMost, Between, InSet, References, Volume
from schemas.counts import (
    CHART_LENGTH,
    COUNT_CHECKS,
    COUNTRY,
    COUNTS,
    IS_COUNTRY,
    LISTENER_COUNT,
    PLAYED_MS,
    TRACK_ID,
    USER_ID,
    clean_at_most,
    later_clean,
)
from schemas.model import Field, ReplaceAll, ReplaceDates, Serving, Table, Warehouse
from schemas.silver import EVENT_DATE

CHART_WINDOWS_DAYS = (7, 28)
_WINDOW_PLAYS = Field("play_count", "long", "Plays within the window.")

DAILY_USER_PLAYS = Table(
    layer="gold",
    name="daily_user_plays",
    description="Playbacks of each listener by day; one that is told of twice counts once. What is clean is 0 on a day "
    f"on which the listener is flagged, and all of the day else. {statistics.FLAGGED}",
    grain="one row per event_date and user_id that played a track",
    key=("event_date", "user_id"),
    refresh=ReplaceDates(also=("silver.merged_plays",)),
    inputs=("silver.plays", "silver.merged_plays"),
    partition_by="event_date",
    fields=(
        EVENT_DATE,
        USER_ID,
        *COUNTS,
        Field("track_count", "long", "Distinct tracks, exact."),
        PLAYED_MS,
        *later_clean(*statistics.LISTENED),
    ),
    checks=(
        *COUNT_CHECKS,
        *statistics.CLEAN_CHECKS,
        Between("track_count", 1),
        AtMost("track_count", "playback_count"),
    ),
    warehouse=Warehouse(cluster_by=("user_id",)),
    serving=Serving("upsert", partition_key=("user_id",), clustering=("event_date",), descending=("event_date",)),
)

DAILY_TRACK_PLAYS = Table(
    layer="gold",
    name="daily_track_plays",
    description="Playbacks of each track by day and country; one that is told of twice counts once. Nothing is clean "
    f"of a listener on a day on which they are flagged. {statistics.FLAGGED}",
    grain="one row per event_date, country and track_id that was played",
    key=("event_date", "country", "track_id"),
    refresh=ReplaceDates(also=("silver.merged_plays", "gold.daily_user_plays")),
    inputs=("silver.plays", "silver.merged_plays", "gold.daily_user_plays"),
    partition_by="event_date",
    fields=(
        EVENT_DATE,
        COUNTRY,
        TRACK_ID,
        *COUNTS,
        LISTENER_COUNT,
        PLAYED_MS,
        *later_clean(*statistics.LISTENED, LISTENER_COUNT),
    ),
    checks=(
        *COUNT_CHECKS,
        *statistics.CLEAN_CHECKS,
        *clean_at_most(LISTENER_COUNT),
        IS_COUNTRY,
        Between("listener_count", 1),
        AtMost("listener_count", "playback_count"),
        References("track_id", "silver.tracks", "track_id"),
        Volume(at_least_rows=500),
    ),
    warehouse=Warehouse(cluster_by=("country", "track_id")),
)

COUNTRY_CHARTS = Table(
    layer="gold",
    name="country_charts",
    description="The most played tracks of each country over the last 7 and 28 days of the history.",
    grain="one row per country, length of the window and position",
    key=("country", "window_days", "position"),
    refresh=ReplaceAll(),
    inputs=("gold.daily_track_plays", "silver.tracks"),
    fields=(
        COUNTRY,
        Field("window_days", "int", "Length of the window in days: 7 or 28, ending with chart_date."),
        Field("position", "int", "1 to 100 by play_count; ties by track_id."),
        Field("chart_date", "date", "Last day of the window: the latest event_date of any country."),
        TRACK_ID,
        Field("artist_name", "string", "Artist to show; empty where no source says."),
        Field("track_title", "string", "Title to show; empty where no source says."),
        _WINDOW_PLAYS,
        PLAYED_MS,
        *later_clean(_WINDOW_PLAYS, PLAYED_MS),
    ),
    checks=(
        Between("position", 1, CHART_LENGTH),
        Between("play_count", 1),
        Between("window_days", 7, 28),
        *clean_at_most(_WINDOW_PLAYS, PLAYED_MS),
        IS_COUNTRY,
        References("track_id", "silver.tracks", "track_id"),
    ),
    warehouse=Warehouse(cluster_by=("country", "window_days")),
    serving=Serving("snapshot", partition_key=("country", "window_days"), clustering=("position",)),
)

LOSS_HORIZON_HOURS = 72
"""How long a missing sequence number is pending after a later one has arrived; then it is lost."""

BALANCE_STAGES = ("bronze", "silver")
FATES = ("accepted", "duplicate", "dead_letter", "replayed", "pending", "lost")
"""Every message that was sent has exactly one of these."""

EVENT_BALANCE = Table(
    layer="gold",
    name="event_balance",
    description="Does every message that clients sent have exactly one fate: sent = accepted + duplicate + dead_letter "
    "+ replayed + pending + lost. Sent and lost come from the clients' sequence numbers, of imports from manifests.",
    grain="one row per client, topic, hour and stage in which it sent or misses anything",
    key=("client_id", "topic_id", "hour", "stage"),
    refresh=ReplaceAll(),
    inputs=(
        "bronze.playback_events",
        "bronze.manifests",
        "silver.plays",
        "silver.duplicates",
        "bronze.dead_letters",
    ),
    fields=(
        CLIENT_ID,
        Field("topic_id", "string", "Kafka's own id of the topic."),
        Field("topic", "string", "Name of the topic."),
        Field("hour", "timestamp", "UTC hour of the append; of what is missing, of the record that shows it."),
        Field("stage", "string", "How far it is followed: bronze (it arrived in the ledger) or silver (its verdict)."),
        Field("sent", "long", "Messages the client sent, by its sequence numbers; one sent twice counts twice."),
        Field("accepted", "long", "Of stage bronze: arrived. Of stage silver: playbacks that were accepted."),
        Field("duplicate", "long", "Repeats of an accepted playback."),
        Field("dead_letter", "long", "No valid events, and not brought back."),
        Field("replayed", "long", "Dead letters that were sent again; the record that brought them back counts too."),
        Field("pending", "long", "Missing, for less than the horizon or in doubt: they may still come."),
        Field("lost", "long", "Missing past the horizon or below the client's high-water mark, or acknowledged."),
        Field("unaccounted", "long", "sent minus all the others: 0, or the run stops."),
    ),
    checks=(
        InSet("stage", BALANCE_STAGES),
        Between("unaccounted", 0, 0, means="do not add up, see `tonearm balance`"),
        *(Between(name, 0) for name in ("sent", *FATES)),
    ),
    warehouse=Warehouse(cluster_by=("client_id",)),
    serving=Serving(
        "upsert", partition_key=("client_id",), clustering=("hour", "topic_id", "stage"), descending=("hour",)
    ),
)

TABLES = (
    DAILY_USER_PLAYS,
    DAILY_TRACK_PLAYS,
    COUNTRY_CHARTS,
    EVENT_BALANCE,
    *statistics.TABLES,
    *area_statistics.TABLES,
    *eras.TABLES,
    *year_in_music.TABLES,
)
