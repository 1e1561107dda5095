"""The run report: the balance sheet, what each table took, example queries with answers, and where to look next."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from infra import failpoints
from infra.lake import Lake
from infra.local.stack import Endpoints
from infra.replace_file import replace_file
from infra.settings import Settings
from jobs.batch import BatchRun
from jobs.catalogue_feed import refused_rows
from schemas import catalog
from schemas.errors import MissingInputError
from schemas.music_catalogue import CATALOGUE_ROWS
from tonearm.examples import answered_examples

Report = dict[str, Any]


def run_report(settings: Settings, endpoints: Endpoints, done: BatchRun, listener: str) -> Report:
    """Everything the report says, ready for JSON; `listener` is an account name whose days are shown, or empty."""
    lake = Lake(settings.lake)
    refreshed = {one.table.full_name: one for one in done.refreshed}
    tables = []
    for name, table in catalog.lake_tables().items():
        one = refreshed.get(name)
        sizes = lake.file_sizes(table)
        tables.append(
            {
                "table": name,
                "rows": lake.row_count(table),
                "files": len(sizes),
                "bytes": sum(sizes),
                "changed": one.changed if one else done.ingested > 0,
                "seconds": round(one.seconds if one else done.seconds["ingest"], 2),
            }
        )
    return {
        "finished_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "engine": settings.engine,
        "process": os.getpid(),
        "balance": done.sheet.as_dict(),
        "catalogue": {"rows": lake.row_count(CATALOGUE_ROWS), "refused": refused_rows(lake)},
        "tables": tables,
        "publications": [
            {
                "table": one.table,
                "store": one.store,
                "publish_number": one.publish_number,
                "rows": one.rows,
                "deleted": one.deleted,
                "seconds": round(one.seconds, 2),
            }
            for one in done.published
        ],
        "seconds": {name: round(seconds, 2) for name, seconds in done.seconds.items()},
        "examples": answered_examples(settings, endpoints, listener),
        "endpoints": {
            "kafka": endpoints.kafka_bootstrap,
            "bigquery": endpoints.bigquery_url,
            "cassandra": f"{','.join(endpoints.cassandra_hosts)}:{endpoints.cassandra_port}",
            "lake": str(settings.lake),
        },
    }


def save_report(home: Path, report: Report) -> None:
    """Keep the report as the last run's, for `tonearm report`; it may name a listener, so it is its owner's alone."""
    failpoints.reach("report.made")
    replace_file(home / "report.json", json.dumps(report), mode=0o600)


def last_report(home: Path) -> Report:
    """The last run's report; raises MissingInputError when no run has come to its end in this home."""
    try:
        report: Report = json.loads((home / "report.json").read_text())
    except FileNotFoundError:
        raise MissingInputError("No run has come to its end here yet: start one with `make run`.") from None
    return report
