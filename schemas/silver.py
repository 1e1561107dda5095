"""Silver: typed, deduplicated, enriched; what a record means under dated rules."""

from dataclasses import replace

from schemas.bronze import CLIENT_ID, RECORD_FIELDS, RECORD_KEY
from schemas.checks import Between, Fresh, InSet, Matches, Volume
from schemas.counts import USER_ID
from schemas.events import CONTENT_TYPES, CURRENT, OUTCOMES
from schemas.model import Field, KeyedMerge, ReplaceAll, ReplaceDates, Table, Warehouse
from schemas.music_catalogue import CATALOGUE_ENTRIES, TRACK_FACTS

FIRST_BY = ("appended_at", "partition", "offset", "topic_id")
"""Of several records of one event the lowest is the one that is accepted."""

EVENT_DATE = Field("event_date", "date", "UTC date of occurred_at.")

_SILVER_MEANING = {
    "track_id": "The source's URI where there is one, else `name:` and a hash of the normalised artist and title.",
    "country": "ISO 3166-1 alpha-2 country; ZZ where the source does not say.",
}


def _silver_event_fields() -> tuple[Field, ...]:
    """The event's fields as silver has them: the same names, with the track resolved and the country filled."""
    return tuple(
        replace(field, description=_SILVER_MEANING.get(field.name, field.description), nullable=nullable)
        for field in CURRENT.fields
        for nullable in [field.nullable and field.name != "country"]
    )


PLAYS = Table(
    layer="silver",
    name="plays",
    description="Every accepted playback once, with what it counts as under the play rules of its date.",
    grain="one row per event_id; of several records the lowest (append time, partition, offset)",
    key=("event_id",),
    refresh=KeyedMerge(first_by=FIRST_BY),
    inputs=("bronze.playback_events",),
    partition_by="event_date",
    fields=(
        *_silver_event_fields(),
        EVENT_DATE,
        Field("rule_version", "string", "Version of the play rules that were applied."),
        Field("counts_as_play", "boolean", "Whether the rules count the playback as a play."),
        Field("is_skip", "boolean", "Whether the rules see a skip."),
        Field("skip_inferred", "boolean", "Whether the skip was inferred from the time heard, not reported."),
        *RECORD_FIELDS,
        Field("manifest_id", "string", "Manifest of the producer that counted the record.", nullable=True),
        CLIENT_ID,
    ),
    checks=(
        InSet("content_type", CONTENT_TYPES),
        InSet("outcome", OUTCOMES),
        Between("ms_played", 0, 86_400_000),
        Matches("country", "^[A-Z]{2}$"),
        Matches("user_id", "^[0-9a-f]{32}$"),
        Volume(),
        Fresh("appended_at", hours=26),
    ),
)

DUPLICATES = Table(
    layer="silver",
    name="duplicates",
    description="Records whose event was accepted from an earlier record; a conflict says something else under the id.",
    grain="one row per Kafka record that repeats an event",
    key=RECORD_KEY,
    refresh=KeyedMerge(first_by=RECORD_KEY, remembered_by="silver.plays"),
    inputs=("bronze.playback_events", "silver.plays"),
    partition_by="appended_date",
    fields=(
        *RECORD_FIELDS,
        Field("appended_date", "date", "UTC date of appended_at."),
        Field("manifest_id", "string", "Manifest of the producer that counted the record.", nullable=True),
        CLIENT_ID,
        Field("event_id", "string", "The event that the record repeats."),
        Field("kept_topic_id", "string", "Topic id of the record that was accepted when this one was seen."),
        Field("kept_partition", "int", "Partition of that record."),
        Field("kept_offset", "long", "Offset of that record."),
        Field("is_conflict", "boolean", "Whether the content differs from the accepted record's."),
    ),
)

TRACKS = Table(
    layer="silver",
    name="tracks",
    description="Which names were seen for each track, and when: the mapping from source to track with its history.",
    grain="one row per track and spelling of its artist, title and album",
    key=("track_id", "artist_name", "track_title", "album_title"),
    refresh=ReplaceAll(),
    inputs=("silver.plays",),
    fields=(
        Field("track_id", "string", "Identity of the track."),
        Field("content_type", "string", "track or episode; track where playbacks say both."),
        Field("artist_name", "string", "Artist (of an episode: show); empty where the source does not say."),
        Field("track_title", "string", "Title; empty where the source does not say."),
        Field("album_title", "string", "Album; empty where the source does not say."),
        Field(
            "artist_id", "string", "`artist:` and a hash of the normalised artist; empty without one.", nullable=True
        ),
        Field("album_id", "string", "`album:` and a hash of artist and album; empty without an album.", nullable=True),
        Field(
            "name_id",
            "string",
            "`name:` and a hash of the normalised artist and title; empty without a title.",
            nullable=True,
        ),
        Field("first_seen_at", "timestamp", "UTC end of the first playback under these names."),
        Field("last_seen_at", "timestamp", "UTC end of the last playback under these names."),
        Field("is_current", "boolean", "Whether these are the names to show: the ones seen last."),
    ),
    checks=(InSet("content_type", ("track", "episode")), Matches("track_id", r"^\S")),
    warehouse=Warehouse(cluster_by=("track_id",)),
)

MERGED_PLAYS = Table(
    layer="silver",
    name="merged_plays",
    description="Plays of a playback of which another source or device told too, to be counted with that play. Both "
    "stay in silver.plays as they are, and are of one UTC date.",
    grain="one row per play that is merged into another one",
    key=("event_id",),
    refresh=ReplaceDates(is_sparse=True),
    inputs=("silver.plays",),
    partition_by="event_date",
    fields=(
        Field("event_id", "string", "The play that is not counted again."),
        EVENT_DATE,
        USER_ID,
        Field("kept_event_id", "string", "The play that is counted for both, and is merged into none itself."),
        Field("reason", "string", "Why it can be told twice: other_source or other_device."),
        Field("overlap_ms", "long", "Milliseconds that both say were heard."),
        Field("skew_ms", "long", "By how much it is later than the play that is kept, beyond what rounding explains."),
        Field("merge_version", "string", "Version of the rules of merging that were applied."),
    ),
    checks=(InSet("reason", ("other_source", "other_device")), Between("overlap_ms", 0)),
)

TABLES = (PLAYS, DUPLICATES, TRACKS, MERGED_PLAYS, CATALOGUE_ENTRIES, TRACK_FACTS)
