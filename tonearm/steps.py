"""What long work shows: a line for each step with the moment it began, and on a terminal a spinner for the last one."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock


@contextmanager
def steps() -> Iterator[Callable[[str, str], None]]:
    """Yield a function that takes what is worked on and the step (`gold.plays`, `refresh`), from any thread.

    Lines go to standard error, a spinner only to a terminal. Two empty strings end the last step, so that something
    else may draw.
    """
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    spinner = console.status("")
    started = time.monotonic()
    lock = Lock()

    def say(what: str, step: str) -> None:
        with lock:
            if not what:
                spinner.stop()
                return
            console.print(f"[dim]{time.monotonic() - started:6.1f} s[/dim]  {what} [cyan]{step}[/cyan]")
            if console.is_terminal:
                spinner.update(f"{what} {step}")
                spinner.start()

    try:
        yield say
    finally:
        spinner.stop()
