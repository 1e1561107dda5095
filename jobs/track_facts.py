"""What a table by slices follows by tracks: a small input that says something of each track.

Two versions of it are compared, and the slices are touched in which the table itself has a track of which something
else is said now. A track that the table has not got yet comes with a change of what drives it.
"""

from collections.abc import Mapping

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs import positions
from jobs.followed import Versions
from jobs.inputs import Inputs
from schemas import catalog
from schemas.errors import MissingInputError
from schemas.model import ReplaceSlices, Table
from schemas.periods import Slice, slice_of


def inputs(table: Table) -> tuple[Table, ...]:
    """The tables that it follows so."""
    names = table.refresh.of_tracks if isinstance(table.refresh, ReplaceSlices) else ()
    return tuple(catalog.table(name) for name in names)


def touched(
    reader: Inputs, table: Table, consumed: Mapping[str, list[positions.Position]], until: Versions
) -> set[Slice] | None:
    """Slices of `table` with a track of which any of them says something else than when it was consumed; None: all."""
    found: set[Slice] = set()
    for one in inputs(table):
        before, after = positions.version(consumed.get(one.full_name, [])), until[one.full_name]
        if before is None or before > after:
            return None
        if reader.lake.same_rows(one, before, after):
            continue
        try:
            reader.require_readable(one, before)
        except MissingInputError:
            return None
        changed = _changed(*(_rows(reader, one, version) for version in (before, after)))
        slices = reader.read(table).select("slice", "track_id").join(changed, on="track_id", how="left_semi")
        found |= {slice_of(row[0]) for row in slices.select("slice").distinct().collect()}
    return found


def _rows(reader: Inputs, one: Table, version: int) -> DataFrame:
    return reader.read(one, version).select(*(field.name for field in one.fields))


def _changed(was: DataFrame, now: DataFrame) -> DataFrame:
    """Tracks of which both do not say the same: a row that is equal in both is there twice."""
    sides = was.unionByName(now).groupBy(*was.columns).agg(F.count(F.lit(1)).alias("sides"))
    return sides.where(F.col("sides") == 1).select("track_id").distinct()
