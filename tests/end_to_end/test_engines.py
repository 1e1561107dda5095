"""The two engines, from the topic to the stores."""

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.nightly
@pytest.mark.spark
@pytest.mark.timeout(1200)
def test_a_run_on_spark_equals_a_run_on_sail(deployment: Callable[..., Any], undisturbed: Any) -> None:
    made = deployment(like=undisturbed, own_topic=False, engine="spark")
    assert made.run().sheet.adds_up
    assert made.digests() == undisturbed.digests()
    assert made.served() == undisturbed.served()
