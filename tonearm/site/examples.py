"""Questions to begin with, derived from a declaration: where the table is published, how it is asked there."""

from dataclasses import dataclass

from schemas.model import Table

_ROWS = 10


@dataclass(frozen=True)
class Example:
    """A command and what it shows."""

    title: str
    command: str


def examples(table: Table) -> list[Example]:
    """None needs more than the table's own columns."""
    found = []
    if table.warehouse:
        found.append(Example("Ask BigQuery", f'tonearm sql "{query(table)}"'))
    if table.serving:
        keys = [name for name in table.serving.partition_key if not table.field(name).personal]
        words = [f"{name}=…" for name in keys] + (["--user NAME"] if "user_id" in table.serving.partition_key else [])
        if len(words) == len(table.serving.partition_key):
            found.append(Example("Ask Cassandra by key", f"tonearm get {table.full_name} {' '.join(words)} --limit 5"))
    python = f'DeltaTable("lake/{table.layer}/{table.name}").to_pandas()'
    if table.is_live:
        return found
    return [*found, Example("Read the lake in Python", f"from deltalake import DeltaTable\n{python}")]


def query(table: Table) -> str:
    """SQL for BigQuery: sums by date where there are dates and counts, else some rows."""
    counts = [field.name for field in table.fields if field.type == "long" and field.name.endswith(("_count", "_ms"))]
    if table.partition_by and counts:
        # What is distinct of one row and of another may be the same.
        added = [name for name in counts if name.removeprefix("clean_") not in _NOT_ADDED]
        sums = ", ".join(f"SUM({name}) AS {name}" for name in added)
        day = table.partition_by
        return f"SELECT {day}, {sums} FROM {table.full_name} GROUP BY 1 ORDER BY 1 DESC LIMIT {_ROWS}"  # noqa: S608
    columns = ", ".join(field.name for field in table.fields if not field.personal)
    return f"SELECT {columns} FROM {table.full_name} LIMIT {_ROWS}"  # noqa: S608 - of declared names


_NOT_ADDED = ("listener_count", "track_count", "artist_count", "album_count", "genre_count", "day_count")
