"""What the engines are told, beside the settings, and how sessions end."""

import gc
import time
from typing import Any

import grpc
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql.connect.client.reattach import ExecutePlanResponseReattachableIterator as Results

from infra import engine
from infra.engine import BATCH_ROWS, PAYLOAD_BATCH_ROWS, open_session, open_sessions
from infra.kafka.record_batches import MAX_KEPT_BYTES
from infra.settings import Settings
from playback.validate import MAX_TEXT_CHARACTERS


def test_a_batch_of_the_largest_cells_fits_into_an_arrow_array() -> None:
    assert PAYLOAD_BATCH_ROWS * MAX_KEPT_BYTES < 2**31
    # A character is four bytes at most.
    assert BATCH_ROWS * 4 * MAX_TEXT_CHARACTERS < 2**31


def test_tables_with_payloads_are_read_in_smaller_batches_than_others(settings: Settings) -> None:
    with open_sessions(settings) as sessions:
        found = {name: rows_at_once(getattr(sessions, name)) for name in ("payloads", "others")}
    assert found["payloads"] <= PAYLOAD_BATCH_ROWS < found["others"] <= BATCH_ROWS


def rows_at_once(session: SparkSession) -> int:
    """The most rows of an Arrow batch that the engine computes and sends."""
    rows = session.range(100_000, numPartitions=1).where("id >= 0")
    return max(batch.num_rows for batch in rows.toArrow().to_batches())


def test_a_session_that_waits_is_ended_when_we_say_and_that_is_longer_than_any_run(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert engine.IDLE_SECONDS >= 86_400
    monkeypatch.setattr(engine, "IDLE_SECONDS", 2)
    with open_session(settings) as session:
        assert session.range(3).count() == 3
        time.sleep(8)
        with pytest.raises(PySparkException, match="is not running"):
            session.range(3).count()


def test_a_session_of_the_past_leaves_alone_the_threads_that_all_clients_share(settings: Settings) -> None:
    """They would wait for each other for ever if the collector found the session in one of them."""
    with open_session(settings) as past:
        circle: list[object] = [past]
        circle.append(circle)
    gc.collect()
    gc.disable()
    try:
        del past, circle
        with open_session(settings) as session:
            assert session.range(2).count() == 2
            shared = Results._get_or_create_release_thread_pool()
            shared.submit(gc.collect).result(timeout=60)
            assert Results._get_or_create_release_thread_pool() is shared
            assert session.range(3).count() == 3
    finally:
        gc.enable()


class Spoilt(grpc.RpcError):
    """What gRPC raises where an answer came that it cannot read."""

    def __init__(self, details: str) -> None:
        super().__init__(f"status = INTERNAL details = {details}")

    def code(self) -> grpc.StatusCode:
        return grpc.StatusCode.INTERNAL

    def trailing_metadata(self) -> tuple[()]:
        return ()


def test_an_answer_that_cannot_be_read_is_asked_for_again_and_another_error_is_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_session(settings) as session:
        stub = session.client._stub
        real, calls = stub.Config, []

        def config(*given: Any, **named: Any) -> Any:
            calls.append(given)
            if len(calls) == 1:
                raise Spoilt(calls_fail_with)
            return real(*given, **named)

        monkeypatch.setattr(stub, "Config", config)
        calls_fail_with = "Exception deserializing response!"
        assert session.conf.get("spark.sql.session.timeZone") == "UTC"
        assert len(calls) == 2
        calls.clear()
        calls_fail_with = "Exception of another kind"
        with pytest.raises(PySparkException, match="of another kind"):
            session.conf.get("spark.sql.session.timeZone")
        assert len(calls) == 1
