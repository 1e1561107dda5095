"""Every kind of poison through the live transforms: what goes in comes out as good or dead, byte for byte."""

import uuid

from pipelines.transforms.duplicates import SeenEvents
from pipelines.transforms.live import LiveState, Run, deduplicated, judged
from pipelines.transforms.rules import Rules
from playback.reasons import Reason
from schemas.live import FATES
from tests.pipelines.conftest import NOON, Log
from tests.poison.corpus import CORPUS
from tests.poison.kinds import Fate
from tests.poison.test_corpus import SOUND


def test_what_goes_in_is_good_or_dead_and_the_dead_keep_their_bytes(log: Log) -> None:
    """Each kind stands between two good events, all in one element: a bad record never takes its batch down."""
    kinds = [poison for poison in CORPUS if poison.fate not in (Fate.MARK, Fate.REFUSED)]
    assert len(kinds) >= 25
    sound = SOUND.changed(occurred_at=NOON)
    dead, rows = {}, []
    for number, poison in enumerate(kinds):
        value = poison.make(sound.changed(event_id=f"poison-{number}")).value
        if isinstance(poison.fate, Reason):
            dead[2 * number + 1] = (str(poison.fate), value)
        rows += [log.event(f"good-{number}", 0, appended=1), log.record(value, 1)]
    run = Run(uuid.uuid4().hex, flush_seconds=0.0)
    batch = deduplicated(judged(log.batch(*rows, passed=2), Rules()), SeenEvents(4))
    changes = LiveState(run).add(batch)
    assert changes is not None
    letters = changes.rows["live.dead_letters"].to_pylist()
    assert {row["offset"]: (row["reason"], row["payload"]) for row in letters} == dead
    (counted,) = changes.rows["live.minute_records"].to_pylist()
    assert sum(counted[fate] for fate in FATES) == changes.records == len(rows)
    assert counted["dead_letter"] == changes.dead_letters == len(dead)
    assert counted["accepted"] >= len(kinds)
