"""The bulk producer of playback events: batches out, every acknowledgement counted in a manifest.

Idempotent, `acks=all`, keyed by listener with the murmur2 partitioner that every client of the topic uses.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import pyarrow as pa
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from infra import failpoints
from infra.kafka.connection import CLIENT_LOG, client_properties
from infra.kafka.manifests import Journal, Manifest, Source, read_manifest
from infra.kafka.topics import ensure_playback_topic
from infra.settings import Settings
from playback.messages import event_messages, reject_messages
from schemas.errors import InputError, StoreUnavailableError
from schemas.events import (
    HEADER_HIGH_WATER,
    HEADER_INSTALL_ID,
    HEADER_MANIFEST_ID,
    HEADER_REPLAY_OF,
    HEADER_SEQUENCE,
)

BATCH = 50_000
"""Messages between two journal entries, at most: what a killed producer can leave in doubt."""

Headers = list[tuple[str, str | bytes | None]]
Outgoing = tuple[bytes | None, bytes | None, Headers, bool]
"""Key, value and headers of one message, and whether it is a mark."""

_HEADERS = (HEADER_INSTALL_ID, HEADER_SEQUENCE, HEADER_HIGH_WATER, HEADER_REPLAY_OF)
"""Headers from columns of `MESSAGES`, which have the same names."""

_HOUR_MS = 3_600_000
_PROPERTIES: dict[str, str | int | bool] = {
    "enable.idempotence": True,
    "acks": "all",
    "partitioner": "murmur2_random",
    "compression.type": "zstd",
    "linger.ms": 20,
    "batch.size": 1 << 20,
    "queue.buffering.max.messages": 2 * BATCH,
    "delivery.timeout.ms": 60_000,
    "log_level": 0,
}


class PlaybackProducer:
    """Sends events and rejects of one source to the playback topic, one manifest per producer.

    Use as a context manager: leaving it without an error finishes the manifest. Raises StoreUnavailableError when no
    broker answers, and when messages are given up; what was acknowledged until then is in the manifest.
    """

    def __init__(self, settings: Settings, bootstrap: str, source: Source, subject: str = "") -> None:
        """Connect, make the topic if need be and begin the manifest."""
        self._topic = settings.playback_topic
        topic_id = ensure_playback_topic(settings, bootstrap)
        self._producer = Producer({**client_properties(settings, bootstrap), **_PROPERTIES}, logger=CLIENT_LOG)
        self._journal = Journal(settings.home, source, self._topic, topic_id, subject)
        self._manifest_header = (HEADER_MANIFEST_ID, self._journal.manifest_id.encode())
        self._acknowledged: Counter[tuple[int, int | None]] = Counter()
        self._marks_acknowledged = 0
        self._failure: KafkaError | None = None
        failpoints.reach("producer.begun")

    @property
    def manifest_id(self) -> str:
        """Id of the manifest that counts what this producer sends."""
        return self._journal.manifest_id

    @property
    def manifest(self) -> Manifest:
        """The manifest as it is on disk now."""
        read = read_manifest(self._journal.path)
        if read is None:
            raise InputError(f"The manifest {self._journal.path} was removed while it was written: send again.")
        return read

    def send(self, events: pa.RecordBatch, rejects: Sequence[bytes] = (), reject_key: bytes = b"") -> None:
        """Send events (current version, `playback.arrow.event_schema`) and, as they are, rejects under `reject_key`.

        Returns when the broker has acknowledged every message.
        """
        for start in range(0, events.num_rows, BATCH):
            self.send_messages(event_messages(events.slice(start, BATCH)))
        for start in range(0, len(rejects), BATCH):
            self._deliver(reject_messages(rejects[start : start + BATCH], reject_key), are_rejects=True)

    def send_messages(self, messages: pa.RecordBatch) -> None:
        """Send messages as they are (`playback.messages.MESSAGES`); marks among them are no part of the manifest.

        Returns when the broker has acknowledged every message.
        """
        for start in range(0, messages.num_rows, BATCH):
            self._deliver(messages.slice(start, BATCH), are_rejects=False)

    def _deliver(self, messages: pa.RecordBatch, are_rejects: bool) -> None:
        self._acknowledged.clear()
        self._marks_acknowledged = 0
        marks = messages.num_rows - messages.column("high_water").null_count
        counted = messages.num_rows - marks
        self._journal.plan(*((0, counted) if are_rejects else (counted, 0)))
        failpoints.reach("producer.planned")
        self._produce(messages)
        failpoints.reach("producer.queued")
        self._producer.flush()
        failpoints.reach("producer.delivered")
        self._journal.acknowledge(_by_hour(self._acknowledged))
        failpoints.reach("producer.acknowledged")
        acknowledged = self._acknowledged.total() + self._marks_acknowledged
        if acknowledged < messages.num_rows:
            reason = self._failure.name() if self._failure else "no answer"
            raise StoreUnavailableError(
                f"Kafka acknowledged {acknowledged} of {messages.num_rows} messages ({reason}): see that the broker "
                "runs and send again; an event that arrives twice counts once."
            )

    def _produce(self, messages: pa.RecordBatch) -> None:
        for key, value, headers, is_mark in self._outgoing(messages):
            answered = self._on_mark_delivery if is_mark else self._on_delivery
            while True:
                try:
                    self._producer.produce(self._topic, value, key, on_delivery=answered, headers=headers)
                    break
                except BufferError:
                    self._producer.poll(0.1)
                except KafkaException as error:
                    self._failure = error.args[0]
                    return

    def _on_delivery(self, failure: KafkaError | None, message: Message) -> None:
        if failure is not None:
            self._failure = failure
            return
        # The broker's answer carries its append time (LogAppendTime), the hour the ledger will see too.
        self._acknowledged[(message.timestamp()[1] // _HOUR_MS, message.partition())] += 1

    def _on_mark_delivery(self, failure: KafkaError | None, _message: Message) -> None:
        self._failure = failure or self._failure
        self._marks_acknowledged += failure is None

    def _outgoing(self, messages: pa.RecordBatch) -> Iterator[Outgoing]:
        """Installation and sequence are repeated in headers, so that a body nobody can read is accounted for."""
        keys, values = messages.column("key").to_pylist(), messages.column("payload").to_pylist()
        columns = [_header_values(messages.column(name)) for name in _HEADERS]
        is_mark = messages.column("high_water").is_valid().to_pylist()
        # Not a list: so many small objects at once keep the garbage collector busy for half of the time.
        headers = map(self._headers, *columns)
        return zip(keys, values, headers, is_mark, strict=True)

    def _headers(self, *values: bytes | None) -> Headers:
        own = ((name, value) for name, value in zip(_HEADERS, values, strict=True) if value is not None)
        return [self._manifest_header, *own]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        if kind is None:
            self._journal.finish()
        self._journal.close()


def _header_values(column: pa.Array) -> list[bytes | None]:
    values: list[bytes | None] = column.cast(pa.string()).cast(pa.binary()).to_pylist()
    return values


def _by_hour(acknowledged: Counter[tuple[int, int | None]]) -> dict[str, dict[int, int]]:
    by_hour: dict[str, dict[int, int]] = {}
    for (hour, partition), count in acknowledged.items():
        by_hour.setdefault(_hour_name(hour), {})[partition or 0] = count
    return by_hour


def _hour_name(hours_since_1970: int) -> str:
    return datetime.fromtimestamp(hours_since_1970 * 3600, UTC).strftime("%Y-%m-%dT%H")
