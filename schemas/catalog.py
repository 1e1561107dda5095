"""Every declared table: lookup, validation of the declarations, and the order in which tables are computed.

A layer module (`schemas/<layer>.py`) lists its tables in `TABLES`; nothing else registers anything.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from importlib import import_module
from pkgutil import iter_modules
from typing import get_args

import schemas
from schemas.checks import References
from schemas.errors import ContractError, UnknownTableError
from schemas.model import KeyedMerge, Layer, ReplaceDates, ReplaceSlices, Table


@cache
def tables() -> dict[str, Table]:
    """All tables by full name, each after its inputs; raises ContractError when a declaration is wrong."""
    present = {module.name for module in iter_modules(schemas.__path__)}
    layers = [layer for layer in get_args(Layer) if layer in present]
    declared = [table for layer in layers for table in import_module(f"schemas.{layer}").TABLES]
    return in_order(declared)


def lake_tables() -> dict[str, Table]:
    """Those of the batch run, which are in the lake, in the same order."""
    return {name: one for name, one in tables().items() if not one.is_live}


def table(full_name: str) -> Table:
    """The table of that name; raises UnknownTableError, which lists the names there are."""
    try:
        return tables()[full_name]
    except KeyError:
        known = ", ".join(tables())
        raise UnknownTableError(f"There is no table {full_name}; declared are: {known}.") from None


def reads_payloads(one: Table) -> bool:
    """Whether it has cells that may be large, or is computed from such."""
    return one.has_payloads or any(table(name).has_payloads for name in one.inputs)


def downstream(full_name: str) -> dict[str, Table]:
    """Every table that reads that one, or reads one that does, each after its inputs."""
    reached = {table(full_name).full_name}
    for name, one in tables().items():
        if reached & set(one.inputs):
            reached.add(name)
    return {name: one for name, one in tables().items() if name in reached - {full_name}}


def in_order(declared: Iterable[Table]) -> dict[str, Table]:
    """Validate declarations and sort them topologically, each table after its inputs."""
    by_name: dict[str, Table] = {}
    for one in declared:
        if one.full_name in by_name:
            raise ContractError(f"{one.full_name} is declared twice.")
        by_name[one.full_name] = one
    for one in by_name.values():
        _validate(one, by_name)
    try:
        order = TopologicalSorter({name: before(one, by_name) for name, one in by_name.items()}).static_order()
        return {name: by_name[name] for name in order}
    except CycleError as error:
        raise ContractError(f"Tables read each other in a circle: {' → '.join(error.args[1])}.") from None


def before(one: Table, by_name: Mapping[str, Table]) -> set[str]:
    """The tables computed before this one.

    A table that it refers to is, and one that it remembers for (see `KeyedMerge`): that reads it as it was before the
    new records.
    """
    found = set(one.inputs) - {_memory(one)}
    found |= {check.to for check in one.checks if isinstance(check, References)}
    return found | {other.full_name for other in remembered_for(one, by_name)}


def remembered_for(one: Table, by_name: Mapping[str, Table]) -> list[Table]:
    """The tables that this one remembers for (see `KeyedMerge`)."""
    return [other for other in by_name.values() if _memory(other) == one.full_name]


def _memory(one: Table) -> str:
    return one.refresh.remembered_by if isinstance(one.refresh, KeyedMerge) else ""


def _validate(one: Table, by_name: dict[str, Table]) -> None:
    """Raise ContractError unless keys, partitions, checks, inputs and serving of `one` name what exists."""
    names = [field.name for field in one.stored_fields]
    wrong: list[str] = []
    if len(set(names)) != len(names):
        wrong.append("two fields share a name")
    wrong += [f"field {field.name} has no description" for field in one.fields if not field.description.strip()]
    wrong += [f"no input {name}" for name in one.inputs if name not in by_name]
    if isinstance(one.refresh, KeyedMerge) and one.refresh.remembered_by not in ("", *by_name):
        wrong.append(f"no table {one.refresh.remembered_by}")
    wrong += [f"no field {name}" for name in _named_fields(one) if name not in names]
    wrong += _lost_references(one, by_name)
    wrong += [f"key field {name} is nullable" for name in one.key if name in names and one.field(name).nullable]
    if one.is_derived and not one.inputs:
        wrong.append("a derived table needs an input")
    if isinstance(one.refresh, ReplaceDates) and one.partition_by != "event_date":
        wrong.append("a table refreshed by date is partitioned by event_date")
    if isinstance(one.refresh, ReplaceSlices) and one.partition_by != "slice":
        wrong.append("a table refreshed by slices is partitioned by slice")
    by_track = one.refresh.of_tracks if isinstance(one.refresh, ReplaceSlices) else ()
    wrong += [
        f"{name} is followed and is no input" for name in sorted({*one.inputs_by_date, *by_track} - {*one.inputs})
    ]
    wrong += _wrong_retention(one)
    if isinstance(one.refresh, ReplaceSlices) and one.refresh.later and not _reads_slices(one, by_name):
        wrong.append("a table whose later slices are refreshed too reads first one that is partitioned by slice")
    if one.serving and sorted((*one.serving.partition_key, *one.serving.clustering)) != sorted(one.key):
        wrong.append("the serving key differs from the key")
    if wrong:
        raise ContractError(f"The declaration of {one.full_name} is wrong: {'; '.join(wrong)}.")


def _wrong_retention(one: Table) -> list[str]:
    if one.retention_days is None:
        return []
    wrong = ["a retention is at least a day"] if one.retention_days < 1 else []
    if one.warehouse and not one.partition_by:
        # BigQuery lets partitions expire, never rows
        wrong.append("a table with a retention is partitioned in BigQuery")
    return wrong


def _reads_slices(one: Table, by_name: dict[str, Table]) -> bool:
    return any(by_name[name].partition_by == "slice" for name in one.inputs[:1] if name in by_name)


def _lost_references(one: Table, by_name: dict[str, Table]) -> list[str]:
    known = {(name, field.name) for name, table in by_name.items() for field in table.fields}
    checks = [check for check in one.checks if isinstance(check, References)]
    return [f"no field {check.to}.{check.to_column}" for check in checks if (check.to, check.to_column) not in known]


def _named_fields(one: Table) -> list[str]:
    named = [*one.key, *([one.partition_by] if one.partition_by else [])]
    for check in one.checks:
        named += [getattr(check, name) for name in ("column", "limit_column") if hasattr(check, name)]
    if one.warehouse:
        named += one.warehouse.cluster_by
    if one.serving:
        serving = one.serving
        named += [*serving.partition_key, *serving.clustering, *serving.descending, *serving.indexed]
    return named
