"""`python3 -m bench.peers FOLDER`: what the peers of the live pipeline need, which is no part of the toolchain.

Two environments of Python from their locks, and jars of Flink, of Kafka Streams and of Spark's connectors, held to
committed sums; what is ours in Java is compiled. A part that cannot be had is said and left out. `--lock` commits to
what comes.
Started with the machine's Python, as set-up is, which knows where packages are to be had; standard library only.
"""

import argparse
import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from infra.local.java import find_java
from infra.local.setup.environments import make_environment
from infra.local.setup.jars import Bundle, commit_to, resolve, verify
from infra.local.setup.toolchain import REPOSITORY, REQUIREMENTS, Toolchain, execute
from schemas.errors import ConfigurationError

JARS = REPOSITORY / "bench" / "jars"
JAVA_SOURCES = REPOSITORY / "bench" / "java"
FLINK_VERSION = "2.2.1"
FLINK = Bundle(
    "flink-sql",
    (
        *(
            f"org.apache.flink:{name}:{FLINK_VERSION}"
            for name in (
                *("flink-clients", "flink-table-planner-loader", "flink-table-runtime", "flink-table-api-java-bridge"),
                *("flink-connector-base", "flink-avro"),
            )
        ),
        "org.apache.flink:flink-connector-kafka:5.0.0-2.2",
        "org.apache.cassandra:java-driver-core:4.19.0",
        "org.slf4j:slf4j-simple:1.7.36",
    ),
    sums_in=JARS,
)
KAFKA_STREAMS = Bundle(
    "kafka-streams",
    (
        "org.apache.kafka:kafka-streams:4.4.0",
        "org.apache.avro:avro:1.12.1",
        "org.apache.cassandra:java-driver-core:4.19.0",
        "org.slf4j:slf4j-simple:2.0.17",
    ),
    sums_in=JARS,
)
SPARK = Bundle(
    "spark-kafka",
    (
        "org.apache.spark:spark-sql-kafka-0-10_2.13:4.1.3",
        "org.apache.spark:spark-token-provider-kafka-0-10_2.13:4.1.1",
        "org.apache.spark:spark-avro_2.13:4.1.1",
        "org.apache.kafka:kafka-clients:3.9.1",
        "org.apache.commons:commons-pool2:2.12.1",
    ),
    transitive=False,  # pyspark ships the rest
    sums_in=JARS,
)
ENVIRONMENTS = ("bytewax", "quix")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m bench.peers", description=__doc__)
    parser.add_argument("folder", type=Path, help="where they go; name it in TONEARM_BENCH_PEERS")
    parser.add_argument("--lock", action="store_true", help="write the sums of the jars that came")
    asked = parser.parse_args()
    folder: Path = asked.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    toolchain = Toolchain.from_environment()
    parts: dict[str, Callable[[], None]] = {
        name: partial(make_environment, toolchain, folder / name, REQUIREMENTS / f"{name}.txt") for name in ENVIRONMENTS
    }
    parts["spark"] = partial(_jars, toolchain, SPARK, folder, asked.lock)
    parts["flink"] = partial(_java, toolchain, FLINK, REPOSITORY / "bench" / "flink", folder, asked.lock)
    kafka_streams = REPOSITORY / "bench" / "kafka_streams"
    parts["kafka_streams"] = partial(_java, toolchain, KAFKA_STREAMS, kafka_streams, folder, asked.lock)
    for name, prepare in parts.items():
        try:
            prepare()
            print(f"{name} is ready", flush=True)
        except ConfigurationError as error:
            print(f"There is no {name}: {error}", file=sys.stderr, flush=True)


def _jars(toolchain: Toolchain, bundle: Bundle, folder: Path, is_lock: bool) -> None:
    jars = resolve(toolchain, bundle, find_java(toolchain.root), folder)
    if is_lock:
        commit_to(jars, bundle.sums)
    verify(jars, bundle.sums)


def _java(toolchain: Toolchain, bundle: Bundle, ours: Path, folder: Path, is_lock: bool) -> None:
    """Jars, and our classes and what says that they are there beside them; needs a Java that compiles."""
    _jars(toolchain, bundle, folder, is_lock)
    compiler = find_java(toolchain.root).home / "bin" / "javac"
    if not compiler.is_file():
        raise ConfigurationError("the Java of this machine does not compile: install a JDK 17.")
    classes = folder / bundle.name / "classes"
    services = classes / "META-INF" / "services"
    services.mkdir(parents=True)
    sources = sorted([*JAVA_SOURCES.glob("*.java"), *ours.glob("*.java")])
    command: list[str | Path] = [compiler, "-nowarn", "-cp", f"{folder / bundle.name}/*", "-d", classes, *sources]
    execute(command, what=f"compile our classes for {bundle.name}")
    for factory in ours.glob("*.Factory"):
        shutil.copy(factory, services)


if __name__ == "__main__":
    main()
