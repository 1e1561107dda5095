"""Builds and runs the live pipeline: Kafka → live tables. One process is one life of it."""

import logging
import uuid
from contextlib import ExitStack
from datetime import UTC, datetime

import apache_beam as beam
import pyarrow as pa
from apache_beam.runners.runner import PipelineState
from grpc import RpcError

from infra.kafka.append_times import Cut
from infra.kafka.connection import client_properties
from infra.kafka.offsets import offset_bounds, start_offsets
from infra.kafka.topics import require_append_times, topic_id
from infra.local.stack import Endpoints, endpoints
from infra.schema_registry import schema_registry
from infra.serving_store.live_cells import closed_track_plays, latest_sessions
from infra.serving_store.live_runs import LiveRun, begin_live_run
from infra.serving_store.rows import stored_keys
from infra.serving_store.session import serving_session
from infra.serving_store.tables import create_control_tables, create_serving_table
from infra.settings import Settings
from infra.warehouse.client import warehouse
from infra.warehouse.tables import create_tables, create_view
from pipelines.dataflow import is_dry_run, prepare
from pipelines.lineage import streaming
from pipelines.options import DATAFLOW, PRISM, LiveOptions
from pipelines.prism import job_service_options, local_prism
from pipelines.sinks import Stores, WriteLive
from pipelines.source import PlaybackLog, read_log
from pipelines.transforms.cells import EMPTY_CELLS
from pipelines.transforms.failures import failures
from pipelines.transforms.live import LiveTables, Run
from pipelines.transforms.rules import SECOND_US, Rules
from pipelines.transforms.sessions import NO_SESSIONS
from schemas import catalog
from schemas.errors import StoreUnavailableError, TonearmError
from schemas.live import CHART_HOURS, COUNTRY_CHARTS, MINUTE_DAYS

_LOGGER = logging.getLogger(__name__)


def run_live(settings: Settings, arguments: list[str], runner: ExitStack) -> None:
    """Run until it is stopped or fails, `detached` until it is submitted; a runner started for it ends with `runner`.

    Of a dry run on Dataflow only the job is described.

    Raises:
        StoreUnavailableError: a bundle failed: start again, from the marker.
        MissingInputError: the topic does not exist yet.
        ConfigurationError: an option is wrong, or the runner cannot be started.
    """
    options = LiveOptions.read(arguments)
    if options.runner_name == DATAFLOW:
        prepare(options, settings)
        if is_dry_run(options):
            describe(settings, options)
            print("The job can be submitted: leave out --dry_run.", flush=True)
            return
    where = endpoints(settings, _services(options))
    if options.runner_name == PRISM:
        address = runner.enter_context(local_prism(settings, options))
        options = LiveOptions.read([*_without_runner(arguments), *job_service_options(address)])
    run = begin(settings, where, bool(options.bigquery_seconds))
    name = f"{run.number}-{uuid.uuid4().hex}"
    source = playback_log(settings, where, run, options, name)
    stores = Stores(settings, where, run, options.bigquery_seconds, options.rules())
    pipeline = build(stores, options, source, name)
    with streaming(settings, where.kafka_bootstrap, source, run.number, options.detached):
        if options.detached:
            pipeline.run()
        else:
            run_to_end(pipeline, name)


def run_to_end(pipeline: beam.Pipeline, name: str) -> None:
    """Run until it fails or is cancelled; a failed bundle fails it, since rows of that bundle may be lost."""
    try:
        state = pipeline.run().wait_until_finish()
    except (RuntimeError, TonearmError, RpcError) as error:
        state = str(error).strip().splitlines()[-1][:300] if str(error).strip() else type(error).__name__
    for failure in failures(name):
        raise failure
    if state not in (PipelineState.DONE, PipelineState.DRAINED, PipelineState.CANCELLED):
        raise StoreUnavailableError(f"The live pipeline failed ({state}): start it again, it goes on from its marker.")


def begin(settings: Settings, where: Endpoints, with_bigquery: bool) -> LiveRun:
    """Make the live tables where they are missing, and take the next number on the topic."""
    topic = topic_id(settings, where.kafka_bootstrap, settings.playback_topic)
    require_append_times(settings, where.kafka_bootstrap, settings.playback_topic)
    live = [table for table in catalog.tables().values() if table.is_live]
    if with_bigquery:
        with warehouse(settings, where) as bigquery:
            for table in live:
                if table.warehouse:
                    create_tables(bigquery, table)
                    create_view(bigquery, table)
    with serving_session(settings, where) as serving:
        create_control_tables(serving, settings)
        for table in live:
            if table.serving:
                create_serving_table(serving, table)
        return begin_live_run(serving, topic)


def playback_log(
    settings: Settings, where: Endpoints, live_run: LiveRun, options: LiveOptions, name: str
) -> PlaybackLog:
    """The topic from the marker on, less what is to be read again."""
    consumer = client_properties(settings, where.kafka_bootstrap)
    topic = settings.playback_topic
    from_us = options.rules().replay_from_us(live_run.marker_us) if live_run.marker_us else 0
    cut = Cut(live_run.passed_us, live_run.offsets)
    return PlaybackLog(
        topic=topic,
        topic_id=live_run.topic_id,
        run=name,
        offsets=not_behind(start_offsets(consumer, topic, from_us), cut),
        cut=cut,
        ends={partition: end for partition, (_, end) in offset_bounds(consumer, topic).items()},
        consumer=consumer,
        batch_records=options.batch_records,
        clock_difference_us=options.clock_difference_ms * 1_000,
    )


def not_behind(offsets: dict[int, int], cut: Cut) -> dict[int, int]:
    """The offsets, but none past what an earlier life has read: where the broker's clock went back, times mislead."""
    return {one: min(offset, cut.offsets.get(one, 0)) for one, offset in offsets.items()} if cut.offsets else offsets


def build(stores: Stores, options: LiveOptions, source: PlaybackLog, name: str) -> beam.Pipeline:
    """The pipeline from its source to the stores."""
    marker_us = stores.run.marker_us
    before = so_far(stores.settings, stores.endpoints, stores.run, stores.rules)
    registry = schema_registry(stores.settings)
    return assembled(
        Run(name, marker_us, stores.rules, options.flush_seconds, *before, schemas=registry), stores, options, source
    )


def describe(settings: Settings, options: LiveOptions) -> beam.Pipeline:
    """A dry run: the job that would be submitted, of a life that is not begun; no store is asked for anything.

    The runner of the pipeline has the job.
    """
    where = endpoints(settings, _services(options))
    source = PlaybackLog(settings.playback_topic, "", {}, {}, client_properties(settings, where.kafka_bootstrap))
    stores = Stores(settings, where, LiveRun("", 0, 0), options.bigquery_seconds, options.rules())
    pipeline = assembled(Run("", schemas=schema_registry(settings)), stores, options, source)
    pipeline.run()
    return pipeline


def assembled(run: Run, stores: Stores, options: LiveOptions, source: PlaybackLog) -> beam.Pipeline:
    """The pipeline of a life that goes on from what `run` says."""
    pipeline = beam.Pipeline(options=options)
    changes = pipeline | "ReadPlaybackLog" >> read_log(source) | "LiveTables" >> LiveTables(run)
    changes | "WriteLive" >> WriteLive(stores, run.name)
    return pipeline


def _services(options: LiveOptions) -> tuple[str, ...]:
    return ("kafka", "cassandra", "bigquery") if options.bigquery_seconds else ("kafka", "cassandra")


def so_far(
    settings: Settings, where: Endpoints, live_run: LiveRun, rules: Rules
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """What reaches back further than is read again: closed rows, as they stood at the marker.

    The closed cells that charts are made of, the keys of the charts' rows that are stored, and the sessions. After a
    pause of the retention of minutes there are none, and looking for them would meet what has expired.
    """
    marker_us, has_expired = live_run.marker_us, live_run.stood_since(MINUTE_DAYS, datetime.now(UTC))
    if has_expired:
        _LOGGER.warning(
            "No pipeline ran for %s days: sessions that went on when the last one ended begin anew.", MINUTE_DAYS
        )
    charts_from_us = max(0, marker_us - max(CHART_HOURS) * 3600 * SECOND_US)
    with serving_session(settings, where) as serving:
        return (
            EMPTY_CELLS if has_expired else closed_track_plays(serving, charts_from_us, marker_us),
            stored_keys(serving, COUNTRY_CHARTS),
            NO_SESSIONS if has_expired else latest_sessions(serving, rules.sessions_from_us(marker_us), marker_us),
        )


def _without_runner(arguments: list[str]) -> list[str]:
    return [word for word in arguments if not word.startswith("--runner")]
