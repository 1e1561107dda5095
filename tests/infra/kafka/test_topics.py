"""Whose clock a topic's records are stamped by, as the broker says it."""

import uuid
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from infra.kafka import topics
from infra.kafka.topics import TOPIC_CONFIG, require_append_times
from infra.settings import Settings
from schemas.errors import ConfigurationError, StoreUnavailableError


def created(bootstrap: str, config: dict[str, str]) -> str:
    name = f"topic-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(name, num_partitions=1, config=config)])[name].result()
    return name


def test_a_topic_that_stamps_records_as_they_are_appended_is_taken(stack: Any, settings: Settings) -> None:
    bootstrap = stack.endpoints.kafka_bootstrap
    for config in (TOPIC_CONFIG, {}):  # the local broker's default is the same
        require_append_times(settings, bootstrap, created(bootstrap, config))


def test_a_topic_of_the_clients_times_is_refused_with_what_to_set(stack: Any, settings: Settings) -> None:
    bootstrap = stack.endpoints.kafka_bootstrap
    name = created(bootstrap, {"message.timestamp.type": "CreateTime"})
    with pytest.raises(ConfigurationError, match=rf"topic {name} .*CreateTime.*set message.timestamp.type=Log"):
        require_append_times(settings, bootstrap, name)


@pytest.mark.parametrize(
    ("code", "raised"),
    [(KafkaError.TOPIC_AUTHORIZATION_FAILED, None), (KafkaError._TRANSPORT, StoreUnavailableError)],
)
def test_a_broker_that_does_not_let_it_be_read_is_believed_and_one_that_is_away_is_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, code: int, raised: type[Exception] | None
) -> None:
    class Answer:
        def result(self) -> None:
            raise KafkaException(KafkaError(code))

    class Admin:
        def describe_configs(self, asked: list[Any], **_: float) -> dict[Any, Answer]:
            return {asked[0]: Answer()}

    monkeypatch.setattr(topics, "_admin", lambda *_: Admin())
    if raised is None:
        require_append_times(settings, "nowhere:1", "t")
        return
    with pytest.raises(raised):
        require_append_times(settings, "nowhere:1", "t")
