"""Bronze: records as received, and those that are no events."""

from schemas.model import Field, KeyedMerge, Ledger, Table

RECORD_FIELDS = (
    Field("topic_id", "string", "Kafka's own id of the topic: a topic made again is another one."),
    Field("partition", "int", "Kafka partition."),
    Field("offset", "long", "Offset within the partition."),
    Field("topic", "string", "Name of the topic."),
    Field("appended_at", "timestamp", "UTC moment at which the broker appended the record (LogAppendTime)."),
)
"""Identity of a Kafka record and when it arrived."""

RECORD_KEY = ("topic_id", "partition", "offset")

PLAYBACK_EVENTS = Table(
    layer="bronze",
    name="playback_events",
    description="Every record of the playback topic as received, good or bad: the ledger all counts go back to.",
    grain="one row per Kafka record",
    key=RECORD_KEY,
    refresh=Ledger(),
    fields=(
        *RECORD_FIELDS,
        Field("manifest_id", "string", "Header: manifest of the producer that counted the record.", nullable=True),
        Field("install_id", "string", "Header: installation that sent the record.", nullable=True, personal=True),
        Field("sequence", "long", "Header: number of the record within the installation.", nullable=True),
        Field("ingested_at", "timestamp", "UTC moment at which the batch that holds the record was read."),
        Field("key", "binary", "Kafka key.", nullable=True, personal=True),
        Field("headers", "headers", "Kafka headers in order, as received.", nullable=True, personal=True),
        Field("payload", "binary", "Kafka value, byte for byte; null after erasure.", nullable=True, personal=True),
    ),
)

DEAD_LETTERS = Table(
    layer="bronze",
    name="dead_letters",
    description="Records that are no valid event, under the identity they have in the ledger, with the reason.",
    grain="one row per Kafka record that is no valid event",
    key=RECORD_KEY,
    refresh=KeyedMerge(first_by=RECORD_KEY, remembered_by="silver.plays"),
    inputs=("bronze.playback_events",),
    partition_by="appended_date",
    fields=(
        *RECORD_FIELDS,
        Field("appended_date", "date", "UTC date of appended_at."),
        Field("manifest_id", "string", "Header: manifest of the producer that counted the record.", nullable=True),
        Field("reason", "string", "Why it is no event: a stable word of `playback.reasons`."),
        Field("detail", "string", "The reason in one sentence, without any content of the record."),
        Field("payload", "binary", "Kafka value, byte for byte; null after erasure.", nullable=True, personal=True),
    ),
)

TABLES = (PLAYBACK_EVENTS, DEAD_LETTERS)
