"""The metrics of one deployment as a collector of Prometheus' client library: read anew for each answer.

A source that cannot be read takes its own metrics away and says `tonearm_source_up` 0; the answer itself always comes.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from infra.settings import Settings
from schemas.errors import MissingInputError, TonearmError
from tonearm.metrics.declared import INFO, METRICS, SOURCE_SECONDS, SOURCE_UP, Metric, Sample, Source
from tonearm.metrics.sources import SOURCES

Family = GaugeMetricFamily | CounterMetricFamily
Say = Callable[[str], None]


class DeploymentCollector(Collector):
    """Reads all sources at once, each in a thread of its own.

    `say` is told in one sentence what cannot be read, and again only when that changes.
    """

    def __init__(self, settings: Settings, say: Say) -> None:
        self._settings = settings
        self._say = say
        self._at_work = threading.Lock()
        self._said: dict[Source, str] = {}

    def collect(self) -> Iterable[Family]:
        """All families that have a sample now."""
        with self._at_work, ThreadPoolExecutor(len(SOURCES)) as pool:
            read = [sample for found in pool.map(self._read, SOURCES) for sample in found]
        return families([INFO(1, self._settings.engine, self._settings.playback_topic), *read])

    def _read(self, source: Source) -> list[Sample]:
        began, found, fault = time.monotonic(), list[Sample](), ""
        try:
            found = list(SOURCES[source](self._settings))
        except MissingInputError:
            pass  # not there yet, which is no fault
        except TonearmError as error:
            fault = str(error)
        except Exception as error:
            # Whatever a library raises, the other sources are to be seen. What it says may quote a row.
            fault = type(error).__name__
        if fault and fault != self._said.get(source):
            self._say(f"{source}: {fault}")
        self._said[source] = fault
        seconds = time.monotonic() - began
        return [*found, SOURCE_UP(not fault, source), SOURCE_SECONDS(seconds, source)]


def registry(settings: Settings, say: Say) -> CollectorRegistry:
    """A registry of this deployment's metrics and nothing else."""
    found = CollectorRegistry(auto_describe=False)
    found.register(DeploymentCollector(settings, say))
    return found


def families(samples: Iterable[Sample]) -> Iterator[Family]:
    """Samples by metric, in the order of the declaration."""
    made: dict[Metric, Family] = {}
    for sample in samples:
        if sample.metric not in made:
            made[sample.metric] = _family(sample.metric)
        made[sample.metric].add_metric(sample.labels, sample.value)
    yield from (made[metric] for metric in METRICS if metric in made)


def _family(metric: Metric) -> Family:
    kind = CounterMetricFamily if metric.name.endswith("_total") else GaugeMetricFamily
    return kind(metric.name, metric.help, labels=metric.labels)
