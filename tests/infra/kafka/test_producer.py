"""The producer against a real broker: every message arrives once and is counted, also when the producer dies."""

import os
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, Consumer, Message, TopicPartition
from kafka.partitioner.default import murmur2

from infra import failpoints
from infra.kafka.manifests import read_manifests
from infra.kafka.producer import PlaybackProducer
from infra.kafka.topics import topic_id
from infra.settings import REPOSITORY, Settings
from playback.arrow import event_schema
from playback.messages import MESSAGES
from playback.wire import encode
from schemas.errors import MissingInputError, StoreUnavailableError
from schemas.events import CURRENT

PARTITIONS = 3


def playback(user: int, sequence: int | None = None) -> dict[str, object]:
    return {
        "event_id": f"{user:016x}{sequence or 0:016x}",
        "source": "simulator",
        "user_id": f"{user:032x}",
        "install_id": None if sequence is None else f"install-{user}",
        "sequence": sequence,
        "occurred_at": 1_700_000_000_000_000,
        "content_type": "track",
        "ms_played": 30_000,
    }


def batch(rows: list[dict[str, object]]) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(rows, schema=event_schema(CURRENT))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home and a topic of the test's own."""
    return Settings(home=tmp_path, playback_topic=f"producer-{uuid.uuid4().hex[:8]}", playback_partitions=PARTITIONS)


@pytest.fixture
def bootstrap(stack: Any) -> str:
    address: str = stack.endpoints.kafka_bootstrap
    return address


def records(settings: Settings, bootstrap: str) -> list[Message]:
    """Everything on the topic, partition after partition."""

    def of_partition(partition: int) -> Iterator[Message]:
        consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test", "enable.auto.commit": False})
        try:
            place = TopicPartition(settings.playback_topic, partition, 0)
            end = consumer.get_watermark_offsets(place, timeout=10)[1]
            consumer.assign([place])
            offset = 0
            while offset < end:
                message = consumer.poll(10)
                assert message is not None
                assert message.error() is None
                offset = (message.offset() or 0) + 1
                yield message
        finally:
            consumer.close()

    return [message for partition in range(PARTITIONS) for message in of_partition(partition)]


def test_a_message_is_the_event_under_its_listener_with_what_must_survive_an_unreadable_body(
    settings: Settings, bootstrap: str
) -> None:
    events = batch([playback(1, 7)])
    with PlaybackProducer(settings, bootstrap, "simulate") as producer:
        producer.send(events)
    (message,) = records(settings, bootstrap)
    assert message.key() == b"%032x" % 1
    assert message.value() == encode(events)[0].as_py()
    manifest = ("manifest_id", producer.manifest_id.encode())
    assert message.headers() == [manifest, ("install_id", b"install-1"), ("sequence", b"7")]


def test_an_event_without_installation_and_a_reject_carry_the_manifest_only(settings: Settings, bootstrap: str) -> None:
    with PlaybackProducer(settings, bootstrap, "import") as producer:
        producer.send(batch([playback(1)]), [b"no event"], reject_key=b"%032x" % 1)
    event, reject = records(settings, bootstrap)
    assert event.headers() == reject.headers() == [("manifest_id", producer.manifest_id.encode())]
    assert (reject.key(), reject.value()) == (event.key(), b"no event")


def test_marks_reach_the_topic_and_are_no_part_of_the_manifest(settings: Settings, bootstrap: str) -> None:
    mark = {"key": b"k", "install_id": "install-1", "high_water": 8}
    back = {"key": b"k", "payload": b"body", "install_id": "install-1", "sequence": 7, "replay_of": "T/0/3"}
    with PlaybackProducer(settings, bootstrap, "simulate") as producer:
        producer.send_messages(pa.RecordBatch.from_pylist([mark, back], schema=MESSAGES))
    manifest = ("manifest_id", producer.manifest_id.encode())
    assert [(one.value(), one.headers()) for one in records(settings, bootstrap)] == [
        (None, [manifest, ("install_id", b"install-1"), ("high_water", b"8")]),
        (b"body", [manifest, ("install_id", b"install-1"), ("sequence", b"7"), ("replay_of", b"T/0/3")]),
    ]
    assert (producer.manifest.events, producer.manifest.acknowledged) == (1, 1)


def test_a_listener_s_partition_is_the_one_that_murmur2_names(settings: Settings, bootstrap: str) -> None:
    with PlaybackProducer(settings, bootstrap, "simulate") as producer:
        producer.send(batch([playback(user) for user in range(50)]))
    found = {message.key(): message.partition() for message in records(settings, bootstrap)}
    assert found == {key: (murmur2(key) & 0x7FFFFFFF) % PARTITIONS for key in (b"%032x" % user for user in range(50))}


def test_the_manifest_agrees_with_the_topic(settings: Settings, bootstrap: str) -> None:
    with PlaybackProducer(settings, bootstrap, "import") as producer:
        producer.send(batch([playback(user) for user in range(500)]), [b"x"] * 3, reject_key=b"k")
    arrived = records(settings, bootstrap)
    manifest = producer.manifest
    assert (manifest.events, manifest.rejects, manifest.acknowledged, manifest.in_doubt) == (500, 3, 503, 0)
    assert manifest.finished
    assert manifest.topic_id == topic_id(settings, bootstrap, settings.playback_topic)
    assert manifest.by_partition == {
        partition: sum(message.partition() == partition for message in arrived) for partition in range(PARTITIONS)
    }
    assert {message.timestamp()[0] for message in arrived} == {TIMESTAMP_LOG_APPEND_TIME}
    assert sum(manifest.by_hour.values()) == 503


DYING = """
import sys
from pathlib import Path
from infra.kafka.producer import PlaybackProducer
from infra.settings import Settings
import pyarrow as pa
from playback.arrow import event_schema
from schemas.events import CURRENT
home, topic, bootstrap = sys.argv[1:]
rows = [
    {"event_id": str(n), "source": "s", "user_id": f"{n:032x}", "occurred_at": 0, "content_type": "track",
     "ms_played": 0} for n in range(100)
]
settings = Settings(home=Path(home), playback_topic=topic, playback_partitions=3)
with PlaybackProducer(settings, bootstrap, "import") as producer:
    producer.send(pa.RecordBatch.from_pylist(rows, schema=event_schema(CURRENT)))
"""


@pytest.mark.parametrize("point", ["producer.planned", "producer.queued", "producer.delivered"])
def test_a_producer_killed_anywhere_leaves_its_doubt_in_writing(settings: Settings, bootstrap: str, point: str) -> None:
    died = subprocess.run(
        [sys.executable, "-c", DYING, str(settings.home), settings.playback_topic, bootstrap],
        cwd=REPOSITORY,
        env=os.environ | {failpoints.VARIABLE: point},
        check=False,
    )
    assert died.returncode == -signal.SIGKILL
    (manifest,) = read_manifests(settings.home)
    assert (manifest.planned, manifest.acknowledged, manifest.in_doubt, manifest.finished) == (100, 0, 100, False)
    arrived = len(records(settings, bootstrap))
    assert arrived == 100 if point == "producer.delivered" else arrived <= 100


def test_no_broker_is_said_in_one_sentence_and_leaves_no_manifest(settings: Settings) -> None:
    with pytest.raises(StoreUnavailableError, match=r"Kafka at 127\.0\.0\.1:1 does not answer"):
        PlaybackProducer(settings, "127.0.0.1:1", "import")
    assert read_manifests(settings.home) == []


def test_a_topic_that_is_not_there_has_no_id(settings: Settings, bootstrap: str) -> None:
    with pytest.raises(MissingInputError, match="There is no topic"):
        topic_id(settings, bootstrap, "nobody-made-this")


def test_messages_that_are_given_up_are_an_error_and_stay_in_doubt(settings: Settings, bootstrap: str) -> None:
    with (
        pytest.raises(StoreUnavailableError, match=r"Kafka acknowledged 1 of 2 messages \(MSG_SIZE_TOO_LARGE\)"),
        PlaybackProducer(settings, bootstrap, "import") as producer,
    ):
        producer.send(batch([]), [b"small", b"x" * 2_000_000], reject_key=b"k")
    (manifest,) = read_manifests(settings.home)
    assert (manifest.planned, manifest.acknowledged, manifest.in_doubt, manifest.finished) == (2, 1, 1, False)
