"""Metrics of a home as Prometheus reads them."""

from collections.abc import Iterator

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from infra.settings import Settings
from tonearm.metrics.collector import registry

Values = dict[str, dict[tuple[str, ...], float]]
"""Metric → the values of its labels, by the labels' names → value."""


def scrape(settings: Settings, said: list[str] | None = None) -> Values:
    """All metrics now; what the collector says of sources goes to `said`."""
    return parsed(generate_latest(registry(settings, (said if said is not None else []).append)).decode())


def parsed(text: str) -> Values:
    found: Values = {}
    for name, labels, value in _samples(text):
        at = found.setdefault(name, {})
        assert labels not in at, f"{name}{labels} is there twice"
        at[labels] = value
    return found


def _samples(text: str) -> Iterator[tuple[str, tuple[str, ...], float]]:
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            yield sample.name, tuple(value for _, value in sorted(sample.labels.items())), sample.value
