"""The engine that runs the PySpark transforms: `sail` inside this process, or Apache Spark.

Both are reached through Spark Connect, so that a transform cannot use what only one of them has. Sessions run in UTC:
under another session zone the two engines disagree about `to_date`.
"""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import grpc
from pyspark.sql import SparkSession
from pyspark.sql.connect.client.retries import DefaultPolicy

from infra.settings import Settings
from infra.spark_driver import DRIVER, driver_server

BATCH_ROWS = 16_384
"""Rows that Sail handles at once. Sorting and grouping take a third less CPU than at 2,000, and no less at 32,768."""
PAYLOAD_BATCH_ROWS = 2_000
"""The same, of tables with payloads: a column of an Arrow batch holds no more than 2 GiB, and a cell of theirs up to
1 MiB (`infra.kafka.record_batches.MAX_KEPT_BYTES`)."""
IDLE_SECONDS = 7 * 86_400
"""After which Sail ends a session that nothing was asked of. Its own default is 15 minutes, and one of two sessions
waits longer than that while the other computes statistics."""

_stopped: list[SparkSession] = []
"""Sessions of the past, kept so that they are never finalised. PySpark's finaliser closes the client once more and with
it the threads that all clients of the process share, waiting for them; where the garbage collector happens to run in
one of those threads, it waits for itself, and the query that another session is at never ends."""


class AskAgain(DefaultPolicy):
    """Asks again too where an answer came and could not be read.

    Seen once in thousands of runs, of an answer that is never wrong otherwise; the calls of Spark Connect can be made
    again, and go on behind the last answer that was read.
    """

    def can_retry(self, e: BaseException) -> bool:
        """Whether the call that ended so is made again."""
        is_spoilt = isinstance(e, grpc.RpcError) and "Exception deserializing response" in str(e)
        return is_spoilt or super().can_retry(e)


@dataclass(frozen=True)
class Sessions:
    """A session for tables with payloads, and one for all others, which may be the same."""

    payloads: SparkSession
    others: SparkSession


@contextmanager
def open_sessions(settings: Settings) -> Iterator[Sessions]:
    """Open sessions of the configured engine and stop them afterwards. Raises as `open_session`."""
    with open_session(settings) as session:
        if not _has_sail(settings):
            yield Sessions(session, session)
            return
        with open_session(settings, BATCH_ROWS) as others:
            yield Sessions(session, others)


@contextmanager
def open_session(settings: Settings, batch_rows: int = PAYLOAD_BATCH_ROWS) -> Iterator[SparkSession]:
    """Open a session of the configured engine and stop it afterwards. `batch_rows` is for Sail: Spark has its own.

    Raises ConfigurationError when the `spark` engine lacks its jars (they are set up where a full Java 17 is found),
    StoreUnavailableError when it does not start.
    """
    with _server(settings, batch_rows) as address:
        session = SparkSession.builder.remote(address).create()
        try:
            session.client.set_retry_policies([AskAgain()])
            session.conf.set("spark.sql.session.timeZone", "UTC")
            yield session
        finally:
            session.stop()
            _stopped.append(session)


def _has_sail(settings: Settings) -> bool:
    """Whether sessions are of a server in this process, of which there may be several."""
    return not settings.spark_remote and settings.engine == "sail"


def _server(settings: Settings, batch_rows: int) -> AbstractContextManager[str]:
    """What gives the address of a server for as long as it is entered; of a cluster of the user's own, at once."""
    if settings.spark_remote == DRIVER:
        return driver_server()
    if settings.spark_remote:
        return nullcontext(settings.spark_remote)
    if _has_sail(settings):
        return _sail_server(batch_rows)
    from infra.spark_server import spark_server

    return spark_server(settings)


@contextmanager
def _sail_server(batch_rows: int) -> Iterator[str]:
    os.environ.setdefault("RUST_LOG", "error")
    # Read when a server is made, of which one process has several.
    os.environ["SAIL_EXECUTION__BATCH_SIZE"] = str(batch_rows)
    os.environ["SAIL_SPARK__SESSION_TIMEOUT_SECS"] = str(IDLE_SECONDS)
    from pysail.spark import SparkConnectServer

    server = SparkConnectServer("127.0.0.1", 0)
    server.start(background=True)
    _, port = server.listening_address
    try:
        yield f"sc://127.0.0.1:{port}"
    finally:
        server.stop()
