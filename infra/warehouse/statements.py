"""The statements of a publication, as text: names are quoted, values are parameters."""

# ruff: noqa: S608 - only names that the declarations and settings give are written into statements; values are bound

from schemas.model import Field, Table
from schemas.render.bigquery import versioned_name

PUBLISH_NUMBER = Field("publish_number", "long", "Number of the publication that wrote the row; a higher one wins.")
DELTA_VERSION = Field("delta_version", "long", "Delta version of the table in the lake that the row comes from.")
AUDIT_FIELDS = (PUBLISH_NUMBER, DELTA_VERSION)

FENCES = "publish_fences"


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


def merge_sql(table: Table, dataset: str, staging: str, dated: bool) -> str:
    """The one MERGE of a publication; `staging` holds the new rows of its scope, all stored columns.

    `dated` limits the scope to @dates (all within @first_date and @last_date); else it is the whole table. A staged
    row takes part only while the fence of @table_name still stands at @publish_number, and a stored row gives way
    only to a higher number, so the MERGE of an overtaken publisher changes nothing.
    """
    names = [field.name for field in table.stored_fields]
    audit = [field.name for field in AUDIT_FIELDS]
    updates = ", ".join(f"`{name}` = source.`{name}`" for name in [*names, *audit] if name not in table.key)
    on = " AND ".join(f"target.`{name}` = source.`{name}`" for name in table.key)
    gone = "target.`publish_number` < @publish_number"
    if dated:
        day = f"target.`{table.partition_by}`"
        # The range beside the list lets BigQuery prune partitions; the list is what is meant.
        within = f"{day} BETWEEN @first_date AND @last_date"
        if table.partition_by in table.key:
            on = f"{on} AND {within}"
        gone = f"{gone} AND {within} AND {day} IN UNNEST(@dates)"
    return f"""MERGE `{dataset}.{versioned_name(table)}` AS target
USING (
  SELECT staged.*, @publish_number AS publish_number, @delta_version AS delta_version
  FROM `{dataset}.{staging}` AS staged
  WHERE ({fence_sql(dataset)}) = @publish_number
) AS source
ON {on}
WHEN MATCHED AND target.`publish_number` < @publish_number THEN
  UPDATE SET {updates}
WHEN NOT MATCHED BY TARGET THEN
  INSERT ({_list(names, audit)}) VALUES ({", ".join(f"source.`{name}`" for name in [*names, *audit])})
WHEN NOT MATCHED BY SOURCE AND {gone} THEN
  DELETE"""


def add_column_sql(table: Table, dataset: str, field: Field, sql_type: str) -> str:
    """Add a column; it is nullable, since rows that are there have no value of it."""
    description = field.description.replace("\\", "\\\\").replace("'", "\\'")
    return (
        f"ALTER TABLE `{dataset}.{versioned_name(table)}` ADD COLUMN IF NOT EXISTS `{field.name}` {sql_type} "
        f"OPTIONS (description = '{description}')"
    )


def _list(names: list[str], more: list[str]) -> str:
    return ", ".join(f"`{name}`" for name in [*names, *more])
