"""Jars of Kafka, Cassandra, Delta Lake and Flink, resolved by the Ivy that pyspark ships and held to committed sums.

Where a machine reaches its Java repository through a mirror, `TONEARM_IVY_SETTINGS` names an Ivy settings file.
"""

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from infra.local.java import Java, find_java, machine_java
from infra.local.setup.toolchain import Toolchain, execute, fingerprint
from schemas.errors import ConfigurationError

SUMS = Path(__file__).resolve().parents[1] / "jars"


@dataclass(frozen=True)
class Bundle:
    """A folder of jars: what is asked for, as `group:module:revision`, and whether what they need comes along."""

    name: str
    modules: tuple[str, ...]
    transitive: bool = True
    sums_in: Path = SUMS

    @property
    def sums(self) -> Path:
        """The committed SHA-256 sums, in the format of `sha256sum`."""
        return self.sums_in / f"{self.name}.sha256"


KAFKA = Bundle(
    "kafka",
    # without the logging binding the broker logs nothing
    ("org.apache.kafka:kafka_2.13:4.4.0", "org.apache.logging.log4j:log4j-slf4j-impl:2.25.5"),
)
CASSANDRA = Bundle("cassandra", ("org.apache.cassandra:cassandra-all:5.0.9",))
DELTA = Bundle(
    "delta",
    (
        "io.delta:delta-spark_4.1_2.13:4.4.0",
        "io.delta:delta-storage:4.4.0",
        "io.delta:delta-kernel-api:4.4.0",
        "io.delta:delta-kernel-defaults:4.4.0",
        "io.delta:delta-kernel-unitycatalog:4.4.0",
        "org.roaringbitmap:RoaringBitmap:0.9.25",
    ),
    transitive=False,  # pyspark ships the rest
)
BUNDLES = (KAFKA, CASSANDRA, DELTA)
FLINK = Bundle(
    "flink",
    # Flink with Beam's job server, of the latest Beam of which both are to be had; the pipeline's own Beam is newer.
    ("org.apache.beam:beam-runners-flink-1.19:2.62.0", "org.slf4j:slf4j-simple:1.7.36"),
)
"""Only the test of the live pipeline on Flink needs it."""


def install_jars(toolchain: Toolchain, bundle: Bundle) -> bool:
    """Resolve a bundle and check it. True when there was something to do.

    Delta Lake's jars serve Apache Spark alone, so that a machine without a full Java does without them.

    Raises:
        ConfigurationError: the resolved files are not exactly those whose sums are committed.
    """
    wanted = fingerprint(bundle.sums, " ".join(bundle.modules))
    part = f"jars-{bundle.name}"
    if toolchain.is_current(part, wanted) or (bundle is DELTA and not _has_full_java()):
        return False
    toolchain.begin(part)
    folder = resolve(toolchain, bundle, find_java(toolchain.root))
    verify(folder, bundle.sums)
    toolchain.complete(part, wanted)
    return True


def resolve(toolchain: Toolchain, bundle: Bundle, java: Java, beside: Path | None = None) -> Path:
    """Download a bundle's jars into the folder `<name>` below `beside`, the toolchain's `jars`; return that folder."""
    folder = (beside or toolchain.root / "jars") / bundle.name
    shutil.rmtree(folder, ignore_errors=True)
    cache = toolchain.cache / "ivy" / bundle.name  # one each: Ivy's cache is not made for two writers
    cache.mkdir(parents=True, exist_ok=True)
    request = cache / "request.xml"
    request.write_text(_ivy_request(bundle))
    ivy = next(toolchain.project_python.parents[1].glob("lib/python*/site-packages/pyspark/jars/ivy-*.jar"))
    command: list[str | Path] = [java.executable, *java.trust_options, f"-Duser.home={cache}"]
    command += ["-jar", ivy, "-cache", cache]
    if settings := os.environ.get("TONEARM_IVY_SETTINGS"):
        command += ["-settings", settings]
    command += ["-ivy", request, "-confs", "default", "-types", "jar", "bundle"]
    command += ["-retrieve", f"{folder}/[artifact]-[revision](-[classifier]).[ext]"]
    execute(command, what=f"resolve the jars of {bundle.name}")
    return folder


def verify(folder: Path, sums: Path) -> None:
    """Hold a folder's jars to the committed sums; the set of files has to be the same too.

    Raises:
        ConfigurationError: a jar is missing, unknown or different.
    """
    lines = [line.split() for line in sums.read_text().splitlines() if line.strip()]
    expected = {name: digest for digest, name in lines}
    found = {jar.name: hashlib.sha256(jar.read_bytes()).hexdigest() for jar in folder.glob("*.jar")}
    if wrong := sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)):
        raise ConfigurationError(
            f"The jars of {folder.name} are not those of {sums.name}: {', '.join(wrong[:5])} differ or are missing; "
            "run `make clean` and set up again, and if it stays so, do not trust the source of your jars."
        )


def write_sums(toolchain: Toolchain) -> None:
    """Resolve every bundle again and commit to what came: part of `make lock`."""
    for bundle in (*BUNDLES, FLINK):
        commit_to(resolve(toolchain, bundle, find_java(toolchain.root)), bundle.sums)


def commit_to(folder: Path, sums: Path) -> None:
    """Write the sums of a folder's jars, to be committed."""
    lines = [f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}\n" for jar in sorted(folder.glob("*.jar"))]
    sums.write_text("".join(lines))


def _has_full_java() -> bool:
    java = machine_java()
    return java is not None and java.is_full


def _ivy_request(bundle: Bundle) -> str:
    transitive = str(bundle.transitive).lower()
    dependencies = "".join(
        f'<dependency org="{group}" name="{name}" rev="{revision}" conf="default" transitive="{transitive}"/>'
        for group, name, revision in (module.split(":") for module in bundle.modules)
    )
    return (
        f'<ivy-module version="2.0"><info organisation="tonearm" module="{bundle.name}"/>'
        f"<dependencies>{dependencies}</dependencies></ivy-module>"
    )
