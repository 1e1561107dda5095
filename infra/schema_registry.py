"""A schema registry as Confluent's REST API has it: which schema an id names.

`confluent-kafka` has a client, but it needs four packages more (an OAuth library among them) for the one request that
is made here.
"""

import base64
import json
import time
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from infra.settings import Settings
from schemas.errors import ConfigurationError, StoreUnavailableError, TonearmError

TIMEOUT_SECONDS = 5.0
MAX_ANSWER_BYTES = 1_000_000
UNKNOWN_SECONDS = 60.0
"""For how long an id that named nothing is not asked for again."""
MOST_UNKNOWN = 100_000
_NO_SUCH_SCHEMA = 40403
_TRY_AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
_NOT_AVRO = ""
"""Stands for a schema that is no Avro schema on its own; no Avro schema is empty."""


@dataclass
class SchemaRegistry:
    """Answers are kept: a registry never changes what an id names. Another process starts with none of them."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)
    _known: dict[int, str] = field(default_factory=dict, repr=False)
    _unknown: dict[int, float] = field(default_factory=dict, repr=False)

    def __call__(self, schema_id: int) -> str | None:
        """The Avro schema under an id as JSON text, empty where it is another kind of schema, None where there is none.

        Raises:
            StoreUnavailableError: the registry does not answer.
            ConfigurationError: it refuses, or what answers is no registry.
        """
        if schema_id in self._known:
            return self._known[schema_id]
        if time.monotonic() - self._unknown.get(schema_id, -UNKNOWN_SECONDS) < UNKNOWN_SECONDS:
            return None
        found = self._ask(schema_id)
        if found is None:
            if len(self._unknown) >= MOST_UNKNOWN:
                self._unknown.clear()
            self._unknown[schema_id] = time.monotonic()
        else:
            self._known[schema_id] = found
        return found

    def _ask(self, schema_id: int) -> str | None:
        # http or https only: `schema_registry` sees to it
        request = Request(f"{self.url.rstrip('/')}/schemas/ids/{schema_id}", headers=self._headers())  # noqa: S310
        try:
            # no proxy: a registry is beside the brokers
            with build_opener(ProxyHandler({})).open(request, timeout=TIMEOUT_SECONDS) as answer:
                return self._schema(answer.read(MAX_ANSWER_BYTES))
        except HTTPError as error:
            if self._names_nothing(error):
                return None
            raise self._refusal(error.code) from None
        except (OSError, HTTPException) as error:
            raise StoreUnavailableError(
                f"The schema registry does not answer ({type(error).__name__}): see to it, then run the command again."
            ) from None

    def _schema(self, body: bytes) -> str:
        said = _json(body)
        schema = said.get("schema")
        if not isinstance(schema, str):
            raise _no_registry()
        is_avro = said.get("schemaType", "AVRO") == "AVRO" and not said.get("references")
        return schema if is_avro else _NOT_AVRO

    def _names_nothing(self, error: HTTPError) -> bool:
        with error:
            said = _json(error.read(MAX_ANSWER_BYTES))
        return error.code == HTTPStatus.NOT_FOUND and said.get("error_code") == _NO_SUCH_SCHEMA

    def _refusal(self, status: int) -> TonearmError:
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            return ConfigurationError(
                "The schema registry refuses: set TONEARM_SCHEMA_REGISTRY_USER and "
                "TONEARM_SCHEMA_REGISTRY_PASSWORD_FILE."
            )
        if status in _TRY_AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return StoreUnavailableError(
                f"The schema registry answers with status {status}: see to it, then run the command again."
            )
        return _no_registry()

    def _headers(self) -> dict[str, str]:
        headers = {"Accept": "application/vnd.schemaregistry.v1+json, application/json"}
        if self.user:
            word = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
            headers["Authorization"] = f"Basic {word}"
        return headers


def _no_registry() -> ConfigurationError:
    return ConfigurationError("What answers at TONEARM_SCHEMA_REGISTRY_URL is no schema registry: correct the URL.")


def schema_registry(settings: Settings) -> SchemaRegistry | None:
    """The registry of the settings, None where they name none; nothing is asked yet.

    Raises ConfigurationError where they cannot be meant.
    """
    if not settings.schema_registry_url:
        return None
    address = urlsplit(settings.schema_registry_url)
    if address.scheme not in ("http", "https") or not address.hostname or address.username:
        raise ConfigurationError(
            "TONEARM_SCHEMA_REGISTRY_URL is no http:// or https:// address without a user: correct it, "
            "and set TONEARM_SCHEMA_REGISTRY_USER."
        )
    return SchemaRegistry(settings.schema_registry_url, settings.schema_registry_user, _password(settings))


def _password(settings: Settings) -> str:
    path = settings.schema_registry_password_file
    if not settings.schema_registry_user or path is None:
        return ""
    try:
        return path.read_text().strip()
    except OSError:
        raise ConfigurationError(
            f"The password file {path} of the schema registry cannot be read: correct its path or mode."
        ) from None


def _json(body: bytes) -> dict[str, object]:
    try:
        said = json.loads(body)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}
