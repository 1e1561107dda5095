"""The Delta tables of one deployment, without an engine: where they are, their versions, what changed, their rows.

Reading and book-keeping go through `deltalake`; computed writes go through an engine (`infra.delta_writer`). Tables are
created here and nowhere else, from the declaration, with the Delta protocol pinned (reader 1, writer 2), because the
engines differ in what they would create themselves.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.compute as pc
from deltalake import DeltaTable, Schema
from deltalake.exceptions import DeltaError, TableNotFoundError

from infra import delta_log
from playback.arrow import arrow_schema
from schemas.errors import MissingInputError
from schemas.model import Table
from schemas.periods import PartitionValue

PROTOCOL = {"delta.minReaderVersion": "1", "delta.minWriterVersion": "2"}


class Lake:
    """Delta tables below one folder, at `<root>/<layer>/<table>`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, table: Table) -> Path:
        """Folder of the table, whether it exists or not."""
        return self.root / table.layer / table.name

    def version(self, table: Table) -> int | None:
        """Current Delta version, or None when the table does not exist."""
        # Asked for beforehand: an absent table must not look like a broken one.
        if not (self.path(table) / "_delta_log").is_dir():
            return None
        try:
            return DeltaTable(self.path(table)).version()
        except TableNotFoundError:
            return None

    def newest_same(self, table: Table, version: int) -> int:
        """The newest version that has the rows of `version`: after it came only compaction and vacuum."""
        while (after := delta_log.commit(self.path(table), version + 1)) and not after.changes_rows:
            version += 1
        return version

    def same_rows(self, table: Table, before: int, after: int | None) -> bool:
        """Whether no commit after version `before` up to `after` changed rows; False where the log cannot tell."""
        return after is not None and before <= after <= self.newest_same(table, before)

    def table_id(self, table: Table) -> str:
        """Delta's own id of the table: one that was made anew has the same versions and another id."""
        return str(self._open(table).metadata().id)

    def create(self, table: Table) -> None:
        """Create the empty table (version 0) unless it exists; several processes may do so at once."""
        if self.version(table) is not None:
            return
        self.path(table).mkdir(parents=True, exist_ok=True)
        DeltaTable.create(
            self.path(table),
            schema=Schema.from_arrow(arrow_schema(table.stored_fields)),
            mode="ignore",
            partition_by=[table.partition_by] if table.partition_by else None,
            name=table.full_name,
            description=table.description,
            configuration=PROTOCOL,
        )

    def rows(
        self, table: Table, version: int | None = None, partitions: Collection[PartitionValue] | None = None
    ) -> pa.Table:
        """Rows of one version (None: the current one) in the declared columns, of those `partitions` only.

        An earlier version is read from the files that it was compacted to; a column that was added later is null in it.
        Raises MissingInputError when the table or the version does not exist (any more).
        """
        delta = self._open(table, None if version is None else self.newest_same(table, version))
        present = {field.name for field in delta.schema().fields}
        later = [field for field in table.stored_fields if field.nullable and field.name not in present]
        columns = [field.name for field in table.stored_fields if field not in later]
        filters = None
        if partitions is not None:
            if not partitions:
                return arrow_schema(table.stored_fields).empty_table()
            filters = [(str(table.partition_by), "in", sorted(partitions, key=str))]
        try:
            found = delta.to_pyarrow_table(filters=filters, columns=columns)
        except FileNotFoundError:
            raise MissingInputError(
                f"Files of {table.full_name} version {delta.version()} are gone: a newer version is to be read."
            ) from None
        for field in arrow_schema(later):
            found = found.append_column(field, pa.nulls(found.num_rows, field.type))
        names = [field.name for field in table.stored_fields]
        return found.select(names).cast(arrow_schema(table.stored_fields))

    def batches(self, table: Table) -> pa.RecordBatchReader:
        """Rows of the current version in the declared columns but the audit's, never all of them in memory at once.

        Raises MissingInputError when the table does not exist.
        """
        names = [field.name for field in table.fields]
        return self._open(table).to_pyarrow_dataset().scanner(columns=names).to_reader()

    def touched_partitions(self, table: Table, after: int, until: int) -> set[PartitionValue]:
        """Partitions whose files changed in any version after `after` up to `until`.

        Compaction changes files and no rows, and does not count.
        Raises MissingInputError when the log no longer reaches back to `after`.
        """
        touched: set[PartitionValue] = set()
        before = self._files(table, after)
        for version in range(after + 1, until + 1):
            now = self._files(table, version)
            made = delta_log.commit(self.path(table), version)
            if made is None or made.changes_rows:
                touched |= {value for file, value in before.items() if file not in now}
                touched |= {value for file, value in now.items() if file not in before}
            before = now
        return touched

    def digest(self, table: Table) -> str:
        """SHA-256 of the current rows without the audit column, whatever their order and files."""
        rows = self.rows(table).select([field.name for field in table.fields])
        ordered = rows.sort_by([(name, "ascending") for name in table.key]).combine_chunks()
        digest = hashlib.sha256()
        for row in ordered.to_pylist():
            digest.update(repr(tuple(row.values())).encode())
        return digest.hexdigest()

    def row_count(self, table: Table) -> int:
        """Rows of the current version, by the log's own statistics; 0 when the table does not exist."""
        if self.version(table) is None:
            return 0
        counts = pa.table(self._open(table).get_add_actions(flatten=True))["num_records"]
        return int(pc.sum(counts).as_py() or 0)

    def rows_by_partition(self, table: Table, version: int) -> dict[PartitionValue, int]:
        """Rows of each partition of that version, by the log's own statistics; MissingInputError where it is gone."""
        actions = pa.table(self._open(table, version).get_add_actions(flatten=True))
        found: Counter[PartitionValue] = Counter()
        counted = zip(
            actions[f"partition.{table.partition_by}"].to_pylist(), actions["num_records"].to_pylist(), strict=True
        )
        for partition, count in counted:
            found[partition] += count or 0
        return found

    def count(self, table: Table, column: str, value: str) -> int:
        """Rows of the current version whose `column` is `value`, without reading the others."""
        rows = self._open(table).to_pyarrow_dataset()
        return int(rows.count_rows(filter=pc.field(column) == value))

    def counts(self, table: Table, column: str, version: int | None = None) -> dict[str, int]:
        """How many rows of a version (None: the current one) have each value of `column`; no other column is read."""
        delta = self._open(table, None if version is None else self.newest_same(table, version))
        found: Counter[str] = Counter()
        for batch in delta.to_pyarrow_dataset().to_batches(columns=[column]):
            for one in pc.value_counts(batch[column]).to_pylist():
                found[one["values"]] += one["counts"]
        return dict(found)

    def greatest(self, table: Table, column: str, by: Sequence[str]) -> dict[tuple[Any, ...], int]:
        """The greatest value of `column` for each combination of values of `by`, in the current version."""
        found: dict[tuple[Any, ...], int] = {}
        for batch in self._open(table).to_pyarrow_dataset().to_batches(columns=[*by, column]):
            greatest = pa.table(batch).group_by(list(by)).aggregate([(column, "max")])
            for row in greatest.to_pylist():
                key = tuple(row[name] for name in by)
                found[key] = max(row[f"{column}_max"], found.get(key, row[f"{column}_max"]))
        return found

    def partitions(self, table: Table) -> set[PartitionValue]:
        """Partitions that the current version has files of."""
        version = self.version(table)
        return set() if version is None else set(self._files(table, version).values())

    def file_sizes(self, table: Table) -> list[int]:
        """Bytes of each live data file of the current version."""
        if self.version(table) is None:
            return []
        return [
            int(size) for size in pa.table(self._open(table).get_add_actions(flatten=True))["size_bytes"].to_pylist()
        ]

    def is_complete(self, table: Table, version: int) -> bool:
        """Whether all data files of that version are still there; MissingInputError where the log has not got it."""
        paths = pa.table(self._open(table, version).get_add_actions(flatten=True))["path"].to_pylist()
        return all((self.path(table) / unquote(one)).exists() for one in paths)

    def file_paths(self, table: Table) -> set[str]:
        """Paths, below the table's folder, of the live data files of the current version."""
        return set(pa.table(self._open(table).get_add_actions(flatten=True))["path"].to_pylist())

    def _open(self, table: Table, version: int | None = None) -> DeltaTable:
        try:
            return DeltaTable(self.path(table), version=version)
        except (TableNotFoundError, DeltaError, FileNotFoundError):
            which = "" if version is None else f" version {version}"
            raise MissingInputError(f"{table.full_name}{which} is not in the lake: run `tonearm run` first.") from None

    def _files(self, table: Table, version: int) -> dict[str, PartitionValue]:
        actions = pa.table(self._open(table, version).get_add_actions(flatten=True))
        values = actions[f"partition.{table.partition_by}"].to_pylist()
        return dict(zip(actions["path"].to_pylist(), values, strict=True))
