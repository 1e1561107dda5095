"""Which offsets a topic has, asked once by a client of its own: where it begins and ends, and which times they have."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from infra.kafka.connection import CLIENT_LOG
from schemas.errors import MissingInputError, StoreUnavailableError

_ANSWER_SECONDS = 10.0
_ASKER: dict[str, str | int | bool] = {"group.id": "tonearm-live", "enable.auto.commit": False, "log_level": 0}


def start_offsets(properties: dict[str, str], topic: str, from_us: int) -> dict[int, int]:
    """The offset of each partition's first record that was appended at a time or later; 0: the oldest there is.

    Raises MissingInputError when there is no such topic and StoreUnavailableError when no broker answers.
    """
    with _asking(properties) as consumer:
        bounds = _bounds(consumer, topic)
        if not from_us:
            return {number: low for number, (low, _) in bounds.items()}
        asked = [TopicPartition(topic, number, from_us // 1_000) for number in bounds]
        found = consumer.offsets_for_times(asked, timeout=_ANSWER_SECONDS)
        return {one.partition: one.offset if one.offset >= 0 else bounds[one.partition][1] for one in found}


def offset_bounds(properties: dict[str, str], topic: str) -> dict[int, tuple[int, int]]:
    """Of each partition the oldest offset and the one behind the newest, now; raises as `start_offsets` does."""
    with _asking(properties) as consumer:
        return _bounds(consumer, topic)


def append_times(properties: dict[str, str], topic: str, offsets: Mapping[int, int]) -> dict[int, int]:
    """When the first record at each partition's offset or behind it was appended, in microseconds since 1970.

    A partition that has none is left out; of one that is not named it is its oldest record. Raises as `start_offsets`.
    """
    with _asking({**properties, "enable.partition.eof": "true"}) as consumer:
        bounds = _bounds(consumer, topic)
        asked = {number: max(low, offsets.get(number, low)) for number, (low, _) in bounds.items()}
        left = {number for number, offset in asked.items() if offset < bounds[number][1]}
        consumer.assign([TopicPartition(topic, number, asked[number]) for number in sorted(left)])
        found: dict[int, int] = {}
        deadline = time.monotonic() + _ANSWER_SECONDS
        while left:
            message = consumer.poll(max(0.0, deadline - time.monotonic()))
            if message is None:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT))
            number, error = message.partition(), message.error()
            assert number is not None
            if error is None:
                found.setdefault(number, message.timestamp()[1] * 1_000)
            elif error.code() != KafkaError._PARTITION_EOF:
                raise KafkaException(error)
            left.discard(number)
        return found


@contextmanager
def _asking(properties: dict[str, str]) -> Iterator[Consumer]:
    """A client to ask the broker with; that it does not answer is one sentence."""
    consumer = Consumer({**_ASKER, **properties}, logger=CLIENT_LOG)
    try:
        yield consumer
    except KafkaException as error:
        raise StoreUnavailableError(
            f"Kafka does not answer ({error.args[0].name()}): start it with `tonearm up` and try again."
        ) from None
    finally:
        consumer.close()


def _bounds(consumer: Consumer, topic: str) -> dict[int, tuple[int, int]]:
    return {
        number: consumer.get_watermark_offsets(TopicPartition(topic, number), _ANSWER_SECONDS)
        for number in sorted(_partitions(consumer, topic))
    }


def _partitions(consumer: Consumer, topic: str) -> list[int]:
    described = consumer.list_topics(topic, timeout=_ANSWER_SECONDS).topics[topic]
    if described.error is not None or not described.partitions:
        raise MissingInputError(
            f"There is no topic {topic} yet: send it something with `tonearm simulate` or `import`."
        )
    return list(described.partitions)
