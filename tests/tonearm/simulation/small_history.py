"""The size of a small history, and the events that have come to its topic."""

from typing import Any

import pyarrow as pa
from confluent_kafka import Consumer, TopicPartition

from infra.settings import Settings
from playback.wire import decode

SMALL = {"listeners": 20, "events": 300, "days": 3, "seed": 5}


def sent(settings: Settings) -> list[dict[str, Any]]:
    """Every event on the topic, in the order of their arrival; marks are none."""
    consumer = Consumer({"bootstrap.servers": settings.kafka_bootstrap, "group.id": "test"})
    try:
        place = TopicPartition(settings.playback_topic, 0, 0)
        end = consumer.get_watermark_offsets(place, timeout=10)[1]
        consumer.assign([place])
        messages = consumer.consume(end, timeout=10)
    finally:
        consumer.close()
    assert len(messages) == end
    payloads = [one.value() for one in messages if one.value() is not None]
    events: list[dict[str, Any]] = decode(pa.array(payloads, pa.binary())).events.to_pylist()
    return events
