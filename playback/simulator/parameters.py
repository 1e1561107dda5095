"""What a simulation depends on, and nothing else."""

import json
from dataclasses import asdict, dataclass
from hashlib import blake2b


@dataclass(frozen=True)
class Parameters:
    """Size and seed: `events` playbacks by at most `listeners` accounts over `days` days."""

    seed: int = 1
    listeners: int = 2_000
    events: int = 200_000
    days: int = 30

    @property
    def history_ms(self) -> int:
        """Length of the history in milliseconds."""
        return self.days * 86_400_000

    def fingerprint(self, anchor: str) -> str:
        """16 hexadecimal digits that name the history these parameters give when it ends at `anchor`."""
        text = json.dumps([asdict(self), anchor], sort_keys=True)
        return blake2b(text.encode(), digest_size=8).hexdigest()
