"""Small state files that are either the old or the new one, whenever the process dies."""

import os
from pathlib import Path


def replace_file(path: Path, text: str, mode: int = 0o644) -> None:
    """Write `text` to `path` atomically and durably; an existing file is replaced as a whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
