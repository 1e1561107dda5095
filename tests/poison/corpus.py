"""All kinds of poison."""

from tests.poison.envelopes import AGAIN, ENVELOPES
from tests.poison.kinds import Poison
from tests.poison.limits import LIMITS
from tests.poison.payloads import PAYLOADS
from tests.poison.simulated import SIMULATED

CORPUS: tuple[Poison, ...] = (*SIMULATED, *PAYLOADS, *LIMITS, *ENVELOPES, *AGAIN)
