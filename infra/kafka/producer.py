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
from playback.wire import encode
from schemas.errors import InputError, StoreUnavailableError
from schemas.events import HEADER_INSTALL_ID, HEADER_MANIFEST_ID, HEADER_SEQUENCE

BATCH = 50_000
"""Messages between two journal entries, at most: what a killed producer can leave in doubt."""

Headers = list[tuple[str, str | bytes | None]]
Outgoing = tuple[bytes, bytes, Headers]
"""Key, value and headers of one message."""

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
        self._failure: KafkaError | None = None

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
            part = events.slice(start, BATCH)
            self._deliver(self._events(part), events=part.num_rows, rejects=0)
        for start in range(0, len(rejects), BATCH):
            rows = rejects[start : start + BATCH]
            messages = ((reject_key, row, self._headers(None, None)) for row in rows)
            self._deliver(messages, events=0, rejects=len(rows))

    def _events(self, events: pa.RecordBatch) -> Iterator[Outgoing]:
        """Messages of events, encoded before the first one is asked for."""
        values = encode(events).to_pylist()
        keys = events.column("user_id").cast(pa.binary()).to_pylist()
        installs = events.column("install_id").cast(pa.binary()).to_pylist()
        sequences = events.column("sequence").to_pylist()
        headers = map(self._headers, installs, sequences)
        # Not a list: so many small objects at once keep the garbage collector busy for half of the time.
        return zip(keys, values, headers, strict=True)

    def _headers(self, install: bytes | None, sequence: int | None) -> Headers:
        """Installation and sequence are repeated in headers, so that a body nobody can read is accounted for."""
        headers: Headers = [self._manifest_header]
        if install is not None:
            headers.append((HEADER_INSTALL_ID, install))
        if sequence is not None:
            headers.append((HEADER_SEQUENCE, b"%d" % sequence))
        return headers

    def _deliver(self, messages: Iterator[Outgoing], events: int, rejects: int) -> None:
        self._acknowledged.clear()
        self._journal.plan(events, rejects)
        failpoints.reach("producer.planned")
        self._produce(messages)
        failpoints.reach("producer.queued")
        self._producer.flush()
        failpoints.reach("producer.delivered")
        self._journal.acknowledge(_by_hour(self._acknowledged))
        acknowledged = self._acknowledged.total()
        if acknowledged < events + rejects:
            reason = self._failure.name() if self._failure else "no answer"
            raise StoreUnavailableError(
                f"Kafka acknowledged {acknowledged} of {events + rejects} messages ({reason}): see that the broker "
                "runs and send again; an event that arrives twice counts once."
            )

    def _produce(self, messages: Iterator[Outgoing]) -> None:
        for key, value, headers in messages:
            while True:
                try:
                    self._producer.produce(self._topic, value, key, on_delivery=self._on_delivery, headers=headers)
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        if kind is None:
            self._journal.finish()
        self._journal.close()


def _by_hour(acknowledged: Counter[tuple[int, int | None]]) -> dict[str, dict[int, int]]:
    by_hour: dict[str, dict[int, int]] = {}
    for (hour, partition), count in acknowledged.items():
        by_hour.setdefault(_hour_name(hour), {})[partition or 0] = count
    return by_hour


def _hour_name(hours_since_1970: int) -> str:
    return datetime.fromtimestamp(hours_since_1970 * 3600, UTC).strftime("%Y-%m-%dT%H")
