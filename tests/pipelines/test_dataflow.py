"""A job for Dataflow, without Dataflow: its options, and what would be submitted."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.internal import pickler
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.portability import common_urns
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.dataflow.internal import apiclient

from infra.settings import REPOSITORY, Settings
from pipelines.dataflow import prepare
from pipelines.options import LiveOptions
from pipelines.run import describe
from schemas.errors import ConfigurationError

IMAGE = "--sdk_container_image=europe-docker.pkg.dev/my-project/tonearm/live:1"
FILES = ["--setup_file=./setup.py", "--requirements_file=requirements/live-worker.txt", "--requirements_cache=skip"]
JOB = ["--runner=DataflowRunner", "--project=my-project", "--region=europe-west1", "--temp_location=gs://bucket/tmp"]
DRY = ["--dry_run=True", "--no_auth"]
LOADED_BY_STEPS = """
import sys
import apache_beam.runners.worker.sdk_worker_main, apache_beam.io.unbounded_source
before = set(sys.modules)
import pipelines.source, pipelines.sinks, pipelines.transforms.live
from importlib.metadata import packages_distributions
found = packages_distributions()
print(*{one for name in set(sys.modules) - before for one in found.get(name.partition(".")[0], [])})
"""


@pytest.fixture
def own_stores(tmp_path: Path) -> Settings:
    """Settings of a deployment whose stores are no local ones; none of them is there."""
    return Settings(
        home=tmp_path / "home",
        kafka_bootstrap="kafka.invalid:9092",
        cassandra_hosts="cassandra.invalid",
        bigquery_endpoint="https://bigquery.invalid",
    )


def described(settings: Settings, *words: str) -> beam.Pipeline:
    options = LiveOptions.read([*JOB, *words, *DRY])
    prepare(options, settings)
    return describe(settings, options)


def submitted(pipeline: beam.Pipeline) -> dict[str, Any]:
    """The environment of the job as it would go to the service."""
    made = apiclient.Environment(
        packages=[],
        options=pipeline.options,
        environment_version="8",
        proto_pipeline_staged_url="gs://bucket/tmp/pipeline.pb",
        proto_pipeline=pipeline.runner.proto_pipeline,
    )
    found: dict[str, Any] = json.loads(type(made.proto).to_json(made.proto, use_integers_for_enums=False))
    return found


def test_the_job_streams_in_one_process_from_the_image(own_stores: Settings) -> None:
    pipeline = described(own_stores, IMAGE, "--lateness_seconds=30")
    job = json.loads(pipeline.runner.job.json())
    environment = submitted(pipeline)
    (pool,) = environment["workerPools"]
    assert job["type"] == "JOB_TYPE_STREAMING"
    assert environment["version"]["job_type"] == "FNAPI_STREAMING"
    assert (pool["numWorkers"], pool["autoscalingSettings"]["maxNumWorkers"]) == (1, 1)
    assert "no_use_multiple_sdk_containers" in environment["experiments"]
    assert "use_multiple_sdk_containers" not in environment["experiments"]
    assert {one["containerImage"] for one in pool["sdkHarnessContainerImages"]} == {IMAGE.partition("=")[2]}
    assert environment["sdkPipelineOptions"]["options"]["lateness_seconds"] == 30
    assert environment["sdkPipelineOptions"]["options"]["save_main_session"] is False


def test_the_steps_are_those_of_the_live_pipeline_over_an_unbounded_log(own_stores: Settings) -> None:
    proto = described(own_stores, IMAGE).runner.proto_pipeline
    names = {one.unique_name for one in proto.components.transforms.values()}
    assert {"ReadPlaybackLog", "LiveTables/DecodeAndJudge", "LiveTables/Deduplicate", "LiveTables/CountLive"} <= names
    assert "WriteLive" in names
    collections = proto.components.pcollections.values()
    unbounded = [one for one in collections if one.is_bounded == beam_runner_api_pb2.IsBounded.UNBOUNDED]
    assert len(unbounded) == 5  # one behind each step


def test_what_workers_get_can_be_pickled_and_holds_no_connection(own_stores: Settings) -> None:
    """Every function of the job is read back as a worker reads it, in this process."""
    components = described(own_stores, IMAGE).runner.proto_pipeline.components
    read = []
    for transform in components.transforms.values():
        if transform.spec.urn == common_urns.primitives.PAR_DO.urn:
            payload = beam_runner_api_pb2.ParDoPayload.FromString(transform.spec.payload)
            read.append(pickler.loads(payload.do_fn.payload))
    assert len(read) >= 5
    for pickled in read:
        assert pickler.loads(pickler.dumps(pickled)) is not None


def test_our_code_and_what_it_needs_are_staged_by_name(
    own_stores: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a copy, since packing it leaves things behind."""
    for name in ("setup.py", "pyproject.toml", "LICENSE"):
        (tmp_path / name).write_bytes((REPOSITORY / name).read_bytes())
    (tmp_path / "requirements").mkdir()
    worker = tmp_path / "requirements" / "live-worker.txt"
    worker.write_bytes((REPOSITORY / "requirements" / "live-worker.txt").read_bytes())
    monkeypatch.chdir(tmp_path)
    environments = described(own_stores, *FILES).runner.proto_pipeline.components.environments.values()
    staged = {
        beam_runner_api_pb2.ArtifactStagingToRolePayload.FromString(one.role_payload).staged_name
        for environment in environments
        for one in environment.dependencies
    }
    assert {"requirements.txt", "workflow.tar.gz"} <= staged


def test_the_requirements_of_workers_are_all_that_the_steps_load() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", LOADED_BY_STEPS], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.split()
    text = (REPOSITORY / "requirements" / "live-worker.txt").read_text()
    locked = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
    assert "confluent-kafka" in loaded
    assert {re.sub(r"[-_.]+", "-", one).lower() for one in loaded} - {"tonearm"} <= locked


WRONG = {
    "give --project=…, --region=…, --temp_location=…": ["--runner=DataflowRunner", IMAGE],
    r"Invalid GCS path \(/tmp\), given for the option: temp_location": [*JOB, "--temp_location=/tmp", IMAGE],
    r"Invalid Project ID \(12345\)": [*JOB, "--project=12345", IMAGE],
    r"Invalid job_name \(Live\)": [*JOB, "--job_name=Live", IMAGE],
    "leave --num_workers and --max_num_workers at 1": [*JOB, IMAGE, "--max_num_workers=3"],
    "leave out use_multiple_sdk_containers": [*JOB, IMAGE, "--experiments=use_multiple_sdk_containers"],
    "leave out --update and cancel the job": [*JOB, IMAGE, "--update", "--job_name=live"],
    r"workers need our code, give --sdk_container_image=… or --setup_file=\./setup\.py": JOB,
    r"there is no file nothing\.txt \(--requirements_file\)": [*JOB, IMAGE, "--requirements_file=nothing.txt"],
}


@pytest.mark.parametrize("sentence", WRONG)
def test_a_wrong_job_is_one_sentence_before_anything_is_begun(sentence: str, own_stores: Settings) -> None:
    options = LiveOptions.read(WRONG[sentence])
    with pytest.raises(ConfigurationError, match=rf"^Dataflow cannot run the job: {sentence}.* See docs/live\.md\.$"):
        prepare(options, own_stores)


def test_stores_of_this_machine_are_out_of_workers_reach(settings: Settings) -> None:
    with_bigquery = ([], "CASSANDRA_HOSTS, TONEARM_BIGQUERY_ENDPOINT")
    for words, names in (with_bigquery, (["--bigquery_seconds=0"], "CASSANDRA_HOSTS")):
        options = LiveOptions.read([*JOB, IMAGE, *words])
        with pytest.raises(ConfigurationError, match=rf"set TONEARM_KAFKA_BOOTSTRAP, TONEARM_{names}\. See"):
            prepare(options, settings)


def test_the_command_describes_a_job_and_begins_nothing(own_stores: Settings) -> None:
    """Also without a network: none of the stores is there."""
    names = ("home", "kafka_bootstrap", "cassandra_hosts", "bigquery_endpoint")
    own = {f"TONEARM_{name.upper()}": str(getattr(own_stores, name)) for name in names}
    for words, status, said in (
        ([IMAGE], 0, "The job can be submitted: leave out --dry_run."),
        ([], 1, "Dataflow cannot run the job: workers need our code"),
        ([IMAGE, "--max_workers=1"], 1, "There is no option --max_workers: "),
        ([IMAGE, "--num_workers=few"], 1, "An option is wrong (argument --num_workers: invalid int value: 'few'): "),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "pipelines", "live", *JOB, *DRY, *words],
            cwd=REPOSITORY, env={**own, "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == status, done.stderr
        assert (done.stdout + done.stderr).strip().splitlines()[-1].startswith(said)
    assert not own_stores.home.exists()


def test_beam_understands_the_options_that_it_is_given() -> None:
    options = PipelineOptions([*JOB, IMAGE, *FILES, *DRY], streaming=True)
    assert options.get_all_options(retain_unknown_options=True).keys() == PipelineOptions([]).get_all_options().keys()
