"""Every kind of spoilt message is refused by the pipeline for the reason that it declares."""

from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from playback.simulator.events import World, history
from playback.simulator.malformed import KINDS, Kind, kinds_of
from playback.simulator.payloads import payloads
from playback.simulator.play import Played
from playback.wire import MAX_PAYLOAD_BYTES

Classify = Callable[[pa.RecordBatch], pa.RecordBatch]


@pytest.fixture
def some(world: Callable[..., World]) -> pa.RecordBatch:
    """Events of all sorts: without country, outcome or title, and heard for no time at all."""
    events = next(history(world()))
    odd = [pc.index(events[name].is_null(), True).as_py() for name in ("country", "outcome", "track_title", "track_id")]
    chosen = events.take(pa.array([*odd, *range(16)]))
    place = chosen.schema.get_field_index("ms_played")
    heard = pa.array([*range(4), *chosen["ms_played"].to_pylist()[4:]], pa.int64())
    return chosen.set_column(place, chosen.schema.field(place), heard)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: str(kind.name))
def test_each_kind_has_the_reason_it_declares(kind: Kind, some: pa.RecordBatch, classified: Classify) -> None:
    kinds = np.full(len(some), KINDS.index(kind) + 1)
    spoilt = payloads(some, np.zeros(len(some), np.bool_), kinds)
    messages = pa.table({"payload": spoilt, "high_water": pa.nulls(len(some), pa.int64())})
    assert classified(messages.to_batches()[0])["reason"].to_pylist() == [str(kind.reason)] * len(some)


def test_there_are_many_kinds_each_with_a_name_of_its_own() -> None:
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names) >= 30
    assert {"unknown_fingerprint", "lower_case_country", "duration_in_nanoseconds"} <= set(names)


def test_kinds_come_by_weight() -> None:
    counts = Counter(kinds_of(np.arange(0, 1, 1e-5)).tolist())
    assert set(counts) == set(range(1, len(KINDS) + 1))
    expected = [kind.weight / sum(one.weight for one in KINDS) * 1e5 for kind in KINDS]
    assert all(abs(counts[number] - share) <= 2 for number, share in enumerate(expected, start=1))


def test_spoilt_messages_among_good_ones_leave_these_as_they_are(some: pa.RecordBatch) -> None:
    kinds = np.arange(len(some)) % 2 * (1 + np.arange(len(some)))
    good = payloads(some, np.zeros(len(some), np.bool_), np.zeros(len(some), np.int64)).to_pylist()
    mixed = payloads(some, np.zeros(len(some), np.bool_), kinds).to_pylist()
    assert [mixed[row] == good[row] for row in range(len(some))] == [kind == 0 for kind in kinds.tolist()]


def test_key_and_headers_of_a_spoilt_message_stay(played: Callable[..., Played]) -> None:
    clean, spoilt = played().messages, played(malformed=1.0).messages
    names = ["key", "install_id", "sequence", "high_water"]
    assert spoilt.select(names).equals(clean.select(names))
    assert pc.max(pc.binary_length(spoilt["payload"])).as_py() > MAX_PAYLOAD_BYTES
