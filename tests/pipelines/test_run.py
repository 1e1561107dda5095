"""How a life ends."""

import uuid

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions

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
