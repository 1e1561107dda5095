"""The steps of a batch run, each on its own, for a scheduler that runs them in the order of the catalogue.

What a step does is what `run_batch` does there, under the same lock and with the same lineage.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession

from infra.checks import Checker
from infra.engine import open_session
from infra.kafka.manifests import read_manifests
from infra.lake import Lake
from infra.lineage import Lineage
from infra.local.stack import Endpoints
from infra.openlineage_events import TopicOffsets
from infra.schema_registry import schema_registry
from infra.settings import Settings
from jobs.check_results import record_check_results
from jobs.declarations import require_migrated
from jobs.ingest import ingest, playback_topic
from jobs.manifests import record_manifests
from jobs.run_lock import run_lock
from jobs.runner import Progress, Refreshed, Runner
from schemas.bronze import MANIFESTS, PLAYBACK_EVENTS
from schemas.errors import InputError, MissingInputError
from schemas.model import Table
from schemas.quality import CHECK_RESULTS

if TYPE_CHECKING:
    from jobs.publish import Publication


@dataclass(frozen=True)
class Opened:
    """What a step works with, while the home is locked for it."""

    session: SparkSession
    lake: Lake
    checker: Checker
    lineage: Lineage


def ingest_step(settings: Settings, endpoints: Endpoints, on_progress: Progress) -> int:
    """Read the topic into the ledger and write down the manifests; how many offsets were read. Raises as `ingest`."""
    with opened(settings, "ingest", on_progress) as step:
        announced = read_manifests(settings.home)
        topic = playback_topic(settings, endpoints)
        read = TopicOffsets(endpoints.kafka_bootstrap, topic.name, topic.topic_id)
        with step.lineage.writing(PLAYBACK_EVENTS, read):
            count = ingest(step.session, step.lake, topic, read.ranges.extend)
        with step.lineage.writing(MANIFESTS):
            record_manifests(step.session, step.lake, step.checker, announced)
        return count


def refresh_step(settings: Settings, table: Table, on_progress: Progress) -> Refreshed:
    """Bring one derived table up to date and check it. Raises as `Runner.refresh`, InputError if it is not derived."""
    if not table.is_derived:
        raise InputError(f"{table.full_name} is not computed from other tables: `tonearm ingest` fills it.")
    with opened(settings, "refresh", on_progress) as step, step.lineage.writing(table):
        return Runner(step.session, step.lake, step.checker, schema_registry(settings)).refresh(table)


def publish_step(settings: Settings, endpoints: Endpoints, table: Table, on_progress: Progress) -> "list[Publication]":
    """Publish the version of the table that passed its checks last. Raises as `publish`."""
    from jobs.publish import publish  # The clients of the stores: a second that no other step needs.

    with run_lock(settings.home):
        version = Checker(settings.home).passed_version(table)
        if version is None:
            raise MissingInputError(f"No version of {table.full_name} has passed its checks yet: refresh it first.")
        started = datetime.now(UTC)
        sent = publish(settings, endpoints, Lake(settings.lake), table, version, on_progress)
        Lineage(settings, "publish", on_progress).published(table, [one.store for one in sent], version, started)
        return sent


@contextmanager
def opened(settings: Settings, name: str, on_progress: Progress) -> Iterator[Opened]:
    """Lock the home and open what a step needs; in the end what checks have found is written down, and warnings said.

    `name` is the job that lineage tells of.
    """
    with run_lock(settings.home), open_session(settings) as session:
        require_migrated(settings)
        lineage = Lineage(settings, name, on_progress)
        step = Opened(session, Lake(settings.lake), Checker(settings.home), lineage)
        try:
            yield step
        finally:
            with lineage.writing(CHECK_RESULTS):
                _, warnings = record_check_results(session, step.lake, step.checker)
            for warning in warnings:
                on_progress(warning.checked_table, f"warns: {warning.message}")
