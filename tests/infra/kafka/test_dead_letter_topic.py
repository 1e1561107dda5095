"""Dead letters on their topic, as others read them."""

import uuid
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest
from confluent_kafka import Consumer, TopicPartition

from infra.kafka.dead_letter_topic import DeadLetterTopic
from infra.kafka.topics import ensure_topic
from infra.settings import Settings
from playback.arrow import arrow_schema
from schemas.live import DEAD_LETTERS

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture
def settings(stack: Any) -> Settings:
    own: Settings = stack.settings.model_copy(update={"playback_topic": f"d{uuid.uuid4().hex[:8]}"})
    return own


def letters(*payloads: bytes | None) -> pa.Table:
    rows = [
        {"topic_id": "T", "topic": "t", "partition": 3, "offset": offset, "appended_at": NOON, "payload": payload}
        | {"appended_date": date(2026, 11, 24), "reason": "unknown_format", "detail": "…"}
        for offset, payload in enumerate(payloads)
    ]
    return pa.Table.from_pylist(rows, arrow_schema(DEAD_LETTERS.fields))


def read(bootstrap: str, topic: str, count: int) -> dict[bytes, tuple[bytes | None, dict[str, bytes]]]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader", "auto.offset.reset": "earliest"})
    partitions = consumer.list_topics(topic, 10).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    messages = consumer.consume(count, 30)
    consumer.close()
    return {message.key(): (message.value(), dict(message.headers() or ())) for message in messages}


def test_a_letter_keeps_its_bytes_and_says_where_it_was_and_why(settings: Settings, stack: Any) -> None:
    bootstrap = stack.endpoints.kafka_bootstrap
    with DeadLetterTopic(settings, bootstrap) as topic:
        assert topic.send(letters(b"\xff\x00", None, b"x" * (1 << 20))) == 3
        assert topic.send(letters(b"\xff\x00")) == 1
    found = read(bootstrap, f"{settings.playback_topic}-dead-letters", 4)
    assert {key: value for key, (value, _) in found.items()} == {
        b"T/3/0": b"\xff\x00",
        b"T/3/1": None,
        b"T/3/2": b"x" * (1 << 20),
    }
    assert found[b"T/3/0"][1] == {
        "reason": b"unknown_format",
        "topic_id": b"T",
        "topic": b"t",
        "partition": b"3",
        "offset": b"0",
    }


def test_what_is_too_large_for_the_topic_goes_without_its_payload(settings: Settings, stack: Any) -> None:
    bootstrap, name = stack.endpoints.kafka_bootstrap, f"{settings.playback_topic}-dead-letters"
    ensure_topic(settings, bootstrap, name, {"max.message.bytes": "2000"})
    noise = bytes(n * n % 251 ^ (n >> 3) % 256 for n in range(100_000))
    with DeadLetterTopic(settings, bootstrap) as topic:
        topic.send(letters(noise))
    assert read(bootstrap, name, 1)[b"T/3/0"][0] is None
    assert read(bootstrap, name, 1)[b"T/3/0"][1]["left_out"] == b"payload"
