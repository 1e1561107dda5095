"""What a scheduler runs: the batch as tasks, each one command, derived from the catalogue.

A task is a command of `tonearm`. How it is run (on this machine, as a job of a cluster) is the scheduler's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from schemas import catalog
from schemas.model import Field, References, Table

INGEST = "ingest"
"""Task that fills the ledger and writes down the manifests."""

DOCS = "docs"

POOL = "tonearm"
"""The pool that tasks run in, of one slot: a home takes one writer at a time."""


@dataclass(frozen=True)
class Task:
    """One task: its id, the words after `tonearm`, the tasks before it, and what a person reads of it (Markdown).

    `writes` are full names of the tables that it may give a new version; `timeout_minutes` is when it is given up. One
    that `runs_always` runs after the others have ended, also where they failed.
    """

    task_id: str
    words: tuple[str, ...]
    after: tuple[str, ...]
    owner: str
    doc: str
    writes: tuple[str, ...] = ()
    timeout_minutes: int = 120
    runs_always: bool = False


def ingest_task() -> Task:
    """From Kafka into the ledger; it may run at any time and any number of times."""
    ledger = catalog.table("bronze.playback_events")
    made = tuple(name for name, one in catalog.tables().items() if not one.inputs and one.layer == "bronze")
    return Task(INGEST, ("ingest",), (), ledger.owner, page(ledger), made, 60)


def daily_tasks(tables: Mapping[str, Table] | None = None) -> list[Task]:
    """Ingest, then a refresh of each derived table after those it depends on, a publication after each that has one.

    The site of tables comes last, whatever became of the others.
    """
    known = catalog.tables() if tables is None else tables
    derived = {name: one for name, one in known.items() if one.is_derived}
    tasks = [ingest_task()]
    for name, one in derived.items():
        before = tuple(_refresh_id(other) for other in sorted(catalog.before(one, known)) if other in derived)
        tasks.append(Task(_refresh_id(name), ("refresh", name), before or (INGEST,), one.owner, page(one), (name,)))
        if one.warehouse or one.serving:
            doc = f"Publishes the version of `{name}` that passed its checks."
            tasks.append(Task(f"publish.{name}", ("publish", name), (_refresh_id(name),), one.owner, doc))
    ends = tuple(one.task_id for one in tasks if not any(one.task_id in other.after for other in tasks))
    return [*tasks, Task(DOCS, ("docs",), ends, "data-platform", "Builds the site of tables.", (), 15, True)]


def page(table: Table) -> str:
    """A table in Markdown: what a row is, where it comes from, its columns and checks' consequences."""
    columns = "\n".join(f"| `{one.name}` | {_type(one)} | {one.description} |" for one in table.fields)
    inputs = ", ".join(f"`{name}`" for name in table.inputs) or "Kafka"
    refers = sorted({check.to for check in table.checks if isinstance(check, References)})
    refers_to = f" Refers to {', '.join(f'`{name}`' for name in refers)}." if refers else ""
    return (
        f"### {table.full_name}\n\n{table.description}\n\n"
        f"A row: {table.grain}. From {inputs}.{refers_to} Owner: {table.owner}; {table.schedule}, at most "
        f"{table.promised_hours} hours old.\n\n| column | type | meaning |\n|---|---|---|\n{columns}\n"
    )


def _type(field: Field) -> str:
    return f"{field.type}{' or null' if field.nullable else ''}"


def _refresh_id(name: str) -> str:
    return f"refresh.{name}"
