"""Who a `user_id` is: keyed pseudonyms of account names, and the one table that leads back to a name.

The key is a file of its own (`<home>/secrets/pseudonym.key`), the table an SQLite file beside it
(`<home>/identity.db`); both are readable by their owner only. Without the key no name gives its pseudonym, without the
table no pseudonym gives its name.
"""

import contextlib
import hmac
import os
import secrets
import sqlite3
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from schemas.errors import ConfigurationError, InputError

KEY_BYTES = 32
USER_ID_DIGITS = 32

_TABLE = "CREATE TABLE IF NOT EXISTS identities (user_id TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT"
_WAIT_SECONDS = 30.0


class Identities:
    """The identity table of one home. Names are compared after Unicode normalisation (NFC)."""

    def __init__(self, home: Path) -> None:
        """Table and key below that home; nothing is made before it is needed."""
        self._key_file = home / "secrets" / "pseudonym.key"
        self._table_file = home / "identity.db"

    def pseudonym(self, name: str) -> str:
        """The `user_id` of that account name, 32 hexadecimal digits; registers the name, and on first use the key.

        Raises InputError for a blank name and ConfigurationError when the key is missing or is another one.
        """
        return self.pseudonyms([name])[0]

    def pseudonyms(self, names: Sequence[str]) -> list[str]:
        """As `pseudonym`, for many names at once and in their order."""
        normal = [_normal(name) for name in names]
        with self._table() as table:
            if not self._key_file.exists() and not _rows(table):
                self.create_key()
            key = self._key()
            user_ids = [_pseudonym(key, name) for name in normal]
            rows = list(zip(user_ids, normal, strict=True))
            table.executemany("INSERT INTO identities VALUES (?, ?) ON CONFLICT DO NOTHING", rows)
            self._check_key(table, rows)
        return user_ids

    def find(self, name: str) -> str:
        """The `user_id` of a registered account name; raises InputError when it is unknown."""
        with self._table() as table:
            row = table.execute("SELECT user_id FROM identities WHERE name = ?", (_normal(name),)).fetchone()
        if row is None:
            raise InputError("No account of that name is registered: give the name it was imported under.")
        return str(row[0])

    def name_of(self, user_id: str) -> str:
        """The account name of a `user_id`; raises InputError when it is unknown."""
        with self._table() as table:
            row = table.execute("SELECT name FROM identities WHERE user_id = ?", (user_id,)).fetchone()
        if row is None:
            raise InputError("No account has that user_id: give one of this home's own.")
        return str(row[0])

    def create_key(self) -> None:
        """Make the key, 32 random bytes, unless there is one; it appears whole or not at all."""
        folder = self._key_file.parent
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        temporary = folder / f".{self._key_file.name}.{os.getpid()}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a rename, never replaces the key that another process made meanwhile.
        with contextlib.suppress(FileExistsError):
            self._key_file.hardlink_to(temporary)
        temporary.unlink()

    def _key(self) -> bytes:
        try:
            key = self._key_file.read_bytes()
        except FileNotFoundError:
            raise ConfigurationError(
                f"The key {self._key_file} is gone while pseudonyms made with it are in use: bring it back from a "
                "backup, or begin with a new home."
            ) from None
        if len(key) != KEY_BYTES:
            raise ConfigurationError(f"The key {self._key_file} is no key of Tonearm: bring it back from a backup.")
        return key

    def _check_key(self, table: sqlite3.Connection, rows: list[tuple[str, str]]) -> None:
        """A name registered under another key would have two pseudonyms, and its account would be two listeners."""
        for user_id, name in rows:
            if table.execute("SELECT user_id FROM identities WHERE name = ?", (name,)).fetchone() != (user_id,):
                raise ConfigurationError(
                    f"The key {self._key_file} is not the one that the identity table was made with: bring that one "
                    "back from a backup, or begin with a new home."
                )

    @contextlib.contextmanager
    def _table(self) -> Iterator[sqlite3.Connection]:
        """The table in one transaction, committed unless the block raises."""
        self._table_file.parent.mkdir(parents=True, exist_ok=True)
        # SQLite would make the file with the process's own mode; its journal takes the mode of the file.
        os.close(os.open(self._table_file, os.O_RDWR | os.O_CREAT, 0o600))
        with contextlib.closing(sqlite3.connect(self._table_file, timeout=_WAIT_SECONDS)) as table, table:
            table.execute("BEGIN IMMEDIATE")
            table.execute(_TABLE)
            yield table


def _rows(table: sqlite3.Connection) -> bool:
    return table.execute("SELECT 1 FROM identities LIMIT 1").fetchone() is not None


def _normal(name: str) -> str:
    normal = unicodedata.normalize("NFC", name).strip()
    if not normal:
        raise InputError("The account name is blank: give one with --user.")
    return normal


def _pseudonym(key: bytes, name: str) -> str:
    return hmac.new(key, name.encode(), "sha256").hexdigest()[:USER_ID_DIGITS]
