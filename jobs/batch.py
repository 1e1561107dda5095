"""One batch run: ingest → refresh and check every table → publish → balance. What `tonearm run` does after sending."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from infra import failpoints
from infra.check_results import CheckResult
from infra.checks import Checker
from infra.engine import open_session
from infra.kafka.manifests import read_manifests
from infra.lake import Lake
from infra.lineage import Lineage
from infra.local.stack import Endpoints
from infra.openlineage_events import TopicOffsets
from infra.schema_registry import schema_registry
from infra.settings import Settings
from jobs.balance import Balance, balance
from jobs.check_results import record_check_results
from jobs.declarations import require_migrated
from jobs.ingest import ingest, playback_topic
from jobs.manifests import record_manifests
from jobs.publish import Publication, publish
from jobs.run_lock import run_lock
from jobs.runner import Progress, Refreshed, Runner
from jobs.store_counts import counts_in_stores
from schemas import catalog
from schemas.bronze import MANIFESTS, PLAYBACK_EVENTS
from schemas.quality import CHECK_RESULTS


@dataclass
class BatchRun:
    """What one run did; seconds are wall time by step."""

    ingested: int = 0
    refreshed: list[Refreshed] = field(default_factory=list)
    published: list[Publication] = field(default_factory=list)
    warnings: list[CheckResult] = field(default_factory=list)
    sheet: Balance = field(default_factory=Balance)
    seconds: dict[str, float] = field(default_factory=dict)


def run_batch(settings: Settings, endpoints: Endpoints, on_progress: Progress | None = None) -> BatchRun:
    """Run the whole batch path once. Raises what the steps raise; running again finishes what was begun.

    Raises MigrationError, before anything is done, on a lake of other declarations.
    """
    say = on_progress or (lambda _what, _step: None)
    done = BatchRun()
    lake = Lake(settings.lake)
    checker = Checker(settings.home)
    with run_lock(settings.home), open_session(settings) as session:
        require_migrated(settings)
        lineage = Lineage(settings, "run", on_progress)
        # Read before Kafka is: what is acknowledged here must be in the ledger after the ingest.
        announced = read_manifests(settings.home)
        with _timed(done.seconds, "ingest"):
            say("bronze.playback_events", "ingest")
            topic = playback_topic(settings, endpoints)
            read = TopicOffsets(endpoints.kafka_bootstrap, topic.name, topic.topic_id)
            with lineage.writing(PLAYBACK_EVENTS, read):
                done.ingested = ingest(session, lake, topic, read.ranges.extend)
        with _timed(done.seconds, "refresh"):
            say("bronze.manifests", "refresh")
            with lineage.writing(MANIFESTS):
                done.refreshed.append(record_manifests(session, lake, checker, announced))
            runner = Runner(session, lake, checker, schema_registry(settings))
            try:
                done.refreshed += runner.refresh_all(on_progress, lineage.writing)
            finally:
                # Of a table that stopped the run too.
                with lineage.writing(CHECK_RESULTS):
                    recorded, done.warnings = record_check_results(session, lake, checker)
                done.refreshed.append(recorded)
            for warning in done.warnings:
                say(warning.checked_table, f"warns: {warning.message}")
        with _timed(done.seconds, "publish"):
            for table in catalog.lake_tables().values():
                version = checker.passed_version(table)
                if version is not None and (table.warehouse or table.serving):
                    say(table.full_name, "publish")
                    started = datetime.now(UTC)
                    sent = publish(settings, endpoints, lake, table, version, on_progress)
                    lineage.published(table, [one.store for one in sent], version, started)
                    done.published += sent
        with _timed(done.seconds, "balance"):
            say("balance sheet", "count")
            after = read_manifests(settings.home)
            stores = counts_in_stores(settings, endpoints)
            failpoints.reach("balance.counted")
            done.sheet = balance(session, lake, announced, after, stores)
    return done


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - started
