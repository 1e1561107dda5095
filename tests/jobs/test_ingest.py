"""Ingest against a real broker: each record once, whatever was deleted, made again or left for later."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from pyspark.sql import SparkSession

from infra.engine import open_session
from infra.kafka import offsets
from infra.kafka.topics import ensure_playback_topic, topic_id
from infra.lake import Lake
from infra.settings import Settings
from jobs import ingest as ingest_module
from jobs.ingest import Topic, ingest
from schemas.bronze import PLAYBACK_EVENTS
from schemas.errors import ContractError, StoreUnavailableError

PARTITIONS = 3


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """One engine; the nightly end-to-end run reads Kafka with the other."""
    with open_session(Settings(home=tmp_path_factory.mktemp("home"))) as opened:
        yield opened


@dataclass
class Log:
    """A topic and a ledger of the test's own."""

    session: SparkSession
    lake: Lake
    settings: Settings
    bootstrap: str
    admin: AdminClient

    @property
    def name(self) -> str:
        return self.settings.playback_topic

    def make(self) -> None:
        ensure_playback_topic(self.settings, self.bootstrap)

    def send(self, count: int, partition: int = 0, word: str = "record") -> None:
        producer = Producer({"bootstrap.servers": self.bootstrap})
        for number in range(count):
            producer.produce(self.name, f"{word} {number}".encode(), partition=partition)
        producer.flush()

    def ingest(self) -> int:
        name_and_id = self.name, topic_id(self.settings, self.bootstrap, self.name)
        return ingest(self.session, self.lake, Topic(*name_and_id, {"bootstrap.servers": self.bootstrap}))

    def ledger(self) -> list[tuple[int, int, str]]:
        """Partition, offset and payload of every row."""
        rows = self.lake.rows(PLAYBACK_EVENTS).to_pylist()
        return sorted((row["partition"], row["offset"], row["payload"].decode()) for row in rows)

    def delete_before(self, partition: int, offset: int) -> None:
        place = TopicPartition(self.name, partition, offset)
        self.admin.delete_records([place])[place].result(30)


@pytest.fixture
def log(session: SparkSession, stack: Any, tmp_path: Path) -> Log:
    own = f"ingest-{uuid.uuid4().hex[:8]}"
    settings = Settings(home=tmp_path, playback_topic=own, playback_partitions=PARTITIONS)
    bootstrap = stack.endpoints.kafka_bootstrap
    admin = AdminClient({"bootstrap.servers": bootstrap})
    made = Log(session, Lake(tmp_path / "lake"), settings, bootstrap, admin)
    made.make()
    return made


def test_an_empty_topic_leaves_an_empty_ledger(log: Log) -> None:
    assert log.ingest() == 0
    assert log.ledger() == []


def test_partitions_with_nothing_in_them_are_passed_over(log: Log) -> None:
    log.send(2, partition=2)
    assert log.ingest() == 2
    assert log.ledger() == [(2, 0, "record 0"), (2, 1, "record 1")]
    log.send(1, partition=0)
    assert log.ingest() == 1
    assert log.ledger() == [(0, 0, "record 0"), (2, 0, "record 0"), (2, 1, "record 1")]


def test_a_second_run_appends_nothing_and_commits_nothing(log: Log) -> None:
    log.send(3)
    log.ingest()
    version = log.lake.version(PLAYBACK_EVENTS)
    assert log.ingest() == 0
    assert log.lake.version(PLAYBACK_EVENTS) == version
    assert len(log.ledger()) == 3


def test_the_next_batch_starts_at_the_offsets_in_the_table(log: Log) -> None:
    log.send(3)
    log.ingest()
    log.send(2, word="later")
    assert log.ingest() == 2
    assert log.ledger() == [
        *((0, number, f"record {number}") for number in range(3)),
        (0, 3, "later 0"),
        (0, 4, "later 1"),
    ]


def test_a_lost_table_is_read_again_from_the_beginning(log: Log, tmp_path: Path) -> None:
    """No offset is kept anywhere else, so nothing can disagree with the table."""
    log.send(3)
    log.ingest()
    log.lake = Lake(tmp_path / "another")
    assert log.ingest() == 3


def test_a_long_backlog_takes_several_commits(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ingest_module, "BATCH_RECORDS", 4 * PARTITIONS)
    log.send(10, partition=0)
    log.send(3, partition=1)
    log.lake.create(PLAYBACK_EVENTS)
    assert log.lake.version(PLAYBACK_EVENTS) == 0
    assert log.ingest() == 13
    assert log.lake.version(PLAYBACK_EVENTS) == 3
    assert [offset for partition, offset, _ in log.ledger() if partition == 0] == list(range(10))


def test_a_topic_that_was_made_again_stops_with_its_sentence(log: Log) -> None:
    log.send(3)
    log.ingest()
    log.admin.delete_topics([log.name])[log.name].result(30)
    while log.name in log.admin.list_topics(timeout=10).topics:
        pass
    log.make()
    log.send(5, word="other")
    with pytest.raises(ContractError, match=f"The topic {log.name} was deleted and made again since the last run"):
        log.ingest()
    assert len(log.ledger()) == 3


def test_records_deleted_before_they_were_ingested_stop_with_their_sentence(log: Log) -> None:
    log.send(3)
    log.ingest()
    log.send(4)
    log.delete_before(0, 5)
    with pytest.raises(ContractError, match=rf"Kafka deleted offsets 3 to 4 of {log.name}/0 before they were ingested"):
        log.ingest()
    assert len(log.ledger()) == 3


def test_records_deleted_after_they_were_ingested_are_no_matter(log: Log) -> None:
    log.send(3)
    log.ingest()
    log.send(1, word="later")
    log.delete_before(0, 3)
    assert log.ingest() == 1
    assert len(log.ledger()) == 4


def test_a_topic_whose_beginning_is_gone_is_not_begun(log: Log) -> None:
    log.send(4)
    log.delete_before(0, 2)
    with pytest.raises(ContractError, match=f"{log.name}/0 starts at offset 2: earlier records were deleted unread"):
        log.ingest()


def test_no_broker_is_one_sentence(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offsets, "_ANSWER_SECONDS", 1.0)
    nowhere = Topic(log.name, "T", {"bootstrap.servers": "127.0.0.1:1", "log_level": "0"})
    with pytest.raises(StoreUnavailableError, match="Kafka does not answer"):
        ingest(log.session, log.lake, nowhere)


def test_a_partition_that_ends_in_a_transaction_marker_is_read_to_its_end_once(log: Log) -> None:
    log.make()
    producer = Producer({"bootstrap.servers": log.bootstrap, "transactional.id": log.name})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(log.name, b"in a transaction", partition=0)
    producer.commit_transaction(30)

    log.ingest()
    again = log.ingest()

    assert [payload for _, _, payload in log.ledger()] == ["in a transaction"]
    assert again == 1  # the marker's offset, which no row can remember
