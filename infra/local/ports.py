"""Free loopback ports, the same ones at every start where that is possible."""

import random
import socket
from collections.abc import Container, Mapping, Sequence

from schemas.errors import ConfigurationError

# below the range that the system takes ports of outgoing connections from
FIRST_PORT, LAST_PORT = 20_000, 32_000


def is_free(port: int) -> bool:
    """Whether a server could listen there on loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a stopped server's old connections do not count
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_ports(
    service: str, names: Sequence[str], *, pinned: int, recorded: Mapping[str, int], taken: Container[int]
) -> dict[str, int]:
    """One free port for each name; `port`, the first, is the one that clients use.

    Args:
        service: for the message.
        names: what the ports are called in the service's configuration.
        pinned: the client port that the user asked for, or 0.
        recorded: the ports of the last start, used again where they are free.
        taken: ports that belong to other services of the stack.

    Raises:
        ConfigurationError: the pinned port is in use.
    """
    if pinned and not is_free(pinned):
        raise ConfigurationError(
            f"Port {pinned} is in use, so {service} cannot start there: free it, or change "
            f"TONEARM_LOCAL_{service.upper()}_PORT."
        )
    chosen: dict[str, int] = {}
    for name in names:
        wish = pinned if name == "port" and pinned else recorded.get(name, 0)
        usable = wish and wish not in taken and wish not in chosen.values() and is_free(wish)
        chosen[name] = wish if usable else _any_free(taken, chosen.values())
    return chosen


def _any_free(taken: Container[int], chosen: Container[int]) -> int:
    for _ in range(500):
        port = random.randint(FIRST_PORT, LAST_PORT)  # noqa: S311 (nothing secret about it)
        if port not in taken and port not in chosen and is_free(port):
            return port
    raise ConfigurationError(f"No free port between {FIRST_PORT} and {LAST_PORT} on loopback: stop some servers.")
