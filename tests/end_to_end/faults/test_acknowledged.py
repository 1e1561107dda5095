"""What the local Cassandra has acknowledged is there after it was killed: a marker moves for nothing less."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cassandra.cluster import Cluster, Session

from infra.local.stack import Endpoints, local_stack
from infra.settings import Settings
from tests.end_to_end.faults.servers import Server

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(600)]

KILLS, WRITERS, SECONDS = 3, 8, 3.0


def test_no_acknowledged_row_is_lost_when_cassandra_is_killed(tmp_path: Path, tell: Any) -> None:
    settings = Settings(home=tmp_path / "home")
    with local_stack(settings, ("cassandra",)) as endpoints:
        server = Server(settings, "cassandra")
        with session(endpoints) as asked:
            asked.execute("CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}")
            asked.execute("CREATE TABLE k.rows (writer int, number int, PRIMARY KEY (writer, number))")
        for kill in range(KILLS):
            writers = range(kill * WRITERS, (kill + 1) * WRITERS)
            acknowledged = written_until_killed(endpoints, server, writers)
            server.start()
            with session(endpoints) as asked:
                there = {(row.writer, row.number) for row in asked.execute("SELECT writer, number FROM k.rows")}
            tell(f"Cassandra killed: {len(acknowledged):,} rows acknowledged, {len(acknowledged - there)} lost")
            assert len(acknowledged) > WRITERS
            assert acknowledged <= there


@contextmanager
def session(endpoints: Endpoints) -> Iterator[Session]:
    with Cluster(list(endpoints.cassandra_hosts), port=endpoints.cassandra_port, protocol_version=5) as cluster:
        yield cluster.connect()


def written_until_killed(endpoints: Endpoints, server: Server, writers: range) -> set[tuple[int, int]]:
    """The rows that were acknowledged; the server is killed while several more are on their way."""
    acknowledged: set[tuple[int, int]] = set()
    with session(endpoints) as asked:
        statement = asked.prepare("INSERT INTO k.rows (writer, number) VALUES (?, ?)")

        def write(writer: int) -> None:
            number = 0
            while True:
                try:
                    asked.execute(statement, (writer, number), timeout=5)
                except Exception:  # whatever the driver raises when its server is gone
                    return
                acknowledged.add((writer, number))
                number += 1

        with ThreadPoolExecutor(WRITERS) as pool:
            writing = [pool.submit(write, writer) for writer in writers]
            time.sleep(SECONDS)
            server.kill()
            for one in writing:
                one.result()
    return acknowledged
