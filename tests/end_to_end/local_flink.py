"""A Flink of one process with Beam's job server in it, for tests.

For tests only: the job server listens on all interfaces, and cannot be told not to.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.java import find_java
from infra.local.ports import choose_ports
from infra.local.process import answering
from infra.settings import Settings

SERVER = "org.apache.beam.runners.flink.FlinkJobServerDriver"
START_SECONDS = 120.0


@contextmanager
def local_flink(settings: Settings, home: Path) -> Iterator[tuple[str, Path]]:
    """Start it; yields the address of its job service and its log."""
    toolchain, log = settings.toolchain.resolve(), home / "flink.log"
    ports = choose_ports("flink", ["job", "artifact", "expansion"], pinned=0, recorded={}, taken=())
    listening = [word for name, port in ports.items() for word in (f"--{name}-port", str(port))]
    words = [str(find_java(toolchain).executable), "-Xmx1g", "-cp", f"{toolchain / 'jars' / 'flink'}/*", SERVER]
    words += ["--job-host", "127.0.0.1", *listening, "--flink-master", "[local]"]
    with answering("Flink", words, port=ports["job"], log=log, cwd=home, seconds=START_SECONDS):
        yield f"127.0.0.1:{ports['job']}", log
