"""How a life ends."""

import uuid

import apache_beam as beam
import grpc
import pytest
from apache_beam.options.pipeline_options import PipelineOptions, PortableOptions

from pipelines.prism import job_service_options
from pipelines.run import run_to_end
from pipelines.transforms.failures import telling
from schemas.errors import ContractError, StoreUnavailableError


def pipeline_that(fails_with: Exception, name: str) -> beam.Pipeline:
    def fail(_: int) -> None:
        with telling(name):
            raise fails_with

    pipeline = beam.Pipeline(options=PipelineOptions(["--runner=BundleBasedDirectRunner"]))
    pipeline | beam.Create([1]) | beam.Map(fail)
    return pipeline


def test_a_life_ends_with_the_error_of_the_step_that_failed() -> None:
    name = uuid.uuid4().hex
    with pytest.raises(ContractError, match=r"^These rows do not fit\.$"):
        run_to_end(pipeline_that(ContractError("These rows do not fit."), name), name)


def test_what_nobody_raised_on_purpose_is_one_sentence_and_another_life_may_help() -> None:
    name = uuid.uuid4().hex
    with pytest.raises(StoreUnavailableError, match=r"The live pipeline failed .*: start it again"):
        run_to_end(pipeline_that(RuntimeError("the runner delivered twice"), name), name)


class Lost:
    """A pipeline and its result, whose runner is gone."""

    def run(self) -> "Lost":
        return self

    def wait_until_finish(self) -> str:
        raise grpc.RpcError("Stream removed (Socket closed)")


def test_after_a_runner_that_is_gone_another_life_may_help() -> None:
    with pytest.raises(StoreUnavailableError, match=r"The live pipeline failed \(Stream removed"):
        run_to_end(Lost(), uuid.uuid4().hex)  # type: ignore[arg-type]


def test_a_life_is_followed_for_longer_than_any_lasts() -> None:
    """Beam's own patience is five minutes, and then it fails."""
    options = PipelineOptions(job_service_options("127.0.0.1:1"))
    assert options.view_as(PortableOptions).job_server_timeout > 300 * 86_400
