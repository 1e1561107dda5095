"""Bronze: records as received, and those that are no events."""

from schemas.checks import Between
from schemas.model import Field, KeyedMerge, Ledger, Snapshot, Table
from schemas.music_catalogue import CATALOGUE_ROWS

RECORD_FIELDS = (
    Field("topic_id", "string", "Kafka's own id of the topic: a topic made again is another one."),
    Field("partition", "int", "Kafka partition."),
    Field("offset", "long", "Offset within the partition."),
    Field("topic", "string", "Name of the topic."),
    Field("appended_at", "timestamp", "UTC moment at which the broker appended the record (LogAppendTime)."),
)
"""Identity of a Kafka record and when it arrived."""

RECORD_KEY = ("topic_id", "partition", "offset")

CLIENT_ID = Field(
    "client_id",
    "string",
    "Whom the balance sheet counts the record for: the installation that its headers name, else `manifest:` and the "
    "manifest that announced it, else `unknown`.",
    personal=True,
)

PLAYBACK_EVENTS = Table(
    layer="bronze",
    name="playback_events",
    description="Every record of the playback topic as received, good or bad: the ledger all counts go back to.",
    grain="one row per Kafka record",
    key=RECORD_KEY,
    refresh=Ledger(),
    schedule="hourly",
    fields=(
        *RECORD_FIELDS,
        Field("manifest_id", "string", "Header: manifest of the producer that counted the record.", nullable=True),
        Field("install_id", "string", "Header: installation that sent the record.", nullable=True, personal=True),
        Field("sequence", "long", "Header: number of the record within the installation.", nullable=True),
        Field("high_water", "long", "Header of a mark: how many numbers the installation has used.", nullable=True),
        Field("replay_of", "string", "Header: the dead letter that the record brings back.", nullable=True),
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
        CLIENT_ID,
        Field("reason", "string", "Why it is no event: a stable word of `playback.reasons`."),
        Field("detail", "string", "The reason in one sentence, without any content of the record."),
        Field("payload", "binary", "Kafka value, byte for byte; null after erasure.", nullable=True, personal=True),
    ),
)

MANIFESTS = Table(
    layer="bronze",
    name="manifests",
    description="What producers of ours meant to send and what the broker acknowledged, as of the last run's start.",
    grain="one row per manifest and UTC hour",
    key=("manifest_id", "hour"),
    refresh=Snapshot(),
    fields=(
        Field("manifest_id", "string", "Id of the manifest."),
        Field("source", "string", "Who sent: import, simulate or replay."),
        Field("topic_id", "string", "Kafka's own id of the topic."),
        Field("topic", "string", "Name of the topic."),
        Field("hour", "timestamp", "UTC hour of the append time; of what is in doubt, of the plan."),
        Field("acknowledged", "long", "Messages that the broker acknowledged."),
        Field("in_doubt", "long", "Messages that were planned and never acknowledged: they may or may not arrive."),
    ),
    checks=(Between("acknowledged", 0), Between("in_doubt", 0)),
)

TABLES = (PLAYBACK_EVENTS, MANIFESTS, DEAD_LETTERS, CATALOGUE_ROWS)
