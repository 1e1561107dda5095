"""The history of the simulated service as messages, and beside them the log of what was really played."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from playback.messages import MESSAGES
from playback.reasons import Reason
from playback.simulator.audience import RESET_CLOCK, YEARS_AHEAD_MS
from playback.simulator.blocks import BLOCK_EVENTS
from playback.simulator.catalogue import Flags, Ints
from playback.simulator.chance import happens, hex_ids
from playback.simulator.delivery import FAULTS, SECOND_FROM, Messages
from playback.simulator.events import World, make_events, reports_of
from playback.simulator.log import LOG
from playback.simulator.malformed import KINDS
from playback.simulator.payloads import payloads
from playback.simulator.sending import BATCH_MESSAGES, Sending, send
from playback.validate import EARLIEST, MAX_CLOCK_SKEW
from schemas.errors import InputError

_FAULTS = pa.array([None, *FAULTS, *(kind.name for kind in KINDS)], pa.string())
_REASONS = pa.array([None, Reason.TIME_OUT_OF_RANGE, Reason.CLOCK_SKEW, *(kind.reason for kind in KINDS)], pa.string())
_RESET, _AHEAD = 1, 2


@dataclass(frozen=True)
class Played:
    """Messages in the order of sending (MESSAGES), and what is known of them and of those that were lost (LOG).

    `log` has a row for each message, in the same order, and between them rows of messages that are not sent. Where all
    of a batch are lost, `messages` is empty.
    """

    messages: pa.RecordBatch
    log: pa.RecordBatch


def play(world: World, block_events: int = BLOCK_EVENTS, folder: Path | None = None) -> Iterator[Played]:
    """The history in batches of at most BATCH_MESSAGES messages, in the order of sending; the last ones are the marks.

    `block_events` playbacks are made at a time; all messages wait in `folder`, by default that of the system for
    temporary files, in a file that is gone when the iterator is. The same world and `block_events` give the same bytes.

    Raises InputError, before the first batch is asked for, when its parameters cannot be played.
    """
    if world.begin_ms < (EARLIEST + MAX_CLOCK_SKEW).timestamp() * 1000:
        raise InputError(f"A history of {world.parameters.days} days begins before 2006: ask for fewer days.")
    return _played(world, send(world.parameters, world.catalogue, world.audience, block_events, folder))


def _played(world: World, sending: Sending) -> Iterator[Played]:
    count = 0
    for messages in sending.messages:
        played = _batch(world, messages, count)
        count += played.messages.num_rows
        yield played
    closing = ~happens(
        world.parameters.seed, "unclosed", np.arange(len(sending.used)), world.parameters.faults.unclosed
    )
    installs = np.flatnonzero(closing & (sending.used > 0))
    for start in range(0, len(installs), BATCH_MESSAGES):
        chosen = installs[start : start + BATCH_MESSAGES]
        yield _marks(world, chosen, sending.used[chosen], count)
        count += len(chosen)


def _batch(world: World, messages: Messages, count: int) -> Played:
    """`count`: messages that were sent before."""
    events = make_events(world, reports_of(world, messages))
    kinds = messages["kind"].astype(np.int64)
    sent: Flags = ~messages["lost"]
    columns = {
        "key": events.column("user_id").cast(pa.binary()),
        "payload": payloads(events, messages["json"] & (kinds == 0), kinds),
        "install_id": events.column("install_id"),
        "sequence": events.column("sequence"),
    }
    made = _rows(MESSAGES, columns, len(messages))
    skews = world.audience.clock_skews_ms[messages["installs"]]
    listeners = world.audience.install_listeners[messages["installs"]]
    # Where anything is told of twice, anything may be merged: the key is then asked for any event by its id.
    named = messages["shared"] | world.audience.clocks_disagree[listeners] | (world.parameters.faults.told_twice > 0)
    numbers = pa.array(count + np.cumsum(sent) - 1, mask=~sent)
    twice, playbacks = messages["twice"] > 0, messages["number"] % SECOND_FROM
    log = {name: events.column(name) for name in LOG.names if name in events.schema.names} | {
        "message_number": numbers,
        "event_id": pc.if_else(pa.array(named | twice), events.column("event_id"), None),
        "playback_id": pc.if_else(pa.array(twice), hex_ids(world.parameters.seed, "playback", playbacks, 32), None),
        "fault": _FAULTS.take(pa.array(np.where(kinds == 0, messages["fault"], len(FAULTS) + kinds))),
        "reason": _REASONS.take(pa.array(_reasons(kinds, skews, sent))),
    }
    return Played(made if sent.all() else made.filter(pa.array(sent)), _rows(LOG, log, len(messages)))


def _reasons(kinds: Ints, skews_ms: Ints, sent: Flags) -> Ints:
    """Where in `_REASONS` the reason is for which each message must be refused."""
    wrong = np.select(
        [kinds != 0, skews_ms == RESET_CLOCK, skews_ms == YEARS_AHEAD_MS], [_AHEAD + kinds, _RESET, _AHEAD], 0
    )
    return np.where(sent, wrong, 0)


def _marks(world: World, installs: Ints, used: Ints, count: int) -> Played:
    listeners = pa.array(world.audience.install_listeners[installs])
    columns = {
        "key": world.user_ids.take(listeners).cast(pa.binary()),
        "install_id": world.audience.install_ids.take(pa.array(installs)),
        "high_water": pa.array(used),
        "message_number": pa.array(count + np.arange(len(installs))),
    }
    return Played(_rows(MESSAGES, columns, len(installs)), _rows(LOG, columns, len(installs)))


def _rows(schema: pa.Schema, columns: dict[str, pa.Array], count: int) -> pa.RecordBatch:
    """The columns that the schema has, null where they are not given."""
    arrays = [columns.get(field.name, pa.nulls(count, field.type)) for field in schema]
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
