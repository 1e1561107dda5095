"""By which errors a run failed. A runner hands on words only, and the process that ends has to know which error it was.

Every step works inside `telling`: the source, each transform and the sink.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pipelines.transforms.elements import in_memory
from schemas.errors import TonearmError


@contextmanager
def telling(run: str) -> Iterator[None]:
    """Remember the error by which a step of the run of that name fails, and let it pass."""
    try:
        yield
    except TonearmError as error:
        failures(run).append(error)
        raise


def failures(run: str) -> list[TonearmError]:
    """The errors by which steps of a run failed in this process, the first one first."""
    return in_memory(run, "failures", list[TonearmError])
