"""Statements to Cassandra gathered into batches: a request costs several times what a row does, on both sides.

A batch has partitions of the same nodes only, as the driver's metadata tell them: it is sent to one of them, which then
asks nobody else than it would have for each statement alone.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass, field

from cassandra.query import BatchStatement, BatchType, BoundStatement

from infra.serving_store.session import ServingSession

BATCH_ROWS = 50
BATCH_BYTES = 4_096
"""Values of one batch; the server warns from 5 KiB on and refuses at 50 KiB."""
BATCH_PARTITIONS = 10
"""From more of them on the server warns."""


@dataclass
class _Waiting:
    """Statements for the same nodes that wait to become a batch."""

    statements: list[BoundStatement] = field(default_factory=list)
    size: int = 0
    partitions: int = 0
    last: bytes | None = None

    def takes(self, size: int, partition: bytes) -> bool:
        """Whether one more of so many bytes has room."""
        return not self.statements or (
            len(self.statements) < BATCH_ROWS
            and self.size + size <= BATCH_BYTES
            and (self.partitions < BATCH_PARTITIONS or partition == self.last)
        )

    def add(self, statement: BoundStatement, size: int, partition: bytes) -> None:
        self.statements.append(statement)
        self.size += size
        self.partitions += partition != self.last
        self.last = partition


def batched(serving: ServingSession, statements: Iterable[BoundStatement]) -> Iterator[BatchStatement | BoundStatement]:
    """Unlogged batches of idempotent statements, bounded in rows, bytes and partitions.

    Those of one partition follow one another. A batch of several partitions is no transaction, nor are several batches.
    """
    waiting: dict[Hashable, _Waiting] = {}
    before, nodes = None, frozenset[object]()
    for statement in statements:
        partition: bytes = statement.routing_key
        if partition != before:
            before, nodes = partition, serving.nodes(partition)
        here = waiting.setdefault(nodes, _Waiting())
        size = sum(len(value) for value in statement.values if isinstance(value, bytes))
        if not here.takes(size, partition):
            yield _batch(here.statements)
            here = waiting[nodes] = _Waiting()
        here.add(statement, size, partition)
    for rest in waiting.values():
        yield _batch(rest.statements)


def _batch(statements: list[BoundStatement]) -> BatchStatement | BoundStatement:
    if len(statements) == 1:
        return statements[0]
    batch = BatchStatement(batch_type=BatchType.UNLOGGED)
    batch.add_all(statements, [None] * len(statements))
    return batch
