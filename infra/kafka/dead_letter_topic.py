"""The topic of dead letters, for whoever wants to hear of them at once: `<playback topic>-dead-letters`.

A message is the original payload, byte for byte, under the key `<topic id>/<partition>/<offset>` of the record. A
replay of the live pipeline sends it again under the same key: count keys, not messages.
"""

from functools import partial
from types import TracebackType
from typing import Self

import pyarrow as pa
from confluent_kafka import KafkaError, Message, Producer

from infra.kafka.connection import CLIENT_LOG, client_properties
from infra.kafka.topics import ensure_topic
from infra.settings import Settings
from schemas.errors import StoreUnavailableError

SUFFIX = "-dead-letters"
CONFIG = {
    "message.timestamp.type": "LogAppendTime",
    "retention.ms": str(30 * 86_400_000),
    "max.message.bytes": str(4 << 20),
}
"""Kept for 30 days; the ledger has them for good."""
_ANSWER_SECONDS = 30.0
Headers = list[tuple[str, str | bytes | None]]
Letter = tuple[bytes, bytes | None, Headers]
"""Key, payload and headers."""

_SENT_HEADERS = ("reason", "topic_id", "topic", "partition", "offset")
_PROPERTIES: dict[str, str | int | bool] = {
    "enable.idempotence": True,
    "acks": "all",
    "compression.type": "zstd",
    "delivery.timeout.ms": 30_000,
    "message.max.bytes": 4 << 20,
    "log_level": 0,
}


class DeadLetterTopic:
    """Sends dead letters; use as a context manager."""

    def __init__(self, settings: Settings, bootstrap: str) -> None:
        """Nothing is made before the first letter; raises StoreUnavailableError when no broker answers then."""
        self._settings = settings
        self._bootstrap = bootstrap
        self._name = settings.playback_topic + SUFFIX
        self._producer: Producer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._producer:
            self._producer.flush(_ANSWER_SECONDS)

    def send(self, letters: pa.Table) -> int:
        """Send rows of `live.dead_letters` and wait until the broker has them all; returns the count.

        What the topic's limit does not let through goes without its payload, which the table has, and a header says so.
        Raises StoreUnavailableError when the broker has not got all; sending again is harmless.
        """
        rows = letters.select([*_SENT_HEADERS, "payload"]).to_pylist()
        large = self._send([(_key(row), row["payload"], _headers(row)) for row in rows])
        if large:
            self._send([(key, None, [*headers, ("left_out", b"payload")]) for key, _, headers in large])
        return len(rows)

    def _send(self, letters: list[Letter]) -> list[Letter]:
        """Send and wait; returns those that were too large."""
        producer = self._ready()
        large: list[Letter] = []
        failed: list[str] = []

        def answered(letter: Letter, error: KafkaError | None, _message: Message) -> None:
            if error is not None and error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
                large.append(letter)
            elif error is not None:
                failed.append(error.str())

        for letter in letters:
            key, payload, headers = letter
            while True:
                try:
                    producer.produce(self._name, payload, key, headers=headers, on_delivery=partial(answered, letter))
                    break
                except BufferError:
                    producer.poll(0.1)
        if producer.flush(_ANSWER_SECONDS) or failed:
            raise StoreUnavailableError(f"Kafka did not take all dead letters into {self._name}: look at its log.")
        return large

    def _ready(self) -> Producer:
        if self._producer is None:
            ensure_topic(self._settings, self._bootstrap, self._name, CONFIG)
            properties = {**_PROPERTIES, **client_properties(self._settings, self._bootstrap)}
            self._producer = Producer(properties, logger=CLIENT_LOG)
        return self._producer


def _key(row: dict[str, object]) -> bytes:
    return f"{row['topic_id']}/{row['partition']}/{row['offset']}".encode()


def _headers(row: dict[str, object]) -> Headers:
    return [(name, str(row[name]).encode()) for name in _SENT_HEADERS]
