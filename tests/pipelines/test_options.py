"""Options of the live pipeline, and what its Flex template says of them."""

import argparse
import json
import re

import pytest
from apache_beam.options.pipeline_options import GoogleCloudOptions, StandardOptions, WorkerOptions

from infra.settings import REPOSITORY
from pipelines.options import LiveOptions
from pipelines.transforms.rules import Rules
from schemas.errors import ConfigurationError

TEMPLATE = json.loads((REPOSITORY / "pipelines" / "metadata.json").read_text())
OWN = LiveOptions(["--batch_records=7"]).get_all_options(drop_default=False)


def test_without_options_the_rules_are_the_declared_ones() -> None:
    assert LiveOptions([]).rules() == Rules()


def test_options_decide_about_time() -> None:
    rules = LiveOptions(["--lateness_seconds=20", "--max_ahead_seconds=5", "--horizon_hours=1"]).rules()
    assert (rules.lateness_us, rules.max_ahead_us, rules.horizon_us) == (20_000_000, 5_000_000, 3_600_000_000)


def test_the_template_names_every_option_and_takes_its_default() -> None:
    names = {one["name"] for one in TEMPLATE["parameters"]}
    assert names == _own_options()
    for one in TEMPLATE["parameters"]:
        assert all(re.search(regex, str(OWN[one["name"]])) for regex in one["regexes"])
        assert one["isOptional"] is True


@pytest.mark.parametrize("value", ["-1", "0", "1", "1.5", "1800", "x", ""])
def test_the_template_and_the_command_line_take_the_same_values(value: str) -> None:
    for one in TEMPLATE["parameters"]:
        is_taken = all(re.search(regex, value) for regex in one["regexes"])
        try:
            LiveOptions.read([f"--{one['name']}={value}"])
        except ConfigurationError:
            assert not is_taken, one["name"]
        else:
            assert is_taken, one["name"]


@pytest.mark.parametrize(
    ("word", "sentence"),
    [
        ("--flush_seconds=soon", "An option is wrong (argument --flush_seconds: soon is no number of its kind): "),
        ("--window_seconds=0", "An option is wrong (argument --window_seconds: it is at least 1, not 0): "),
        ("--detached=2", "An option is wrong (argument --detached: invalid choice: 2 (choose from 0, 1)): "),
        ("--latenes_seconds=5", "There is no option --latenes_seconds: "),
    ],
)
def test_a_wrong_option_is_one_sentence(word: str, sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigurationError) as refused:
        LiveOptions.read([word])
    assert str(refused.value) == f"{sentence}`python -m pipelines live --help` lists them."
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("runner", ["DirectRunner", "apache_beam.runners.portability.fn_api_runner.FnApiRunner"])
def test_a_runner_that_would_be_silent_for_ever_is_refused(runner: str) -> None:
    with pytest.raises(ConfigurationError, match="gives out nothing of what it reads without end"):
        LiveOptions.read([f"--runner={runner}"])


@pytest.mark.parametrize(
    "runner", [["--runner=FlinkRunner"], ["--runner=DataflowRunner", "--template_location=gs://b/j"]]
)
def test_options_that_another_runner_or_a_launcher_explains_are_left_to_it(runner: list[str]) -> None:
    assert LiveOptions.read([*runner, "--checkpointing_interval=5", "--flush_seconds=5"]).flush_seconds == 5.0


def test_options_of_dataflow_are_understood_beside_ours() -> None:
    words = ["--runner=DataflowRunner", "--project=p", "--region=europe-west1", "--temp_location=gs://b/t"]
    options = LiveOptions([*words, "--max_num_workers=1", "--flush_seconds=5"], streaming=True)
    assert options.view_as(StandardOptions).runner == "DataflowRunner"
    assert options.view_as(StandardOptions).streaming is True
    assert options.view_as(GoogleCloudOptions).region == "europe-west1"
    assert options.view_as(WorkerOptions).max_num_workers == 1
    assert options.flush_seconds == 5.0


def _own_options() -> set[str]:
    parser = argparse.ArgumentParser(add_help=False)
    LiveOptions._add_argparse_args(parser)
    return set(vars(parser.parse_args([])))
