"""A measurement counts what a child and its own children took, and says when one failed."""

import sys

import pytest

from bench.__main__ import benchmarks
from bench.measure import Cost, measure
from bench.results import repeated, results

BUSY = "import time\nwhile time.process_time() < {seconds}: pass\n"


def test_the_time_of_grandchildren_counts() -> None:
    nested = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {BUSY.format(seconds=0.6)!r}])"
    assert measure([sys.executable, "-c", nested], {}).cpu_seconds >= 0.6


def test_memory_is_the_highest_seen() -> None:
    hold = "import time\nheld = bytearray(200 << 20)\ntime.sleep(0.5)\ndel held\ntime.sleep(0.3)"
    assert 200 <= measure([sys.executable, "-c", hold], {}).peak_rss_mib < 300


def test_a_failed_side_is_an_error_with_its_last_words() -> None:
    with pytest.raises(RuntimeError, match="no such thing"):
        measure([sys.executable, "-c", "raise SystemExit('no such thing')"], {})


def test_ratios_are_those_of_sides_measured_one_after_the_other() -> None:
    order: list[str] = []
    taken = {"base": [1.0, 2.0, 4.0], "peer": [2.0, 6.0, 8.0]}

    def cost(name: str) -> Cost:
        order.append(name)
        seconds = taken[name][order.count(name) - 1]
        return Cost(seconds, seconds, seconds, seconds, seconds)

    costs = repeated({name: lambda name=name: cost(name) for name in taken}, 3)
    base, peer = results("b", costs, 100, "rows")
    assert order == ["base", "peer"] * 3
    assert (base.cpu_ratio, peer.cpu_ratio) == (1.0, 2.0)
    assert (peer.work_cpu, peer.work_cpu_range, peer.peak_rss_mib) == (6.0, (2.0, 8.0), 8.0)


def test_the_benchmarks_are_the_modules_that_run() -> None:
    first = ["audit", "checks", "classify", "daily_aggregate", "full_batch", "generator", "importers", "ingest"]
    assert benchmarks() == [
        *first,
        "live",
        "live_engine",
        "live_latency",
        "live_recovery",
        "merge",
        "orchestration",
        "replay",
        "restatement",
        "resume",
        "run",
        "statistics_beside_duckdb",
    ]
