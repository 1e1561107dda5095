"""Servers of the session's stack that tests kill, stop, freeze and start again."""

import time
from dataclasses import replace

import psutil

from infra.local.process import start_process
from infra.local.record import ProcessId, read_record, write_record
from infra.local.server import Place
from infra.local.supervise import SERVERS
from infra.settings import Settings

STARTING_SECONDS, STOPPING_SECONDS = 120.0, 120.0


class Server:
    """A server of the session's stack: killed, and started again where and as it was."""

    def __init__(self, settings: Settings, name: str) -> None:
        self._home, self._name, self._settings = settings.home.resolve(), name, settings

    def kill(self) -> None:
        """As if its machine had lost power, but for the disk's cache."""
        process = self._process()
        process.kill()
        psutil.wait_procs([process], timeout=20)

    def stop(self) -> None:
        """In order, as who restarts it does: it tells its clients."""
        process = self._process()
        process.terminate()
        _, alive = psutil.wait_procs([process], timeout=STOPPING_SECONDS)
        assert not alive, f"{self._name} did not stop"

    def freeze(self) -> None:
        """It keeps its connections, and answers nothing until it is thawed."""
        self._process().suspend()

    def thaw(self) -> None:
        self._process().resume()

    def start(self) -> None:
        record = read_record(self._home, self._name)
        assert record is not None
        place = Place(self._settings, self._name, record.ports)
        command = SERVERS[self._name].prepare(place)
        child = start_process(command.words, log=place.log, env=command.env, cwd=place.folder)
        write_record(self._home, replace(record, process=ProcessId.of(child.pid)))
        deadline = time.monotonic() + STARTING_SECONDS
        while not SERVERS[self._name].answers(place):
            assert time.monotonic() < deadline, f"{self._name} did not come up again"
            time.sleep(0.2)

    def _process(self) -> psutil.Process:
        record = read_record(self._home, self._name)
        assert record is not None
        process = record.find()
        assert process is not None
        return process
