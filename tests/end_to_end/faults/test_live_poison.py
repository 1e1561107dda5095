"""A thousand records of poison among a hundred thousand events, through one life of the live pipeline."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from playback.reasons import Reason
from tests.end_to_end.live_pipeline import pipeline_of
from tests.end_to_end.live_poison import fates_of, letters_in_table, letters_of, letters_on_topic, send_poison
from tests.poison.kinds import OF_A_REGISTRY
from tests.registry import Registry

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1_200)]

GOOD, DOSES, BLOCKS = 100_000, 1_000, 20
OPTIONS = ("--flush_seconds=0.5", "--bigquery_seconds=10")
"""Windows and lateness as they are by default."""


def test_in_is_good_and_dead_and_again_and_the_dead_keep_their_bytes(
    deployment: Callable[..., Any], tmp_path: Path, tell: Callable[[object], None]
) -> None:
    with pipeline_of(deployment(), tmp_path / "live.log") as made:
        # Where there is a registry, what begins with a zero byte has other reasons.
        pipeline = replace(made, options=OPTIONS, registry=Registry())
        life = pipeline.start_and_hear()
        try:
            poisoned = send_poison(pipeline, GOOD, DOSES, BLOCKS)
            places = set(poisoned.dead)
            pipeline.wait(lambda: fates_of(pipeline).total() >= poisoned.fates.total(), life)
            # They go to the topic last.
            pipeline.wait(lambda: letters_on_topic(pipeline, places).keys() == places, life)
            assert life.poll() is None
        finally:
            life.kill()
            life.wait(30)
        tell(f"live, poison: {DOSES:,} doses in {GOOD:,}: {dict(poisoned.fates)}")
        assert fates_of(pipeline) == poisoned.fates
        expected = letters_of(poisoned)
        assert {reason for reason, _ in expected.values()} == {str(one) for one in Reason} - set(OF_A_REGISTRY)
        assert letters_in_table(pipeline, places) == expected
        assert letters_on_topic(pipeline, places) == expected
