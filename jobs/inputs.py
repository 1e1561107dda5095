"""What a table is computed from: its inputs as DataFrames, what of them it has consumed, and what changed since."""

from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from infra.lake import Lake
from infra.lake_shape import is_to_be_recomputed
from jobs import positions
from schemas import catalog
from schemas.errors import MissingInputError
from schemas.model import INPUT_POSITIONS, KeyedMerge, Snapshot, Table
from schemas.periods import PartitionValue


@dataclass(frozen=True)
class Inputs:
    """Reads the tables of one lake on one engine session."""

    session: SparkSession
    lake: Lake

    def require(self, name: str) -> None:
        """Raise MissingInputError unless the table of that name exists."""
        if self.lake.version(catalog.table(name)) is None:
            raise MissingInputError(f"The input {name} does not exist yet: run the table that makes it first.")

    def prepare(self, table: Table) -> None:
        """Make the inputs that come into being with `table`, and require the others."""
        for name in table.inputs:
            known = catalog.table(name)
            is_made_here = name == remembering(table) or isinstance(known.refresh, Snapshot)
            self.lake.create(known) if is_made_here else self.require(name)

    def read(self, table: Table, version: int | None = None) -> DataFrame:
        """Declared columns in declared order: an engine may put partition columns last."""
        reader = self.session.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        return reader.load(str(self.lake.path(table))).select(*(field.name for field in table.stored_fields))

    def require_readable(self, table: Table, version: int) -> None:
        """Raise MissingInputError unless all files of that version are still there."""
        if not self.lake.is_complete(table, version):
            raise MissingInputError(f"Files of {table.full_name} version {version} are gone.")

    def whole(self, names: tuple[str, ...]) -> dict[str, DataFrame]:
        """Current rows of the tables of these full names, by the names that transforms call them."""
        return {catalog.table(name).name: self.read(catalog.table(name)) for name in names}

    def consumed(self, table: Table) -> dict[str, list[positions.Position]]:
        """What the rows of a table were made of, by input; of nothing where a migration wants them computed anew."""
        if is_to_be_recomputed(self.lake, table):
            return {}
        return positions.stored(self.session, self.lake, table)

    def is_consumed(self, name: str, consumed: list[positions.Position], now: int | None) -> bool:
        """Whether all rows were made of what the input holds now; compaction since then changed no row."""
        once = positions.version(consumed) if len(consumed) == 1 else None
        return once is not None and self.lake.same_rows(catalog.table(name), once, now)

    def touched(self, driving: Table, consumed: int | None, until: int) -> set[PartitionValue] | None:
        """Partitions of `driving` that changed after version `consumed` of it up to `until`.

        None: all that there are or were, because nothing was consumed or the log no longer reaches back.
        """
        if consumed is None or consumed > until:
            return None
        try:
            return self.lake.touched_partitions(driving, consumed, until)
        except MissingInputError:
            return None


def remembering(table: Table) -> str:
    """Full name of the table that remembers for this one; empty where it remembers itself."""
    return table.refresh.remembered_by if isinstance(table.refresh, KeyedMerge) else ""


def with_positions(rows: DataFrame, consumed: dict[str, positions.Position]) -> DataFrame:
    """The rows with what they were made of."""
    return rows.withColumn(INPUT_POSITIONS.name, F.lit(positions.encoded(consumed)))
