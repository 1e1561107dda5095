"""Properties of Kafka clients."""

from pathlib import Path

import pytest
from confluent_kafka import KafkaError

from infra.kafka.connection import client_properties, read_error
from infra.settings import Settings
from schemas.errors import ConfigurationError, StoreUnavailableError


def test_the_local_broker_needs_its_address_only(tmp_path: Path) -> None:
    settings = Settings(kafka_properties=tmp_path / "unused")
    assert client_properties(settings, "127.0.0.1:9") == {"bootstrap.servers": "127.0.0.1:9"}


def test_your_own_kafka_gets_the_properties_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "kafka.properties"
    file.write_text("# access\nsecurity.protocol = SASL_SSL\n\nsasl.password=a=b\nbootstrap.servers=other:1\n")
    settings = Settings(kafka_bootstrap="mine:1", kafka_properties=file)
    assert client_properties(settings, "mine:1") == {
        "security.protocol": "SASL_SSL",
        "sasl.password": "a=b",
        "bootstrap.servers": "mine:1",
    }


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    settings = Settings(kafka_bootstrap="mine:1", kafka_properties=tmp_path / "missing")
    with pytest.raises(ConfigurationError, match="missing cannot be read: correct TONEARM_KAFKA_PROPERTIES"):
        client_properties(settings, "mine:1")


def test_a_line_that_is_no_property_is_numbered_and_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "kafka.properties"
    file.write_text("a=b\nsecret\n")
    settings = Settings(kafka_bootstrap="mine:1", kafka_properties=file)
    with pytest.raises(ConfigurationError) as error:
        client_properties(settings, "mine:1")
    assert str(error.value) == f"Line 2 of {file} is no `name=value`: correct it."


def test_a_user_without_rights_is_to_be_corrected_and_all_else_may_pass() -> None:
    refused = read_error(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
    assert isinstance(refused, ConfigurationError)
    assert str(refused).startswith("Kafka does not let this user read (Broker: Topic authorization failed): correct ")
    assert isinstance(read_error(KafkaError(KafkaError.OFFSET_OUT_OF_RANGE)), StoreUnavailableError)
