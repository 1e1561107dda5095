"""The live pipeline on Prism beside native engines: the same topic, the same aggregation, the same sink.

Topic: Avro events of tracks, sent beforehand. Aggregation: plays, skips and exact distinct listeners by minute, country
and track. Sink: changed cells go to files, or are upserted in Cassandra; what stands there in the end is held against
a recount. The pipeline does more than that: it validates, deduplicates, orders by append time, keeps all other live
tables and carries sessions. What it writes of them is dropped, but for a side of its own in Cassandra. The peers do not
deduplicate, since nothing is there twice. They run where `TONEARM_BENCH_PEERS` names what `bench.peers` has prepared.

What is measured is chosen by variables, each a list with commas: `TONEARM_BENCH_EVENTS` (1000000),
`TONEARM_BENCH_PARTITIONS` (1,4), `TONEARM_BENCH_SINKS` (files,cassandra) and `TONEARM_BENCH_SIDES` (all there are:
tonearm,tonearm-all,flink,spark,bytewax,quix,kafka_streams). Each topic is sent once, for all of its sides.
"""

import os
import sys
from dataclasses import replace
from functools import partial

from bench.live_cells import CELL
from bench.live_peers import FOLDER, Launch, peers
from bench.live_sinks import CASSANDRA, FILES, Place, Sink, sink_of
from bench.live_topic import SentTopic, sent_topic
from bench.measure import Cost, measure_side
from bench.results import QUICK, Options, Result, failed, reason, repeated_where_possible, results, tell
from playback.arrow import arrow_schema
from schemas.live import MINUTE_TRACK_PLAYS

PEERS = ("flink", "spark", "bytewax", "quix", "kafka_streams")
SIDES = {
    "tonearm": "tonearm, computes all tables, writes one",
    "tonearm-all": "tonearm, all tables",
    **{name: f"{name}, one table" for name in PEERS},
}
assert CELL.names == arrow_schema(MINUTE_TRACK_PLAYS.fields).names


def run(options: Options) -> list[Result]:
    quick = options.size == QUICK
    found: list[Result] = []
    for events in map(int, chosen("TONEARM_BENCH_EVENTS", "100000" if quick else "1000000")):
        for partitions in map(int, chosen("TONEARM_BENCH_PARTITIONS", "4" if quick else "1,4")):
            try:
                with sent_topic(events, partitions) as topic:
                    for kind in chosen("TONEARM_BENCH_SINKS", f"{FILES},{CASSANDRA}"):
                        with sink_of(kind) as sink:
                            found += _measured(topic, sink, kind, options.repeat)
            except Exception as error:  # whatever a server does, the other sizes are measured
                found.append(failed(f"live, {partitions} partitions", f"{events:,} events", "events", reason(error)))
                tell(found[-1:])
    return found


def chosen(name: str, default: str) -> list[str]:
    """What a variable of this benchmark lists."""
    return [word.strip() for word in os.environ.get(name, default).split(",") if word.strip()]


def _measured(topic: SentTopic, sink: Sink, kind: str, repeat: int) -> list[Result]:
    sides = {name: partial(_written, launch, topic, sink) for name, launch in _sides(kind).items()}
    costs, failures = repeated_where_possible(sides, repeat)
    title = f"live to {kind}, {topic.partitions} partitions"
    notes = {name: taken[-1].answer for name, taken in costs.items()}
    notes |= {name: f"{notes[name]}; then failed: {why}" for name, why in failures.items() if name in notes}
    found = results(title, costs, topic.count, "events", notes) if costs else []
    found += [failed(title, name, "events", why) for name, why in failures.items() if name not in costs]
    tell(found)
    return found


def _sides(kind: str) -> dict[str, Launch]:
    """By the words of the table; the pipeline is the first one."""
    wanted = chosen("TONEARM_BENCH_SIDES", ",".join(SIDES))
    there: dict[str, Launch] = {"tonearm": partial(_tonearm, "one")} | peers()
    if kind == CASSANDRA:
        there["tonearm-all"] = partial(_tonearm, "all")
    if missing := [name for name in wanted if name not in there and name in PEERS]:
        print(f"Without {', '.join(missing)}: `make bench-peers`, and name its folder in {FOLDER}.", file=sys.stderr)
    return {SIDES[name]: there[name] for name in wanted if name in there}


def _tonearm(tables: str, topic: SentTopic, place: Place) -> Cost:
    said = {"home": str(topic.home), "bootstrap": topic.bootstrap, "counts": topic.counts, "tables": tables}
    return measure_side("bench.live_tonearm:tonearm_side", said | vars(place))


def _written(launch: Launch, topic: SentTopic, sink: Sink) -> Cost:
    """The cost of a side whose answer is right; what it wrote is said in its answer."""
    with sink.fresh() as place:
        cost = launch(topic, place)
        found, said = sink.written(place)
    if found != topic.expected:
        raise RuntimeError(f"says {found} where a recount says {topic.expected}")
    return replace(cost, answer=said)
