"""Playbacks that become dead letters on a topic, and the rules under which they are playbacks."""

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from confluent_kafka import Consumer, TopicPartition

from infra.kafka.producer import PlaybackProducer
from playback.arrow import event_schema
from playback.messages import MESSAGES
from playback.wire import encode
from schemas.events import CURRENT
from schemas.model import Event

USER = "0" * 31 + "a"
RULES = """
[[rule]]
name = "country codes in lower case"
reason = "bad_country"
field = "country"
where = {source = "phone"}
patch = {upper = ["country"]}

[[rule]]
name = "microseconds"
reason = "absurd_duration"
patch = {divide = {ms_played = 1000}}

[[rule]]
name = "one byte too many"
reason = "trailing_bytes"
patch = {drop_trailing = true}

[[rule]]
name = "a fingerprint that was never released"
reason = "unknown_fingerprint"
patch = {schema_version = 1}
"""


def playback(event_id: str, **fields: object) -> dict[str, object]:
    ordinary = {
        "event_id": event_id,
        "source": "phone",
        "user_id": USER,
        "occurred_at": datetime(2024, 5, 2, 10, tzinfo=UTC),
        "track_id": "spotify:track:1",
        "content_type": "track",
        "country": "DE",
        "ms_played": 60_000,
    }
    return ordinary | fields


def avro(event_id: str, version: Event = CURRENT, **fields: object) -> bytes:
    row = pa.RecordBatch.from_pylist([playback(event_id, **fields)], schema=event_schema(version))
    payload: bytes = encode(row, version).to_pylist()[0]
    return payload


def as_json(event_id: str, **fields: object) -> bytes:
    return json.dumps(playback(event_id, occurred_at="2024-05-02T10:00:00Z", **fields)).encode()


def send(made: Any, bodies: list[bytes], install: str) -> None:
    rows = [
        {"key": USER.encode(), "payload": body, "install_id": install, "sequence": number}
        for number, body in enumerate(bodies)
    ]
    with PlaybackProducer(made.settings, made.endpoints.kafka_bootstrap, "simulate") as producer:
        producer.send_messages(pa.RecordBatch.from_pylist(rows, schema=MESSAGES))


def topic_ends(made: Any) -> list[tuple[int, int]]:
    consumer = Consumer({"bootstrap.servers": made.endpoints.kafka_bootstrap, "group.id": "test"})
    try:
        places = [TopicPartition(made.settings.playback_topic, one) for one in range(4)]
        return [consumer.get_watermark_offsets(place, timeout=10) for place in places]
    finally:
        consumer.close()
