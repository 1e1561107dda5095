"""Prism, the local runner: one for each life of the pipeline, so that no dead job of an earlier one is left in it."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile

from apache_beam.options.pipeline_options import PrismRunnerOptions
from apache_beam.runners.portability.prism_runner import PrismJobServer

from infra.local.ports import choose_ports
from infra.local.process import answering
from infra.local.setup.prism import binary
from infra.settings import Settings
from pipelines.options import NO_LISTING, LiveOptions
from schemas.errors import ConfigurationError

START_SECONDS = 30.0
_LOGGER = logging.getLogger(__name__)
_LONGEST_LIFE_SECONDS = 365 * 86_400
"""Beam follows a job for `job_server_timeout` and fails then, whatever the job does; its own default is 300 s."""


@contextmanager
def local_prism(settings: Settings, options: LiveOptions) -> Iterator[str]:
    """Start Prism on loopback and yield the address of its job service; it ends with this process, however that ends.

    Raises ConfigurationError where there is none to start.
    """
    home = settings.home.resolve()
    log = home / "logs" / "prism.log"
    port = choose_ports("prism", ["port"], pinned=0, recorded={}, taken=())["port"]
    words = [str(program(settings, options)), f"-job_port={port}", "-serve_http=false"]
    words += ["-log_level=warn", "-log_kind=text"]
    with answering("Prism", words, port=port, log=log, cwd=home, seconds=START_SECONDS):
        yield f"127.0.0.1:{port}"


def program(settings: Settings, options: LiveOptions) -> Path:
    """The binary: the one that set-up has built, unless options name another one, which Beam finds or downloads.

    Raises ConfigurationError where there is none.
    """
    toolchain, wanted = settings.toolchain.resolve(), options.view_as(PrismRunnerOptions)
    built = binary(toolchain)
    if wanted.prism_location or wanted.prism_beam_version_override:
        _LOGGER.warning("Prism as Beam releases it listens everywhere: whoever reaches this machine may run commands.")
        return _beams_own(PrismJobServer(options), built.parent / "downloaded")
    if not built.is_file():
        raise ConfigurationError(
            "There is no Prism, which runs the live pipeline: `make setup` builds it, with Go 1.26 of the machine or "
            "from a wheel; else name another --runner, or let Beam bring one with --prism_location=… (docs/live.md)."
        )
    return built


def _beams_own(server: PrismJobServer, folder: Path) -> Path:
    """By Beam's own code: a path, or a release that it downloads once, without a sum to hold it to."""
    try:
        return Path(server.local_bin(server.path_to_binary(), str(folder))).resolve()
    except (RuntimeError, ValueError, OSError, KeyError, BadZipFile, AssertionError) as error:
        what = (str(error) or "it is no file").split(". ")[0].strip().rstrip(".")
        raise ConfigurationError(
            f"Beam cannot bring the Prism that --prism_location or --prism_beam_version_override names ({what}): "
            "correct the option, or leave it out and run `make setup`, which builds one."
        ) from None


def job_service_options(address: str) -> list[str]:
    """Beam's options to run on the job service at an address, with this process as the worker."""
    words = ["--runner=PortableRunner", f"--job_endpoint={address}", "--environment_type=LOOPBACK"]
    return [*words, f"--job_server_timeout={_LONGEST_LIFE_SECONDS}", f"--experiments={NO_LISTING}"]
