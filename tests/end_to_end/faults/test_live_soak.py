"""Ten minutes at 20,000 events a second: every count right, and the memory of the pipeline and its runner level."""

import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import mean
from typing import Any

import psutil
import pytest

from pipelines.progress import read_progress
from schemas.live import FATES
from tests.end_to_end.faults.crowd import Crowd
from tests.end_to_end.live_pipeline import Pipeline, pipeline_of

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(2_400)]

RATE, SECONDS = 20_000, 600
LOOK_SECONDS = 5.0
CATCH_UP_SECONDS = 900.0
LEVEL_AFTER = 0.7
"""Share of the time after which memory has to be level: ids are remembered for minutes, and then as many go as come."""
MOST_GROWTH = 1.2
"""Of the last part's mean over the part before it."""
OPTIONS = ("--bigquery_seconds=60",)


def test_memory_is_level_and_every_count_right(
    deployment: Callable[..., Any], tmp_path: Path, tell: Callable[[object], None]
) -> None:
    """Counts are by sums: one process cannot remember all that was sent, as the other tests do."""
    with pipeline_of(deployment(), tmp_path / "live.log") as made:
        pipeline = replace(made, options=OPTIONS)
        life = pipeline.start_and_hear()
        try:
            with Crowd(*pipeline.topic, rate=RATE) as crowd:
                looks = list(looked(pipeline, life))
            total = sum(crowd.sent[kind] for kind in ("events", "again", "spoilt"))
            pipeline.wait(lambda: fates(pipeline).total() >= total, life, CATCH_UP_SECONDS)
        finally:
            life.kill()
            life.wait(30)
        found, cells = fates(pipeline), pipeline.rows("minute_track_plays")
    memory, delays = [look[0] for look in looks], [look[1] for look in looks]
    level = memory[int(len(memory) * LEVEL_AFTER) :]
    before, after = mean(level[: len(level) // 2]), mean(level[len(level) // 2 :])
    minute = int(60 / LOOK_SECONDS)
    tell(
        f"live, soak: {total:,} records in {SECONDS} s, {dict(found)}; crowd behind by at most {crowd.behind:.1f} s; "
        f"MiB by minute {[round(mean(memory[at : at + minute])) for at in range(0, len(memory), minute)]}; "
        f"delay by minute {[round(mean(delays[at : at + minute]), 1) for at in range(0, len(delays), minute)]} s"
    )
    assert found == {
        "accepted": crowd.sent["events"], "duplicate": crowd.sent["again"], "dead_letter": crowd.sent["spoilt"]
    }  # fmt: skip
    assert sum(row["play_count"] for row in cells) == crowd.sent["events"]
    assert sum(row["skip_count"] for row in cells) == crowd.sent["skips"]
    assert after < MOST_GROWTH * before


def looked(pipeline: Pipeline, life: "subprocess.Popen[bytes]") -> Any:
    """Every few seconds the memory of the life and its children in MiB, and its delay in seconds."""
    until = time.monotonic() + SECONDS
    process = psutil.Process(life.pid)
    while time.monotonic() < until:
        assert life.poll() is None, pipeline.log.read_text()[-2_000:]
        tree = [process, *process.children(recursive=True)]
        said = read_progress(pipeline.made.settings.home)
        yield sum(one.memory_info().rss for one in tree) / 2**20, said.delay_seconds if said else 0.0
        time.sleep(LOOK_SECONDS)


def fates(pipeline: Pipeline) -> Counter[str]:
    found: Counter[str] = Counter()
    for row in pipeline.rows("minute_records"):
        found.update({fate: row[fate] for fate in FATES})
    return +found
