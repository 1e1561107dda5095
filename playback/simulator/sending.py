"""All messages of a simulated history, in the order of sending."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from playback.simulator.audience import Audience
from playback.simulator.blocks import BLOCK_EVENTS, blocks
from playback.simulator.catalogue import Catalogue, Ints
from playback.simulator.delivery import Messages, deliver
from playback.simulator.history import make_history, rhythm
from playback.simulator.parameters import Parameters
from playback.simulator.spool import Spool

BATCH_MESSAGES = 50_000


@dataclass(frozen=True)
class Sending:
    """What is sent: `messages` in batches of at most BATCH_MESSAGES, with those that are lost on the way.

    `used`: how many numbers each installation has used when it is over.
    """

    used: Ints
    messages: Iterator[Messages]


def send(
    parameters: Parameters,
    catalogue: Catalogue,
    audience: Audience,
    block_events: int = BLOCK_EVENTS,
    folder: Path | None = None,
) -> Sending:
    """Make the history, `block_events` playbacks at a time, and keep its messages in `folder` until they are sent.

    Raises InputError when so few listeners cannot play so much, ConfigurationError when the disk is full.
    """
    spool = Spool(parameters.history_ms, folder)
    used = np.zeros(len(audience.install_listeners), np.int64)
    try:
        for made in _blocks(parameters, catalogue, audience, block_events):
            spool.add(made)
            _count(used, made)
    except BaseException:
        spool.close()
        raise
    return Sending(used, _batches(spool))


def numbers_used(
    parameters: Parameters, catalogue: Catalogue, audience: Audience, block_events: int = BLOCK_EVENTS
) -> Ints:
    """How many numbers each installation uses in the history."""
    used = np.zeros(len(audience.install_listeners), np.int64)
    for made in _blocks(parameters, catalogue, audience, block_events):
        _count(used, made)
    return used


def _blocks(parameters: Parameters, catalogue: Catalogue, audience: Audience, block_events: int) -> Iterator[Messages]:
    for block in blocks(parameters, audience, rhythm(parameters), block_events):
        playbacks = make_history(parameters, catalogue, audience, block)
        yield deliver(parameters, audience, playbacks, block.first_event)


def _count(used: Ints, messages: Messages) -> None:
    np.maximum.at(used, messages["installs"], messages["sequence"].astype(np.int64) + 1)


def _batches(spool: Spool) -> Iterator[Messages]:
    try:
        for found in spool.slices():
            for start in range(0, len(found), BATCH_MESSAGES):
                yield found[start : start + BATCH_MESSAGES]
    finally:
        spool.close()
