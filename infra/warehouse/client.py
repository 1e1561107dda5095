"""The BigQuery client: bounded in time, and an absent service is said in one sentence."""

import re
from collections.abc import Iterator, Sequence
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.api_core.exceptions import (
    Forbidden,
    InternalServerError,
    RetryError,
    ServerError,
    TooManyRequests,
    Unauthorized,
)
from google.api_core.retry import Retry, if_exception_type
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import DefaultCredentialsError, TransportError
from google.cloud.bigquery import ArrayQueryParameter, Client, QueryJob, QueryJobConfig, ScalarQueryParameter
from google.cloud.bigquery.table import RowIterator
from requests.exceptions import ConnectionError as RequestsConnectionError
from requests.exceptions import Timeout

from infra.settings import Settings
from schemas.errors import ConfigurationError, StoreUnavailableError
from schemas.model import Table

if TYPE_CHECKING:
    from infra.local.stack import Endpoints

REQUEST_SECONDS = 30.0
# The stand-in answers only when the statement has run: a MERGE over 100,000 stored rows took it 30 s on a busy machine.
STATEMENT_SECONDS = 300.0
JOB_SECONDS = 900.0
RETRY_SECONDS = 20.0
_PASSING = (ServerError, TooManyRequests, RequestsConnectionError, Timeout)
# A broken statement answers 500 on the stand-in, and the client's own retry would repeat it for minutes.
RETRY = Retry(predicate=if_exception_type(*_PASSING), initial=0.5, maximum=5.0, timeout=RETRY_SECONDS)

_REQUEST = re.compile(r"^[A-Z]+ https?://\S+: ")
"""What the client puts before an answer to the request itself; the address says nothing to who asks."""

Parameter = ScalarQueryParameter | ArrayQueryParameter


@dataclass(frozen=True)
class Warehouse:
    """A client and the names of one deployment."""

    client: Client
    project: str
    dataset_prefix: str

    def dataset(self, table: Table) -> str:
        """Dataset of the table: its layer, after the deployment's prefix."""
        return f"{self.dataset_prefix}{table.layer}"

    def path(self, table: Table, name: str) -> str:
        """`project.dataset.name` of something in the table's dataset."""
        return f"{self.project}.{self.dataset(table)}.{name}"

    def run(self, statement: str, parameters: Sequence[Parameter] = ()) -> tuple[QueryJob, RowIterator]:
        """Run one statement to its end with bound parameters, never from the cache of earlier results.

        Raises StoreUnavailableError; what is wrong with the statement itself stays the client's own error.
        """
        config = QueryJobConfig(query_parameters=list(parameters), use_query_cache=False)
        with answering():
            job = self.client.query(
                statement, job_config=config, timeout=STATEMENT_SECONDS, retry=RETRY, job_retry=None
            )
            return job, job.result(timeout=JOB_SECONDS, retry=RETRY, job_retry=None)

    def bytes_read(self, statement: str, parameters: Sequence[Parameter] = ()) -> int | None:
        """How many bytes the statement would read, which is checked and not run; None where the service does not say.

        Raises as `run` does. (The stand-in says 0 of everything, and runs a SELECT to check it.)
        """
        config = QueryJobConfig(query_parameters=list(parameters), use_query_cache=False, dry_run=True)
        with answering():
            job = self.client.query(
                statement, job_config=config, timeout=STATEMENT_SECONDS, retry=RETRY, job_retry=None
            )
            read = job.total_bytes_processed
            return None if read is None else int(read)


@contextmanager
def warehouse(settings: Settings, endpoints: "Endpoints") -> Iterator[Warehouse]:
    """The warehouse of these settings, closed on exit. Raises ConfigurationError without credentials."""
    options = {"api_endpoint": endpoints.bigquery_url} if endpoints.bigquery_url else None
    # Only the stand-in on loopback is asked without credentials.
    credentials = None if settings.bigquery_endpoint else AnonymousCredentials()  # type: ignore[no-untyped-call]
    with answering():
        client = Client(project=settings.bigquery_project, credentials=credentials, client_options=options)
    try:
        yield Warehouse(client, settings.bigquery_project, settings.bigquery_dataset_prefix)
    finally:
        client.close()  # type: ignore[no-untyped-call]


@contextmanager
def answering() -> Iterator[None]:
    """Turn the client's connection and permission errors into the project's own."""
    try:
        yield
    except DefaultCredentialsError as error:
        raise ConfigurationError(
            "There are no Google credentials: run `gcloud auth application-default login`, or set "
            "GOOGLE_APPLICATION_CREDENTIALS."
        ) from error
    except (Forbidden, Unauthorized) as error:
        raise ConfigurationError(f"BigQuery refuses the request: {one_sentence(error)}") from error
    except (*_PASSING, RetryError, TransportError, FutureTimeoutError) as error:
        cause = error.cause if isinstance(error, RetryError) else error
        if isinstance(cause, InternalServerError):
            raise StoreUnavailableError(
                "BigQuery failed with an internal error: run it again, and if it fails again change the statement."
            ) from error
        raise StoreUnavailableError(
            "BigQuery does not answer (in time): see `tonearm status`, then run the same command again."
        ) from error


def one_sentence(error: Exception) -> str:
    """What the service says, in one line that ends in a full stop."""
    first = (getattr(error, "message", None) or str(error)).strip().splitlines()
    text = (first[0] if first else type(error).__name__).split("; reason:")[0].strip()
    text = _REQUEST.sub("", text)
    return text if text.endswith(".") else f"{text}."
