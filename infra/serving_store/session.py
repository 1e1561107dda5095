"""Sessions with Cassandra: bounded in time, and an absent server is said in one sentence."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any

from cassandra import (
    AuthenticationFailed,
    ConsistencyLevel,
    CoordinationFailure,
    OperationTimedOut,
    RequestExecutionException,
    Unauthorized,
)
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile, NoHostAvailable, Session
from cassandra.concurrent import execute_concurrent
from cassandra.policies import DCAwareRoundRobinPolicy, ExponentialReconnectionPolicy, TokenAwarePolicy
from cassandra.query import PreparedStatement, dict_factory

from infra.settings import Settings
from schemas.errors import ConfigurationError, StoreUnavailableError

if TYPE_CHECKING:
    from infra.local.stack import Endpoints

PROTOCOL_VERSION = 5
CONNECT_SECONDS = 10.0
REQUEST_SECONDS = 20.0
SCHEMA_SECONDS = 30.0
RECONNECT_SECONDS = 5.0
CONCURRENCY = 64
STATEMENTS_AT_ONCE = 2_000
ATTEMPTS = 3
_NO_ANSWER = (NoHostAvailable, OperationTimedOut, CoordinationFailure, RequestExecutionException)


@dataclass
class ServingSession:
    """A connected session and the keyspace of the serving tables; statements are prepared once each."""

    session: Session
    keyspace: str
    _prepared: dict[str, PreparedStatement] = field(default_factory=dict)

    def prepare(self, statement: str) -> PreparedStatement:
        """The prepared statement; every value in this package is bound, none is written into CQL."""
        with answering():
            if statement not in self._prepared:
                self._prepared[statement] = self.session.prepare(statement)
        return self._prepared[statement]

    def rows(
        self, statement: str, values: Sequence[object] = (), consistency: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """Run one statement; rows come page by page. Raises StoreUnavailableError."""
        bound = self.prepare(statement).bind(values)
        if consistency is not None:
            bound.consistency_level = consistency
        with answering():
            yield from self.session.execute(bound)

    def run_all(self, statements: Iterable[Any]) -> int:
        """Run idempotent statements concurrently, those that fail up to three times; returns how many.

        Raises StoreUnavailableError when one still fails.
        """
        remaining, count = iter(statements), 0
        while chunk := list(islice(remaining, STATEMENTS_AT_ONCE)):
            count += len(chunk)
            for attempt in range(1, ATTEMPTS + 1):
                with answering():
                    results = execute_concurrent(
                        self.session,
                        [(one, None) for one in chunk],
                        concurrency=CONCURRENCY,
                        raise_on_first_error=attempt == ATTEMPTS,
                    )
                chunk = [one for one, result in zip(chunk, results, strict=True) if not result.success]
                if not chunk:
                    break
        return count

    def nodes(self, routing_key: bytes) -> frozenset[object]:
        """The nodes that hold the partition of a statement, as far as is known."""
        return frozenset(self.session.cluster.metadata.get_replicas(self.keyspace, routing_key))

    def columns(self, table: str) -> set[str]:
        """Column names of a table in the keyspace; empty when the table (or the keyspace) does not exist."""
        statement = "SELECT column_name FROM system_schema.columns WHERE keyspace_name = ? AND table_name = ?"
        return {row["column_name"] for row in self.rows(statement, (self.keyspace, table))}


@contextmanager
def serving_session(settings: Settings, endpoints: "Endpoints") -> Iterator[ServingSession]:
    """A session with the serving store, closed on exit; nothing is created.

    Raises:
        StoreUnavailableError: Cassandra does not answer.
        ConfigurationError: it refuses the user or password.
    """
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy()),
        consistency_level=ConsistencyLevel.LOCAL_QUORUM,
        serial_consistency_level=ConsistencyLevel.SERIAL,
        request_timeout=REQUEST_SECONDS,
        row_factory=dict_factory,
    )
    cluster = Cluster(
        list(endpoints.cassandra_hosts),
        port=endpoints.cassandra_port,
        protocol_version=PROTOCOL_VERSION,
        auth_provider=_credentials(settings),
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
        connect_timeout=CONNECT_SECONDS,
        control_connection_timeout=CONNECT_SECONDS,
        max_schema_agreement_wait=SCHEMA_SECONDS,
        # The driver's own goes up to ten minutes, and gives up after some: a server that is back is to be found soon.
        reconnection_policy=ExponentialReconnectionPolicy(1.0, RECONNECT_SECONDS, max_attempts=None),
    )
    try:
        with answering():
            session = cluster.connect()
        yield ServingSession(session, settings.cassandra_keyspace)
    finally:
        cluster.shutdown()


@contextmanager
def answering() -> Iterator[None]:
    """Turn the driver's connection errors into the project's own."""
    try:
        yield
    except (AuthenticationFailed, Unauthorized) as error:
        raise ConfigurationError(
            "Cassandra refuses the user: set TONEARM_CASSANDRA_USER and TONEARM_CASSANDRA_PASSWORD_FILE."
        ) from error
    except _NO_ANSWER as error:
        if isinstance(error, NoHostAvailable) and any(
            isinstance(cause, AuthenticationFailed) for cause in getattr(error, "errors", {}).values()
        ):
            raise ConfigurationError(
                "Cassandra refuses the user: set TONEARM_CASSANDRA_USER and TONEARM_CASSANDRA_PASSWORD_FILE."
            ) from error
        raise StoreUnavailableError(
            "Cassandra does not answer (in time): see `tonearm status`, then run the same command again."
        ) from error


def _credentials(settings: Settings) -> PlainTextAuthProvider | None:
    if not settings.cassandra_user:
        return None
    if settings.cassandra_password_file is None:
        raise ConfigurationError("A Cassandra user needs a password: set TONEARM_CASSANDRA_PASSWORD_FILE.")
    try:
        password = settings.cassandra_password_file.read_text().strip()
    except OSError:
        raise ConfigurationError(
            f"The Cassandra password file {settings.cassandra_password_file} cannot be read: correct its path or mode."
        ) from None
    return PlainTextAuthProvider(settings.cassandra_user, password)
