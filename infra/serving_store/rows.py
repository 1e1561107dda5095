"""Rows into Cassandra and out of it, under the publish number as the timestamp of every cell.

`USING TIMESTAMP <publish number>` makes the store itself the fence: whatever a publisher with a lower number still
sends loses against what a later one wrote or deleted, in any order of arrival. The price: `WRITETIME` gives a publish
number, not a time, and a column that was dropped must never be added again under the same name (Cassandra hides cells
that are older, by wall clock, than the drop). A row and its deletion never carry the same number, since at equal
timestamps a deletion would win.
"""

# ruff: noqa: S608 - only names that the declarations and settings give are written into statements; values are bound

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pyarrow as pa
from cassandra.util import Date

from infra.serving_store.batches import batched
from infra.serving_store.session import ServingSession
from playback.arrow import arrow_schema
from schemas.errors import ContractError
from schemas.model import Serving, Table
from schemas.render.cassandra import GENERATION, columns, table_name

CHUNK_ROWS = 20_000
_FIRST_TOKEN, _TOKENS = -(2**63), 2**64
"""Of Cassandra's default partitioner; no row has the first one."""
_PARTS = 64

Row = tuple[object, ...]


def write_rows(serving: ServingSession, table: Table, rows: pa.Table, number: int) -> int:
    """Upsert the declared columns of `rows`; of a snapshot table into the generation `number`. Returns the count.

    Raises:
        ContractError: a partition key that Cassandra cannot hold.
        StoreUnavailableError: Cassandra does not answer.
    """
    names = [field.name for field in columns(table)]
    keys = _partition_key(table)
    _refuse_empty_keys(table, rows, keys)
    insert = serving.prepare(
        f"INSERT INTO {_quoted(serving, table)} ({_list(names)}) VALUES ({', '.join('?' * len(names))}) "
        "USING TIMESTAMP ?"
    )
    if GENERATION.name in names:
        rows = rows.add_column(0, GENERATION.name, pa.repeat(pa.scalar(number, pa.int64()), rows.num_rows))
    serving.run_all(batched(serving, (insert.bind((*row, number)) for row in ordered(rows, names, keys))))
    return int(rows.num_rows)


def delete_rows(serving: ServingSession, table: Table, keys: pa.Table, number: int) -> int:
    """Delete rows of an upsert table by their whole key, as of publication `number`. Returns the count."""
    names = [*_partition_key(table), *_serving(table).clustering]
    where = " AND ".join(f'"{name}" = ?' for name in names)
    delete = serving.prepare(f"DELETE FROM {_quoted(serving, table)} USING TIMESTAMP ? WHERE {where}")
    deletes = (delete.bind((number, *row)) for row in ordered(keys, names, _partition_key(table)))
    serving.run_all(batched(serving, deletes))
    return int(keys.num_rows)


def delete_generations(serving: ServingSession, table: Table, kept: set[int], below: int) -> int:
    """Delete every generation under number `below` that is not `kept`, orphans of dead runs too; returns partitions.

    Reads the partition keys of the whole table: cheap beside the writing of a generation, and sure to find all.
    """
    names = _partition_key(table)
    where = " AND ".join(f'"{name}" = ?' for name in names)
    delete = serving.prepare(f"DELETE FROM {_quoted(serving, table)} WHERE {where}")
    return serving.run_all(
        delete.bind([row[name] for name in names])
        for row in serving.rows(f"SELECT DISTINCT {_list(names)} FROM {_quoted(serving, table)}")
        if row[GENERATION.name] not in kept and row[GENERATION.name] < below
    )


def every_row(serving: ServingSession, table: Table, names: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Columns of all rows that the store holds of a table, in no order, read page by page.

    In parts of the ring, since Cassandra refuses a read that meets too many rows which have expired or been deleted.
    """
    tokens = f"token({_list(_partition_key(table))})"
    statement = f"SELECT {_list(names)} FROM {_quoted(serving, table)} WHERE {tokens} > ? AND {tokens} <= ?"
    bounds = [_FIRST_TOKEN + part * (_TOKENS // _PARTS) for part in range(_PARTS)]
    for part in pairwise([*bounds, _FIRST_TOKEN + _TOKENS - 1]):
        for row in serving.rows(statement, part):
            yield {name: plain(value) for name, value in row.items()}


def stored_keys(serving: ServingSession, table: Table) -> pa.Table:
    """Keys of all rows of an upsert table that the store holds."""
    rows = list(every_row(serving, table, table.key))
    return pa.Table.from_pylist(rows, schema=arrow_schema([table.field(name) for name in table.key]))


def plain(value: object) -> object:
    """A value as Python has it: the driver's dates are its own type, its moments naive UTC."""
    if isinstance(value, Date):
        return value.date()
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def ordered(rows: pa.Table, names: Sequence[str], by: Sequence[str]) -> Iterator[Row]:
    """The rows as Python tuples of the columns `names`, sorted by the columns `by`."""
    table = rows.select(names).sort_by([(name, "ascending") for name in by])
    for batch in table.to_batches(max_chunksize=CHUNK_ROWS):
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _refuse_empty_keys(table: Table, rows: pa.Table, keys: Sequence[str]) -> None:
    if (
        len(keys) == 1
        and table.field(keys[0]).type in ("string", "binary")
        and "" in rows[keys[0]].unique().to_pylist()
    ):
        raise ContractError(
            f"{table.full_name} has an empty {keys[0]}, which Cassandra cannot hold as a partition key: "
            "declare a check that stops it, or leave such rows out."
        )


def _partition_key(table: Table) -> tuple[str, ...]:
    serving = _serving(table)
    return (GENERATION.name, *serving.partition_key) if serving.mode == "snapshot" else serving.partition_key


def _serving(table: Table) -> Serving:
    if table.serving is None:
        raise ContractError(f"{table.full_name} is not served from Cassandra; give its declaration a Serving.")
    return table.serving


def _quoted(serving: ServingSession, table: Table) -> str:
    return f'"{serving.keyspace}"."{table_name(table)}"'


def _list(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
