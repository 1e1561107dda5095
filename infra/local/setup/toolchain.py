"""Where the toolchain lies, and the stamps and child processes that its parts share."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from schemas.errors import ConfigurationError

REPOSITORY = Path(__file__).resolve().parents[3]
REQUIREMENTS = REPOSITORY / "requirements"


@dataclass(frozen=True)
class Toolchain:
    """The folder of environments, jars and the Java wheel, and the folder of download caches."""

    root: Path
    cache: Path

    @classmethod
    def from_environment(cls) -> "Toolchain":
        """`TONEARM_TOOLCHAIN` where it is set, else `.tonearm/toolchain` of this checkout."""
        chosen = os.environ.get("TONEARM_TOOLCHAIN")
        root = Path(chosen).resolve() if chosen else REPOSITORY / ".tonearm" / "toolchain"
        return cls(root, REPOSITORY / ".tonearm" / "cache")

    @property
    def uv(self) -> Path:
        """The installer's executable."""
        return self.root / "uv" / "bin" / "uv"

    @property
    def project_python(self) -> Path:
        """The interpreter of the project's environment."""
        return self.root / "venv" / "bin" / "python"

    @property
    def bqemulator_python(self) -> Path:
        """The interpreter of the BigQuery stand-in's environment."""
        return self.root / "bqemulator" / "bin" / "python"

    @property
    def airflow_python(self) -> Path:
        """The interpreter of Airflow's environment."""
        return self.root / "airflow" / "bin" / "python"

    @property
    def airflow_google_python(self) -> Path:
        """The interpreter of the environment in which Airflow knows Google Cloud."""
        return self.root / "airflow-google" / "bin" / "python"

    def is_current(self, part: str, fingerprint: str) -> bool:
        """Whether a part was completed from exactly these inputs."""
        stamp = self._stamp(part)
        return stamp.is_file() and stamp.read_text() == fingerprint

    def begin(self, part: str) -> None:
        """Withdraw a part's stamp, so that an interrupted set-up starts the part again, and say that it begins."""
        self.root.mkdir(parents=True, exist_ok=True)
        self._stamp(part).unlink(missing_ok=True)
        print(f"setting up: {part} …", file=sys.stderr, flush=True)

    def complete(self, part: str, fingerprint: str) -> None:
        """Leave a part's stamp."""
        self._stamp(part).write_text(fingerprint)

    def _stamp(self, part: str) -> Path:
        return self.root / f"{part}.stamp"


def fingerprint(*inputs: Path | str) -> str:
    """SHA-256 over the content of files and over words; the interpreter counts too, as environments point at it."""
    digest = hashlib.sha256(f"{sys.executable} {sys.version}".encode())
    for item in inputs:
        digest.update(item.read_bytes() if isinstance(item, Path) else item.encode())
    return digest.hexdigest()


def execute(command: Sequence[str | Path], *, what: str, env: Mapping[str, str] | None = None) -> str:
    """Run a command and return its output.

    Raises:
        ConfigurationError: it failed; the sentence carries the last lines that it printed.
    """
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=REPOSITORY, env={**os.environ, **(env or {})}, text=True, check=False,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode != 0:
        said = " | ".join(line.strip() for line in done.stdout.splitlines() if line.strip())[-600:]
        raise ConfigurationError(f"Set-up could not {what}; it said: {said or 'nothing'}")
    return done.stdout
