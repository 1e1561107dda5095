"""Questions of analysts to the warehouse."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from google.api_core.exceptions import ClientError
from google.cloud.bigquery import ScalarQueryParameter

from infra.settings import Settings
from infra.warehouse.client import answering, one_sentence, warehouse
from schemas.errors import InputError

if TYPE_CHECKING:
    from infra.local.stack import Endpoints


@dataclass(frozen=True)
class Answer:
    """Column names and rows of a query, in order."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


def ask(settings: Settings, endpoints: "Endpoints", statement: str, user_id: str | None = None) -> Answer:
    """Run one statement; `user_id` is bound to the parameter @user_id.

    Raises:
        InputError: the warehouse refuses the statement; in its own words.
        ConfigurationError: credentials or rights are missing.
        StoreUnavailableError: BigQuery does not answer.
    """
    with warehouse(settings, endpoints) as house, _refusing():
        _, found = house.run(statement, _bound(user_id))
        columns = tuple(field.name for field in found.schema or ())
        with answering():
            return Answer(columns, [row.values() for row in found])


def weigh(settings: Settings, endpoints: "Endpoints", statement: str, user_id: str | None = None) -> int | None:
    """How many bytes the statement would read, which is not run; None where the service cannot tell.

    The local stand-in never can. Raises as `ask` does.
    """
    with warehouse(settings, endpoints) as house, _refusing():
        read = house.bytes_read(statement, _bound(user_id))
        return read if settings.bigquery_endpoint else None


def _bound(user_id: str | None) -> list[ScalarQueryParameter]:
    return [ScalarQueryParameter("user_id", "STRING", user_id)] if user_id is not None else []


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn what the service says of a statement that it does not take into the project's own error."""
    try:
        yield
    except ClientError as error:
        raise InputError(f"BigQuery refuses the query: {one_sentence(error)}") from None
