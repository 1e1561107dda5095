"""The transform of a table: the name is the registry, and the parameters are the inputs."""

from collections.abc import Callable
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
