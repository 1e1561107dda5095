"""Figures of one benchmark, repeated and compared within one run."""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from bench.measure import Cost

QUICK, FULL = "quick", "full"


@dataclass(frozen=True)
class Options:
    """How much to measure: `size` is quick (all benchmarks in a few minutes) or full; each side `repeat` times."""

    size: str = FULL
    repeat: int = 3


@dataclass(frozen=True)
class Result:
    """One side of one benchmark: medians of its repetitions, and the highest peak of memory.

    `cpu_ratio` is the median of its work's CPU time over the first side's of the same repetition; `work_*` leave out
    imports and the start of an engine, the others do not. Times are seconds; `seconds` has those
    of a benchmark that is about more than costs.
    """

    benchmark: str
    side: str
    units: int
    unit: str
    cpu_ratio: float
    work_cpu: float
    work_cpu_range: tuple[float, float]
    work_wall: float
    cpu: float
    wall: float
    peak_rss_mib: float
    note: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def per_second(self) -> float:
        """Units a second of wall time of the work; 0 where nothing was measured."""
        return self.units / self.work_wall if self.work_wall else 0.0


def repeated(sides: Mapping[str, Callable[[], Cost]], repeat: int) -> dict[str, list[Cost]]:
    """Costs of each side; the sides take turns, so that what else the machine does falls on all of them."""
    costs: dict[str, list[Cost]] = {name: [] for name in sides}
    for _ in range(repeat):
        for name, side in sides.items():
            costs[name].append(side())
    return costs


def repeated_where_possible(
    sides: Mapping[str, Callable[[], Cost]], repeat: int
) -> tuple[dict[str, list[Cost]], dict[str, str]]:
    """As `repeated`, but a side that fails is left out from then on: costs of those that worked once, and reasons."""
    costs: dict[str, list[Cost]] = {}
    failures: dict[str, str] = {}
    for _ in range(repeat):
        for name, side in sides.items():
            if name in failures:
                continue
            try:
                costs.setdefault(name, []).append(side())
            except Exception as error:  # whatever it is, the others are measured
                failures[name] = reason(error)
    return {name: taken for name, taken in costs.items() if taken}, failures


def reason(error: Exception) -> str:
    """The end of what an error says, on one line."""
    return " ".join(str(error).split())[-300:] or type(error).__name__


def tell(found: Sequence[Result]) -> None:
    """Say what was found so far, since a long benchmark may be ended before its end."""
    for one in found:
        figures = f"{one.work_cpu:.1f} CPU s, {one.work_wall:.1f} s, {one.per_second:,.0f} {one.unit} a second"
        print(f"{one.benchmark}: {one.side}: {figures}; {one.note}", file=sys.stderr, flush=True)


def failed(benchmark: str, side: str, unit: str, why: str) -> Result:
    """A side of which nothing was measured."""
    return Result(benchmark, side, 0, unit, 0.0, 0.0, (0.0, 0.0), 0.0, 0.0, 0.0, 0.0, f"failed: {why}")


def results(
    benchmark: str,
    costs: Mapping[str, Sequence[Cost]],
    units: int,
    unit: str,
    notes: Mapping[str, str] | None = None,
    seconds: Mapping[str, Mapping[str, float]] | None = None,
) -> list[Result]:
    """One result a side; the first one is what the others are compared with."""
    base = next(iter(costs.values()))

    def result(side: str, taken: Sequence[Cost]) -> Result:
        work = [one.work_cpu_seconds for one in taken]
        return Result(
            benchmark=benchmark,
            side=side,
            units=units,
            unit=unit,
            cpu_ratio=median(one / first.work_cpu_seconds for one, first in zip(work, base, strict=False)),
            work_cpu=median(work),
            work_cpu_range=(min(work), max(work)),
            work_wall=_median(taken, "work_wall_seconds"),
            cpu=_median(taken, "cpu_seconds"),
            wall=_median(taken, "wall_seconds"),
            peak_rss_mib=max(one.peak_rss_mib for one in taken),
            note=(notes or {}).get(side, ""),
            seconds=(seconds or {}).get(side, {}),
        )

    return [result(side, taken) for side, taken in costs.items()]


def _median(taken: Sequence[Cost], name: str) -> float:
    values: list[float] = [getattr(one, name) for one in taken]
    return median(values)
