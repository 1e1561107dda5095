"""What the pages say of each table: the declaration, and what is found in a home. No value of a row is looked at."""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from infra import delta_log
from infra.lake import Lake
from infra.openlineage_events import stored_events
from infra.settings import Settings
from infra.table_sizes import Extent, extent, rows_by_date
from infra.validations import Validations
from jobs.sheet import Sheet, balance_rows, sheet_of
from schemas import catalog
from schemas.errors import MissingInputError
from schemas.model import KeyedMerge, Ledger, Live, ReplaceAll, ReplaceDates, ReplaceSlices, Snapshot, Table
from schemas.quality import CHECK_RESULTS
from schemas.render.check_words import checks_in_words

HOW = {
    Ledger: "appended to, from the offsets that it holds",
    KeyedMerge: "new records are merged by the key",
    ReplaceDates: "dates that changed in an input that it follows are replaced",
    ReplaceSlices: "periods of the listeners that changed in the first input are replaced",
    ReplaceAll: "recomputed as a whole when an input has changed",
    Snapshot: "written down when the run knows something new",
    Live: "upserted by the live pipeline while it reads the topic",
}


@dataclass(frozen=True)
class Verdict:
    """One check in words, and what it found last: `met`, `broken`, or `not asked` before the first run."""

    words: str
    severity: str
    state: str
    version: int | None = None
    message: str = ""


@dataclass(frozen=True)
class Written:
    """One version that a run wrote, by its lineage event: rows of the whole table afterwards, and whether it passed."""

    at: datetime  # UTC
    version: int
    rows: int
    bytes: int
    passed: bool


@dataclass(frozen=True)
class Facts:
    """A table as its page shows it; `version` is None before the first run."""

    table: Table
    readers: tuple[str, ...]
    version: int | None
    written_at: datetime | None  # UTC
    size: Extent
    by_date: dict[date, int]
    checks: tuple[Verdict, ...]
    history: tuple[Written, ...]
    validation: dict[str, Any] | None

    @property
    def how(self) -> str:
        """How it is refreshed, in words."""
        return HOW[type(self.table.refresh)]

    @property
    def stores(self) -> tuple[str, ...]:
        """Where it is published."""
        both = (("BigQuery", self.table.warehouse), ("Cassandra", self.table.serving))
        return tuple(name for name, declared in both if declared)

    @property
    def extent_in_words(self) -> str:
        """How many rows there are, as far as the lake says."""
        if self.table.is_live:
            return "in the stores, as events come in"
        return (
            "not computed yet"
            if self.version is None
            else f"{self.size.rows:,} row{'' if self.size.rows == 1 else 's'}"
        )

    @property
    def broken(self) -> tuple[Verdict, ...]:
        """Checks that do not hold."""
        return tuple(one for one in self.checks if one.state == "broken")


@dataclass(frozen=True)
class Site:
    """All that the site shows; `sheet` is None before the first run."""

    tables: dict[str, Facts]
    sheet: Sheet | None
    run_at: datetime | None  # UTC, when the last run ended
    made_at: datetime  # UTC


def gather(settings: Settings) -> Site:
    """Look at the declarations and at a home; a home without a run gives pages of declarations."""
    lake = Lake(settings.lake)
    results, events, validations = _results(lake), stored_events(settings.home), Validations(settings.home)
    found = {
        name: _facts(lake, one, results.get(name, {}), events, validations.last(name))
        for name, one in catalog.tables().items()
    }
    try:
        sheet = sheet_of(balance_rows(lake))
    except MissingInputError:
        sheet = None
    return Site(found, sheet, _last_run(settings), datetime.now(UTC))


def _facts(
    lake: Lake,
    table: Table,
    results: dict[str, dict[str, Any]],
    events: list[dict[str, Any]],
    validation: dict[str, Any] | None,
) -> Facts:
    version = lake.version(table)
    commit = None if version is None else delta_log.commit(lake.path(table), version)
    return Facts(
        table,
        tuple(name for name, one in catalog.tables().items() if table.full_name in one.inputs),
        version,
        commit.committed_at if commit else None,
        extent(lake, table),
        rows_by_date(lake, table) if table.partition_by else {},
        tuple(_verdict(words, severity, results) for words, severity in _asked(table).items()),
        tuple(_written(table, events)),
        validation,
    )


def _asked(table: Table) -> dict[str, str]:
    """Checks that a run asks: none of the ledger, which holds what came, and none of what is not in the lake."""
    return {} if table.is_live or isinstance(table.refresh, Ledger) else checks_in_words(table)


def _results(lake: Lake) -> dict[str, dict[str, dict[str, Any]]]:
    """Table → check → its row of the last version that it was asked of."""
    if lake.version(CHECK_RESULTS) is None:
        return {}
    latest: dict[str, dict[str, dict[str, Any]]] = {}
    order = [("checked_at", "ascending"), ("table_version", "ascending")]
    for row in lake.rows(CHECK_RESULTS).sort_by(order).to_pylist():
        latest.setdefault(row["checked_table"], {})[row["check_name"]] = row
    return latest


def _verdict(words: str, severity: str, results: dict[str, dict[str, Any]]) -> Verdict:
    row = results.get(words)
    if row is None:
        return Verdict(words, severity, "not asked")
    return Verdict(words, severity, "met" if row["is_met"] else "broken", row["table_version"], row["message"])


def _written(table: Table, events: list[dict[str, Any]]) -> list[Written]:
    if table.is_live:
        return []
    found = []
    for event in events:
        if event["eventType"] == "START" or event["job"]["name"] != table.full_name:
            continue
        output = event["outputs"][0]
        statistics = output["outputFacets"]["outputStatistics"]
        found.append(
            Written(
                datetime.fromisoformat(event["eventTime"]),
                int(output["facets"]["version"]["datasetVersion"]),
                statistics["rowCount"],
                statistics["size"],
                event["eventType"] == "COMPLETE",
            )
        )
    return found


def _last_run(settings: Settings) -> datetime | None:
    try:
        return datetime.fromisoformat(json.loads((settings.home / "report.json").read_text())["finished_at"])
    except FileNotFoundError:
        return None
