"""Declarations of metrics: names as Prometheus wants them, and labels that stay few and name nobody."""

import re

import pytest

from schemas import catalog
from tonearm.metrics import declared
from tonearm.metrics.declared import METRICS, Metric
from tonearm.metrics.sources import SOURCES

LABELS = {"engine", "topic", "source", "table", "severity", "fate", "reason", "command", "stage", "partition", "store"}
"""Each has as many values as are declared, or as a topic has partitions."""

OTHER_UNITS = re.compile(r"_(ms|millis|milliseconds|minutes|hours|days|kb|mb|kib|mib|percent)(_|$)")


def test_every_metric_is_in_the_list_once() -> None:
    constants = [one for one in vars(declared).values() if isinstance(one, Metric)]
    assert list(METRICS) == constants
    assert len({one.name for one in METRICS}) == len(METRICS)


@pytest.mark.parametrize("metric", METRICS, ids=lambda one: one.name)
def test_names_and_words(metric: Metric) -> None:
    assert re.fullmatch(r"tonearm(_[a-z]+)+", metric.name)
    assert not OTHER_UNITS.search(metric.name)
    assert metric.help.endswith(".")
    assert "time" not in metric.name or metric.name.endswith("_timestamp_seconds")
    assert metric.source is None or metric.source in SOURCES


@pytest.mark.parametrize("metric", METRICS, ids=lambda one: one.name)
def test_labels_are_few_and_name_nobody(metric: Metric) -> None:
    personal = {field.name for table in catalog.tables().values() for field in table.fields if field.personal}
    assert set(metric.labels) <= LABELS
    assert not LABELS & personal


def test_a_sample_has_a_value_for_each_label() -> None:
    with pytest.raises(AssertionError):
        declared.TABLE_ROWS(1)
