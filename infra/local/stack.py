"""The local stack: Kafka, Cassandra and BigQuery as child processes on loopback, below one home folder.

The process that starts it owns it: the servers stop when the owner does, also when it is killed. Others attach.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from infra.local.detached import spawn_supervisor, wait_for_owner
from infra.local.owner import current_owner, own_stack
from infra.local.process import stop_processes
from infra.local.record import ServiceRecord, read_record, running_record
from infra.local.supervise import Progress, hold, say_nothing, stop_orphans
from infra.settings import Settings
from schemas.errors import ConfigurationError, StoreUnavailableError

SERVICES = ("kafka", "cassandra", "bigquery")


@dataclass(frozen=True)
class Endpoints:
    """Where the stores are; empty or 0 for a service that was not asked for."""

    kafka_bootstrap: str = ""
    cassandra_hosts: tuple[str, ...] = ()
    cassandra_port: int = 0
    bigquery_url: str = ""


@dataclass(frozen=True)
class ServiceStatus:
    """One local service: `died` is a process that ended without being stopped."""

    name: str
    state: Literal["running", "stopped", "died"]
    pid: int | None
    address: str
    started_at: datetime | None  # UTC
    rss_bytes: int
    data_bytes: int
    log: Path


def endpoints(settings: Settings, services: Sequence[str] = SERVICES) -> Endpoints:
    """The settings' own addresses, and for the rest the running local stack's.

    Raises:
        StoreUnavailableError: a local service that is asked for does not run.
    """
    ports: dict[str, int] = {}
    for name in local_services(settings, services):
        record = running_record(settings.home.resolve(), name)
        if record is None:
            raise StoreUnavailableError("The local stack is not running: start it with `tonearm up`.")
        ports[name] = record.port
    return _endpoints(settings, services, ports)


@contextmanager
def local_stack(
    settings: Settings, services: Sequence[str] = SERVICES, on_progress: Progress | None = None
) -> Iterator[Endpoints]:
    """Attach to a running stack, else start one that belongs to this process and stop it on exit.

    SIGTERM and a closed terminal end the block like Ctrl-C does, by an exception, where this is the main thread.
    Enter from a thread that stays: the servers do not outlive it.

    Args:
        settings: home, ports and addresses; services with an address of the user's own are not started.
        services: which ones, of `SERVICES`.
        on_progress: called with a service and `starting`, `ready`, `stopping` or `stopped`, from several threads.

    Raises:
        StoreUnavailableError: a server does not come up.
        ConfigurationError: a pinned port is busy, set-up is missing, or another process holds a different stack.
    """
    wanted = local_services(settings, services)
    with hold(settings, wanted, on_progress, supervisor=False) as servers:
        yield attach(settings, services) if servers is None else endpoints(settings, services)


def attach(settings: Settings, services: Sequence[str] = SERVICES) -> Endpoints:
    """Wait for the stack that another process started or is starting.

    Raises:
        StoreUnavailableError: it does not come up.
        ConfigurationError: that process does not start all of these services.
    """
    wait_for_owner(settings, local_services(settings, services))
    return endpoints(settings, services)


def start_detached(
    settings: Settings, services: Sequence[str] = SERVICES, on_progress: Progress | None = None
) -> Endpoints:
    """Start the stack in a supervisor of its own, which stays until `stop`; one that runs already will do.

    Raises:
        StoreUnavailableError: a server does not come up.
        ConfigurationError: a pinned port is busy, set-up is missing, or another process holds a different stack.
    """
    home, wanted = settings.home.resolve(), local_services(settings, services)
    if current_owner(home) is None and not all(running_record(home, name) for name in wanted):
        spawn_supervisor(settings, wanted, on_progress or say_nothing)
    return attach(settings, services)


def stop(settings: Settings) -> bool:
    """Stop the stack of this home. False when nothing ran.

    Raises:
        ConfigurationError: it belongs to a run that needs it; that run stops it at its end.
    """
    home = settings.home.resolve()
    owner = current_owner(home)
    if owner and not owner.supervisor:
        raise ConfigurationError(
            f"The local stack belongs to process {owner.process.pid}, which stops it when it ends: stop that process."
        )
    ran = owner is not None or any((record := read_record(home, name)) and record.find() for name in SERVICES)
    if owner and (process := owner.process.find()):
        stop_processes([process], grace=60)
    if ran:
        with own_stack(home, (), supervisor=True) as held:
            if held:
                stop_orphans(home)
    return ran


def status(settings: Settings) -> list[ServiceStatus]:
    """What runs of this home's stack, where, since when and how big; but for services of the user's own."""
    home = settings.home.resolve()
    return [_service_status(home, name) for name in local_services(settings)]


def local_services(settings: Settings, services: Sequence[str] = SERVICES) -> tuple[str, ...]:
    """Those services that the settings give no address of the user's own for."""
    own = {
        "kafka": settings.kafka_bootstrap,
        "cassandra": settings.cassandra_hosts,
        "bigquery": settings.bigquery_endpoint,
    }
    return tuple(name for name in SERVICES if name in services and not own[name])


def _endpoints(settings: Settings, services: Sequence[str], ports: dict[str, int]) -> Endpoints:
    kafka = cassandra = bigquery = None
    if "kafka" in services:
        kafka = settings.kafka_bootstrap or f"127.0.0.1:{ports['kafka']}"
    if "cassandra" in services:
        own = tuple(host.strip() for host in settings.cassandra_hosts.split(",") if host.strip())
        cassandra = (own, settings.cassandra_port) if own else (("127.0.0.1",), ports["cassandra"])
    if "bigquery" in services:
        bigquery = settings.bigquery_endpoint or f"http://127.0.0.1:{ports['bigquery']}"
    hosts, port = cassandra or ((), 0)
    return Endpoints(kafka or "", hosts, port, bigquery or "")


def _service_status(home: Path, name: str) -> ServiceStatus:
    record = read_record(home, name)
    if record is None:
        return ServiceStatus(name, "stopped", None, "", None, 0, 0, home / "logs" / f"{name}.log")
    log, size = Path(record.log), _size_of(Path(record.data))
    if record.process is None:
        return ServiceStatus(name, "stopped", None, "", None, 0, size, log)
    process, since = record.find(), datetime.fromisoformat(record.started_at)
    if process is None:
        return ServiceStatus(name, "died", None, "", since, 0, size, log)
    return ServiceStatus(name, "running", process.pid, _address(record), since, process.memory_info().rss, size, log)


def _address(record: ServiceRecord) -> str:
    return f"{'http://' if record.service == 'bigquery' else ''}127.0.0.1:{record.port}"


def _size_of(folder: Path) -> int:
    """Bytes of all files below a folder, as far as they are still there when looked at."""
    total = 0
    for path in folder.rglob("*"):
        with suppress(OSError):
            total += path.lstat().st_size
    return total
