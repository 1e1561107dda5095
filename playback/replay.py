"""What becomes of dead letters that are sent again: messages of those that would be events, and a count of all."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from playback.fix_rules import Rule
from playback.framing import WriterSchemas
from playback.messages import MESSAGES, replay_messages
from playback.repair import UNMATCHED, Changed, decide, repair

DECIDED: pa.Schema = pa.schema(
    [*MESSAGES, ("number", pa.int64()), ("event_id", pa.string()), ("reason", pa.string()), ("rule", pa.string())]
)
"""A message that would be an event: its number among the letters, the event's id, and the letter's reason and rule."""

AS_IT_IS = ""
"""Instead of a rule's name: the letter is sent as it is."""


@dataclass
class Outcome:
    """Counts of letters.

    `chosen`: by reason and rule; `refused`: those of them that would still be no events, and `still_invalid` the same
    by their new reason and field. `changed`: see `playback.repair`. `unmatched`: those that no rule is for.
    `schemas`: as `playback.wire.decode` takes it.
    """

    chosen: Counter[tuple[str, str]] = field(default_factory=Counter)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    still_invalid: Counter[tuple[str, str]] = field(default_factory=Counter)
    changed: Changed = field(default_factory=Counter)
    unmatched: int = 0
    schemas: WriterSchemas | None = None

    @property
    def letters(self) -> int:
        """All letters that were looked at."""
        return self.chosen.total() + self.unmatched

    @property
    def rules(self) -> set[str]:
        """Names of the rules that were for any letter."""
        return {rule for _, rule in self.chosen}

    def add(self, letters: pa.RecordBatch, rules: Sequence[Rule], appended_at: datetime) -> pa.RecordBatch:
        """Decide a batch of `playback.repair.LETTERS` as if the broker appended them again at that moment.

        Without rules all letters are chosen, as they are. Returns DECIDED, and raises what `repair` raises.
        """
        first = self.letters
        repaired = repair(letters, rules)
        rows = pa.array(np.flatnonzero(repaired.rule != UNMATCHED) if rules else np.arange(letters.num_rows))
        letters, payloads = letters.take(rows), repaired.payload.take(rows)
        names = pa.array([rule.name for rule in rules] or [AS_IT_IS], pa.string())
        rule = names.take(pa.array(np.maximum(repaired.rule, 0)).take(rows))
        decided = decide(payloads, appended_at, self.schemas)
        keys = list(zip(letters.column("reason").to_pylist(), rule.to_pylist(), strict=True))
        self.unmatched += len(repaired.rule) - len(keys)
        self.chosen.update(keys)
        self.refused.update(keys[row] for row in np.flatnonzero(decided.verdicts.refused))
        self.still_invalid.update({(str(why), where): len(rows) for rows, why, where in decided.verdicts.refusals()})
        self.changed.update(repaired.changed)
        known = [
            *replay_messages(letters, payloads).columns,
            pc.add(rows, first),
            decided.events.column("event_id"),
            letters.column("reason"),
            rule,
        ]
        return pa.RecordBatch.from_arrays(known, schema=DECIDED).filter(decided.reason.is_null())
