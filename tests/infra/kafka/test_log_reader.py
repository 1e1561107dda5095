"""All partitions of a real topic, read without end."""

import time
import uuid
from typing import Any

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from infra.kafka.append_times import Cut
from infra.kafka.log_reader import LogReader
from infra.kafka.offsets import offset_bounds, start_offsets
from infra.kafka.topics import TOPIC_CONFIG
from pipelines.transforms.log_time import passed_by_all
from schemas.errors import MissingInputError

WEEK_MS = 7 * 86_400_000


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


@pytest.fixture
def stamped(properties: dict[str, str]) -> str:
    """A topic whose records have the time that is sent with them, as of a broker with a wrong clock."""
    name = f"stamped-{uuid.uuid4().hex[:8]}"
    config = {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(2 * WEEK_MS)}
    admin = AdminClient(properties)
    admin.create_topics([NewTopic(name, num_partitions=1, config=config)])[name].result()
    return name


def send_at(properties: dict[str, str], topic: str, *records: tuple[bytes, int]) -> None:
    """Send values, each at its time in milliseconds."""
    producer = Producer(properties)
    for value, at_ms in records:
        producer.produce(topic, value, partition=0, timestamp=at_ms)
    assert producer.flush(30) == 0


def times(log: LogReader, count: int, passed_us: int = 0) -> list[int]:
    """Read so many records and take them; the times that they count as appended at."""
    end, deadline = log.next_offsets[0] + count, time.monotonic() + 60
    while log.next_offsets[0] < end:
        assert time.monotonic() < deadline
        log.poll(0.2, count)
    return [row["appended_us"] for batch in log.take(passed_us) for row in batch.to_pylist()]


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


def test_headers_are_read_of_records_without_a_payload_and_of_no_others(properties: dict[str, str], topic: str) -> None:
    """By them a mark is told from a record that is spoilt."""
    sent: list[tuple[bytes | None, list[tuple[str, bytes]]]] = [
        (b"event", [("sequence", b"7")]),
        (None, [("high_water", b"8")]),
        (b"event", []),
        (None, [("sequence", b"9"), ("high_water", b"no number")]),
        (None, []),
    ]
    producer = Producer(properties)
    for value, headers in sent:
        producer.produce(topic, value, partition=0, headers=headers)
    assert producer.flush(30) == 0
    log = LogReader(properties, topic, start_offsets(properties, topic, 0))
    while log.next_offsets[0] < len(sent):
        log.poll(0.2, 1_000)
    rows = [row for batch in log.take() for row in batch.to_pylist()]
    log.close()
    names = ("payload", "sequence", "high_water")
    assert [tuple(row[name] for name in names) for row in rows] == [
        (b"event", None, None),
        (None, None, 8),
        (b"event", None, None),
        (None, 9, None),
        (None, None, None),
    ]


def test_it_is_said_when_nothing_more_is_there_to_be_read(properties: dict[str, str], topic: str) -> None:
    send(properties, topic, 0, *[b"a"] * 1_000)
    log = LogReader(properties, topic, start_offsets(properties, topic, 0))
    told: list[bool] = []
    deadline = time.monotonic() + 60
    while log.next_offsets[0] < 1_000 or not told[-1]:
        assert time.monotonic() < deadline
        before = log.next_offsets[0]
        told.append(log.poll(10, 250))
        assert told[-1] == (log.next_offsets[0] - before < 250)
    assert told.count(False) >= 3
    log.close()


def test_what_is_handed_back_comes_first_again(properties: dict[str, str], topic: str) -> None:
    send(properties, topic, 0, b"a", b"b")
    log = LogReader(properties, topic, start_offsets(properties, topic, 0))
    while log.next_offsets[0] < 2:
        log.poll(0.2, 1_000)
    for batch in log.take():
        log.hand_back([batch.slice(1)])
    send(properties, topic, 0, b"c")
    assert read(log, 2) == [(0, 1, b"b"), (0, 2, b"c")]
    log.close()


def test_an_empty_partition_is_at_its_end_and_one_with_a_backlog_is_not(properties: dict[str, str], topic: str) -> None:
    send(properties, topic, 0, b"a")
    log = LogReader(properties, topic, start_offsets(properties, topic, 0))
    log.find_partitions()
    log.find_ends()
    assert log.at_end_us[0] == 0
    assert log.at_end_us[1] > 0
    read(log, 1)
    log.find_ends()
    assert log.at_end_us[0] >= log.last_read_us[0] > 0
    log.close()


def test_a_partition_that_is_added_is_read_from_its_first_record(properties: dict[str, str], topic: str) -> None:
    log = LogReader(properties, topic, {0: 0, 1: 0})
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


def test_nothing_is_passed_that_a_partition_nobody_has_heard_of_may_hold(
    properties: dict[str, str], topic: str
) -> None:
    """A record in a partition that was added is older than what others are read up to until it is found."""
    log = LogReader(properties, topic, {0: 0, 1: 0})
    assert log.partitions_known_us == 0
    send(properties, topic, 0, b"before")
    read(log, 1)
    for _ in range(2):  # that there is one broker only, the first look tells
        log.find_partitions()
    known_us = log.partitions_known_us
    assert known_us >= log.last_read_us[0]
    admin = AdminClient(properties)
    admin.create_partitions([NewPartitions(topic, 3)])[topic].result()
    send(properties, topic, 2, b"new")
    send(properties, topic, 0, b"after")
    read(log, 1)
    assert log.last_read_us[0] >= known_us == log.partitions_known_us
    while 2 not in log.next_offsets:
        log.find_partitions()
    while not log.next_offsets[2]:
        log.poll(1, 1)
    (new,) = [row["appended_us"] for batch in log.take() for row in batch.to_pylist()]
    assert known_us <= new <= log.last_read_us[0]
    log.close()


def test_what_a_clock_that_is_behind_has_stamped_counts_as_appended_when_it_was_read(
    properties: dict[str, str], stamped: str
) -> None:
    log = LogReader(properties, stamped, {0: 0})
    send_at(properties, stamped, (b"a", 5_000), (b"b", 9_000), (b"c", 7_000))
    assert times(log, 3) == [5_000_000, 9_000_000, 9_000_000]
    assert log.overtaken_us == 2_000_000
    send_at(properties, stamped, (b"d", 10_000))
    assert times(log, 1, passed_us=30_000_000) == [30_000_000]
    assert log.overtaken_us == 20_000_000
    log.close()


def test_what_a_clock_a_week_ahead_has_stamped_moves_no_other_record_and_no_time(
    properties: dict[str, str], stamped: str
) -> None:
    log = LogReader(properties, stamped, {0: 0})
    now_ms = time.time_ns() // 1_000_000
    send_at(properties, stamped, (b"a", now_ms - 2), (b"b", now_ms + WEEK_MS), (b"c", now_ms - 1))
    assert times(log, 3) == [(now_ms - 2) * 1_000, (now_ms - 2) * 1_000, (now_ms - 1) * 1_000]
    send_at(properties, stamped, (b"d", now_ms + WEEK_MS))
    assert times(log, 1) == [(now_ms - 1) * 1_000]
    assert log.last_read_us == {0: (now_ms - 1) * 1_000}
    assert (log.overtaken_us, log.ahead_us) == (0, (WEEK_MS + 2) * 1_000)
    log.close()


def test_of_a_log_that_was_read_to_a_cut_only_what_comes_behind_it_is_raised_to_its_time(
    properties: dict[str, str], stamped: str
) -> None:
    log = LogReader(properties, stamped, {0: 0}, cut=Cut(8_000_000, {0: 2}))
    send_at(properties, stamped, (b"a", 5_000), (b"b", 6_000), (b"c", 7_000), (b"d", 9_000))
    assert times(log, 4) == [5_000_000, 6_000_000, 8_000_000, 9_000_000]
    log.close()


def test_a_topic_that_goes_while_it_is_read_is_said_in_one_sentence(properties: dict[str, str], topic: str) -> None:
    log = LogReader(properties, topic, {0: 0, 1: 0})
    admin = AdminClient(properties)
    admin.delete_topics([topic])[topic].result()
    deadline = time.monotonic() + 60
    with pytest.raises(MissingInputError, match=f"The topic {topic} is gone"):
        while time.monotonic() < deadline:
            log.find_partitions()
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
