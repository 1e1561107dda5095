"""The keyspace and the tables in it: created when missing, widened and given another retention as declared."""

from infra.serving_store.session import ServingSession, answering
from infra.serving_store.shape import declared_shape, found_shape
from infra.settings import Settings
from schemas.drift import Change, drift, refused
from schemas.drift_kinds import RETENTION_CHANGED
from schemas.errors import ConfigurationError, MigrationError
from schemas.model import Table
from schemas.render.cassandra import alter_retention_cql, create_index_cql, create_table_cql, table_name

PUBLICATIONS = """
CREATE TABLE IF NOT EXISTS "{keyspace}".publications (
  table_name text, store text, publish_number bigint,
  mode text, generation bigint, delta_version bigint, base_version bigint, withheld_version bigint,
  state text, started_at timestamp, finished_at timestamp,
  PRIMARY KEY ((table_name, store), publish_number)
) WITH CLUSTERING ORDER BY (publish_number DESC)
  AND comment = 'Every publication to a store: its number, what it published and whether it completed.'
"""
POINTERS = """
CREATE TABLE IF NOT EXISTS "{keyspace}".serving_pointers (
  table_name text PRIMARY KEY, publish_number bigint, generation bigint, delta_version bigint, moved_at timestamp
) WITH comment = 'The generation that readers of a snapshot table read; moved by compare-and-set only.'
"""


def create_control_tables(serving: ServingSession, settings: Settings) -> None:
    """Make the keyspace (of the local node only), the ledger of publications and the pointers where they are missing.

    Raises ConfigurationError when a Cassandra of the user's own lacks the keyspace: its replication is their decision.
    """
    found = list(
        serving.rows(
            "SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?", (settings.cassandra_keyspace,)
        )
    )
    if not found and settings.cassandra_hosts:
        raise ConfigurationError(
            f"Your Cassandra has no keyspace {settings.cassandra_keyspace}: create it with the replication you want."
        )
    with answering():
        if not found:
            serving.session.execute(
                f'CREATE KEYSPACE IF NOT EXISTS "{serving.keyspace}" '
                "WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}"
            )
        if not serving.columns("publications"):
            serving.session.execute(PUBLICATIONS.format(keyspace=serving.keyspace))
        if not serving.columns("serving_pointers"):
            serving.session.execute(POINTERS.format(keyspace=serving.keyspace))


def create_serving_table(serving: ServingSession, table: Table) -> None:
    """Make the serving table where it is missing, or give it the columns, indexes and retention that are declared.

    Raises MigrationError where one that is there cannot be made to fit the declaration.
    """
    if not serving.columns(table_name(table)):
        with answering():
            serving.session.execute(create_table_cql(table, serving.keyspace))
        _create_indexes(serving, table)
        return
    changes = drift(table.full_name, declared_shape(table), found_shape(serving, table))
    if found := refused(changes):
        raise MigrationError(f"What is stored does not fit the declaration: {found[0].sentence}")
    for change in changes:
        if change.verdict == "migrate":
            with answering():
                serving.session.execute(_alter_cql(table, serving.keyspace, change))
    _create_indexes(serving, table)


def _create_indexes(serving: ServingSession, table: Table) -> None:
    for statement in create_index_cql(table, serving.keyspace):
        with answering():
            serving.session.execute(statement)


def _alter_cql(table: Table, keyspace: str, change: Change) -> str:
    if change.kind is RETENTION_CHANGED:
        return alter_retention_cql(table, keyspace)
    column = _column_cql(table, keyspace, change.about)
    return f'ALTER TABLE "{keyspace}"."{table_name(table)}" ADD IF NOT EXISTS {column}'


def _column_cql(table: Table, keyspace: str, name: str) -> str:
    """Name and type of one column as CREATE TABLE has them."""
    lines = create_table_cql(table, keyspace).splitlines()
    return next(line.strip().rstrip(",") for line in lines if line.startswith(f'  "{name}" '))
