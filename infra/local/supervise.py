"""Start servers together, watch them, stop them together."""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psutil

from infra.local.bigquery import BigQuery
from infra.local.cassandra import Cassandra
from infra.local.kafka import Kafka
from infra.local.owner import Owner, own_stack
from infra.local.ports import choose_ports
from infra.local.process import start_process, stop_processes, telling_line
from infra.local.record import ProcessId, ServiceRecord, read_record, running_record, write_record
from infra.local.server import Command, Place, Server
from infra.local.signals import signals_as_exceptions
from infra.settings import Settings
from schemas.errors import StoreUnavailableError

SERVERS: dict[str, Server] = {server.name: server for server in (Kafka(), Cassandra(), BigQuery())}
START_TIMEOUT = 120.0  # seconds until a server has to answer
LEAST_SPACE = 2**30  # bytes that have to be free: a store that fills the disk loses what it was just given
Progress = Callable[[str, str], None]


class LocalServers:
    """The servers that this process started."""

    def __init__(self, settings: Settings, services: Sequence[str], owner: Owner, on_progress: Progress) -> None:
        """Nothing is started yet; the caller holds the home's lock as `owner`."""
        self._settings = settings
        self._home = settings.home.resolve()
        self._services = tuple(services)
        self._owner = owner
        self._on_progress = on_progress
        self._abandoned = threading.Event()
        self._records: dict[str, ServiceRecord] = {}
        self._children: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """Start all, and return when all answer.

        Servers are started from the calling thread, which they do not outlive; waiting goes on in others.

        Raises:
            StoreUnavailableError: one did not come up, or the disk is full; the others were stopped again.
            ConfigurationError: a pinned port is busy, or set-up is missing.
        """
        self._refuse_a_full_disk()
        stop_orphans(self._home)
        places = self._choose_places()
        try:
            with ThreadPoolExecutor() as pool:
                try:
                    prepared = {pool.submit(SERVERS[name].prepare, place): place for name, place in places.items()}
                    waits = [self._launch(pool, job.result(), prepared[job]) for job in as_completed(prepared)]
                    for wait in as_completed(waits):
                        wait.result()
                except BaseException:
                    self._abandoned.set()
                    raise
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop all that were started; their ports are remembered."""
        for name in self._records:
            self._on_progress(name, "stopping")
        stop_processes(process for record in self._records.values() if (process := record.find()))
        for child in self._children:
            child.wait()
        for name, record in self._records.items():
            write_record(self._home, record.stopped())
            self._on_progress(name, "stopped")
        self._records.clear()
        self._children.clear()

    def check(self) -> None:
        """Find out whether all still run.

        Raises:
            StoreUnavailableError: one ended by itself.
        """
        for name, record in self._records.items():
            if record.find() is None:
                log = Path(record.log)
                raise StoreUnavailableError(f"{SERVERS[name].title} ended by itself: {telling_line(log)} (log: {log})")

    def _refuse_a_full_disk(self) -> None:
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)  # what listeners played is in it
        free = shutil.disk_usage(self._home).free
        if free < LEAST_SPACE:
            raise StoreUnavailableError(
                f"{free // 2**20} MiB are free at {self._home} and the local stack needs 1 GiB: free some space."
            )

    def _choose_places(self) -> dict[str, Place]:
        places: dict[str, Place] = {}
        old = {name: record.ports for name in SERVERS if (record := read_record(self._home, name))}
        for name in self._services:
            others = [ports for other, ports in old.items() if other != name]
            others += [dict(place.ports) for place in places.values()]
            ports = choose_ports(
                name,
                SERVERS[name].port_names,
                pinned=SERVERS[name].pinned_port(self._settings),
                recorded=old.get(name, {}),
                taken={port for taken in others for port in taken.values()},
            )
            places[name] = Place(self._settings, name, ports)
        return places

    def _launch(self, pool: ThreadPoolExecutor, command: Command, place: Place) -> "Future[None]":
        name = place.service
        self._on_progress(name, "starting")
        child = start_process(command.words, log=place.log, env=command.env, cwd=place.folder)
        self._children.append(child)
        record = ServiceRecord(
            service=name,
            ports=dict(place.ports),
            log=str(place.log),
            data=str(place.data),
            started_at=datetime.now(UTC).isoformat(timespec="seconds"),
            process=ProcessId.of(child.pid),
            owner=self._owner.process,
        )
        self._records[name] = record
        write_record(self._home, record)
        return pool.submit(self._wait_until_ready, record, place)

    def _wait_until_ready(self, record: ServiceRecord, place: Place) -> None:
        server, deadline = SERVERS[place.service], time.monotonic() + START_TIMEOUT
        while not self._abandoned.is_set():
            if record.find() is None:
                raise StoreUnavailableError(f"{server.title} did not start: {_reason(place)}")
            if server.answers(place):
                break
            if time.monotonic() > deadline:
                raise StoreUnavailableError(
                    f"{server.title} did not answer within {START_TIMEOUT:.0f} s: {_reason(place)}"
                )
            self._abandoned.wait(0.2)
        else:
            return
        self._records[place.service] = replace(record, ready=True)
        write_record(self._home, self._records[place.service])
        self._on_progress(place.service, "ready")


@contextmanager
def hold(
    settings: Settings, wanted: Sequence[str], on_progress: Progress | None, *, supervisor: bool
) -> Iterator[LocalServers | None]:
    """Start and own local services; None where they run already or another process holds the home."""
    home = settings.home.resolve()
    if all(running_record(home, name) for name in wanted):
        yield None
        return
    with own_stack(home, wanted, supervisor=supervisor) as owner:
        if owner is None:
            yield None
            return
        servers = LocalServers(settings, wanted, owner, on_progress or say_nothing)
        with signals_as_exceptions():
            servers.start()
            try:
                yield servers
            finally:
                servers.stop()


def stop_orphans(home: Path) -> None:
    """Stop what an owner that was killed left behind; only its lock's next holder may call this."""
    records = [record for name in SERVERS if (record := read_record(home, name))]
    processes: list[psutil.Process] = [process for record in records if (process := record.find())]
    stop_processes(processes)
    for record in records:
        with suppress(OSError):
            write_record(home, record.stopped())


def say_nothing(_service: str, _state: str) -> None:
    """Take progress that nobody wants to hear of."""


def _reason(place: Place) -> str:
    return f"{telling_line(place.log)} (log: {place.log})"
