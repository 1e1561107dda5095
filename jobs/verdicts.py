"""What is said of ledger records: decided once for all tables of a run that are made of the same ones."""

from pyspark.sql import DataFrame

from infra import failpoints
from infra.delta_writer import DeltaWriter
from jobs.columns import classified, schema_ids
from playback.classify import CLASSIFIED_FIELDS
from playback.framing import WriterSchemas
from schemas.model import Table


class Verdicts:
    """Verdicts of one run, staged beside the tables.

    `schemas` says what the ids of a schema registry name; None: there is no registry.
    """

    def __init__(self, writer: DeltaWriter, schemas: WriterSchemas | None) -> None:
        self._writer = writer
        self._schemas = schemas
        self._staged: str | None = None

    def of(self, ledger: Table, records: DataFrame, extent: str) -> DataFrame:
        """The records with their verdicts (`CLASSIFIED_FIELDS`); the same `extent` means the same records."""
        if self._staged != extent:
            self._staged = None
            verdicts = classified(records, self._named_schemas(records))
            self._writer.stage(f"{ledger.full_name}.classified", verdicts)
            self._staged = extent
            failpoints.reach("runner.classified", ledger.full_name)
        return self._writer.staged(f"{ledger.full_name}.classified", CLASSIFIED_FIELDS)

    def _named_schemas(self, records: DataFrame) -> dict[int, str | None] | None:
        """The registry is asked here, once for each id, and not by the workers: they only compute."""
        if self._schemas is None:
            return None
        return {row[0]: self._schemas(row[0]) for row in schema_ids(records).collect()}
