"""A session with the real Cassandra and a keyspace of the test's own."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest

from infra.serving_store.session import ServingSession, serving_session
from infra.serving_store.tables import create_control_tables
from infra.settings import Settings


@pytest.fixture
def settings(stack: Any) -> Settings:
    own: Settings = stack.settings.model_copy(update={"cassandra_keyspace": f"s{uuid.uuid4().hex[:8]}"})
    return own


@pytest.fixture
def serving(settings: Settings, stack: Any) -> Iterator[ServingSession]:
    with serving_session(settings, stack.endpoints) as session:
        create_control_tables(session, settings)
        yield session
