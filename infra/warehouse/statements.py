"""The statements of a publication, as text: names are quoted, values are parameters."""

# ruff: noqa: S608 - only names that the declarations and settings give are written into statements; values are bound

from schemas.model import Field, Table
from schemas.render.bigquery import versioned_name

PUBLISH_NUMBER = Field("publish_number", "long", "Number of the publication that wrote the row; a higher one wins.")
DELTA_VERSION = Field("delta_version", "long", "Delta version of the table in the lake that the row comes from.")
AUDIT_FIELDS = (PUBLISH_NUMBER, DELTA_VERSION)

FENCES = "publish_fences"
NO_DELTA_VERSION = -1
"""Of a live row, which is in no lake."""


def create_fences_sql(dataset: str) -> str:
    """Table of the highest publish number that was let in, by table; `dataset` is `project.dataset`."""
    return (
        f"CREATE TABLE IF NOT EXISTS `{dataset}.{FENCES}` (table_name STRING NOT NULL, publish_number INT64 NOT NULL)"
        " OPTIONS (description = 'Highest publish number that was let in, by table: a lower one writes nothing.')"
    )


def raise_fence_sql(dataset: str) -> str:
    """Raise the fence of @table_name to @publish_number, unless it is as high already."""
    return f"""MERGE `{dataset}.{FENCES}` AS fence
USING (SELECT @table_name AS table_name, @publish_number AS publish_number) AS claim
ON fence.table_name = claim.table_name
WHEN MATCHED AND fence.publish_number < claim.publish_number THEN
  UPDATE SET publish_number = claim.publish_number
WHEN NOT MATCHED BY TARGET THEN
  INSERT (table_name, publish_number) VALUES (claim.table_name, claim.publish_number)"""


def fence_sql(dataset: str) -> str:
    """The highest publish number of @table_name; null when there is none."""
    return f"SELECT MAX(publish_number) AS publish_number FROM `{dataset}.{FENCES}` WHERE table_name = @table_name"


def merge_sql(table: Table, dataset: str, staging: str, partitioned: bool) -> str:
    """The one MERGE of a publication; `staging` holds the new rows of its scope, all stored columns.

    `partitioned` limits the scope to @partitions (all within @first_partition and @last_partition); else it is the
    whole table. A change takes part only while the fence of @table_name still stands at @publish_number, and a stored
    row gives way only to a higher number, so the MERGE of an overtaken publisher changes nothing. Rows that are no more
    are therefore part of the source: NOT MATCHED BY SOURCE would be true of every stored row once the fence has emptied
    the source.
    """
    names = [field.name for field in table.stored_fields]
    audit = [field.name for field in AUDIT_FIELDS]
    stored = f"`{dataset}.{versioned_name(table)}`"
    updates = ", ".join(f"`{name}` = source.`{name}`" for name in [*names, *audit] if name not in table.key)
    on = _same_key(table, "target", "source")
    if partitioned and table.partition_by in table.key:
        on = f"{on} AND {_within(table, 'target')}"
    return f"""MERGE {stored} AS target
USING (
  SELECT changes.*, @publish_number AS publish_number, @delta_version AS delta_version
  FROM (
    SELECT {_list(names)}, FALSE AS is_gone
    FROM `{dataset}.{staging}`
    UNION ALL
    SELECT {", ".join(f"stored.`{name}`" if name in table.key else "NULL" for name in names)}, TRUE
    FROM {stored} AS stored
    WHERE {_gone(table, f"{dataset}.{staging}", partitioned)}
  ) AS changes
  WHERE ({fence_sql(dataset)}) = @publish_number
) AS source
ON {on}
WHEN MATCHED AND source.is_gone AND target.`publish_number` < @publish_number THEN
  DELETE
WHEN MATCHED AND target.`publish_number` < @publish_number THEN
  UPDATE SET {updates}
WHEN NOT MATCHED BY TARGET AND NOT source.is_gone THEN
  INSERT ({_list([*names, *audit])}) VALUES ({", ".join(f"source.`{name}`" for name in [*names, *audit])})"""


def upsert_sql(table: Table, dataset: str, staging: str) -> str:
    """The MERGE of a micro-batch: staged rows replace stored ones of the same key and a lower number; none is deleted.

    The number is @publish_number. Of a partitioned table only what lies between @first and @last is looked at.
    """
    names = [field.name for field in table.stored_fields]
    updates = ", ".join(f"`{name}` = source.`{name}`" for name in names if name not in table.key)
    on = _same_key(table, "target", "source")
    if table.partition_by in table.key:
        on = f"{on} AND target.`{table.partition_by}` BETWEEN @first AND @last"
    inserted = ", ".join(f"source.`{name}`" for name in names)
    return f"""MERGE `{dataset}.{versioned_name(table)}` AS target
USING `{dataset}.{staging}` AS source
ON {on}
WHEN MATCHED AND target.`publish_number` < @publish_number THEN
  UPDATE SET {updates}, `publish_number` = @publish_number
WHEN NOT MATCHED BY TARGET THEN
  INSERT ({_list(names)}, `publish_number`, `delta_version`) VALUES ({inserted}, @publish_number, {NO_DELTA_VERSION})"""


def _gone(table: Table, staging: str, partitioned: bool) -> str:
    """Whether a `stored` row of the scope is no more: its key is not staged."""
    staged = f"SELECT 1 FROM `{staging}` AS staged WHERE {_same_key(table, 'stored', 'staged')}"
    gone = f"stored.`publish_number` < @publish_number AND NOT EXISTS ({staged})"
    if not partitioned:
        return gone
    return f"{_within(table, 'stored')} AND stored.`{table.partition_by}` IN UNNEST(@partitions) AND {gone}"


def _within(table: Table, alias: str) -> str:
    """The range beside the list lets BigQuery prune partitions; the list is what is meant."""
    return f"{alias}.`{table.partition_by}` BETWEEN @first_partition AND @last_partition"


def _same_key(table: Table, one: str, other: str) -> str:
    return " AND ".join(f"{one}.`{name}` = {other}.`{name}`" for name in table.key)


def add_column_sql(table: Table, dataset: str, field: Field, sql_type: str) -> str:
    """Add a column; it is nullable, since rows that are there have no value of it."""
    description = field.description.replace("\\", "\\\\").replace("'", "\\'")
    return (
        f"ALTER TABLE `{dataset}.{versioned_name(table)}` ADD COLUMN IF NOT EXISTS `{field.name}` {sql_type} "
        f"OPTIONS (description = '{description}')"
    )


def relax_column_sql(table: Table, dataset: str, name: str) -> str:
    """Let a column be null."""
    return f"ALTER TABLE `{dataset}.{versioned_name(table)}` ALTER COLUMN `{name}` DROP NOT NULL"


def _list(names: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
