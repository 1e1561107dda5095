"""What sends to a topic from a thread of its own, as long as a block lasts."""

from threading import Event, Thread
from typing import Self

from confluent_kafka import Producer


class Sender:
    """Sends from a thread (`_play`) until it is stopped; keyed as every client is. Options are the producer's own."""

    def __init__(self, bootstrap: str, topic: str, **options: int) -> None:
        common = {"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"}
        self._producer, self._topic = Producer(common | options), topic
        self._stop, self._thread = Event(), Thread(target=self._play)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End, with all that was sent acknowledged."""
        self._stop.set()
        self._thread.join()
        assert self._producer.flush(60) == 0

    def _play(self) -> None:
        raise NotImplementedError
