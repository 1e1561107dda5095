"""Options of the live pipeline, and what its Flex template says of them."""

import argparse
import json
import re

from apache_beam.options.pipeline_options import GoogleCloudOptions, StandardOptions, WorkerOptions

from infra.settings import REPOSITORY
from pipelines.options import LiveOptions
from pipelines.transforms.rules import Rules

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
