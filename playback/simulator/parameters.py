"""What a simulation depends on, and nothing else."""

import json
from dataclasses import asdict, dataclass, field, replace
from hashlib import blake2b


@dataclass(frozen=True)
class Faults:
    """What goes wrong between listeners and the topic: each a rate from 0 (never) to 1 (always)."""

    retries: float = 0.0
    """Share of messages that are sent twice, byte for byte."""
    cross_device: float = 0.0
    """Share of playbacks that a second installation of the listener reports too, under the same event id."""
    out_of_order: float = 0.0
    """Share of messages that others overtake, by up to two minutes."""
    late: float = 0.0
    """Share of messages that come minutes to three days late."""
    offline: float = 0.0
    """Share of sessions that are played offline and sent as one batch, hours to two days later."""
    malformed: float = 0.0
    """Share of messages that are spoilt, by all kinds of `playback.simulator.malformed` in turn."""
    json: float = 0.0
    """Share of messages that clients of old write as JSON; nothing is wrong with them."""
    clock_skew: float = 0.0
    """Share of installations with a wrong clock: mostly by hours, some by years."""
    lost: float = 0.0
    """Share of messages that take their sequence number with them and never arrive."""
    unclosed: float = 0.0
    """Share of installations that never send their high-water mark."""
    bots: float = 0.0
    """Share of sessions in which a farm of accounts plays a few tracks round and round, for just over half a minute."""
    loops: float = 0.0
    """Share of sessions in which a listener repeats one track."""
    moves: float = 0.0
    """Share of listeners who move to another country on some day."""
    told_twice: float = 0.0
    """Share of playbacks of which a second event tells, under another event id: of another device of the listener, or
    of an export, which says less."""


TYPICAL = Faults(
    retries=0.01,
    cross_device=0.002,
    out_of_order=0.05,
    late=0.02,
    offline=0.04,
    malformed=0.01,
    json=0.05,
    clock_skew=0.01,
    lost=0.001,
    unclosed=0.1,
    bots=0.01,
    loops=0.01,
    moves=0.02,
)
"""What a real service sees, somewhat exaggerated."""

TWO_SOURCES = replace(TYPICAL, told_twice=0.1, loops=0.1)
"""The same for listeners who also import an export, or play on two devices at once; many repeat a track for real."""


@dataclass(frozen=True)
class Parameters:
    """Size and seed: `events` playbacks by at most `listeners` accounts over `days` days."""

    seed: int = 1
    listeners: int = 2_000
    events: int = 200_000
    days: int = 30
    faults: Faults = field(default_factory=Faults)

    @property
    def history_ms(self) -> int:
        """Length of the history in milliseconds."""
        return self.days * 86_400_000

    def fingerprint(self, anchor: str) -> str:
        """16 hexadecimal digits that name the history these parameters give when it ends at `anchor`."""
        named = asdict(self)
        # It came later: a history from before keeps its name.
        if not named["faults"]["told_twice"]:
            del named["faults"]["told_twice"]
        text = json.dumps([named, anchor], sort_keys=True)
        return blake2b(text.encode(), digest_size=8).hexdigest()
