"""The peers of `bench.live` that `bench.peers` has prepared: how each of them is started."""

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from bench.live_sinks import Place
from bench.live_topic import TOPIC, WARM_TOPIC, SentTopic
from bench.measure import ROOT, Cost, measure, measure_side
from infra.local.java import find_java
from infra.settings import Settings
from playback.datums import writing_schema
from schemas.events import CURRENT

FOLDER = "TONEARM_BENCH_PEERS"
_SQL_TYPES = {"string": "STRING", "long": "BIGINT", "int": "INT", "boolean": "BOOLEAN", "timestamp": "BIGINT"}
Launch = Callable[[SentTopic, Place], Cost]


def peers() -> dict[str, Launch]:
    """The peers that are there, by name."""
    if not os.environ.get(FOLDER):
        return {}
    folder = Path(os.environ[FOLDER]).resolve()
    known: dict[str, tuple[Path, Launch]] = {
        "flink": (folder / "flink-sql" / "classes", partial(_flink, folder / "flink-sql")),
        "spark": (folder / "spark-kafka", partial(_spark, folder / "spark-kafka")),
        "bytewax": (folder / "bytewax", partial(_bytewax, folder / "bytewax" / "bin" / "python")),
        "quix": (folder / "quix", partial(_quix, folder / "quix" / "bin" / "python")),
        "kafka_streams": (folder / "kafka-streams" / "classes", partial(_kafka_streams, folder / "kafka-streams")),
    }
    return {name: launch for name, (needed, launch) in known.items() if needed.exists()}


def _flink(jars: Path, topic: SentTopic, place: Place) -> Cost:
    columns = topic.home / "columns.sql"
    # Flink's Avro format reads a time in microseconds as one in milliseconds: it is declared as the number that it is
    lines = (
        f"`{field.name}` {_SQL_TYPES[field.type]}{'' if field.nullable else ' NOT NULL'}" for field in CURRENT.fields
    )
    columns.write_text(", ".join(lines), encoding="utf-8")
    # what Flink's own start script opens of the JDK's modules
    opened = [f"--add-opens=java.base/{package}=ALL-UNNAMED" for package in ("java.lang", "java.util", "java.time")]
    words = [*_java(jars, opened), "FlinkSide", topic.bootstrap, WARM_TOPIC, TOPIC, str(columns)]
    return measure([*words, place.kind, place.warm, place.where], {})


def _spark(jars: Path, topic: SentTopic, place: Place) -> Cost:
    said = {"home": str(topic.home), "bootstrap": topic.bootstrap, "jars": str(jars)}
    return measure_side("bench.live_spark:spark_side", said | vars(place))


def _bytewax(python: Path, topic: SentTopic, place: Place) -> Cost:
    words = [str(python), str(ROOT / "bench" / "bytewax_side.py"), topic.bootstrap, WARM_TOPIC, TOPIC, _schema(topic)]
    return measure([*words, place.kind, place.warm, place.where], {})


def _quix(python: Path, topic: SentTopic, place: Place) -> Cost:
    counts = list(map(str, topic.counts))
    words = [str(python), str(ROOT / "bench" / "quix_side.py"), topic.bootstrap, WARM_TOPIC, TOPIC, *counts]
    return measure([*words, _schema(topic), place.kind, place.warm, place.where], {})


def _kafka_streams(jars: Path, topic: SentTopic, place: Place) -> Cost:
    counts = list(map(str, topic.counts))
    words = [*_java(jars), "KafkaStreamsSide", topic.bootstrap, WARM_TOPIC, TOPIC, *counts, _schema(topic)]
    return measure([*words, place.kind, place.warm, place.where], {})


def _java(jars: Path, options: Sequence[str] = ()) -> list[str]:
    java = str(find_java(Settings().toolchain.resolve()).executable)
    words = [java, "-Xmx6g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", *options]
    return [*words, "-cp", f"{jars}/classes:{jars}/*"]


def _schema(topic: SentTopic) -> str:
    path = topic.home / "event.avsc"
    path.write_text(writing_schema(CURRENT), encoding="utf-8")
    return str(path)
