"""Refresh of a table by slices: those that what is new touches, from the rows that they are made of.

What is too much at once is computed and committed in rounds (`jobs.rounds`). Only the last one says what was consumed:
who dies before it has consumed nothing, and computes the same slices once more. Cells of all listeners together, where
those of one period are too much, are computed share by share beside the table first, and put together from that: no
listener is in two shares, so that their numbers add up.
"""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infra import failpoints
from infra.delta_writer import DeltaWriter
from jobs import positions, rounds
from jobs.inputs import Inputs
from jobs.slice_source import SliceSource
from jobs.touched_slices import touched_in_any
from jobs.transforms import Halves, halves_of
from schemas.model import Table
from schemas.periods import Slice


def replace_slices(
    inputs: Inputs, writer: DeltaWriter, table: Table, before: int | None, round_rows: int
) -> int | None:
    """Compute what changed of `table` since version `before` of it; the number of slices (None: all).

    In one commit, or where these are made of more than `round_rows` rows in several.
    """
    source = SliceSource.of(inputs, table)
    touched = touched_in_any(inputs, table, source.until)
    if touched is not None and not touched:
        return 0
    wanted = None if touched is None else source.touched(touched)
    weighed = source.weighed(wanted)
    telling = set(weighed)
    if sum(weighed.values()) > round_rows:
        telling = _in_rounds(source, writer, weighed, round_rows, before)
    elif wanted is None:
        writer.replace_all(table, source.told(source.computed(None), source.until), before)
    else:
        writer.replace_partitions(
            table, source.told(source.computed(wanted), source.until), set(map(str, wanted)), before
        )
    _remember(source, telling, is_whole=wanted is None)
    return None if wanted is None else len(wanted)


def _remember(source: SliceSource, telling: set[Slice], is_whole: bool) -> None:
    """What was consumed, beside the rows, where none of the slices that would tell it has any row left.

    Rows that are all new tell it themselves, and what is remembered from before may be of another input by then.
    """
    lake, table = source.inputs.lake, source.table
    is_told = not lake.partitions(table).isdisjoint(map(str, telling))
    if not is_told or (is_whole and positions.remembered(lake, table)):
        positions.remember(lake, table, dict(source.until))


def _in_rounds(
    source: SliceSource, writer: DeltaWriter, weighed: rounds.Weights, limit: int, before: int | None
) -> set[Slice]:
    """Compute and write them; the slices of the last round, which say what was consumed."""
    is_by_share = source.refresh.by_share
    parts = rounds.packed(weighed, limit, by_period=not (is_by_share and source.driving.partition_by == "slice"))
    # A round that is too much by itself is a single slice.
    heavy = set() if is_by_share else {one for one, weight in weighed.items() if weight > limit}
    halves = halves_of(source.table) if heavy else None
    staged = _partials(source, writer, halves, heavy, limit) if halves else None
    consumed, version = source.consumed(), before
    for number, part in enumerate(parts, 1):
        named = {str(one) for one in part}
        if halves and staged and part <= heavy:
            rows = halves.merged(staged.where(F.col("slice").isin(*named)))
        else:
            rows = source.computed(part)
        is_last = number == len(parts)
        told = source.told(rows, source.until if is_last else consumed)
        writer.replace_partitions(source.table, told, named, version)
        if not is_last:
            failpoints.reach("slices.round", source.table.full_name)
        version = source.inputs.lake.version(source.table)
    writer.forget_staged(source.table.full_name)
    return parts[-1]


def _partials(source: SliceSource, writer: DeltaWriter, halves: Halves, wanted: set[Slice], limit: int) -> DataFrame:
    """What each share tells of the wanted periods, staged round by round."""
    name = source.table.full_name
    parts = rounds.packed(source.weighed_by_share(wanted), limit)
    frames = [source.partial(halves, part) for part in parts]
    for number, frame in enumerate(frames):
        writer.stage(f"{name}/{number}", frame)
    return writer.staged_together([f"{name}/{number}" for number in range(len(frames))], frames[0].schema)
