"""A service whose playbacks the broker had three days ago, while they were played: what live counts of them is closed.

The topic takes the times that are sent with its records, and when all are sent becomes one of the broker's own times.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.cimpl import NewTopic

from infra.kafka.topics import TOPIC_CONFIG
from playback.arrow import event_schema
from playback.wire import encode
from schemas.events import CURRENT
from tests.end_to_end.conftest import Deployment, basic

NOON = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=3)
"""Between 60 and 84 hours ago: what comes now of this day is beyond the horizon of 48."""
ON_TIME, LATE, AHEAD, TWICE = 40, 5, 3, 6
"""Playbacks that came a second after their end, ten minutes after it, five before it; and that two devices told."""
UPLOADED = 8
"""Playbacks of those on time that the listener's export tells of too; it has as many that nobody knows."""
_TIME_TYPE = "message.timestamp.type"


def play(made: Deployment, user_id: str) -> None:
    """Make the topic, and have on it what the service played."""
    bootstrap, topic = made.endpoints.kafka_bootstrap, made.settings.playback_topic
    admin = AdminClient({"bootstrap.servers": bootstrap})
    config = TOPIC_CONFIG | {_TIME_TYPE: "CreateTime"}
    admin.create_topics([NewTopic(topic, made.settings.playback_partitions, config=config)])[topic].result()
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
    for appended, event in sorted(_records(user_id), key=lambda one: one[0]):
        (payload,) = encode(pa.RecordBatch.from_pylist([event], event_schema(CURRENT))).to_pylist()
        producer.produce(topic, payload, user_id, timestamp=int(appended.timestamp() * 1_000))
    assert producer.flush(30) == 0
    own = ConfigEntry(_TIME_TYPE, TOPIC_CONFIG[_TIME_TYPE], incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[own])
    admin.incremental_alter_configs([resource])[resource].result()


def export() -> list[Any]:
    """What the listener uploads today: known playbacks, unknown ones, and what is none."""
    known = [basic(_minute(number), f"Band {number}", "Song", 180_500) for number in range(UPLOADED)]
    unknown = [basic(_minute(500 + number), "Elsewhere", "Song", 180_000) for number in range(UPLOADED)]
    return [*known, *unknown, "no object", None]


def _records(user_id: str) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """When the broker had each playback, and its event."""
    second = timedelta(seconds=1)
    groups = (("on time", ON_TIME, second), ("late", LATE, 600 * second), ("ahead", AHEAD, -300 * second))
    for start, (name, count, delay) in enumerate(groups):
        for number in range(count):
            ended = NOON + timedelta(minutes=100 * start + number, seconds=20)
            yield ended + delay, _event(user_id, f"{name} {number}", ended, f"Band {number}")
    for number in range(TWICE):
        ended = NOON + timedelta(minutes=400 + number)
        for device in ("phone", "speaker"):
            yield ended + second, _event(user_id, f"{device} {number}", ended, "Twice", device)


def _event(user_id: str, event_id: str, ended: datetime, artist: str, device: str | None = None) -> dict[str, Any]:
    return dict.fromkeys((field.name for field in CURRENT.fields), None) | {
        "event_id": event_id,
        "source": "simulator",
        "user_id": user_id,
        "device_id": device,
        "occurred_at": ended,
        "content_type": "track",
        "artist_name": artist,
        "track_title": "Song",
        "outcome": "play",
        "ms_played": 180_000,
    }


def _minute(number: int) -> str:
    return f"{NOON + timedelta(minutes=number):%Y-%m-%d %H:%M}"
