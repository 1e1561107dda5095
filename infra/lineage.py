"""Lineage of batch runs, in OpenLineage: what each wrote of what, and what it published where.

Each table has its inputs, schema, version and size, and the ledger the Kafka offsets that were read.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from openlineage.client import facet_v2
from openlineage.client.event_v2 import InputDataset, OutputDataset, RunState
from openlineage.client.uuid import generate_new_uuid

from infra import run_log
from infra.lake import Lake
from infra.openlineage_events import (
    EVENTS,
    NAMESPACE,
    OnLoss,
    Sender,
    Told,
    TopicOffsets,
    described,
    stored_in,
    topic_input,
)
from infra.settings import Settings
from infra.table_sizes import extent
from schemas import catalog
from schemas.errors import TonearmError
from schemas.model import Table


class Lineage:
    """Sends the events of one run; `name` is the job that its tables' jobs belong to."""

    def __init__(self, settings: Settings, name: str, on_loss: OnLoss | None = None) -> None:
        self._settings = settings
        self._lake = Lake(settings.lake)
        self._sender = Sender(settings, EVENTS, on_loss)
        self.run_id = run_log.run_id() or str(generate_new_uuid())
        self._name = name

    @property
    def lost(self) -> int:
        """Events that could not be sent."""
        return self._sender.lost

    @contextmanager
    def writing(self, table: Table, topic: TopicOffsets | None = None) -> Iterator[None]:
        """Around what refreshes a table: events if it made a new version, or failed."""
        before, started = self._lake.version(table), datetime.now(UTC)
        try:
            with run_log.writing(self._lake, table):
                yield
        except TonearmError as error:
            self._emit(table, topic, started, str(error))
            raise
        if self._lake.version(table) != before:
            self._emit(table, topic, started, "")

    def published(self, table: Table, stores: list[str], version: int, started: datetime) -> None:
        """Tell that a version of the table is in these stores now."""
        if not stores:
            return
        known = stored_in(self._settings, table)
        inputs = [InputDataset(NAMESPACE, table.full_name, facets=described(table, version))]
        outputs = [OutputDataset(*known[store], facets=described(table)) for store in stores]
        self._tell(f"publish.{table.full_name}", started, inputs, outputs, "")

    def _emit(self, table: Table, topic: TopicOffsets | None, started: datetime, failure: str) -> None:
        inputs = [self._input(catalog.table(name)) for name in table.inputs]
        inputs += [topic_input(topic)] if topic else []
        self._tell(table.full_name, started, inputs, [self._output(table)], failure)

    def _tell(
        self, job: str, started: datetime, inputs: list[InputDataset], outputs: list[OutputDataset], failure: str
    ) -> None:
        run_id, ended = str(generate_new_uuid()), RunState.FAIL if failure else RunState.COMPLETE
        for state, at in ((RunState.START, started), (ended, datetime.now(UTC))):
            told = Told(job, run_id, (self.run_id, self._name), state, inputs, outputs, at, failure)
            self._sender.send(told)

    def _input(self, table: Table) -> InputDataset:
        return InputDataset(NAMESPACE, table.full_name, facets=described(table, self._lake.version(table)))

    def _output(self, table: Table) -> OutputDataset:
        size = extent(self._lake, table)
        statistics = facet_v2.output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
            size.rows, size.bytes, size.files
        )
        facets = described(table, self._lake.version(table))
        return OutputDataset(NAMESPACE, table.full_name, {"outputStatistics": statistics}, facets=facets)
