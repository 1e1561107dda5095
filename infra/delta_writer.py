"""The one place where an engine writes Delta tables.

The engines fail to protect a writer in different places (one drops extra columns and takes rows outside the replaced
set, the other fills missing columns with null and takes null into NOT NULL), so every write is conformed first: the
declared columns in the declared types, an error inside the plan for a null where none may be and for a row outside the
replaced set. The error aborts the job before the commit, in the same pass over the data that writes it.
"""

import re
from collections.abc import Callable, Collection
from datetime import date

from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession, Window
from pyspark.sql import functions as F

from infra.lake import Lake
from schemas.errors import ContractError, SupersededError
from schemas.model import KeyedMerge, Table
from schemas.render.spark import spark_type

_GUARD = "Tonearm contract:"


class DeltaWriter:
    """Writes computed rows of declared tables, each call one commit or none."""

    def __init__(self, session: SparkSession, lake: Lake) -> None:
        self._session = session
        self._lake = lake

    def append_ledger(self, table: Table, rows: DataFrame, topic_id: str, next_offsets: dict[int, int]) -> None:
        """Append records of one topic at `next_offsets` (partition → first offset), as a compare-and-set.

        The commit replaces everything at or past those offsets, of which there is nothing unless another writer has
        committed the same range: then the engine refuses the commit and SupersededError is raised.
        """
        ranges = [
            (F.col("partition") == partition) & (F.col("offset") >= first) for partition, first in next_offsets.items()
        ]
        inside = (F.col("topic_id") == topic_id) & _any(ranges)
        quoted = topic_id.replace("'", "''")
        predicate = " OR ".join(
            f"(partition = {partition} AND offset >= {first})" for partition, first in sorted(next_offsets.items())
        )
        self._replace(table, rows, f"topic_id = '{quoted}' AND ({predicate})", inside)

    def replace_dates(self, table: Table, rows: DataFrame, dates: Collection[date]) -> None:
        """Replace all rows of `dates` by `rows`, which must lie in them; a date without rows becomes empty."""
        if not dates:
            return
        column = str(table.partition_by)
        days = ", ".join(f"DATE '{day.isoformat()}'" for day in sorted(dates))
        self._replace(table, rows, f"{column} IN ({days})", F.col(column).isin(*sorted(dates)))

    def replace_all(self, table: Table, rows: DataFrame) -> None:
        """Replace the whole table by `rows`."""
        self._replace(table, rows, "true", F.lit(True))

    def merge(self, table: Table, rows: DataFrame) -> None:
        """Merge `rows` by the table's key; of rows of one key, new or stored, the lowest by `first_by` stays.

        Merging rows again changes nothing and commits nothing.
        """
        if not isinstance(table.refresh, KeyedMerge):
            raise ContractError(f"{table.full_name} is not declared as a keyed merge.")
        order = table.refresh.first_by
        first = Window.partitionBy(*table.key).orderBy(*order)
        new = rows.withColumn("_rank", F.row_number().over(first)).where(F.col("_rank") == 1).drop("_rank")
        conformed = self._conform(table, new, F.lit(True))
        conformed.createOrReplaceTempView("merge_source")
        same = " AND ".join(f"t.`{name}` = s.`{name}`" for name in table.key)
        earlier = f"struct({_columns('s', order)}) < struct({_columns('t', order)})"
        # Where the order is the key itself a stored row is never displaced.
        update = "" if set(order) <= set(table.key) else f"WHEN MATCHED AND {earlier} THEN UPDATE SET *"
        statement = (
            f"MERGE INTO delta.`{self._lake.path(table)}` t USING merge_source s ON {same} "
            f"{update} WHEN NOT MATCHED THEN INSERT *"
        )
        self._commit(table, lambda: self._session.sql(statement).collect())

    def _replace(self, table: Table, rows: DataFrame, predicate: str, inside: Column) -> None:
        writer = self._conform(table, rows, inside).write.format("delta").mode("overwrite")
        if predicate != "true":
            writer = writer.option("replaceWhere", predicate)
        self._commit(table, lambda: writer.save(str(self._lake.path(table))))

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

    def _commit(self, table: Table, action: Callable[[], object]) -> None:
        try:
            action()
        except PySparkException as error:
            message = str(error)
            if _GUARD in message:
                raise ContractError(_sentence(message)) from None
            if _lost_race(message):
                raise SupersededError(
                    f"{table.full_name}: another writer committed first; nothing was written here, run again."
                ) from None
            raise


def _columns(side: str, names: Collection[str]) -> str:
    return ", ".join(f"{side}.`{name}`" for name in names)


def _any(conditions: list[Column]) -> Column:
    result = F.lit(False)
    for condition in conditions:
        result = result | condition
    return result


def _sentence(message: str) -> str:
    """The guard's own sentence out of an engine's message."""
    found = re.search(re.escape(_GUARD) + r" (.*?(?:replaced|may be)\.)", message)
    return found.group(1) if found else message


def _lost_race(message: str) -> bool:
    return any(word in message for word in ("Failed to commit transaction", "Concurrent", "DELTA_CONCURRENT"))
