"""The process that reads: what it says, and how it ends."""

import os
import pickle
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import psutil
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from infra.kafka.append_times import Cut
from infra.settings import REPOSITORY
from pipelines.log_process import AHEAD, LogProcess
from pipelines.ordered_log import Part, Reading
from schemas.errors import MissingInputError

PARENT = """
import pickle, sys
from pipelines.log_process import LogProcess
log = LogProcess(pickle.load(sys.stdin.buffer))
print(log._process.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def reading(stack: Any) -> Reading:
    """All of a topic of a hundred records."""
    consumer = {"bootstrap.servers": stack.endpoints.kafka_bootstrap}
    topic = f"read-{uuid.uuid4().hex[:8]}"
    admin = AdminClient(consumer)
    admin.create_topics([NewTopic(topic, num_partitions=1)])[topic].result()
    producer = Producer(consumer)
    for number in range(100):
        producer.produce(topic, b"%d" % number, partition=0)
    assert producer.flush(30) == 0
    return Reading(topic, consumer, {0: 0}, 0, Cut(), 1_000_000, 20_000, 0.1)


@pytest.fixture
def log(reading: Reading) -> Iterator[LogProcess]:
    log = LogProcess(reading)
    yield log
    log.close()


def parts(log: LogProcess) -> Iterator[Part]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if part := log.next(0.1):
            yield part
    raise TimeoutError


def test_what_is_read_is_what_was_sent_and_time_passes_after_it(log: LogProcess) -> None:
    found: list[bytes] = []
    for part in parts(log):
        found += part.rows["payload"].to_pylist()
        if len(found) == 100 and not part.rows.num_rows:
            break
    assert found == [b"%d" % number for number in range(100)]
    assert part.offsets == {0: 100}


def test_a_part_is_not_at_the_end_while_another_one_waits(log: LogProcess) -> None:
    next(parts(log))
    deadline = time.monotonic() + 60
    while log._parts.qsize() < AHEAD:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    said = [log._parts.queue[0].at_end, next(parts(log)).at_end]
    assert said == [True, False]


def test_an_error_comes_as_it_is(reading: Reading) -> None:
    log = LogProcess(replace(reading, topic=f"gone-{uuid.uuid4().hex}"))
    with pytest.raises(MissingInputError, match=r"gone-.* is gone: send to it"):
        next(parts(log))
    log.close()


def test_that_it_was_killed_is_an_error(log: LogProcess) -> None:
    next(parts(log))
    log._process.kill()
    with pytest.raises(RuntimeError, match="has ended"):
        for _ in parts(log):
            pass


def test_it_ends_with_the_process_that_asked_for_it_however_that_ends(reading: Reading) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY
    )
    assert parent.stdin is not None
    assert parent.stdout is not None
    pickle.dump(reading, parent.stdin)
    parent.stdin.flush()
    child = psutil.Process(int(parent.stdout.readline()))
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(30)
    deadline = time.monotonic() + 30
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    parent.stdin.close()
    parent.stdout.close()
