"""The one place where an engine writes Delta tables.

The engines fail to protect a writer in different places (one drops extra columns and takes rows outside the replaced
set, the other fills missing columns with null and takes null into NOT NULL), so every write is conformed first: the
declared columns in the declared types, an error inside the plan for a null where none may be and for a row outside the
replaced set. The error aborts the job before the commit, in the same pass over the data that writes it.
"""

import re
import shutil
from collections.abc import Callable, Collection, Iterable
from datetime import date
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from infra import failpoints
from infra.disk_space import is_full_disk
from infra.lake import Lake
from schemas.errors import ContractError, StoreUnavailableError, SupersededError
from schemas.model import Field, KeyedMerge, Table
from schemas.periods import PartitionValue, slice_of
from schemas.render.spark import spark_ddl, spark_type

_GUARD = "Tonearm contract:"
_STORE_AWAY = re.compile(rf"{StoreUnavailableError.__name__}: (.+)")
"""How an engine tells what the reader of a source raised inside it, with a traceback around."""


class DeltaWriter:
    """Writes computed rows of declared tables, each call one commit or none.

    `version` is the version of the table from which it was found out what to write: a commit is a compare-and-set, and
    SupersededError when another writer has committed rows since. None: whatever is there now.
    """

    def __init__(self, session: SparkSession, lake: Lake) -> None:
        self._session = session
        self._lake = lake

    def append_ledger(
        self, table: Table, rows: DataFrame, topic_id: str, next_offsets: dict[int, int], version: int
    ) -> None:
        """Append records of one topic at `next_offsets` (partition → first offset), as a compare-and-set.

        The commit replaces everything at or past those offsets, of which there was nothing in `version`, the one they
        were read from. The engine itself refuses a commit that meets another under way.
        """
        ranges = [
            (F.col("partition") == partition) & (F.col("offset") >= first) for partition, first in next_offsets.items()
        ]
        inside = (F.col("topic_id") == topic_id) & _any(ranges)
        quoted = topic_id.replace("'", "''")
        predicate = " OR ".join(
            f"(partition = {partition} AND offset >= {first})" for partition, first in sorted(next_offsets.items())
        )
        self._replace(table, rows, f"topic_id = '{quoted}' AND ({predicate})", inside, version)

    def replace_partitions(
        self, table: Table, rows: DataFrame, partitions: Collection[PartitionValue], version: int | None = None
    ) -> None:
        """Replace all rows of `partitions` by `rows`, which must lie in them; one without rows becomes empty."""
        inside = F.col(str(table.partition_by)).isin(*sorted(partitions, key=str))
        self._replace_within(table, rows, partitions, inside, version)

    def replace_all(self, table: Table, rows: DataFrame, version: int | None = None) -> None:
        """Replace the whole table by `rows`."""
        self._replace(table, rows, "true", F.lit(True), version)

    def merge(self, table: Table, rows: DataFrame, version: int | None = None) -> None:
        """Merge `rows` by the table's key; of rows of one key, new or stored, the lowest by `first_by` stays.

        Merging rows again changes nothing and commits nothing. The touched dates are replaced in one commit; SQL MERGE
        is not used because one engine plans a conditional update of forty columns for half a minute.
        """
        if not isinstance(table.refresh, KeyedMerge):
            raise ContractError(f"{table.full_name} is not declared as a keyed merge.")
        order = table.refresh.first_by
        conformed = self._conform(table, first_of_key(table, rows), F.lit(True))
        self._commit(table, lambda: self.stage(table.full_name, conformed))
        failpoints.reach("merge.staged", table.full_name)
        staged = self.staged(table.full_name, table.stored_fields)
        stored = self._session.read.format("delta").load(str(self._lake.path(table)))
        names = [field.name for field in table.stored_fields]
        day = str(table.partition_by)
        before = stored.select(*table.key, F.struct(*order).alias("_before"), F.col(day).alias("_day_before"))
        compared = staged.join(before, on=list(table.key), how="left")
        winners = compared.where(F.col("_before").isNull() | (F.struct(*order) < F.col("_before")))
        days = winners.select(day).union(winners.select("_day_before")).distinct().collect()
        touched = {row[0] for row in days if row[0] is not None}
        won = winners.select(*names)
        kept = stored.where(F.col(day).isin(*sorted(touched))).join(
            won.select(*table.key), list(table.key), "left_anti"
        )
        # Inside by construction. Asserted, one engine computes the assertion before the join has ruled out the rows of
        # other dates that lost, and fails for them.
        self._replace_within(table, kept.select(*names).union(won), touched, F.lit(True), version)

    def stage(self, name: str, rows: DataFrame) -> None:
        """Compute `rows` once, into files beside the tables that the next staging of that name replaces."""
        rows.write.mode("overwrite").parquet(str(self._staging(name)))

    def staged(self, name: str, fields: Iterable[Field]) -> DataFrame:
        """What was staged under that name; the schema is given because no rows leave no file to take it from."""
        return self.staged_together([name], spark_ddl(fields))

    def staged_together(self, names: Iterable[str], schema: StructType | str) -> DataFrame:
        """What was staged under these names, of that schema."""
        return self._session.read.schema(schema).parquet(*(str(self._staging(name)) for name in names))

    def forget_staged(self, name: str) -> None:
        """Remove what was staged under that name, or below it; there may be nothing."""
        shutil.rmtree(self._staging(name), ignore_errors=True)

    def _staging(self, name: str) -> Path:
        return self._lake.root / "_staging" / name

    def _replace_within(
        self,
        table: Table,
        rows: DataFrame,
        partitions: Collection[PartitionValue],
        inside: Column,
        version: int | None,
    ) -> None:
        if partitions:
            values = ", ".join(_literal(value) for value in sorted(partitions, key=str))
            self._replace(table, rows, f"{table.partition_by} IN ({values})", inside, version)

    def _replace(self, table: Table, rows: DataFrame, predicate: str, inside: Column, version: int | None) -> None:
        writer = self._conform(table, rows, inside).write.format("delta").mode("overwrite")
        if predicate != "true":
            writer = writer.option("replaceWhere", predicate)
        failpoints.reach("write.prepared", table.full_name)
        if version is not None and not self._lake.same_rows(table, version, self._lake.version(table)):
            raise _superseded(table)
        self._commit(table, lambda: writer.save(str(self._lake.path(table))), version)
        failpoints.reach("write.committed", table.full_name)

    def _conform(self, table: Table, rows: DataFrame, inside: Column) -> DataFrame:
        """Declared columns in declared order and type; a row that breaks the contract fails the job."""
        fields = table.stored_fields
        missing = [field.name for field in fields if field.name not in rows.columns]
        extra = [name for name in rows.columns if name not in {field.name for field in fields}]
        if missing or extra:
            raise ContractError(
                f"{table.full_name}: the computed columns differ from the declaration "
                f"(missing: {missing or 'none'}; not declared: {extra or 'none'})."
            )
        outside = F.raise_error(F.lit(f"{_GUARD} {table.full_name}: a row lies outside the set that is replaced."))
        conformed = []
        for position, field in enumerate(fields):
            value = F.col(field.name).cast(spark_type(field.type))
            if not field.nullable:
                null = F.raise_error(F.lit(f"{_GUARD} {table.full_name}.{field.name}: null where none may be."))
                value = F.when(F.col(field.name).isNull(), null.cast(spark_type(field.type))).otherwise(value)
            if position == 0:
                value = F.when(inside, value).otherwise(outside.cast(spark_type(field.type)))
            conformed.append(value.alias(field.name))
        return rows.select(*conformed)

    def _commit(self, table: Table, action: Callable[[], object], version: int | None = None) -> None:
        """Run the write; the guards' and the engine's refusals become errors of ours.

        Where only a compaction or a vacuum was faster than this write, the rows since `version` (None: since now) are
        the same and it is run again.
        """
        seen = self._lake.version(table) if version is None else version
        while True:
            try:
                action()
                return
            except PySparkException as error:
                message = str(error)
                if away := _STORE_AWAY.search(message):
                    raise StoreUnavailableError(away.group(1)) from None
                if _GUARD in message:
                    raise ContractError(_sentence(message)) from None
                # A full disk is a commit that failed too, in the words of a lost race.
                if not _lost_race(message) or is_full_disk(error):
                    raise
                now = self._lake.version(table)
                if seen is None or now == seen or not self._lake.same_rows(table, seen, now):
                    raise _superseded(table) from None
                seen = now


def first_of_key(table: Table, rows: DataFrame) -> DataFrame:
    """Of the rows of each key the lowest by the `first_by` of the table's keyed merge."""
    assert isinstance(table.refresh, KeyedMerge)
    first = Window.partitionBy(*table.key).orderBy(*table.refresh.first_by)
    return rows.withColumn("_rank", F.row_number().over(first)).where(F.col("_rank") == 1).drop("_rank")


def _literal(value: PartitionValue) -> str:
    """The value in a predicate; a slice is of letters, digits, `_`, `.` and `-` only."""
    return f"DATE '{value.isoformat()}'" if isinstance(value, date) else f"'{slice_of(value)}'"


def _any(conditions: list[Column]) -> Column:
    result = F.lit(False)
    for condition in conditions:
        result = result | condition
    return result


def _sentence(message: str) -> str:
    """The guard's own sentence out of an engine's message."""
    found = re.search(re.escape(_GUARD) + r" (.*?(?:replaced|may be)\.)", message)
    return found.group(1) if found else message


def _superseded(table: Table) -> SupersededError:
    return SupersededError(f"{table.full_name}: another writer committed first; nothing was written here, run again.")


def _lost_race(message: str) -> bool:
    return any(word in message for word in ("Failed to commit transaction", "Concurrent", "DELTA_CONCURRENT"))
