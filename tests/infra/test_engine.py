"""What the engines are told, beside the settings, and how sessions end."""

import gc

from pyspark.sql.connect.client.reattach import ExecutePlanResponseReattachableIterator as Results

from infra.engine import SAIL_BATCH_ROWS, open_session
from infra.kafka.record_batches import MAX_KEPT_BYTES
from infra.settings import Settings


def test_a_batch_of_the_largest_cells_fits_into_an_arrow_array() -> None:
    assert SAIL_BATCH_ROWS * MAX_KEPT_BYTES < 2**31


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
