"""A job for Dataflow: what its options have to say, found out before anything is begun and without a network.

All steps after the source count in the memory of one process (ADR 0015), so the job gets one worker, and on it one
process of the SDK, of which Dataflow starts one for each core otherwise.
"""

from collections.abc import Iterator
from pathlib import Path

from apache_beam.options.pipeline_options import (
    DebugOptions,
    GoogleCloudOptions,
    PipelineOptions,
    SetupOptions,
    TestOptions,
    WorkerOptions,
)
from apache_beam.options.pipeline_options_validator import PipelineOptionsValidator
from apache_beam.runners.runner import create_runner

from infra.settings import Settings
from pipelines.options import DATAFLOW, NO_LISTING, LiveOptions
from schemas.errors import ConfigurationError

ONE_PROCESS = "no_use_multiple_sdk_containers"
_REQUIRED = ("project", "region", "temp_location")


def prepare(options: LiveOptions, settings: Settings) -> None:
    """Give the job its one process, and refuse what Dataflow would not take or its workers could not do.

    Raises ConfigurationError with everything that is wrong in one sentence; nobody is asked.
    """
    wrong = [*_wrong_job(options), *_wrong_code(options), *_wrong_stores(options, settings)]
    if wrong:
        raise ConfigurationError(f"Dataflow cannot run the job: {'; '.join(wrong)}. See docs/live.md.")
    workers, experiments = options.view_as(WorkerOptions), options.view_as(DebugOptions)
    workers.num_workers = workers.max_num_workers = 1
    for experiment in (ONE_PROCESS, NO_LISTING):
        experiments.add_experiment(experiment)


def is_dry_run(options: LiveOptions) -> bool:
    """Whether the job is to be described and not submitted."""
    return bool(options.view_as(TestOptions).dry_run)


def _wrong_job(options: LiveOptions) -> Iterator[str]:
    cloud, workers = options.view_as(GoogleCloudOptions), options.view_as(WorkerOptions)
    if missing := [f"--{name}=…" for name in _REQUIRED if not getattr(cloud, name)]:
        yield f"give {', '.join(missing)}"
    else:
        yield from (error.rstrip(".") for error in _wrong_for_beam(options))
    if {workers.num_workers, workers.max_num_workers} - {None, 1}:
        yield "leave --num_workers and --max_num_workers at 1, as one process counts"
    if options.view_as(DebugOptions).lookup_experiment("use_multiple_sdk_containers"):
        yield "leave out use_multiple_sdk_containers, as one process counts"
    if cloud.update:
        yield "leave out --update and cancel the job that runs, as a life begins from its marker and not from a job"


def _wrong_for_beam(options: LiveOptions) -> list[str]:
    """What Beam's own validators say; of a dry run, since they ask Google's storage otherwise.

    Where the place is wrong too they would look for a bucket, and for credentials for minutes.
    """
    copy = PipelineOptions.from_dictionary(options.get_all_options(drop_default=True))
    copy.view_as(TestOptions).dry_run = True
    validator = PipelineOptionsValidator(copy, create_runner(DATAFLOW))
    found: list[str] = validator.validate_gcs_path(copy.view_as(GoogleCloudOptions), "temp_location")
    return found or validator.validate()


def _wrong_code(options: LiveOptions) -> Iterator[str]:
    setup, image = options.view_as(SetupOptions), options.view_as(WorkerOptions).sdk_container_image
    files = {"setup_file": setup.setup_file, "requirements_file": setup.requirements_file}
    if not image and not all(files.values()):
        yield (
            "workers need our code, give --sdk_container_image=… or --setup_file=./setup.py with "
            "--requirements_file=requirements/live-worker.txt"
        )
    yield from (f"there is no file {path} (--{name})" for name, path in files.items() if path and not _is_file(path))


def _is_file(path: str) -> bool:
    return Path(path).is_file()


def _wrong_stores(options: LiveOptions, settings: Settings) -> Iterator[str]:
    """What is local, and so on no worker's loopback."""
    needed = ["kafka_bootstrap", "cassandra_hosts", *(["bigquery_endpoint"] if options.bigquery_seconds else [])]
    if missing := [f"TONEARM_{name.upper()}" for name in needed if not getattr(settings, name)]:
        yield f"workers do not reach the local stack, set {', '.join(missing)}"
