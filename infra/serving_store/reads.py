"""Reads of serving tables by key, as the front end makes them."""

# ruff: noqa: S608 - only declared names are written into statements; values are bound

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from infra.serving_store.pointers import pointer
from infra.serving_store.rows import plain
from infra.serving_store.session import ServingSession, serving_session
from infra.settings import Settings
from schemas.errors import InputError, MissingInputError
from schemas.model import Field, Serving, Table
from schemas.render.cassandra import GENERATION, table_name

if TYPE_CHECKING:
    from infra.local.stack import Endpoints

_INTEGER_BITS = {"int": 32, "long": 64}


def read(
    settings: Settings, endpoints: "Endpoints", table: Table, given: Mapping[str, str], limit: int = 100
) -> list[dict[str, Any]]:
    """Rows of a served table, at most `limit`, in its clustering order; values of `given` are text, parsed by type.

    Of a snapshot table the rows of the generation that its pointer names.

    Raises:
        InputError: the table is not served, a part of the partition key is missing, or a value does not fit its column.
        MissingInputError: the table has not been published yet.
        StoreUnavailableError: Cassandra does not answer.
    """
    bound = parse_key(table, given)
    with _published(settings, endpoints, table) as serving:
        if table.serving and table.serving.mode == "snapshot":
            at = pointer(serving, table.full_name)
            if at is None:
                raise _unpublished(table)
            bound = {GENERATION.name: at.generation, **bound}
        where = " AND ".join(f'"{name}" = ?' for name in bound)
        names = ", ".join(f'"{field.name}"' for field in table.fields)
        statement = f'SELECT {names} FROM "{serving.keyspace}"."{table_name(table)}" WHERE {where} LIMIT ?'
        found = serving.rows(statement, (*bound.values(), limit))
        return [{name: plain(value) for name, value in row.items()} for row in found]


def parse_key(table: Table, given: Mapping[str, str]) -> dict[str, object]:
    """The given columns in key order, each as its declared type; raises InputError, which names what is wrong."""
    serving = table.serving
    if serving is None:
        raise InputError(f"{table.full_name} is not served: give its declaration a Serving, or ask with `tonearm sql`.")
    key = (*serving.partition_key, *serving.clustering)
    if unknown := [name for name in given if name not in key]:
        raise InputError(f"{table.full_name} is read by {', '.join(key)}: leave out {', '.join(unknown)}.")
    if missing := [name for name in serving.partition_key if name not in given]:
        raise InputError(f"{table.full_name} needs {' '.join(f'{name}=…' for name in missing)}: give each a value.")
    _refuse_gaps(table, serving, given)
    return {name: _parse(table.field(name), given[name]) for name in key if name in given}


def _refuse_gaps(table: Table, serving: Serving, given: Mapping[str, str]) -> None:
    """Cassandra restricts clustering columns from the left only."""
    absent = next((index for index, name in enumerate(serving.clustering) if name not in given), None)
    if absent is not None and (later := [name for name in serving.clustering[absent:] if name in given]):
        raise InputError(f"{table.full_name} takes {later[0]}=… only together with {serving.clustering[absent]}=….")


def _parse(field: Field, text: str) -> object:
    try:
        match field.type:
            case "int" | "long":
                return _integer(text, _INTEGER_BITS[field.type])
            case "date":
                return date.fromisoformat(text)
            case "timestamp":
                moment = datetime.fromisoformat(text)
                return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
            case "boolean":
                return {"true": True, "false": False}[text.lower()]
            case "binary":
                return bytes.fromhex(text)
            case _:
                return text
    except (ValueError, KeyError):
        # Not the value itself: it may be personal.
        raise InputError(f"The value of {field.name} is no {field.type}: correct it.") from None


def _integer(text: str, bits: int) -> int:
    number = int(text)
    if not -(2 ** (bits - 1)) <= number < 2 ** (bits - 1):
        raise ValueError
    return number


@contextmanager
def _published(settings: Settings, endpoints: "Endpoints", table: Table) -> Iterator[ServingSession]:
    with serving_session(settings, endpoints) as serving:
        if not serving.columns(table_name(table)):
            raise _unpublished(table)
        yield serving


def _unpublished(table: Table) -> MissingInputError:
    return MissingInputError(f"{table.full_name} has not been published yet: run `tonearm run` first.")
