"""What a scheduler runs: the batch as tasks, each one command, derived from the catalogue.

A task is a command of `tonearm`. How it is run (on this machine, as a job of a cluster) is the scheduler's business.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from schemas import catalog
from schemas.checks import References
from schemas.gold import DAILY_TRACK_PLAYS
from schemas.live_comparison import BATCH_DIFFERENCES
from schemas.model import Field, Table
from schemas.statistics import TAG

INGEST = "ingest"
"""Task that fills the ledger and writes down the manifests."""

DOCS = "docs"

COMPARE = "compare"
"""Task that holds gold against live."""

POOL = "tonearm"
"""The pool that tasks run in, of one slot: a home takes one writer at a time."""

LIVE_POOL = "default_pool"
"""Airflow's own, for what writes nothing into the lake: it must not wait for a long refresh."""

OWNER = "data-platform"
"""Of tasks that belong to no table."""

DATE = "{{ ds }}"
"""The date that a run of Airflow's backfill is of, as its templates call it."""


@dataclass(frozen=True)
class Task:
    """One task: its id, the words after `tonearm`, the tasks before it, and what a person reads of it (Markdown).

    `writes` are full names of the tables that it may give a new version; `timeout_minutes` is when it is given up. One
    that `runs_always` runs after the others have ended, also where they failed. `backfill_words` take the place of
    `words` in a run of Airflow's own backfill, for its date `DATE`. One that does not use the engine needs no Spark.
    """

    task_id: str
    words: tuple[str, ...]
    after: tuple[str, ...]
    owner: str
    doc: str
    writes: tuple[str, ...] = ()
    timeout_minutes: int = 120
    runs_always: bool = False
    backfill_words: tuple[str, ...] = ()
    uses_engine: bool = True
    pool: str = POOL


def ingest_task() -> Task:
    """From Kafka into the ledger; it may run at any time and any number of times."""
    ledger = catalog.table("bronze.playback_events")
    made = tuple(name for name, one in catalog.tables().items() if not one.inputs and one.layer == "bronze")
    return Task(INGEST, ("ingest",), (), ledger.owner, page(ledger), made, timeout_minutes=60)


def daily_tasks(tables: Mapping[str, Table] | None = None) -> list[Task]:
    """Ingest, then a refresh of each derived table after those it depends on, a publication after each that has one.

    Once there is gold, it is held against the live tables. The site of tables comes last, whatever became of the
    others. Statistics are left to `statistics_tasks`.
    """
    known = catalog.tables() if tables is None else tables
    derived = {name: one for name, one in known.items() if one.is_derived and TAG not in one.tags}
    tasks = [ingest_task(), *_table_tasks(derived, known, (INGEST,)), _compare_task()]
    ends = tuple(one.task_id for one in tasks if not any(one.task_id in other.after for other in tasks))
    docs = Task(DOCS, ("docs",), ends, OWNER, "Builds the site of tables.", timeout_minutes=15, runs_always=True)
    return [*tasks, replace(docs, uses_engine=False)]


def statistics_tasks() -> list[Task]:
    """A refresh of each table of the statistics after those of them it depends on, and publications.

    What is written down beside a refresh, and has none of its own, is published after that.
    """
    known = {name: one for name, one in catalog.tables().items() if TAG in one.tags}
    derived = {name: one for name, one in known.items() if one.is_derived}
    tasks = _table_tasks(derived, catalog.tables(), ())
    beside = [one for name, one in known.items() if name not in derived and one.is_published]
    return [*tasks, *(_publish_task(one, tuple(map(_refresh_id, one.inputs))) for one in beside)]


def _table_tasks(derived: Mapping[str, Table], known: Mapping[str, Table], first: tuple[str, ...]) -> list[Task]:
    """A refresh of each table, and a publication of those that have one; what depends on none comes after `first`."""
    tasks = []
    for name, one in derived.items():
        before = tuple(_refresh_id(other) for other in sorted(catalog.before(one, known)) if other in derived)
        again = ("backfill", name, DATE, DATE) if one.is_by_date else ()
        refresh = Task(_refresh_id(name), ("refresh", name), before or first, one.owner, page(one), (name,))
        tasks.append(replace(refresh, backfill_words=again))
        if one.is_published:
            tasks.append(_publish_task(one, (_refresh_id(name),)))
    return tasks


def _publish_task(table: Table, after: tuple[str, ...]) -> Task:
    name, doc = table.full_name, f"Publishes the version of `{table.full_name}` that passed its checks."
    return Task(f"publish.{name}", ("publish", name), after, table.owner, doc, uses_engine=False)


def _compare_task() -> Task:
    name, gold = BATCH_DIFFERENCES.full_name, DAILY_TRACK_PLAYS.full_name
    doc = f"Holds `{gold}` against the live tables and publishes `{name}`; where no pipeline ran, nothing is done."
    return Task(COMPARE, ("compare",), (_refresh_id(gold),), BATCH_DIFFERENCES.owner, doc, uses_engine=False)


def maintain_task() -> Task:
    """Compaction and vacuum of every table."""
    doc = "Merges small files and removes files that nobody needs; no row changes."
    return Task("maintain", ("maintain",), (), OWNER, doc, uses_engine=False)


def keep_alive_task() -> Task:
    """A look at the live pipeline, which is started again where it is dead."""
    doc = "Starts the live pipeline again where it makes no progress; where it does, nothing is done."
    return Task("keep_alive", ("keep-alive",), (), OWNER, doc, timeout_minutes=10, uses_engine=False, pool=LIVE_POOL)


def backfill_task() -> Task:
    """Dates of a table computed again, as the parameters of a run by hand say."""
    words = ("backfill", "{{ params.table }}", "{{ params.first }}", "{{ params.last }}")
    downstream = "{{ '--downstream' if params.downstream else '--no-downstream' }}"
    doc = "Computes dates of a table again, from its inputs, in one commit; the next daily run publishes them."
    return Task("backfill", (*words, downstream), (), OWNER, doc, tables_by_date(), timeout_minutes=24 * 60)


def tables_by_date() -> tuple[str, ...]:
    """Full names of the tables whose dates can be computed one by one."""
    return tuple(name for name, one in catalog.tables().items() if one.has_dates)


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
