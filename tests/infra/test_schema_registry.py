"""The registry's REST API, against a stand-in over HTTP: no real one can be had here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.schema_registry import schema_registry
from infra.settings import Settings
from schemas.errors import ConfigurationError, StoreUnavailableError
from tests.registry import Registry, started_registry


@pytest.fixture
def registry() -> Iterator[Registry]:
    with started_registry() as started:
        yield started


def test_without_a_url_there_is_none() -> None:
    assert schema_registry(Settings()) is None


def test_a_schema_is_asked_for_once_and_an_id_that_names_nothing_too(registry: Registry) -> None:
    registry.register(7, '"string"')
    schemas = schema_registry(Settings(schema_registry_url=f"{registry.url}/"))
    assert schemas is not None
    assert [schemas(7), schemas(7), schemas(8), schemas(8)] == ['"string"', '"string"', None, None]
    assert registry.asked == ["/schemas/ids/7", "/schemas/ids/8"]


@pytest.mark.parametrize("more", [{"schemaType": "PROTOBUF"}, {"references": [{"name": "x"}]}])
def test_what_is_no_avro_schema_on_its_own_is_empty(registry: Registry, more: dict[str, object]) -> None:
    registry.register(7, "anything", **more)
    schemas = schema_registry(Settings(schema_registry_url=registry.url))
    assert schemas is not None
    assert schemas(7) == ""


@pytest.mark.parametrize("status", [500, 503, 429])
def test_one_that_is_ill_may_be_well_later(registry: Registry, status: int) -> None:
    registry.register(7, '"string"')
    schemas = schema_registry(Settings(schema_registry_url=registry.url))
    assert schemas is not None
    registry.broken = status
    with pytest.raises(StoreUnavailableError, match=str(status)):
        schemas(7)
    registry.broken = 0
    assert schemas(7) == '"string"'


def test_one_that_is_away_may_come_back() -> None:
    with started_registry() as gone:
        schemas = schema_registry(Settings(schema_registry_url=gone.url))
    assert schemas is not None
    with pytest.raises(StoreUnavailableError, match="does not answer"):
        schemas(7)


def test_one_that_refuses_and_what_is_none_are_settings_to_correct(registry: Registry) -> None:
    schemas = schema_registry(Settings(schema_registry_url=registry.url))
    elsewhere = schema_registry(Settings(schema_registry_url=f"{registry.url}/somewhere"))
    assert schemas is not None and elsewhere is not None
    with pytest.raises(ConfigurationError, match="no schema registry"):
        elsewhere(7)
    registry.broken = 401
    with pytest.raises(ConfigurationError, match="SCHEMA_REGISTRY_USER"):
        schemas(7)
    registry.broken = 0
    registry.schemas[7] = {"unexpected": 1}
    with pytest.raises(ConfigurationError, match="no schema registry"):
        schemas(7)


def test_user_and_password_are_sent_and_not_shown(registry: Registry, tmp_path: Path) -> None:
    registry.register(7, '"string"')
    (tmp_path / "password").write_text("secret\n")
    known = {"schema_registry_user": "u", "schema_registry_password_file": tmp_path / "password"}
    schemas = schema_registry(Settings(schema_registry_url=registry.url, **known))
    assert schemas is not None
    schemas(7)
    assert registry.headers[0]["Authorization"] == "Basic dTpzZWNyZXQ="
    assert "secret" not in repr(schemas)


@pytest.mark.parametrize("url", ["file:///etc/passwd", "registry:8081", "http://user:word@host", "http://"])
def test_an_address_that_cannot_be_meant_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="SCHEMA_REGISTRY_URL"):
        schema_registry(Settings(schema_registry_url=url))
