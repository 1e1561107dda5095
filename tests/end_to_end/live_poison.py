"""The corpus of poison for a live pipeline: sent among events of the moment, and what must have become of each."""

import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import pyarrow as pa
from confluent_kafka import Consumer, TopicPartition

from infra.kafka.dead_letter_topic import SUFFIX
from infra.kafka.record_batches import MAX_KEPT_BYTES
from playback.arrow import event_schema
from playback.messages import event_messages
from playback.reasons import Reason
from schemas.events import CURRENT
from schemas.live import FATES
from tests.end_to_end.live_pipeline import Pipeline
from tests.poison.kinds import Fate
from tests.poison.sending import Place, Sent, block_of, send_with_poison, shares
from tests.poison.test_corpus import SOUND

IN_TIME = ("accepted", "late")
"""Which of the two an event of the moment is, is a question of how long it took to send."""


@dataclass(frozen=True)
class Poisoned:
    """What was sent, and how many good events among it."""

    sent: Sequence[Sent]
    good: int

    @property
    def dead(self) -> dict[Place, Sent]:
        """Those that must be dead letters, by place."""
        return {one.place: one for one in self.sent if isinstance(one.dose.poison.fate, Reason) and one.place}

    @property
    def unframed(self) -> set[Place]:
        """Places of dead letters that have the same reason whether there is a schema registry or not."""
        return {place for place, one in self.dead.items() if (one.dose.record.value or b"")[:1] != b"\x00"}

    @property
    def fates(self) -> Counter[str]:
        """How many records must have each fate."""
        found = Counter({"in time": self.good})
        for one in self.sent:
            match one.dose.poison.fate:
                case Reason():
                    found["dead_letter"] += 1
                case Fate.DUPLICATE | Fate.CONFLICT:
                    found["duplicate"] += 1
                case Fate.EVENT:
                    found["beyond_horizon" if "occurred_at" in one.dose.poison.changes else "in time"] += 1
        return found


def send_poison(pipeline: Pipeline, good: int, doses: int, blocks: int) -> Poisoned:
    """Episodes of this moment, so that no table about music has a row of them, and poison made of them."""
    sent: list[Sent] = []
    for number, kinds in enumerate(shares(doses, blocks)):
        block = block_of(event_messages(_episodes(good // blocks)), kinds, number)
        sent += send_with_poison(pipeline.made.settings, pipeline.made.endpoints.kafka_bootstrap, [block])
    return Poisoned(sent, good)


def _episodes(count: int) -> pa.RecordBatch:
    now, own = datetime.now(UTC), uuid.uuid4().hex
    same = {**SOUND.event, "occurred_at": now, "content_type": "episode"}
    rows = [same | {"event_id": f"{own}-{number}", "user_id": f"{number % 300:032x}"} for number in range(count)]
    return pa.RecordBatch.from_pylist(rows, event_schema(CURRENT))


def fates_of(pipeline: Pipeline) -> Counter[str]:
    """How many records have each fate by `live.minute_records`."""
    found: Counter[str] = Counter()
    for row in pipeline.rows("minute_records"):
        for fate in FATES:
            found["in time" if fate in IN_TIME else fate] += row[fate]
    return +found


def letters_in_table(pipeline: Pipeline, places: set[Place]) -> dict[Place, tuple[str, bytes | None]]:
    """Reason and bytes of the rows of `live.dead_letters` at these places."""
    rows = {(row["partition"], row["offset"]): row for row in pipeline.rows("dead_letters")}
    return {place: (row["reason"], row["payload"]) for place, row in rows.items() if place in places}


def letters_on_topic(pipeline: Pipeline, places: set[Place]) -> dict[Place, tuple[str, bytes | None]]:
    """The same of the topic of dead letters; one that was sent again counts once."""
    bootstrap, topic = pipeline.topic
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "letters", "enable.partition.eof": True})
    partitions = list(consumer.list_topics(topic + SUFFIX, 10).topics[topic + SUFFIX].partitions)
    consumer.assign([TopicPartition(topic + SUFFIX, partition, 0) for partition in partitions])
    found, at_end = {}, 0
    while at_end < len(partitions):
        for message in consumer.consume(1_000, 1.0):
            if message.error():
                at_end += 1
                continue
            partition, offset = message.key().decode().split("/")[1:]
            found[int(partition), int(offset)] = dict(message.headers())["reason"].decode(), message.value()
    consumer.close()
    return {place: letter for place, letter in found.items() if place in places}


def letters_of(poisoned: Poisoned) -> dict[Place, tuple[str, bytes | None]]:
    """What both must have: of a payload that is too large the beginning."""
    return {place: (str(one.dose.poison.fate), kept(one.dose.record.value)) for place, one in poisoned.dead.items()}


def kept(value: bytes | None) -> bytes | None:
    return None if value is None else value[:MAX_KEPT_BYTES]
