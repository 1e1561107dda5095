"""The corpus covers what it should, and every kind among good neighbours has the verdict that it declares."""

from collections.abc import Callable
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from infra.kafka.record_batches import MAX_KEPT_BYTES
from playback.classify import classify
from playback.reasons import Reason, sentence
from schemas.bronze import CLIENT_ID, RECORD_FIELDS
from schemas.events import CURRENT
from tests.poison.corpus import CORPUS
from tests.poison.kinds import OF_A_REGISTRY, Fate, Group, Poison, Sound

APPENDED_AT = datetime(2024, 5, 2, 12, tzinfo=UTC)
SOUND = Sound(
    dict.fromkeys((field.name for field in CURRENT.fields), None)
    | {
        "event_id": "e-1",
        "source": "simulator",
        "user_id": "0123456789abcdef" * 2,
        "occurred_at": datetime(2024, 5, 2, 10, 30, tzinfo=UTC),
        "track_id": "spotify:track:1",
        "track_title": "Blue",
        "content_type": "track",
        "outcome": "play",
        "ms_played": 30_000,
    }
)

WITH_VERDICTS = [poison for poison in CORPUS if poison.fate not in (Fate.MARK, Fate.REFUSED)]


@pytest.fixture
def classified() -> Callable[[list[bytes | None]], pa.RecordBatch]:
    """Verdicts on records with these payloads."""

    def verdicts(payloads: list[bytes | None]) -> pa.RecordBatch:
        known = {"topic_id": "T", "partition": 0, "topic": "t", "appended_at": APPENDED_AT, "manifest_id": "m"}
        known |= {field.name: known.get(field.name, "unknown") for field in (*RECORD_FIELDS, CLIENT_ID)}
        rows = [known | {"offset": offset, "payload": one} for offset, one in enumerate(payloads)]
        return classify(pa.RecordBatch.from_pylist(rows))

    return verdicts


def test_the_corpus_has_every_reason_every_group_and_every_fate() -> None:
    assert len({poison.name for poison in CORPUS}) == len(CORPUS) >= 40
    assert {poison.group for poison in CORPUS} == set(Group)
    assert len(Group) >= 11
    assert {poison.fate for poison in CORPUS} == {*Reason, *Fate} - OF_A_REGISTRY


@pytest.mark.parametrize("poison", WITH_VERDICTS, ids=lambda poison: str(poison.name))
def test_every_kind_among_good_ones_has_its_verdict(poison: Poison, classified: Callable[..., pa.RecordBatch]) -> None:
    value = poison.make(SOUND).value
    kept = None if value is None else value[:MAX_KEPT_BYTES]
    found = classified([SOUND.avro, kept, SOUND.json])
    dead = isinstance(poison.fate, Reason)
    assert found["reason"].to_pylist() == [None, str(poison.fate) if dead else None, None]
    assert found["payload"].to_pylist() == [None, kept if dead else None, None]
    if isinstance(poison.fate, Reason) and poison.column:
        assert found["detail"][1].as_py() == sentence(poison.fate, poison.column)
    if poison.fate is Fate.EVENT:
        plain = classified([SOUND.changed(**poison.changes).avro])
        names = [field.name for field in CURRENT.fields]
        assert found.select(names).slice(1, 1).equals(plain.select(names))
