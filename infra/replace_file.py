"""Small state files that are either the old or the new one, whenever the process dies."""

import os
from pathlib import Path

from infra import failpoints


def replace_file(path: Path, content: str | bytes, mode: int = 0o644) -> None:
    """Write `content` to `path` atomically and durably; an existing file is replaced as a whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        temporary.unlink()  # a full disk gets back what this took of it
        raise
    failpoints.reach("file.written", path.stem)
    temporary.replace(path)
