"""Lineage of one life of the live pipeline, in OpenLineage: which tables it writes, and which offsets it read.

A life that was killed has no last event; what it wrote is written again by the next one.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from openlineage.client.event_v2 import InputDataset, OutputDataset, RunState
from openlineage.client.facet_v2 import symlinks_dataset
from openlineage.client.uuid import generate_new_uuid

from infra.kafka.records import OffsetRange
from infra.openlineage_events import (
    LIVE_EVENTS,
    NAMESPACE,
    Sender,
    Told,
    TopicOffsets,
    described,
    stored_in,
    topic_input,
)
from infra.settings import Settings
from pipelines.progress import read_progress
from pipelines.source import PlaybackLog
from schemas import catalog
from schemas.errors import TonearmError
from schemas.model import Table

JOB = "live"


@contextmanager
def streaming(
    settings: Settings, bootstrap: str, source: PlaybackLog, run_number: int, detached: bool = False
) -> Iterator[None]:
    """Around a life: START and RUNNING of each live table, then COMPLETE, or FAIL with the sentence.

    Of a `detached` one, which is only submitted here, no end is told unless that fails.
    """
    sender = Sender(settings, LIVE_EVENTS)
    life = str(generate_new_uuid())
    runs = {name: str(generate_new_uuid()) for name, table in catalog.tables().items() if table.is_live}

    def tell(state: RunState, ends: dict[int, int], failure: str = "") -> None:
        ranges = [OffsetRange(one, start, ends.get(one, start)) for one, start in source.offsets.items()]
        topic = TopicOffsets(bootstrap, source.topic, source.topic_id, ranges)
        for name, run_id in runs.items():
            table = catalog.table(name)
            sender.send(
                Told(
                    name, run_id, (life, JOB), state, _inputs(table, topic), [_output(settings, table)],
                    failure=failure, processing="STREAMING",
                )
            )  # fmt: skip

    for state in (RunState.START, RunState.RUNNING):
        tell(state, {})
    try:
        yield
    except TonearmError as error:
        tell(RunState.FAIL, _read(settings, run_number), str(error))
        raise
    if not detached:
        tell(RunState.COMPLETE, _read(settings, run_number))


def _inputs(table: Table, topic: TopicOffsets) -> list[InputDataset]:
    declared = [InputDataset(NAMESPACE, name, facets=described(catalog.table(name))) for name in table.inputs]
    return declared or [topic_input(topic)]


def _output(settings: Settings, table: Table) -> OutputDataset:
    """The table by its name, and where it is stored as other names of it."""
    places = [symlinks_dataset.Identifier(*place, "TABLE") for place in stored_in(settings, table).values()]
    symlinks = symlinks_dataset.SymlinksDatasetFacet(places)
    return OutputDataset(NAMESPACE, table.full_name, facets=described(table) | {"symlinks": symlinks})


def _read(settings: Settings, run_number: int) -> dict[int, int]:
    """Up to where this life had read and written."""
    said = read_progress(settings.home)
    return said.offsets if said and said.run_number == run_number else {}
