"""The generator of histories: messages with their log, made and thrown away, without faults and with `TYPICAL` ones.

The largest history takes minutes and 6 GB of temporary disk, so it is measured by hand:

    python -c 'from bench.generator import generate; print(generate(100_000_000, "typical"))'
"""

from functools import partial

from bench.measure import Cost, measure_side, work
from bench.results import QUICK, Options, Result, repeated, results

FAULTS = ("clean", "typical")


def run(options: Options) -> list[Result]:
    counts = (200_000,) if options.size == QUICK else (1_000_000, 10_000_000)
    found: list[Result] = []
    for count in counts:
        sides = {f"{faults}, {count:,}": partial(generate, count, faults) for faults in FAULTS}
        found += results("generator", repeated(sides, options.repeat), count, "playbacks")
    return found


def generate(count: int, faults: str) -> Cost:
    """Cost of a history of `count` playbacks, `faults` one of FAULTS."""
    return measure_side("bench.generator:generator_side", {"count": count, "faults": faults})


def generator_side(count: int, faults: str) -> None:
    from bench.data import world_of
    from playback.simulator.parameters import TYPICAL, Faults
    from playback.simulator.play import play

    with work():
        played = events = messages = 0
        for batch in play(world_of(count, TYPICAL if faults == "typical" else Faults())):
            played += 1
            messages += batch.messages.num_rows
            events += batch.log.num_rows - batch.log.column("user_id").null_count
    assert played and events >= count and (faults == "typical" or messages > events == count)
