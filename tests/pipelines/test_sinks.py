"""A store that is away is waited for, and not for ever."""

import pytest

from pipelines import sinks
from schemas.errors import ContractError, StoreUnavailableError


def test_a_write_is_done_again_until_the_store_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sinks, "_LOOK_AGAIN_SECONDS", 0.0)
    answers = iter([StoreUnavailableError("away"), StoreUnavailableError("away"), 7])

    def write() -> int:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    assert sinks.patiently(write) == 7
    assert next(answers, None) is None


@pytest.mark.parametrize(
    ("error", "patience"), [(StoreUnavailableError("away"), 0.0), (ContractError("no key"), 600.0)]
)
def test_what_waiting_does_not_cure_ends_the_pipeline(
    monkeypatch: pytest.MonkeyPatch, error: Exception, patience: float
) -> None:
    monkeypatch.setattr(sinks, "PATIENCE_SECONDS", patience)
    calls = []

    def write() -> None:
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        sinks.patiently(write)
    assert len(calls) == 1
