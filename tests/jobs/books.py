"""A lake in which records have the fates that a test says, and its balance sheet."""

from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
from deltalake import write_deltalake
from pyspark.sql import SparkSession

from infra.kafka.manifests import Manifest
from infra.lake import Lake
from jobs.balance import DAILY, Balance, balance
from jobs.manifests import record_manifests
from jobs.runner import Runner
from jobs.sheet import HourLine
from jobs.stage_line import StageLine
from jobs.store_counts import Cells
from playback.arrow import arrow_schema
from schemas import catalog
from schemas.gold import EVENT_BALANCE
from tests.jobs.unchecked import Unchecked

HOUR, NEXT_HOUR = "2026-11-20T12", "2026-11-20T13"
DAY, NEXT_DAY = date(2026, 11, 20), date(2026, 11, 21)
LEDGER = "bronze.playback_events"
SILVER = ("silver.plays", "silver.merged_plays", "silver.duplicates")
TABLES = (LEDGER, *SILVER, "bronze.dead_letters", *DAILY, "gold.country_charts")
STAND_IN = {
    "string": "",
    "binary": b"",
    "boolean": False,
    "int": 0,
    "long": 0,
    "timestamp": datetime(2026, 11, 20, 12, 30, tzinfo=UTC),
    "date": DAY,
}


class Books:
    """A lake in which records have the given fates."""

    def __init__(self, session: SparkSession, lake: Lake) -> None:
        self._session = session
        self._lake = lake
        for name in TABLES:
            lake.create(catalog.table(name))
        self._offset = 0

    def put(self, name: str, count: int, offset: int = 0, hour: int = 12, **values: Any) -> None:
        table = catalog.table(name)
        at = datetime(2026, 11, 20, hour, 30, tzinfo=UTC)
        client = f"manifest:{values['manifest_id']}" if values.get("manifest_id") else "unknown"
        common = {"topic_id": "T", "topic": "events", "appended_at": at, "content_type": "track", "client_id": client}
        empty = {field.name: None if field.nullable else STAND_IN.get(field.type) for field in table.stored_fields}
        given = {column: value for column, value in (common | values).items() if column in empty}
        rows = [empty | given | ({"offset": offset + n} if "offset" in empty else {}) for n in range(count)]
        write_deltalake(
            self._lake.path(table), pa.Table.from_pylist(rows, arrow_schema(table.stored_fields)), mode="append"
        )

    def arrive(self, fate: str, count: int, manifest_id: str | None = "m", hour: int = 12, **values: Any) -> None:
        """Records that come in under a manifest and are all of one fate; accepted ones are counted in gold."""
        start, self._offset = self._offset, self._offset + count
        for name in (LEDGER, fate):
            self.put(name, count, start, hour, manifest_id=manifest_id, **values)
        if fate == "silver.plays":
            for name in DAILY:
                self.put(name, 1, event_date=values.get("event_date", DAY), playback_count=count)

    def sheet(
        self,
        before: list[Manifest],
        after: list[Manifest] | None = None,
        stores: dict[tuple[str, str], Cells] | None = None,
    ) -> Balance:
        """The sheet of a run that starts when the manifests are `before`, and ends when they are `after`."""
        unchecked = Unchecked(self._lake.root)
        record_manifests(self._session, self._lake, unchecked, before)
        Runner(self._session, self._lake, unchecked).refresh(EVENT_BALANCE)
        return balance(self._session, self._lake, before, before if after is None else after, stores or {})

    def line(self, before: list[Manifest], after: list[Manifest] | None = None) -> HourLine:
        (line,) = self.sheet(before, after).hours
        return line

    def announced(self, before: list[Manifest], after: list[Manifest] | None = None) -> StageLine:
        """The line of what our producers announced for the one topic."""
        (line,) = [line for line in self.sheet(before, after).stages if line.stage == "announced for events"]
        return line


def manifest(
    planned: int, acknowledged: int | None = None, hour: str = HOUR, name: str = "m", source: str = "import"
) -> Manifest:
    """A manifest of that many messages, all acknowledged within `hour` unless fewer are given."""
    known = planned if acknowledged is None else acknowledged
    return Manifest(
        manifest_id=name,
        source=source,
        subject="",
        started_at=datetime(2026, 11, 20, 12, tzinfo=UTC),
        topic="events",
        topic_id="T",
        events=planned,
        acknowledged=known,
        by_hour_and_partition={hour: {0: known}} if known else {},
        in_doubt_by_hour={hour: planned - known} if planned > known else {},
    )


def wrong(sheet: Balance) -> list[str]:
    """The stages that do not add up."""
    return [line.stage for line in sheet.stages if not line.adds_up]
