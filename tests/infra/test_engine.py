"""What the engines are told, beside the settings."""

from infra.engine import SAIL_BATCH_ROWS
from infra.kafka.record_batches import MAX_KEPT_BYTES


def test_a_batch_of_the_largest_cells_fits_into_an_arrow_array() -> None:
    assert SAIL_BATCH_ROWS * MAX_KEPT_BYTES < 2**31
