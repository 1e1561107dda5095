"""The playback topic: make it, wait for it, and name it by the id that a topic made again does not share.

The administration client is librdkafka's, not kafka-python's: one properties file then serves every client.
"""

import time

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._resource import ResourceType
from confluent_kafka.admin._topic import TopicDescription
from confluent_kafka.cimpl import NewTopic

from infra.kafka.connection import CLIENT_LOG, client_properties
from infra.settings import Settings
from schemas.errors import ConfigurationError, MissingInputError, StoreUnavailableError

FOREVER = "-1"
TOPIC_CONFIG = {"message.timestamp.type": "LogAppendTime", "retention.ms": FOREVER, "retention.bytes": FOREVER}
"""The broker stamps records, so time says when it had them; the ledger, not the topic's age, decides what may go."""

_NOT_SAID = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED)
_ANSWER_SECONDS = 10.0
_USABLE_SECONDS = 30.0
_LOOK_AGAIN_SECONDS = 0.1


def ensure_playback_topic(settings: Settings, bootstrap: str) -> str:
    """Create the playback topic unless it is there, wait until each partition has a leader; return its topic id.

    An existing topic is left as it is. Raises StoreUnavailableError when no broker answers.
    """
    admin = _admin(settings, bootstrap)
    name = settings.playback_topic
    if _describe(admin, name, bootstrap) is None:
        _create(admin, name, settings.playback_partitions, bootstrap)
    return _wait_until_usable(admin, name, bootstrap)


def ensure_topic(settings: Settings, bootstrap: str, name: str, config: dict[str, str]) -> None:
    """Create another topic of ours, as many partitions as the playback topic has by default, unless it is there."""
    admin = _admin(settings, bootstrap)
    if _describe(admin, name, bootstrap) is None:
        _create(admin, name, settings.playback_partitions, bootstrap, config)
    _wait_until_usable(admin, name, bootstrap)


def topic_id(settings: Settings, bootstrap: str, name: str) -> str:
    """Kafka's own id of the topic, as its tools print it (22 characters of base64).

    Raises MissingInputError when there is no such topic and StoreUnavailableError when no broker answers.
    """
    description = _describe(_admin(settings, bootstrap), name, bootstrap)
    if description is None:
        raise MissingInputError(f"There is no topic {name} yet: send it something with `tonearm simulate` or `import`.")
    return _as_printed(description)


def require_append_times(settings: Settings, bootstrap: str, name: str) -> None:
    """Raise ConfigurationError where records of the topic have their clients' times: one clock would move all windows.

    A broker that does not let this be read is believed. Raises StoreUnavailableError when none answers.
    """
    admin, asked = _admin(settings, bootstrap), ConfigResource(ResourceType.TOPIC, name)
    try:
        found = admin.describe_configs([asked], request_timeout=_ANSWER_SECONDS)[asked].result()
    except KafkaException as error:
        if error.args[0].code() in _NOT_SAID:
            return
        raise _unavailable(bootstrap, error) from None
    kind = found["message.timestamp.type"].value
    if kind != TOPIC_CONFIG["message.timestamp.type"]:
        raise ConfigurationError(
            f"Records of topic {name} have the time of their client ({kind}), and live windows follow the broker's: "
            "set message.timestamp.type=LogAppendTime for the topic."
        )


def _admin(settings: Settings, bootstrap: str) -> AdminClient:
    properties: dict[str, str | int | float | bool] = {**client_properties(settings, bootstrap), "log_level": 0}
    return AdminClient(properties, logger=CLIENT_LOG)


def _describe(admin: AdminClient, name: str, bootstrap: str) -> TopicDescription | None:
    """The topic's description, or None when there is none."""
    try:
        answer = admin.describe_topics(TopicCollection([name]), request_timeout=_ANSWER_SECONDS)
        description: TopicDescription = answer[name].result()
        return description
    except KafkaException as error:
        if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return None
        raise _unavailable(bootstrap, error) from None


def _create(
    admin: AdminClient, name: str, partitions: int, bootstrap: str, config: dict[str, str] = TOPIC_CONFIG
) -> None:
    wanted = NewTopic(name, num_partitions=partitions, config=config)
    try:
        admin.create_topics([wanted], request_timeout=_ANSWER_SECONDS)[name].result()
    except KafkaException as error:
        if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
            raise _unavailable(bootstrap, error) from None


def _wait_until_usable(admin: AdminClient, name: str, bootstrap: str) -> str:
    deadline = time.monotonic() + _USABLE_SECONDS
    while time.monotonic() < deadline:
        description = _describe(admin, name, bootstrap)
        if description is not None and description.partitions and all(one.leader for one in description.partitions):
            return _as_printed(description)
        time.sleep(_LOOK_AGAIN_SECONDS)
    raise StoreUnavailableError(f"Topic {name} got no leader within {_USABLE_SECONDS:.0f} s: look at the broker's log.")


def _as_printed(description: TopicDescription) -> str:
    """The id as Kafka's own tools print it: base64 for URLs, where librdkafka uses the other alphabet."""
    return str(description.topic_id).replace("+", "-").replace("/", "_")


def _unavailable(bootstrap: str, error: KafkaException) -> StoreUnavailableError:
    return StoreUnavailableError(
        f"Kafka at {bootstrap} does not answer ({error.args[0].name()}): start it with `tonearm up` and try again."
    )
