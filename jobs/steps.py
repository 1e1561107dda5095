"""The steps of a batch run: `run_batch` does all of them, a scheduler each on its own, in the order of the catalogue.

Under one lock, with one lineage: what a step does is the same on either way.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession

from infra.check_results import CheckResult
from infra.checks import Checker
from infra.engine import Sessions, open_sessions
from infra.kafka.manifests import Manifest, read_manifests
from infra.lake import Lake
from infra.lineage import Lineage
from infra.local.stack import Endpoints
from infra.openlineage_events import TopicOffsets
from infra.schema_registry import schema_registry
from infra.settings import Settings
from jobs.catalogue_feed import record_catalogue
from jobs.check_results import record_check_results
from jobs.declarations import require_migrated
from jobs.ingest import ingest, playback_topic
from jobs.manifests import record_manifests
from jobs.restatements import record_restatements
from jobs.run_lock import run_lock
from jobs.runner import Progress, Refreshed, Runner
from schemas.area_statistics import AREA_PERIODS, RESTATEMENTS
from schemas.bronze import MANIFESTS, PLAYBACK_EVENTS
from schemas.errors import InputError, MissingInputError
from schemas.model import Table
from schemas.music_catalogue import CATALOGUE_ROWS
from schemas.quality import CHECK_RESULTS

if TYPE_CHECKING:
    from jobs.publish import Publication


@dataclass(frozen=True)
class Opened:
    """What a step works with, while the home is locked for it."""

    settings: Settings
    sessions: Sessions
    lake: Lake
    checker: Checker
    lineage: Lineage
    say: Progress

    @property
    def runner(self) -> Runner:
        """What refreshes tables."""
        registry = schema_registry(self.settings)
        rows, others = self.settings.round_rows, self.sessions.others
        return Runner(self.session, self.lake, self.checker, registry, rows, others)

    @property
    def session(self) -> SparkSession:
        """The one that every table can be read with."""
        return self.sessions.payloads


@dataclass
class Recorded:
    """What checks have found, once it is written down."""

    refreshed: list[Refreshed] = field(default_factory=list)
    warnings: list[CheckResult] = field(default_factory=list)


@contextmanager
def opened(settings: Settings, name: str, say: Progress) -> Iterator[Opened]:
    """Lock the home and open what steps need; `name` is the job that lineage tells of.

    Raises SupersededError while another run is at work, MigrationError on a lake of other declarations.
    """
    with run_lock(settings.home), open_sessions(settings) as sessions:
        require_migrated(settings)
        lineage = Lineage(settings, name, say)
        checker = Checker(settings.home, settings.round_rows)
        yield Opened(settings, sessions, Lake(settings.lake), checker, lineage, say)


@contextmanager
def recording(step: Opened) -> Iterator[Recorded]:
    """Around what refreshes: in the end what checks have found is written down, of a table that failed too."""
    recorded = Recorded()
    try:
        yield recorded
        if step.lake.version(AREA_PERIODS) is not None:
            with step.lineage.writing(RESTATEMENTS):
                recorded.refreshed.append(record_restatements(step.session, step.lake, step.checker))
    finally:
        with step.lineage.writing(CHECK_RESULTS):
            refreshed, recorded.warnings = record_check_results(step.session, step.lake, step.checker)
        recorded.refreshed.append(refreshed)
        for warning in recorded.warnings:
            step.say(warning.checked_table, f"warns: {warning.message}")


def read_topic(step: Opened, endpoints: Endpoints) -> int:
    """Read the topic into the ledger; how many offsets were read. Raises as `ingest`."""
    topic = playback_topic(step.settings, endpoints)
    read = TopicOffsets(endpoints.kafka_bootstrap, topic.name, topic.topic_id)
    with step.lineage.writing(PLAYBACK_EVENTS, read):
        return ingest(step.session, step.lake, topic, read.ranges.extend)


def write_manifests(step: Opened, announced: list[Manifest]) -> Refreshed:
    """Write down what producers have announced."""
    with step.lineage.writing(MANIFESTS):
        return record_manifests(step.session, step.lake, step.checker, announced)


def read_catalogue(step: Opened) -> Refreshed:
    """Read the feed of the catalogue, where it is another one. Raises as `record_catalogue`."""
    with step.lineage.writing(CATALOGUE_ROWS):
        return record_catalogue(step.session, step.lake, step.checker, step.settings.feed)


def publish_version(
    settings: Settings, endpoints: Endpoints, table: Table, version: int, lineage: Lineage, say: Progress
) -> "list[Publication]":
    """Publish a version of the table and tell lineage where it is. Raises as `publish`."""
    from jobs.publish import publish  # The clients of the stores: a second that no other step needs.

    started = datetime.now(UTC)
    sent = publish(settings, endpoints, Lake(settings.lake), table, version, say)
    lineage.published(table, [one.store for one in sent], version, started)
    return sent


def ingest_step(settings: Settings, endpoints: Endpoints, say: Progress) -> int:
    """Read the topic into the ledger and write down the manifests; how many offsets were read. Raises as `ingest`."""
    with opened(settings, "ingest", say) as step, recording(step):
        # Read before Kafka is: what is acknowledged here must be in the ledger after the ingest.
        announced = read_manifests(settings.home)
        count = read_topic(step, endpoints)
        write_manifests(step, announced)
        read_catalogue(step)
        return count


def refresh_step(settings: Settings, table: Table, say: Progress) -> Refreshed:
    """Bring one derived table up to date and check it. Raises as `Runner.refresh`, InputError if it is not derived."""
    if not table.is_derived:
        raise InputError(f"{table.full_name} is not computed from other tables: `tonearm ingest` fills it.")
    with opened(settings, "refresh", say) as step, recording(step), step.lineage.writing(table):
        return step.runner.refresh_alone(table)


def publish_step(settings: Settings, endpoints: Endpoints, table: Table, say: Progress) -> "list[Publication]":
    """Publish the version of the table that passed its checks last. Raises as `publish`, MissingInputError if none."""
    with run_lock(settings.home):
        version = Checker(settings.home).passed_version(table)
        if version is None:
            raise MissingInputError(f"No version of {table.full_name} has passed its checks yet: refresh it first.")
        return publish_version(settings, endpoints, table, version, Lineage(settings, "publish", say), say)
