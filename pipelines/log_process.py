"""Reading in a process of its own, some parts ahead of who counts them: both take a core, and Python has one at a time.

Decoding is no part of it: it is a step of the pipeline, and so seen and tested as one. What is read goes through a pipe
as the columns that it is, and errors go as they are.

    python -m pipelines.log_process       # what to read comes on the standard input, parts go to the standard output
"""

import fcntl
import os
import pickle
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from queue import Empty, Full, Queue
from typing import IO

import pyarrow as pa

from infra.kafka.log_reader import LOG_SCHEMA
from infra.settings import REPOSITORY
from pipelines.ordered_log import OrderedLog, Part, Reading

AHEAD = 2
"""Parts that wait to be taken; one more waits in the other process."""
_LENGTHS = struct.Struct("<QQ")
_LOOK_SECONDS, _END_SECONDS = 0.2, 10.0
_PIPE_BYTES = 1 << 20


class LogProcess:
    """The parts of an `OrderedLog` that another process reads. It ends with this one, however that ends."""

    def __init__(self, reading: Reading) -> None:
        command = [sys.executable, "-m", "pipelines.log_process"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=REPOSITORY)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        fcntl.fcntl(self._process.stdout, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        pickle.dump(reading, self._process.stdin)
        self._process.stdin.flush()
        self._parts: Queue[Part | Exception] = Queue(AHEAD)
        self._is_closed = False
        threading.Thread(target=self._receive, daemon=True, name="log").start()

    def next(self, seconds: float) -> Part | None:
        """The next part; None where none has come so soon. `at_end` is of now: no other one waits.

        Raises what reading raised, and RuntimeError when the other process has died.
        """
        try:
            found = self._parts.get(timeout=seconds)
        except Empty:
            return None
        if isinstance(found, Exception):
            raise found
        return replace(found, at_end=found.at_end and self._parts.empty())

    def close(self) -> None:
        """End it."""
        self._is_closed = True
        self._process.kill()
        self._process.wait(_END_SECONDS)
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _receive(self) -> None:
        assert self._process.stdout is not None
        try:
            with self._process.stdout as parts:
                for part in _received(parts):
                    self._put(part)
        except Exception as error:  # whatever it is: who takes parts raises it
            self._put(error)
        else:
            self._put(RuntimeError("The process that reads the topic has ended."))

    def _put(self, one: Part | Exception) -> None:
        while not self._is_closed:
            with suppress(Full):
                self._parts.put(one, timeout=_LOOK_SECONDS)
                return


def _received(pipe: IO[bytes]) -> Iterator[Part]:
    """Parts until the other end is closed; raises what it says has gone wrong."""
    while len(lengths := pipe.read(_LENGTHS.size)) == _LENGTHS.size:
        said, records = (pipe.read(length) for length in _LENGTHS.unpack(lengths))
        found = pickle.loads(said)  # noqa: S301 - of our own process
        if isinstance(found, Exception):
            raise found
        yield Part(pa.ipc.read_record_batch(pa.py_buffer(records), LOG_SCHEMA), *found)


def _send(pipe: IO[bytes], said: object, rows: pa.RecordBatch | None = None) -> None:
    words, records = pickle.dumps(said), rows.serialize() if rows is not None else pa.py_buffer(b"")
    for piece in (_LENGTHS.pack(len(words), records.size), words, records):
        pipe.write(piece)
    pipe.flush()


def _end_with(pipe: IO[bytes]) -> None:
    """Whoever asked for the parts is gone when nothing can come from there any more."""
    pipe.read()
    os._exit(0)


def main() -> None:
    """Read what the standard input says, until it is closed."""
    asked, parts = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What anything prints is not to come between the parts.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    reading: Reading = pickle.load(asked)  # noqa: S301 - of our own process
    threading.Thread(target=_end_with, args=(asked,), daemon=True).start()
    try:
        log = OrderedLog(reading)
        while True:
            if part := log.next():
                said = (part.passed_us, part.offsets, part.at_end, part.overtaken_us, part.ahead_us)
                _send(parts, said, part.rows)
    except BrokenPipeError:
        return
    except Exception as error:  # raised again where the parts are taken
        _send(parts, error)


if __name__ == "__main__":
    main()
