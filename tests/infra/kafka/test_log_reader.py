"""All partitions of a real topic, read without end."""

import time
import uuid
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from infra.kafka.log_reader import LogReader, offset_bounds, start_offsets
from infra.kafka.topics import TOPIC_CONFIG
from pipelines.transforms.log_time import passed_by_all
from schemas.errors import MissingInputError


@pytest.fixture
def properties(stack: Any) -> dict[str, str]:
    return {"bootstrap.servers": stack.endpoints.kafka_bootstrap}


@pytest.fixture
def topic(properties: dict[str, str]) -> str:
    name = f"log-{uuid.uuid4().hex[:8]}"
    admin = AdminClient(properties)
    admin.create_topics([NewTopic(name, num_partitions=2, config=TOPIC_CONFIG)])[name].result()
    return name


def send(properties: dict[str, str], topic: str, partition: int, *values: bytes) -> None:
    producer = Producer(properties)
    for value in values:
        producer.produce(topic, value, partition=partition)
    assert producer.flush(30) == 0


def read(log: LogReader, count: int) -> list[tuple[int, int, bytes]]:
    """Read until so many records have come; they are handed back."""
    found: list[tuple[int, int, bytes]] = []
    deadline = time.monotonic() + 60
    while len(found) < count:
        assert time.monotonic() < deadline
        log.poll(0.2, 1_000)
        for batch in log.take():
            found += [(row["partition"], row["offset"], row["payload"]) for row in batch.to_pylist()]
    return found


def test_records_of_all_partitions_come_each_in_its_order(properties: dict[str, str], topic: str) -> None:
    send(properties, topic, 0, b"a", b"b", b"c")
    send(properties, topic, 1, b"x")
    log = LogReader(properties, topic, start_offsets(properties, topic, 0))
    found = read(log, 4)
    assert sorted(found) == [(0, 0, b"a"), (0, 1, b"b"), (0, 2, b"c"), (1, 0, b"x")]
    assert [one for one in found if one[0] == 0] == sorted(one for one in found if one[0] == 0)
    assert log.next_offsets == {0: 3, 1: 1}
    assert offset_bounds(properties, topic) == {0: (0, 3), 1: (0, 1)}
    log.close()


def test_what_is_handed_back_comes_first_again(properties: dict[str, str], topic: str) -> None:
    send(properties, topic, 0, b"a", b"b")
    log = LogReader(properties, topic, start_offsets(properties, topic, 0))
    while log.next_offsets[0] < 2:
        log.poll(0.2, 1_000)
    for batch in log.take():
        log.hand_back(batch.slice(1))
    send(properties, topic, 0, b"c")
    assert read(log, 2) == [(0, 1, b"b"), (0, 2, b"c")]
    log.close()


def test_an_empty_partition_is_at_its_end_and_one_with_a_backlog_is_not(properties: dict[str, str], topic: str) -> None:
    send(properties, topic, 0, b"a")
    log = LogReader(properties, topic, start_offsets(properties, topic, 0))
    log.find_ends()
    assert log.at_end_us[0] == 0
    assert log.at_end_us[1] > 0
    read(log, 1)
    log.find_ends()
    assert log.at_end_us[0] >= log.last_read_us[0] > 0
    log.close()


def test_a_partition_that_is_added_is_read_from_its_first_record(properties: dict[str, str], topic: str) -> None:
    log = LogReader(properties, topic, start_offsets(properties, topic, 0))
    admin = AdminClient(properties)
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result()
    deadline = time.monotonic() + 60
    while 2 not in log.next_offsets:
        assert time.monotonic() < deadline
        log.find_partitions()
    assert passed_by_all(log.last_read_us, log.at_end_us) == 0
    send(properties, topic, 2, b"new")
    assert read(log, 1) == [(2, 0, b"new")]
    log.close()


def test_reading_begins_at_a_time(properties: dict[str, str], topic: str) -> None:
    send(properties, topic, 0, b"before")
    time.sleep(0.05)
    from_us = time.time_ns() // 1_000
    time.sleep(0.05)
    send(properties, topic, 0, b"after")
    assert start_offsets(properties, topic, from_us) == {0: 1, 1: 0}


def test_a_topic_that_is_not_there_is_said_in_one_sentence(properties: dict[str, str]) -> None:
    with pytest.raises(MissingInputError, match="There is no topic nothing-here yet"):
        start_offsets(properties, "nothing-here", 0)
