"""One batch run: ingest → refresh and check every table → publish → balance. What `tonearm run` does after sending."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from infra import failpoints
from infra.check_results import CheckResult
from infra.kafka.manifests import read_manifests
from infra.local.stack import Endpoints
from infra.settings import Settings
from jobs.balance import Balance, balance
from jobs.publish import Publication
from jobs.runner import Progress, Refreshed
from jobs.steps import opened, publish_version, read_catalogue, read_topic, recording, write_manifests
from jobs.store_counts import counts_in_stores
from schemas import catalog


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
    with opened(settings, "run", say) as step:
        # Read before Kafka is: what is acknowledged here must be in the ledger after the ingest.
        announced = read_manifests(settings.home)
        with _timed(done.seconds, "ingest"):
            say("bronze.playback_events", "ingest")
            done.ingested = read_topic(step, endpoints)
        with _timed(done.seconds, "refresh"), recording(step) as recorded:
            say("bronze.manifests", "refresh")
            done.refreshed.append(write_manifests(step, announced))
            say("bronze.catalogue_rows", "refresh")
            done.refreshed.append(read_catalogue(step))
            done.refreshed += step.runner.refresh_all(say, step.lineage.writing, settings.statistics)
        done.refreshed += recorded.refreshed
        done.warnings = recorded.warnings
        with _timed(done.seconds, "publish"):
            for table in catalog.lake_tables().values():
                version = step.checker.passed_version(table)
                if version is not None and table.is_published:
                    say(table.full_name, "publish")
                    done.published += publish_version(settings, endpoints, table, version, step.lineage, say)
        with _timed(done.seconds, "balance"):
            say("balance sheet", "count")
            after = read_manifests(settings.home)
            stores = counts_in_stores(settings, endpoints)
            failpoints.reach("balance.counted")
            done.sheet = balance(step.session, step.lake, announced, after, stores)
    return done


@contextmanager
def _timed(seconds: dict[str, float], name: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[name] = time.perf_counter() - started
