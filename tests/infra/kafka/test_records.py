"""Records of a real broker come out as they are, from exactly the offsets that were asked for."""

import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from kafka import KafkaProducer

from infra.kafka import record_batches
from infra.kafka.record_batches import RECORDS_SCHEMA, UNREADABLE_HEADERS
from infra.kafka.records import OffsetRange, read_range
from infra.kafka.topics import TOPIC_CONFIG
from schemas.errors import StoreUnavailableError

Headers = list[tuple[str, bytes | None]]
Read = Callable[..., list[dict[str, Any]]]


class RawKey(str):
    """A header key that goes out as other bytes than its own."""

    def encode(self, *_: object, **__: object) -> bytes:
        return b"\xff\xfe"


@pytest.fixture
def bootstrap(stack: Any) -> str:
    address: str = stack.endpoints.kafka_bootstrap
    return address


@pytest.fixture
def topic(bootstrap: str) -> str:
    """A topic of the test's own with two partitions."""
    name = f"records-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(name, num_partitions=2, config=TOPIC_CONFIG)])[name].result()
    return name


@pytest.fixture
def producer(bootstrap: str) -> Iterator[Producer]:
    opened = Producer({"bootstrap.servers": bootstrap})
    yield opened
    opened.flush()


@pytest.fixture
def read(topic: str, bootstrap: str) -> Read:
    """Read a range of partition 0 as dictionaries."""

    def rows(start: int, end: int, partition: int = 0) -> list[dict[str, Any]]:
        batches = read_range(topic, OffsetRange(partition, start, end), {"bootstrap.servers": bootstrap})
        return [row for batch in batches for row in batch.to_pylist()]

    return rows


@pytest.fixture
def send(topic: str, producer: Producer) -> Callable[..., None]:
    """Send one record to partition 0 and wait until it is there."""

    def one(value: bytes | None = b"v", key: bytes | None = None, headers: Headers | None = None) -> None:
        producer.produce(topic, value, key, partition=0, headers=headers)
        producer.flush()

    return one


def test_a_record_is_its_bytes_its_place_and_the_headers_tonearm_knows(send: Any, read: Read) -> None:
    known = [("manifest_id", b"m"), ("install_id", b"i"), ("sequence", b"7"), ("high_water", b"8"), ("replay_of", b"r")]
    headers = [*known, ("other", b"x")]
    before = time.time_ns() // 1_000_000_000 * 1_000_000
    send(b"payload", b"key", headers)
    (row,) = read(0, 1)
    # LogAppendTime has milliseconds; it is handed over in microseconds.
    assert before <= row["appended_us"] <= time.time_ns() // 1_000 + 1_000
    assert row["appended_us"] % 1_000 == 0
    assert {name: value for name, value in row.items() if name != "appended_us"} == {
        "partition": 0,
        "offset": 0,
        "manifest_id": "m",
        "install_id": "i",
        "sequence": 7,
        "high_water": 8,
        "replay_of": "r",
        "key": b"key",
        "headers": [{"key": key, "value": value} for key, value in headers],
        "payload": b"payload",
    }


def test_a_tombstone_and_an_empty_value_are_told_apart(send: Any, read: Read) -> None:
    send(None, None)
    send(b"", b"")
    assert [(row["key"], row["payload"]) for row in read(0, 2)] == [(None, None), (b"", b"")]


def test_only_the_offsets_of_the_range_are_read(send: Any, read: Read) -> None:
    for number in range(6):
        send(b"%d" % number)
    assert [(row["offset"], row["payload"]) for row in read(2, 5)] == [(2, b"2"), (3, b"3"), (4, b"4")]


def test_an_empty_range_has_no_rows(read: Read) -> None:
    assert read(0, 0) == []


@pytest.mark.parametrize("sent", [45_000, 20_000])
def test_a_long_range_comes_in_order_and_whole(topic: str, producer: Producer, read: Read, sent: int) -> None:
    for number in range(sent):
        producer.produce(topic, b"%d" % number, partition=1, headers=[("sequence", b"%d" % number)])
        producer.poll(0)
    producer.flush()
    rows = read(0, sent, partition=1)
    assert [(row["partition"], row["offset"], row["payload"], row["sequence"]) for row in rows] == [
        (1, number, b"%d" % number, number) for number in range(sent)
    ]


def test_offsets_that_are_no_records_are_passed_over(topic: str, bootstrap: str, read: Read) -> None:
    writer = Producer({"bootstrap.servers": bootstrap, "transactional.id": topic})
    writer.init_transactions()
    for words, end in (((b"a", b"b"), "commit"), ((b"gone",), "abort"), ((b"c",), "commit")):
        writer.begin_transaction()
        for word in words:
            writer.produce(topic, word, partition=0)
        writer.flush()
        writer.commit_transaction() if end == "commit" else writer.abort_transaction()
    # Offsets: a, b, marker, gone, marker, c, marker; the range ends in a marker, as a topic's end does.
    assert [(row["offset"], row["payload"]) for row in read(0, 7)] == [(0, b"a"), (1, b"b"), (5, b"c")]
    assert [row["payload"] for row in read(0, 5)] == [b"a", b"b"]


@pytest.mark.parametrize(
    ("headers", "manifest_id", "sequence"),
    [
        ([("manifest_id", None), ("sequence", None)], None, None),
        ([("manifest_id", b"\xff\xfe"), ("sequence", b"\xff")], None, None),
        ([("manifest_id", b""), ("sequence", b"")], "", None),
        ([("manifest_id", b"1"), ("manifest_id", b"2")], "2", None),
        ([("sequence", b"-1")], None, None),
        ([("sequence", b"+1")], None, None),
        ([("sequence", b" 1")], None, None),
        ([("sequence", "\N{ARABIC-INDIC DIGIT ONE}".encode())], None, None),
        ([("sequence", b"007")], None, 7),
        ([("sequence", b"9223372036854775807")], None, 2**63 - 1),
        ([("sequence", b"9223372036854775808")], None, None),
        ([("sequence", b"9" * 5_000)], None, None),
    ],
    ids=str,
)
def test_a_header_that_is_not_what_it_should_be_is_kept_as_it_is_and_means_nothing(
    send: Any, read: Read, headers: Headers, manifest_id: str | None, sequence: int | None
) -> None:
    send(headers=headers)
    send(headers=[("manifest_id", b"good"), ("sequence", b"3")])
    odd, good = read(0, 2)
    assert (odd["manifest_id"], odd["sequence"]) == (manifest_id, sequence)
    assert odd["headers"] == [{"key": key, "value": value} for key, value in headers]
    assert (good["manifest_id"], good["sequence"]) == ("good", 3)


def test_a_record_without_headers_has_null(send: Any, read: Read) -> None:
    send()
    send(headers=[("a", b"1")])
    assert [row["headers"] for row in read(0, 2)] == [None, [{"key": "a", "value": b"1"}]]


def test_a_header_key_that_is_no_text_costs_the_headers_of_its_own_record_only(
    topic: str, bootstrap: str, read: Read
) -> None:
    raw = KafkaProducer(bootstrap_servers=bootstrap)
    for headers in ([("a", b"1")], [("sequence", b"1"), (RawKey("bad"), b"x")], [("b", b"2")]):
        raw.send(topic, b"v", partition=0, headers=headers).get(10)
    raw.close()
    assert [row["headers"] for row in read(0, 3)] == [
        [{"key": "a", "value": b"1"}],
        [{"key": UNREADABLE_HEADERS, "value": None}],
        [{"key": "b", "value": b"2"}],
    ]


@pytest.mark.parametrize("codec", ["zstd", "gzip", "lz4"])
def test_what_a_few_bytes_inflate_to_is_kept_to_its_beginning_and_what_follows_is_read(
    topic: str, bootstrap: str, read: Read, codec: str
) -> None:
    packed = {"compression.type": codec, "message.max.bytes": 200_000_000, "batch.size": 1_000}
    bomb = Producer({"bootstrap.servers": bootstrap, **packed})
    for value in (b"before", bytes(100 << 20), b"after"):
        bomb.produce(topic, value, b"key", partition=0, headers=[("a", b"1")])
        bomb.flush()
    rows = read(0, 3)
    assert [row["payload"] for row in rows] == [b"before", bytes(record_batches.MAX_KEPT_BYTES), b"after"]
    assert [(row["key"], row["headers"]) for row in rows] == [(b"key", [{"key": "a", "value": b"1"}])] * 3


def test_a_key_or_headers_that_are_too_large_cost_no_other_record_anything(
    send: Any, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(record_batches, "MAX_KEPT_BYTES", 100)
    send(b"v", b"k" * 101, [("a", b"1")])
    send(b"v", b"k", [("a" * 60, b"1" * 41)])
    send(b"v" * 100, b"k" * 100, [("a", b"1" * 99)])
    assert [(len(row["key"]), len(row["payload"]), row["headers"]) for row in read(0, 3)] == [
        (100, 1, [{"key": "a", "value": b"1"}]),
        (1, 1, [{"key": UNREADABLE_HEADERS, "value": None}]),
        (100, 100, [{"key": "a", "value": b"1" * 99}]),
    ]


def test_many_large_records_come_in_batches_that_an_array_can_hold(
    topic: str, producer: Producer, bootstrap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infra.kafka.records._BATCH_BYTES", 50_000_000)
    for _ in range(250):
        producer.produce(topic, bytes(900_000), partition=0)
    producer.flush()
    batches = list(read_range(topic, OffsetRange(0, 0, 250), {"bootstrap.servers": bootstrap}))
    assert sum(map(len, batches)) == 250
    # What is taken at once, at most 100 messages, comes on top.
    assert max(batch["payload"].nbytes for batch in batches) < 50_000_000 + 100 * 900_000 + 10_000


def test_offsets_that_the_broker_does_not_have_are_an_error(
    send: Any, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    send()
    with pytest.raises(StoreUnavailableError, match="Kafka refused the read"):
        read(5, 6)
    monkeypatch.setattr("infra.kafka.records._SILENCE_SECONDS", 1.0)
    with pytest.raises(StoreUnavailableError, match="Kafka sent nothing of"):
        read(0, 2)


@pytest.mark.parametrize("values", [[], [b""], [b"ab", b"", b"c"], [b"a", None, b"c"], [None]], ids=str)
def test_bytes_become_an_array_with_their_nulls(values: list[bytes | None]) -> None:
    made = record_batches._binary(values)
    made.validate(full=True)
    assert made == pa.array(values, pa.binary())


def test_no_records_are_an_empty_batch() -> None:
    assert record_batches.Records().batch(0) == pa.RecordBatch.from_pylist([], schema=RECORDS_SCHEMA)
