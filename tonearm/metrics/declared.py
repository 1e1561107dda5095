"""Every metric: name, help, labels, and the source that it needs.

Names follow Prometheus' conventions: base units, and moments instead of ages, so that an age grows also while nobody
measures (`time() - tonearm_…_timestamp_seconds`). Labels are names of what is declared (tables, stores, reasons,
commands, topics and their partitions): few, and never a listener, a client or a track.
"""

from dataclasses import dataclass
from typing import Literal

Source = Literal["lake", "runs", "report", "live", "kafka", "cassandra"]
"""`runs`, `report` and `live` are small files in the home."""


@dataclass(frozen=True)
class Metric:
    """One metric; a name that ends in `_total` is a counter's, all others are gauges.

    `source` is None for what the exporter says of itself.
    """

    name: str
    help: str
    labels: tuple[str, ...]
    source: Source | None

    def __call__(self, value: float, *labels: str) -> "Sample":
        """A sample of it, with the values of its labels in their order."""
        assert len(labels) == len(self.labels), self.name
        return Sample(self, labels, float(value))


@dataclass(frozen=True)
class Sample:
    """One value of one metric."""

    metric: Metric
    labels: tuple[str, ...]
    value: float


# What the exporter says of itself.
INFO = Metric(
    "tonearm_info", "1; the labels say which engine and topic the deployment is set to.", ("engine", "topic"), None
)
SOURCE_UP = Metric(
    "tonearm_source_up",
    "1 if a source of metrics could be read, else 0; its metrics are missing then.",
    ("source",),
    None,
)
SOURCE_SECONDS = Metric(
    "tonearm_source_read_seconds", "How long a source took to read for this answer.", ("source",), None
)

# Tables, checks and the balance sheet, as the site of tables has them.
TABLE_ROWS = Metric("tonearm_table_rows", "Rows of a table's current version.", ("table",), "lake")
TABLE_BYTES = Metric("tonearm_table_bytes", "Bytes of a table's current version.", ("table",), "lake")
TABLE_FILES = Metric("tonearm_table_files", "Data files of a table's current version.", ("table",), "lake")
TABLE_WRITTEN = Metric(
    "tonearm_table_written_timestamp_seconds", "When a table's current version was committed.", ("table",), "lake"
)
TABLE_PROMISE = Metric(
    "tonearm_table_promise_seconds", "How old what a table says may be at most, as declared.", ("table",), "lake"
)
CHECKS = Metric("tonearm_checks", "Checks that are asked of a table.", ("table", "severity"), "lake")
CHECK_FAILURES = Metric(
    "tonearm_check_failures", "Checks of a table that did not hold when asked last.", ("table", "severity"), "lake"
)
SENT = Metric(
    "tonearm_balance_sent_records", "Records that were sent, as clients and manifests say.", ("topic",), "lake"
)
FATES = Metric(
    "tonearm_balance_records",
    "Records by what became of them; a topic's add up to what was sent.",
    ("topic", "fate"),
    "lake",
)
MISSING_CLIENTS = Metric(
    "tonearm_balance_missing_clients", "Clients of which something is pending or lost.", (), "lake"
)
BALANCE_ADDS_UP = Metric(
    "tonearm_balance_adds_up", "1 if every record that was sent has exactly one fate, else 0.", (), "lake"
)
DEAD_LETTERS = Metric(
    "tonearm_dead_letters_total", "Records in the ledger that are no valid event.", ("reason",), "lake"
)

# How commands ended last.
RUN_ENDED = Metric("tonearm_run_ended_timestamp_seconds", "When a command ended last.", ("command", "table"), "runs")
RUN_SUCCEEDED = Metric(
    "tonearm_run_succeeded_timestamp_seconds", "When a command last ended with status 0.", ("command", "table"), "runs"
)
RUN_SECONDS = Metric(
    "tonearm_run_duration_seconds", "How long a command took when it ran last.", ("command", "table"), "runs"
)
RUN_STATUS = Metric(
    "tonearm_run_exit_status",
    "Exit status of a command's last run: 75 if a retry can help.",
    ("command", "table"),
    "runs",
)
TABLE_REFRESHED = Metric(
    "tonearm_table_refreshed_timestamp_seconds",
    "When a table was last found, or brought, up to date with its inputs.",
    ("table",),
    "runs",
)

# The stages of the last report.
REPORT_MADE = Metric("tonearm_report_timestamp_seconds", "When the last complete run made its report.", (), "report")
STAGE_ADDS_UP = Metric(
    "tonearm_stage_adds_up", "1 if a stage has all that went into it, on every day, else 0.", ("stage",), "report"
)
STAGE_MISSING = Metric(
    "tonearm_stage_missing_records",
    "What went into a stage and is not in it (negative: too many).",
    ("stage",),
    "report",
)

# What the live pipeline says of itself.
LIVE_UP = Metric("tonearm_live_up", "1 if the live pipeline said something within half a minute, else 0.", (), "live")
LIVE_CAUGHT_UP = Metric(
    "tonearm_live_caught_up", "1 if it has read all that was on the topic when it began, else 0.", (), "live"
)
LIVE_RUN = Metric(
    "tonearm_live_run_number", "Number of its present or last life; each life has the next one.", (), "live"
)
LIVE_WATERMARK = Metric(
    "tonearm_live_watermark_timestamp_seconds", "Append time up to which all partitions are read.", (), "live"
)
LIVE_MARKER = Metric(
    "tonearm_live_marker_timestamp_seconds", "Start of the oldest window that is not closed.", (), "live"
)
LIVE_DELAY = Metric(
    "tonearm_live_delay_seconds", "How far the watermark was behind the clock when it was told last.", (), "live"
)
LIVE_RATE = Metric(
    "tonearm_live_records_per_second", "Records read a second over half a minute; 0 if it is not up.", (), "live"
)
LIVE_DEAD_LETTERS = Metric(
    "tonearm_live_dead_letter_ratio", "Share of these records that are no valid event, 0 to 1.", (), "live"
)

# The topic, against the ledger and against the live pipeline.
TOPIC_RECORDS = Metric(
    "tonearm_topic_records_total", "Offsets that the broker has given out.", ("topic", "partition"), "kafka"
)
LEDGER_LAG = Metric(
    "tonearm_ledger_lag_records", "Offsets from the ledger's end to the partition's.", ("topic", "partition"), "kafka"
)
LIVE_LAG = Metric(
    "tonearm_live_lag_records",
    "Offsets from what the live pipeline has read to the partition's end.",
    ("topic", "partition"),
    "kafka",
)

# The ledger of publications, of both stores.
PUBLICATION_COMPLETED = Metric(
    "tonearm_publication_completed_timestamp_seconds",
    "When what a store serves was published.",
    ("table", "store"),
    "cassandra",
)
PUBLICATION_BEHIND = Metric(
    "tonearm_publication_behind",
    "1 if a store serves another version than passed its checks last, else 0.",
    ("table", "store"),
    "cassandra",
)
PUBLICATION_HELD = Metric(
    "tonearm_publication_held",
    "1 if a rollback holds a store at an earlier version, else 0.",
    ("table", "store"),
    "cassandra",
)
UNFINISHED = Metric(
    "tonearm_publications_unfinished",
    "Publications that began after the one in force and did not end (yet).",
    ("table", "store"),
    "cassandra",
)

METRICS = (
    INFO,
    SOURCE_UP,
    SOURCE_SECONDS,
    TABLE_ROWS,
    TABLE_BYTES,
    TABLE_FILES,
    TABLE_WRITTEN,
    TABLE_PROMISE,
    CHECKS,
    CHECK_FAILURES,
    SENT,
    FATES,
    MISSING_CLIENTS,
    BALANCE_ADDS_UP,
    DEAD_LETTERS,
    RUN_ENDED,
    RUN_SUCCEEDED,
    RUN_SECONDS,
    RUN_STATUS,
    TABLE_REFRESHED,
    REPORT_MADE,
    STAGE_ADDS_UP,
    STAGE_MISSING,
    LIVE_UP,
    LIVE_CAUGHT_UP,
    LIVE_RUN,
    LIVE_WATERMARK,
    LIVE_MARKER,
    LIVE_DELAY,
    LIVE_RATE,
    LIVE_DEAD_LETTERS,
    TOPIC_RECORDS,
    LEDGER_LAG,
    LIVE_LAG,
    PUBLICATION_COMPLETED,
    PUBLICATION_BEHIND,
    PUBLICATION_HELD,
    UNFINISHED,
)
"""All of them."""
