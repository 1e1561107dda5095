"""librdkafka properties of one deployment: where every client of bulk data and of topics starts from."""

import logging
from pathlib import Path

from confluent_kafka import KafkaError

from infra.settings import Settings
from schemas.errors import ConfigurationError, StoreUnavailableError, TonearmError

CLIENT_LOG = logging.getLogger("tonearm.kafka")
"""librdkafka's own lines go here, not to standard error, where our errors say the same in one sentence."""
CLIENT_LOG.addHandler(logging.NullHandler())


def client_properties(settings: Settings, bootstrap: str) -> dict[str, str]:
    """Properties to connect with: of your own Kafka those of the settings' file, and always `bootstrap.servers`.

    Raises ConfigurationError when the file is missing or has a line that is no `name=value`.
    """
    own = settings.kafka_bootstrap and settings.kafka_properties
    return {**(_read(own) if own else {}), "bootstrap.servers": bootstrap}


_REFUSALS = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.SASL_AUTHENTICATION_FAILED,
)


def is_refusal(error: KafkaError) -> bool:
    """Whether the broker refuses the user, which trying again does not change."""
    return error.code() in _REFUSALS


def read_error(error: KafkaError) -> TonearmError:
    """What a reader is told by an error of the broker."""
    if is_refusal(error):
        return ConfigurationError(
            f"Kafka does not let this user read ({error.str()}): correct TONEARM_KAFKA_PROPERTIES or the user's rights."
        )
    return StoreUnavailableError(f"Kafka refused the read: {error.str()}.")


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        raise ConfigurationError(
            f"The Kafka properties file {path} cannot be read: correct TONEARM_KAFKA_PROPERTIES."
        ) from None
    properties = {}
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line or line.startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not name.strip():
            raise ConfigurationError(f"Line {number} of {path} is no `name=value`: correct it.")
        properties[name.strip()] = value.strip()
    return properties
