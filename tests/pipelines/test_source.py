"""The source over a real topic: batches in the order of the log, also where partitions come and clocks are wrong."""

import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pytest
from apache_beam.coders.typecoders import registry
from confluent_kafka import OFFSET_INVALID, Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewPartitions, NewTopic

from infra.kafka.append_times import Cut
from infra.kafka.topics import TOPIC_CONFIG
from pipelines.run import not_behind
from pipelines.source import LogBatches, PlaybackLog, read_log
from pipelines.transforms.elements import Batch

CONFIG = {"message.timestamp.type": "CreateTime", "message.timestamp.after.max.ms": str(2 * 7 * 86_400_000)}
"""Records have the time that is sent with them, as of a broker whose clock is wrong."""
WEEK_MS = 7 * 86_400_000
Row = tuple[int, int, int]


@pytest.fixture
def log(stack: Any) -> PlaybackLog:
    """A topic of one partition."""
    return replace(made(stack, CONFIG), clock_difference_us=300_000)


def made(stack: Any, config: dict[str, str]) -> PlaybackLog:
    consumer = {"bootstrap.servers": stack.endpoints.kafka_bootstrap}
    name = f"source-{uuid.uuid4().hex[:8]}"
    admin = AdminClient(consumer)
    admin.create_topics([NewTopic(name, num_partitions=1, config=config)])[name].result()
    return PlaybackLog(name, "T", {0: 0}, {}, consumer, run=name, tick_seconds=0.1)


@pytest.fixture
def reader(log: PlaybackLog) -> Iterator[LogBatches]:
    reader = log.create_reader(None, None)
    yield reader
    reader.close()


def send(log: PlaybackLog, *records: tuple[int, int]) -> None:
    """Send to (partition, time in milliseconds)."""
    producer = Producer(log.consumer)
    for partition, at_ms in records:
        producer.produce(log.topic, b"x", partition=partition, timestamp=at_ms)
    assert producer.flush(30) == 0


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def passed(reader: LogBatches, until_us: int) -> list[Row]:
    """Read until the log is read up to a time; the (time in ms, partition, offset) of each record, as they came."""
    found: list[Row] = []
    deadline = time.monotonic() + 60
    while reader.get_checkpoint_mark().passed_us <= until_us:
        assert time.monotonic() < deadline
        if reader.advance():
            rows = reader.get_current().rows
            times = [moment.timestamp() for moment in rows["appended_at"].to_pylist()]
            places = zip(rows["partition"].to_pylist(), rows["offset"].to_pylist(), strict=True)
            found += [(round(at * 1_000), *place) for at, place in zip(times, places, strict=True)]
    return found


def test_records_of_a_partition_that_was_added_come_in_their_place(log: PlaybackLog, reader: LogBatches) -> None:
    """A listener's duplicates may lie in both partitions: the earlier one comes first, though it is found later."""
    first = now_ms()
    send(log, (0, first))
    assert passed(reader, first * 1_000) == [(first, 0, 0)]
    admin = AdminClient(log.consumer)
    admin.create_partitions([NewPartitions(log.topic, 2)])[log.topic].result()
    second = now_ms()
    send(log, (1, second))
    send(log, (0, second + 1))
    assert passed(reader, (second + 1) * 1_000) == [(second, 1, 0), (second + 1, 0, 1)]
    assert reader.get_checkpoint_mark().offsets == {0: 2, 1: 1}


def test_beam_knows_what_is_read_and_encodes_none_of_it_to_know_its_size() -> None:
    read = beam.Pipeline() | read_log(PlaybackLog("topic", "T", {0: 0}, {}, {}))
    assert read.element_type is Batch
    coder = registry.get_coder(read.element_type)
    rows = pa.RecordBatch.from_pydict({"offset": [1, 2, 3]})
    assert coder.estimate_size(Batch(0, 0, True, rows)) == rows.nbytes


def test_a_batch_says_whether_there_was_more_to_read(stack: Any) -> None:
    log = replace(made(stack, CONFIG), batch_records=100, tick_seconds=4.0)
    an_hour_ago = now_ms() - 3_600_000
    send(log, *[(0, an_hour_ago + number) for number in range(5_000)])
    reader = log.create_reader(None, None)
    said: list[bool] = []
    rows = 0
    while rows < 5_000 or not said[-1]:
        if reader.advance():
            said.append(reader.get_current().at_end)
            rows += reader.get_current().rows.num_rows
    reader.close()
    assert said.count(False) > 10


def test_what_a_broker_stamps_before_what_was_passed_counts_as_appended_then(
    log: PlaybackLog, reader: LogBatches, caplog: pytest.LogCaptureFixture
) -> None:
    """It is judged and counted by that time, and nothing is lost or out of order; people are told of it once."""
    first = now_ms()
    send(log, (0, first))
    assert passed(reader, first * 1_000) == [(first, 0, 0)]
    passed_ms = reader.get_checkpoint_mark().passed_us / 1_000
    send(log, (0, first - WEEK_MS), (0, first - WEEK_MS + 1))
    found = passed(reader, now_ms() * 1_000)
    assert [place for _, *place in found] == [[0, 1], [0, 2]]
    assert all(at >= passed_ms - 1 for at, *_ in found)
    (told,) = [one.getMessage() for one in caplog.records if one.name == "pipelines.source"]
    assert told.startswith(f"A broker of {log.topic} has stamped a record 604")


def test_what_a_clock_a_week_ahead_has_stamped_passes_no_time_and_is_said_once(
    log: PlaybackLog, reader: LogBatches, caplog: pytest.LogCaptureFixture
) -> None:
    first = now_ms()
    send(log, (0, first), (0, first + WEEK_MS), (0, first + 1))
    found = passed(reader, (first + 1) * 1_000)
    assert [place for _, *place in found] == [[0, 0], [0, 1], [0, 2]]
    assert all(first <= at <= now_ms() for at, *_ in found)
    assert reader.get_checkpoint_mark().passed_us <= now_ms() * 1_000
    (told,) = [one.getMessage() for one in caplog.records if one.name == "pipelines.source"]
    assert told.startswith(f"A broker of {log.topic} has stamped a record 604800.0 s later than it can have come")


def test_a_right_clock_is_not_complained_of(stack: Any, caplog: pytest.LogCaptureFixture) -> None:
    """The broker stamps what comes, and the source asks for the end all the while."""
    log = made(stack, TOPIC_CONFIG)
    reader = log.create_reader(None, None)
    for _ in range(30):
        send(log, *[(0, 0)] * 500)
        reader.advance()
    rows = passed(reader, now_ms() * 1_000)
    reader.close()
    assert rows
    assert [one for one in caplog.records if one.name == "pipelines.source"] == []


def test_a_life_after_another_reads_what_came_with_a_clock_gone_back(log: PlaybackLog) -> None:
    """By times it would begin behind the record; its time is that of the cut, before which windows may be closed."""
    passed_us = now_ms() * 1_000
    send(log, (0, passed_us // 1_000 - 3_600_000))
    cut = Cut(passed_us, {0: 0})
    assert not_behind({0: 1}, cut) == {0: 0}
    reader = replace(log, offsets=not_behind({0: 1}, cut), cut=cut).create_reader(None, None)
    assert passed(reader, passed_us) == [(passed_us // 1_000, 0, 0)]
    reader.close()


def test_a_reader_from_where_the_one_before_stands_goes_on_with_its_connections(
    log: PlaybackLog, reader: LogBatches
) -> None:
    """A runner that asks for one at each bundle has one at a time, and closing the old one later harms nothing."""
    first = now_ms()
    send(log, (0, first))
    assert passed(reader, first * 1_000) == [(first, 0, 0)]
    next_one = log.create_reader(None, reader.get_checkpoint_mark())
    assert next_one._log is reader._log
    reader.close()
    second = now_ms()
    send(log, (0, second))
    assert passed(next_one, second * 1_000) == [(second, 0, 1)]
    with pytest.raises(AssertionError, match="another reader goes on"):
        reader.advance()
    from_the_start = log.create_reader(None, None)
    assert from_the_start._log is not next_one._log
    assert passed(from_the_start, second * 1_000) == [(first, 0, 0), (second, 0, 1)]
    from_the_start.close()


def test_time_passes_for_readers_that_are_asked_once_each(log: PlaybackLog, reader: LogBatches) -> None:
    """A runner may ask for a new one whenever there is no batch: each is too young to say that time passes."""
    first = now_ms()
    send(log, (0, first))
    assert passed(reader, first * 1_000) == [(first, 0, 0)]
    later_us, deadline = reader.get_checkpoint_mark().passed_us + 1_000_000, time.monotonic() + 30
    one = reader
    while one.get_checkpoint_mark().passed_us < later_us:
        assert time.monotonic() < deadline
        one = log.create_reader(None, one.get_checkpoint_mark())
        one.advance()
    one.close()


def test_no_offset_is_committed(log: PlaybackLog, reader: LogBatches) -> None:
    """What was read and is in no closed window yet would be lost with it."""
    first = now_ms()
    send(log, (0, first))
    assert passed(reader, first * 1_000) == [(first, 0, 0)]
    reader.get_checkpoint_mark().finalize_checkpoint()
    reader.close()
    asker = Consumer({**log.consumer, "group.id": "tonearm-live"})
    (place,) = asker.committed([TopicPartition(log.topic, 0)], timeout=30)
    asker.close()
    assert place.offset == OFFSET_INVALID


def test_a_process_that_has_counted_nothing_takes_over_from_no_other(log: PlaybackLog, reader: LogBatches) -> None:
    """What another one has counted is gone with it, and the batch after those would be waited for for ever."""
    first = now_ms()
    send(log, (0, first))
    assert passed(reader, first * 1_000) == [(first, 0, 0)]
    elsewhere = replace(log, run=f"{log.run}, as another process knows it")
    with pytest.raises(RuntimeError, match="The process that counted is gone: end this job, and start another life"):
        elsewhere.create_reader(None, reader.get_checkpoint_mark())
