"""Prism, the local runner: one for each life of the pipeline, so that no dead job of an earlier one is left in it."""

from collections.abc import Iterator
from contextlib import contextmanager

from infra.local.ports import choose_ports
from infra.local.process import answering
from infra.local.setup.prism import binary
from infra.settings import Settings
from pipelines.options import NO_LISTING
from schemas.errors import ConfigurationError

START_SECONDS = 30.0
_LONGEST_LIFE_SECONDS = 365 * 86_400
"""Beam follows a job for `job_server_timeout` and fails then, whatever the job does; its own default is 300 s."""


@contextmanager
def local_prism(settings: Settings) -> Iterator[str]:
    """Start Prism on loopback and yield the address of its job service; it ends with this process, however that ends.

    Raises ConfigurationError where set-up could not bring it.
    """
    program = binary(settings.toolchain.resolve())
    if not program.is_file():
        raise ConfigurationError(
            "There is no Prism, which runs the live pipeline: `make setup` builds it, with Go 1.26 of the machine or "
            "from a wheel, or name another --runner."
        )
    home = settings.home.resolve()
    log = home / "logs" / "prism.log"
    port = choose_ports("prism", ["port"], pinned=0, recorded={}, taken=())["port"]
    words = [str(program), f"-job_port={port}", "-serve_http=false", "-log_level=warn", "-log_kind=text"]
    with answering("Prism", words, port=port, log=log, cwd=home, seconds=START_SECONDS):
        yield f"127.0.0.1:{port}"


def job_service_options(address: str) -> list[str]:
    """Beam's options to run on the job service at an address, with this process as the worker."""
    words = ["--runner=PortableRunner", f"--job_endpoint={address}", "--environment_type=LOOPBACK"]
    return [*words, f"--job_server_timeout={_LONGEST_LIFE_SECONDS}", f"--experiments={NO_LISTING}"]
