"""The sources of metrics, each read by what status, report and site read it with.

A source raises what its reader raises. What is not there yet gives no samples: a home before its first run is no fault.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path

from infra.checks import Checker
from infra.kafka.connection import client_properties
from infra.kafka.offsets import offset_bounds
from infra.kafka.topics import topic_id
from infra.lake import Lake
from infra.local.stack import Endpoints, endpoints
from infra.run_log import last_runs
from infra.serving_store.ledger import Ledger, last_completed, unfinished
from infra.serving_store.plan import is_held
from infra.serving_store.session import serving_session
from infra.settings import Settings
from jobs.sheet import Sheet
from jobs.stores import declared_stores
from pipelines.progress import read_progress
from playback.reasons import Reason
from schemas import catalog
from schemas.bronze import DEAD_LETTERS, PLAYBACK_EVENTS
from schemas.gold import FATES
from schemas.model import Table
from schemas.statistics import TAG
from tonearm.live_status import lag_by_partition, live_status
from tonearm.metrics import declared
from tonearm.metrics.declared import Sample, Source
from tonearm.report import last_report
from tonearm.site.facts import Facts, gather

Versions = tuple[tuple[str, int] | None, ...]
"""Delta's id and the version of each table; None where it is not there."""


def read_lake(settings: Settings) -> Iterator[Sample]:
    """Tables, checks, the balance sheet and dead letters; read anew when any table has a new version."""
    lake = Lake(settings.lake)
    yield from _of_lake(settings, tuple(_version(lake, one) for one in catalog.lake_tables().values()))


@lru_cache(maxsize=1)
def _of_lake(settings: Settings, _versions: Versions) -> tuple[Sample, ...]:
    site, lake, found = gather(settings), Lake(settings.lake), list[Sample]()
    for name, facts in site.tables.items():
        if not facts.table.is_live:
            found += [*_of_table(name, facts), *_of_checks(name, facts)]
    if site.sheet:
        found += _of_sheet(site.sheet)
    if lake.version(DEAD_LETTERS) is not None:
        counts = lake.counts(DEAD_LETTERS, "reason")
        found += [declared.DEAD_LETTERS(counts.get(reason, 0), reason) for reason in Reason]
    return tuple(found)


def _of_table(name: str, facts: Facts) -> Iterator[Sample]:
    yield declared.TABLE_PROMISE(facts.table.promised_hours * 3600, name)
    if facts.version is None:
        return
    yield declared.TABLE_ROWS(facts.size.rows, name)
    yield declared.TABLE_BYTES(facts.size.bytes, name)
    yield declared.TABLE_FILES(facts.size.files, name)
    if facts.written_at:
        yield declared.TABLE_WRITTEN(facts.written_at.timestamp(), name)


def _of_checks(name: str, facts: Facts) -> Iterator[Sample]:
    asked = Counter(one.severity for one in facts.checks)
    broken = Counter(one.severity for one in facts.broken)
    for severity, count in asked.items():
        yield declared.CHECKS(count, name, severity)
        yield declared.CHECK_FAILURES(broken[severity], name, severity)


def _of_sheet(sheet: Sheet) -> Iterator[Sample]:
    for topic in sorted({line.topic for line in sheet.hours}):
        own = Sheet([line for line in sheet.hours if line.topic == topic])
        yield declared.SENT(own.total("sent"), topic)
        for fate in FATES:
            yield declared.FATES(own.total(fate), topic, fate)
    yield declared.MISSING_CLIENTS(sheet.clients_missing)
    yield declared.BALANCE_ADDS_UP(sheet.adds_up)


def read_runs(settings: Settings) -> Iterator[Sample]:
    """How each command ended last, and when tables were last up to date."""
    refreshed: dict[str, float] = {}
    for one in last_runs(settings.home):
        yield declared.RUN_ENDED(one.ended_at, one.command, one.table)
        yield declared.RUN_SECONDS(one.seconds, one.command, one.table)
        yield declared.RUN_STATUS(one.status, one.command, one.table)
        if one.succeeded_at is not None:
            yield declared.RUN_SUCCEEDED(one.succeeded_at, one.command, one.table)
        if one.command != "backfill":  # which leaves to the next run what else there is
            refreshed |= {name: max(at, refreshed.get(name, at)) for name, at in one.refreshed.items()}
    for name, at in sorted(refreshed.items()):
        yield declared.TABLE_REFRESHED(at, name)


def read_report(settings: Settings) -> Iterator[Sample]:
    """The stages of the last report; raises MissingInputError before the first one."""
    report = last_report(settings.home)
    yield declared.REPORT_MADE(datetime.fromisoformat(report["finished_at"]).timestamp())
    missing, adds_up = Counter[str](), dict[str, bool]()
    for line in report["balance"]["stages"]:  # of a topic that was made again there are two
        stage = line["stage"]
        missing[stage] += line["expected"] - line["counted"] - line["left_out"] - line.get("merged", 0)
        adds_up[stage] = adds_up.get(stage, True) and line["adds_up"]
    for stage, is_right in adds_up.items():
        yield declared.STAGE_ADDS_UP(is_right, stage)
        yield declared.STAGE_MISSING(missing[stage], stage)


def read_live(settings: Settings) -> Iterator[Sample]:
    """What the live pipeline says of itself, without asking a store; nothing where it never ran."""
    said, status = read_progress(settings.home), live_status(settings, Endpoints())
    if said is None or status is None:
        return
    is_up = status.state != "stopped"
    yield declared.LIVE_UP(is_up)
    yield declared.LIVE_CAUGHT_UP(said.caught_up)
    yield declared.LIVE_RUN(status.run_number)
    for metric, moment_us in ((declared.LIVE_WATERMARK, said.passed_us), (declared.LIVE_MARKER, said.marker_us)):
        if moment_us:  # 0: none yet
            yield metric(moment_us / 1e6)
    yield declared.LIVE_DELAY(status.delay_seconds)
    yield declared.LIVE_RATE(status.records_a_second if is_up else 0)
    yield declared.LIVE_DEAD_LETTERS(status.dead_letter_rate if is_up else 0)


def read_kafka(settings: Settings) -> Iterator[Sample]:
    """Ends of the topic's partitions, and how far ledger and live pipeline are from them."""
    bootstrap, topic = endpoints(settings, ("kafka",)).kafka_bootstrap, settings.playback_topic
    bounds = offset_bounds(client_properties(settings, bootstrap), topic)
    for partition, (_, end) in bounds.items():
        yield declared.TOPIC_RECORDS(end, topic, str(partition))
    for partition, lag in lag_by_partition(bounds, _ledger(settings, topic_id(settings, bootstrap, topic))).items():
        yield declared.LEDGER_LAG(lag, topic, str(partition))
    if said := read_progress(settings.home):
        for partition, lag in lag_by_partition(bounds, said.offsets).items():
            yield declared.LIVE_LAG(lag, topic, str(partition))


def _ledger(settings: Settings, topic: str) -> dict[int, int]:
    """The next offset of each partition of the topic with that id, as the ledger has it."""
    version = _version(Lake(settings.lake), PLAYBACK_EVENTS)
    ends = {} if version is None else _ledger_ends(settings.lake, version)
    return {partition: last + 1 for (of, partition), last in ends.items() if of == topic}


@lru_cache(maxsize=1)
def _ledger_ends(root: Path, _version: tuple[str, int]) -> dict[tuple[str, int], int]:
    """The last offset of each topic id and partition. The ingest asks its engine the same; a scrape has none."""
    return Lake(root).greatest(PLAYBACK_EVENTS, "offset", ("topic_id", "partition"))


def read_cassandra(settings: Settings) -> Iterator[Sample]:
    """What is in force in each store, by the ledger of publications, which is in Cassandra."""
    checker = Checker(settings.home)
    with serving_session(settings, endpoints(settings, ("cassandra",))) as serving:
        if not serving.columns("publications"):
            return
        ledger = Ledger(serving)
        for name, table in catalog.lake_tables().items():
            passed = checker.passed_version(table)
            if TAG in table.tags and passed is None:
                continue  # Statistics may be left out.
            for store in declared_stores(table):
                entries = ledger.entries(name, store)
                current = last_completed(entries)
                held = passed is not None and is_held(entries, passed)
                behind = passed is not None and not held and (current is None or current.delta_version != passed)
                if current and current.finished_at:
                    yield declared.PUBLICATION_COMPLETED(current.finished_at.timestamp(), name, store)
                yield declared.PUBLICATION_BEHIND(behind, name, store)
                yield declared.PUBLICATION_HELD(held, name, store)
                yield declared.UNFINISHED(len(unfinished(entries)), name, store)


def _version(lake: Lake, table: Table) -> tuple[str, int] | None:
    version = lake.version(table)
    return None if version is None else (lake.table_id(table), version)


SOURCES: dict[Source, Callable[[Settings], Iterator[Sample]]] = {
    "lake": read_lake,
    "runs": read_runs,
    "report": read_report,
    "live": read_live,
    "kafka": read_kafka,
    "cassandra": read_cassandra,
}
"""All of them."""
