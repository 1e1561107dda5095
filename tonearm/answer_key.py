"""The answer key of a simulation, written while it is played: what every table must say when all is processed.

A folder holds the log of all that was played (`log.parquet`), what the feed of the catalogue is meant to say
(`catalogue.parquet`), the expected tables that `truth` computes from them, and `key.json`, which says of what it is the
key and whether it is complete.
"""

import json
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from infra.replace_file import replace_file
from playback.simulator.log import LOG
from schemas.errors import InputError

CATALOGUE = "catalogue.parquet"


@dataclass(frozen=True)
class Key:
    """State of an answer key.

    `subject` names the simulation as its manifests do. `interrupted`: sending was cut off, and messages in doubt were
    sent again, so that what arrives is known but not how often. `statistics`: whether it answers for them too; keys
    that were written before there were any do not say so.
    """

    subject: str
    messages: int
    interrupted: bool
    complete: bool
    statistics: bool = False


def read_key(folder: Path) -> Key | None:
    """The key in that folder, None where there is none; raises InputError when it is damaged."""
    path = folder / "key.json"
    if not path.exists():
        return None
    try:
        return Key(**json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, TypeError):
        raise InputError(f"{path} is damaged: remove the folder and play the simulation in another home.") from None


@contextmanager
def answers_where(
    folder: Path, statistics: bool, replayed: Collection[str] = (), merged: Collection[str] = ()
) -> Iterator[Path]:
    """A folder with other answers to the same log, gone afterwards; `replayed` and `merged` as in `write_answers`.

    Raises InputError when nothing can be written beside the key.
    """
    from truth.answers import write_answers

    with _writing(folder):
        work = TemporaryDirectory(prefix="asked.", dir=folder)
    with work as name:
        with _writing(folder):
            for given in ("log.parquet", CATALOGUE):
                (Path(name) / given).symlink_to((folder / given).resolve())
            write_answers(Path(name), replayed, statistics, merged)
        yield Path(name)


class KeyWriter:
    """Writes the log of one simulation, a batch at a time, and then the answers."""

    def __init__(self, folder: Path, subject: str, statistics: bool = True) -> None:
        """Begin; what the folder held of an earlier key is not complete any more.

        `statistics`: whether it is to have their answers too. Raises InputError when nothing can be written there.
        """
        self._folder, self._subject, self._statistics, self._messages = folder, subject, statistics, 0
        self._log = folder / "log.parquet"
        with _writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self._state(interrupted=False, complete=False)
            self._writer = pq.ParquetWriter(self._log, LOG, compression="zstd")

    def add(self, log: pa.RecordBatch) -> None:
        """Append rows of LOG, in the order of sending."""
        with _writing(self._folder):
            self._writer.write_batch(log)
        self._messages += len(log) - log.column("message_number").null_count

    def catalogue(self, entries: pa.Table) -> None:
        """Write what each row of the feed is meant to say."""
        with _writing(self._folder):
            pq.write_table(entries, self._folder / CATALOGUE, compression="zstd")

    def finish(self, interrupted: bool) -> None:
        """Compute the answers; from here on the key is complete."""
        from truth.answers import write_answers

        with _writing(self._folder):
            self._writer.close()
            write_answers(self._folder, statistics=self._statistics)
            self._state(interrupted, complete=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def _state(self, interrupted: bool, complete: bool) -> None:
        key = Key(self._subject, self._messages, interrupted, complete, self._statistics)
        replace_file(self._folder / "key.json", json.dumps(asdict(key)) + "\n")


@contextmanager
def _writing(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(
            f"The answer key cannot be written to {folder} ({error.strerror or error}): give another --truth folder."
        ) from None
