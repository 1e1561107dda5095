"""Sides of the live benchmark are held against a recount, and one that fails is said and does not end the others."""

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from bench import live, live_latency, peer_cells
from bench.live_cells import recounted
from bench.live_sinks import FILES, Files
from bench.live_topic import events_of_tracks
from bench.measure import Cost
from bench.results import failed, repeated_where_possible
from playback.datums import writing_schema
from playback.wire import encode
from schemas.events import CURRENT


def test_what_the_peers_in_python_count_is_what_a_recount_counts(tmp_path: Path) -> None:
    schema = tmp_path / "event.avsc"
    schema.write_text(writing_schema(CURRENT), encoding="utf-8")
    read = peer_cells.reader(str(schema))
    (events,) = events_of_tracks(2_000)
    events = events.set_column(
        events.schema.get_field_index("outcome"),
        "outcome",
        pc.if_else(pc.less(events["ms_played"], 100_000), pa.scalar(None, pa.string()), events["outcome"]),
    )
    payloads = encode(events).to_pylist()

    cells: dict[str, peer_cells.Counts] = {}
    with Files().fresh() as place:
        sink = peer_cells.sink(FILES, place.where)
        for some in (payloads[:900], payloads[900:]):
            more = peer_cells.counted(map(read, some))
            cells |= {key: peer_cells.merged(cells.get(key), counts) for key, counts in more.items()}
            sink.write([peer_cells.cell(key, cells[key]) for key in more])
        sink.close()
        found, said = Files().written(place)

    assert found == recounted(pa.Table.from_batches([events]))
    assert found[0] > 500
    assert 0 < found[2] < found[1]
    assert int(said.split()[0].replace(",", "")) > found[0]


def test_a_side_that_fails_is_left_out_and_said() -> None:
    asked: list[str] = []

    def side(name: str, fails_at: int) -> Callable[[], Cost]:
        def measured() -> Cost:
            asked.append(name)
            if asked.count(name) == fails_at:
                raise RuntimeError(f"{name}\n  broke")
            return Cost(1, 1, 1, 1, 1)

        return measured

    sides = {"well": side("well", 9), "once": side("once", 2), "never": side("never", 1)}
    costs, failures = repeated_where_possible(sides, 3)

    assert {name: len(taken) for name, taken in costs.items()} == {"well": 3, "once": 1}
    assert failures == {"once": "once broke", "never": "never broke"}
    assert asked.count("once") == 2
    assert asked.count("never") == 1
    said = failed("live", "never", "events", failures["never"])
    assert (said.per_second, said.note) == (0.0, "failed: never broke")


def test_a_probe_that_was_never_seen_waited_longer_than_all_others() -> None:
    def cost(waits: list[float], lost: int) -> Cost:
        return Cost(1, 1, 1, 1, 1, {"waits": waits, "lost": lost, "behind": 0.0, "delay": 1.5})

    note, seconds = live_latency.told([cost([1.0] * 90, 0), cost([2.0] * 8, 2)], "")

    assert seconds == {"p50": 1.0, "p95": 2.0}
    assert note.startswith("p50 1.00 s, p95 2.00 s, p99 not seen of 100 probes, 2 of them not seen within 60 s")
    assert "the log was read to 1.5 s ago" in note


def test_without_peers_the_pipeline_is_measured_alone_and_it_is_said(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("TONEARM_BENCH_PEERS", raising=False)

    assert list(live._sides(FILES)) == ["tonearm, computes all tables, writes one"]
    assert list(live._sides("cassandra")) == ["tonearm, computes all tables, writes one", "tonearm, all tables"]
    assert "Without flink, spark, bytewax, quix, kafka_streams: `make bench-peers`" in capsys.readouterr().err


def test_sizes_are_lists_in_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONEARM_BENCH_EVENTS", "1000, 2000")
    assert live.chosen("TONEARM_BENCH_EVENTS", "5") == ["1000", "2000"]
    monkeypatch.delenv("TONEARM_BENCH_EVENTS")
    assert live.chosen("TONEARM_BENCH_EVENTS", "5") == ["5"]
