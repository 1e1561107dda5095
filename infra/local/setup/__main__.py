"""`python3 -m infra.local.setup [airflow|airflow-google|flink …|lock|upgrade]`: bring toolchain or locks up to date."""

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from infra.local.setup.toolchain import Toolchain
from schemas.errors import ConfigurationError, TonearmError

OLDEST_PYTHON = (3, 11)
SPACE_NEEDED = 7 * 2**30  # bytes: environments, jars and download caches come to 4.8 GiB, and Prism's build to 1.5 GiB
Part = tuple[str, Callable[[], bool]]


def main(arguments: list[str]) -> int:
    """Set up, with `airflow` Airflow too, with `airflow-google` also one that knows Google Cloud, with `flink` Flink.

    `lock` adds what is asked for anew to the locks, `upgrade` takes all that is newer.

    Returns the exit status.
    """
    toolchain = Toolchain.from_environment()
    try:
        _check_machine(toolchain)
        with (toolchain.root / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # a second set-up in this folder waits for the first
            if arguments in (["lock"], ["upgrade"]):
                _make_locks(toolchain, upgrade=arguments == ["upgrade"])
                return 0
            _set_up(toolchain)
            _set_up_more(toolchain, arguments)
    except TonearmError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    except KeyboardInterrupt:
        print("Set-up was interrupted; the next one goes on from here.", file=sys.stderr)
        return 130
    return 0


def _check_machine(toolchain: Toolchain) -> None:
    if sys.version_info < OLDEST_PYTHON:
        raise ConfigurationError(
            f"Tonearm needs Python 3.11 or newer and this is {sys.version.split()[0]}: install it "
            "(Debian and Ubuntu: `apt-get install python3.11`) and name it with `make PYTHON=python3.11 …`."
        )
    toolchain.root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(toolchain.root).free
    if free < SPACE_NEEDED and not toolchain.project_python.exists():
        raise ConfigurationError(f"Set-up needs 7 GiB of disk and {free / 2**30:.1f} GiB are free: free some space.")


def _set_up(toolchain: Toolchain) -> None:
    from infra.local.setup import environments, jars, prism

    _run(("installer (uv)", partial(environments.install_uv, toolchain)))
    with ThreadPoolExecutor() as pool:
        others = [
            pool.submit(_run, ("BigQuery stand-in", partial(environments.install_bqemulator, toolchain))),
            pool.submit(_run, ("Java 17", partial(environments.install_java, toolchain))),
            pool.submit(_run_if_possible, ("Prism", partial(prism.install_prism, toolchain))),
        ]
        _run(("project environment", partial(environments.install_project, toolchain)))
        others[1].result()
        others += [
            pool.submit(_run, (f"jars of {bundle.name}", partial(jars.install_jars, toolchain, bundle)))
            for bundle in jars.BUNDLES
        ]
        for other in others:
            other.result()


def _set_up_more(toolchain: Toolchain, names: list[str]) -> None:
    from infra.local.setup import environments, jars

    if "airflow" in names or "airflow-google" in names:
        _run(("Airflow", partial(environments.install_airflow, toolchain)))
    if "airflow-google" in names:
        _run(("Airflow with Google Cloud", partial(environments.install_airflow, toolchain, "airflow-google")))
    if "flink" in names:
        _run(("Flink", partial(jars.install_jars, toolchain, jars.FLINK)))


def _run(part: Part) -> None:
    name, install = part
    started = time.monotonic()
    if install():
        print(f"set up: {name} ({time.monotonic() - started:.0f} s)", file=sys.stderr, flush=True)


def _run_if_possible(part: Part) -> None:
    """Set up a part that most of the platform does without, or say why not; in continuous integration it must work."""
    try:
        _run(part)
    except ConfigurationError as error:
        if os.environ.get("CI"):
            raise
        print(f"Set up without {part[0]}: {error}", file=sys.stderr, flush=True)


def _make_locks(toolchain: Toolchain, *, upgrade: bool) -> None:
    from infra.local.setup import environments, jars

    environments.install_uv(toolchain)
    environments.compile_locks(toolchain, upgrade=upgrade)
    _set_up(toolchain)
    jars.write_sums(toolchain)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
