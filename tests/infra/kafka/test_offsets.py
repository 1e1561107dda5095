"""When records of a real topic were appended, asked by offset."""

import uuid
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from infra.kafka.offsets import append_times
from schemas.errors import StoreUnavailableError


@pytest.fixture
def properties(stack: Any) -> dict[str, str]:
    return {"bootstrap.servers": stack.endpoints.kafka_bootstrap}


@pytest.fixture
def topic(properties: dict[str, str]) -> str:
    """Three partitions: records of 1, 2 and 3 s, one of 4 s, and none; each has the time that is sent with it."""
    name = f"offsets-{uuid.uuid4().hex[:8]}"
    config = {"message.timestamp.type": "CreateTime", "retention.ms": "-1"}
    admin = AdminClient(properties)
    admin.create_topics([NewTopic(name, num_partitions=3, config=config)])[name].result()
    producer = Producer(properties)
    for partition, second in ((0, 1), (0, 2), (0, 3), (1, 4)):
        producer.produce(name, b"any", partition=partition, timestamp=second * 1_000)
    assert producer.flush(30) == 0
    return name


def test_the_first_record_at_an_offset_says_when_it_was_appended(properties: dict[str, str], topic: str) -> None:
    assert append_times(properties, topic, {0: 1, 1: 0, 2: 0}) == {0: 2_000_000, 1: 4_000_000}


def test_a_partition_that_is_not_named_is_asked_for_its_oldest_and_one_behind_its_end_for_nothing(
    properties: dict[str, str], topic: str
) -> None:
    assert append_times(properties, topic, {1: 1}) == {0: 1_000_000}
    assert append_times(properties, topic, {0: 3, 1: 7}) == {}


def test_a_broker_that_is_away_is_a_sentence() -> None:
    with pytest.raises(StoreUnavailableError, match="Kafka does not answer"):
        append_times({"bootstrap.servers": "127.0.0.1:9"}, "any", {})
