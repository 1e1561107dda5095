"""The inputs that a table follows by date or by slices: what there is of them, and which dates were touched since."""

from collections.abc import Iterable, Mapping
from datetime import date

from infra.lake import Lake
from jobs import positions
from jobs.inputs import Inputs
from schemas import catalog
from schemas.model import Table
from schemas.periods import PartitionValue

Versions = dict[str, int]
"""Delta version by input."""


def inputs(table: Table) -> tuple[Table, ...]:
    """The tables it follows, the driving one first."""
    return tuple(catalog.table(name) for name in table.inputs_by_date)


def current(lake: Lake, table: Table) -> Versions:
    """The version that each of these inputs has now."""
    return versions(lake, inputs(table))


def versions(lake: Lake, tables: Iterable[Table]) -> Versions:
    """The version that each of the tables has now; one is left out where it does not exist."""
    found = {one.full_name: lake.version(one) for one in tables}
    return {name: version for name, version in found.items() if version is not None}


def furthest(table: Table, consumed: Mapping[str, list[positions.Position]]) -> Versions:
    """The furthest version that was consumed of each of these inputs; one is left out where nothing was."""
    return reached(consumed, table.inputs_by_date)


def reached(consumed: Mapping[str, list[positions.Position]], names: Iterable[str]) -> Versions:
    """The same of the inputs of these names."""
    found = {name: positions.version(consumed.get(name, [])) for name in names}
    return {name: version for name, version in found.items() if version is not None}


def pending(reader: Inputs, table: Table, consumed: Versions, until: Versions) -> set[date] | None:
    """Dates that were touched in any of these inputs since they were consumed; None: all that there are or were."""
    touched: set[PartitionValue] = set()
    for one in inputs(table):
        found = reader.touched(one, consumed.get(one.full_name), until[one.full_name])
        if found is None:
            return None
        touched |= found
    return {value for value in touched if isinstance(value, date)}
