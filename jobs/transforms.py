"""The transform of a table: the name is the registry, and the parameters are the inputs."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from inspect import signature

from pyspark.sql import DataFrame

from schemas import catalog
from schemas.errors import ContractError
from schemas.model import Table


def transform_of(table: Table) -> Callable[..., DataFrame]:
    """The pure transform of `jobs.<layer>.<name>`; ContractError if there is none or it takes something else."""
    name = f"jobs.{table.layer}.{table.name}"
    try:
        transform: Callable[..., DataFrame] = import_module(name).transform
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ContractError(f"{table.full_name} is declared and {name} does not exist: write its transform.") from None
    inputs, parameters = [catalog.table(one).name for one in table.inputs], [*signature(transform).parameters]
    if sorted(inputs) != sorted(parameters):
        raise ContractError(
            f"The transform of {table.full_name} takes {', '.join(parameters) or 'nothing'}, and its declared inputs "
            f"are {', '.join(inputs)}: make them the same."
        )
    return transform


@dataclass(frozen=True)
class Halves:
    """A transform in two: `partial` takes the inputs, of some shares of the listeners; `merged` all that came of it."""

    partial: Callable[..., DataFrame]
    merged: Callable[[DataFrame], DataFrame]


def halves_of(table: Table) -> Halves:
    """The two halves of the transform of a table whose cells are of all listeners together."""
    module = import_module(f"jobs.{table.layer}.{table.name}")
    try:
        return Halves(module.partial, module.merged)
    except AttributeError:
        raise ContractError(
            f"{table.full_name} has slices of all listeners: {module.__name__} needs a `partial` and a `merged` too."
        ) from None
