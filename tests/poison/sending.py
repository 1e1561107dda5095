"""Good messages and poison to one topic, a block of each in turn; and the same without the poison."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice

import pyarrow as pa
from confluent_kafka import KafkaError, Message, Producer
from kafka import KafkaProducer

from infra.kafka.producer import PlaybackProducer
from infra.settings import Settings
from playback.arrow import event_schema
from playback.messages import event_messages
from playback.wire import decode
from schemas.events import CURRENT
from tests.poison.corpus import CORPUS
from tests.poison.envelopes import AGAIN, RAW_KEY
from tests.poison.kinds import Fate, Poison, Record, Sound

Place = tuple[int, int]
_LARGEST = 64 << 20


@dataclass(frozen=True)
class Dose:
    """One record of poison, and the good event it is made of."""

    poison: Poison
    sound: Sound
    record: Record


@dataclass(frozen=True)
class Block:
    """Messages of the simulated service, and what is sent behind them."""

    good: pa.RecordBatch
    doses: Sequence[Dose]

    @property
    def twins(self) -> pa.RecordBatch:
        """What becomes an event in spite of its envelope, as our own producers send it."""
        good = [dose.sound.changed(**dose.poison.changes) for dose in self.doses if dose.poison.fate is Fate.EVENT]
        return event_messages(pa.RecordBatch.from_pylist([dict(one.event) for one in good], event_schema(CURRENT)))


@dataclass(frozen=True)
class Sent:
    """A dose and its place (partition, offset) on the topic; none: the broker refused it."""

    dose: Dose
    place: Place | None


def mixed(messages: pa.RecordBatch, count: int, blocks: int) -> list[Block]:
    """The messages in so many blocks, each with its share of `count` doses."""
    size = -(-len(messages) // blocks)
    return [
        block_of(messages.slice(number * size, size), kinds, number)
        for number, kinds in enumerate(shares(count, blocks))
    ]


def shares(count: int, blocks: int) -> list[Sequence[Poison]]:
    """So many kinds in all, in so many shares: every kind in turn, large ones once."""
    large = [poison for poison in CORPUS if poison.is_large]
    others = [poison for poison in CORPUS if not poison.is_large]
    kinds = [*others, *large, *islice(cycle(others), count - len(CORPUS))]
    share = -(-count // blocks)
    return [kinds[number * share : (number + 1) * share] for number in range(blocks)]


def block_of(good: pa.RecordBatch, kinds: Sequence[Poison], number: int) -> Block:
    """Messages, and poison of these kinds made of their events; `number` is the block's own."""
    events = decode(good["payload"]).events
    rows = events.filter(events["event_id"].is_valid()).slice(0, len(kinds)).to_pylist()
    doses = []
    for position, (poison, row) in enumerate(zip(kinds, cycle(rows))):
        sound = Sound(row if poison in AGAIN else row | {"event_id": f"poison-{number}-{position}"})
        doses.append(Dose(poison, sound, poison.make(sound)))
    return Block(good, doses)


def send_without_poison(settings: Settings, bootstrap: str, blocks: Sequence[Block]) -> None:
    with PlaybackProducer(settings, bootstrap, "simulate") as producer:
        for block in blocks:
            producer.send_messages(block.good)
            producer.send_messages(block.twins)


def send_with_poison(settings: Settings, bootstrap: str, blocks: Sequence[Block]) -> list[Sent]:
    with PlaybackProducer(settings, bootstrap, "simulate") as producer:
        client = _PoisonClient(bootstrap, settings.playback_topic)
        sent = []
        for block in blocks:
            producer.send_messages(block.good)
            sent += client.send(block.doses)
        client.close()
    return sent


class _PoisonClient:
    """A client that is none of ours: any bytes as key, headers and value, each record in a batch of its own."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        known = {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"}
        own = known | {"batch.num.messages": 1, "message.max.bytes": _LARGEST, "log_level": 0}
        self._topic = topic
        self._plain, self._packed = Producer(own), Producer(own | {"compression.type": "gzip"})
        # The one client that sends header keys which are no UTF-8; in all else it is the stricter.
        self._raw = KafkaProducer(bootstrap_servers=bootstrap)

    def send(self, doses: Sequence[Dose]) -> list[Sent]:
        """Send them all; returns when the broker has answered."""
        places: dict[int, Place | None] = {}
        for number, dose in enumerate(doses):
            record = dose.record
            if any(key is RAW_KEY for key, _ in record.headers):
                found = self._raw.send(self._topic, record.value, record.key, list(record.headers)).get(30)
                places[number] = (found.partition, found.offset)
            else:
                producer = self._packed if record.packed else self._plain
                answered = partial(_answered, places, number)
                producer.produce(
                    self._topic, record.value, record.key, headers=list(record.headers), on_delivery=answered
                )
        self._plain.flush()
        self._packed.flush()
        return [Sent(dose, places[number]) for number, dose in enumerate(doses)]

    def close(self) -> None:
        self._raw.close()


def _answered(places: dict[int, Place | None], number: int, error: KafkaError | None, message: Message) -> None:
    if error is None:
        places[number] = (message.partition(), message.offset())
    elif error.code() == KafkaError.MSG_SIZE_TOO_LARGE:
        places[number] = None
