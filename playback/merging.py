"""Which plays are one playback that two sources or two devices tell of: dated rules, applied to the plays of one date.

Two plays are one playback when they are of one listener and one track (the same id, or the same normalised artist and
title), were heard for equally long, and lie at the same time, but for what rounding explains and clocks may be off. Two
plays of one source and device never are: nobody hears a track on it twice at once, so these are true repeats. Of two
plays the one whose source says more stays. Each is matched with at most one of each other source and device, the
nearest pair first, so that as many stay as were played.

Plays are compared within their UTC date. What lies on both sides of midnight is not found, and in exchange a date
follows from its own plays alone, so that it can be computed again by itself.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from playback.arrow import arrow_schema
from playback.dated_versions import require_order
from playback.identity import resolve_track_id
from playback.merge_rules import DEVICE, RULES, SOURCE, MergeRule, source_named
from schemas.silver import MERGED_PLAYS

COLUMNS = (
    "event_id", "user_id", "source", "device_id", "occurred_at", "ms_played", "paused_ms", "track_ms", "track_id",
    "artist_name", "track_title",
)  # fmt: skip
"""What of `silver.plays` is asked."""

MERGED: pa.Schema = arrow_schema(MERGED_PLAYS.fields)

NEIGHBOURS = 200
"""With so many plays of the listener that follow one it is compared: no more fit into the time, unless made up."""

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Plays:
    """The plays of one date, by listener and end; parallel arrays. Times are milliseconds since 1970."""

    table: pa.Table
    listeners: Ints
    sources: Ints
    devices: Ints
    """-1: not known."""
    lines: Ints
    """Number of the source and device, those first that say most of a playback."""
    ends: Ints
    begins: Ints
    rounded: Ints
    """Up to how much later than told the playback may have ended, or begun."""
    knows_end: Flags
    heard: Ints


@dataclass(frozen=True)
class _Pairs:
    """Pairs of plays that may be one playback: `kept` would stay; parallel arrays."""

    kept: Ints
    merged: Ints
    skews: Ints

    def where(self, chosen: Flags) -> "_Pairs":
        return _Pairs(self.kept[chosen], self.merged[chosen], self.skews[chosen])


def merge(plays: pa.Table, day: date, rules: Sequence[MergeRule] = RULES) -> pa.Table:
    """The plays that tell of a playback that another one of them tells of too: MERGED.

    `plays` are those of the date `day` with COLUMNS, in any order, and of each a track is known. Raises ContractError
    where the versions have no dates, or are not in their order.
    """
    require_order(rules, "merge")
    rule = [one for one in rules if one.valid_from <= day][-1:]
    if not rule or not rule[0].reasons or plays.num_rows < 2:
        return MERGED.empty_table()
    sorted_plays = _prepared(plays)
    pairs = _same_track(sorted_plays, _same_time(sorted_plays, rule[0]))
    return _rows(sorted_plays, _matched(sorted_plays, pairs), day, rule[0])


def _prepared(plays: pa.Table) -> _Plays:
    keys = [("user_id", "ascending"), ("occurred_at", "ascending"), ("event_id", "ascending")]
    table = plays.select(COLUMNS).sort_by(keys).combine_chunks()
    names = table["source"].to_pylist()
    devices = table["device_id"].to_pylist()
    known = {name: source_named(name) for name in set(names)}
    order = {
        line: number
        for number, line in enumerate(
            sorted(set(zip(names, devices, strict=True)), key=lambda one: (known[one[0]].rank, one[0], one[1] or ""))
        )
    }
    ends = _numbers(table["occurred_at"].cast(pa.int64())) // 1_000
    heard = _numbers(table["ms_played"])
    knows_end = np.array([known[name].knows_end for name in names], np.bool_)
    before_end = np.where(knows_end, heard + _numbers(table["paused_ms"]), _numbers(table["track_ms"]))
    return _Plays(
        table=table,
        listeners=_codes(table["user_id"]),
        sources=_codes(table["source"]),
        devices=_codes(table["device_id"]),
        lines=np.array([order[line] for line in zip(names, devices, strict=True)], np.int64),
        ends=ends,
        begins=ends - before_end,
        rounded=np.array([known[name].rounded_to_ms for name in names], np.int64),
        knows_end=knows_end,
        heard=heard,
    )


def _same_time(plays: _Plays, rule: MergeRule) -> _Pairs:
    """Pairs of one listener and different sources or devices that fit by their times."""
    by_end = np.flatnonzero(plays.knows_end)
    pairs = [_near(plays, by_end, plays.ends, rule.most_skew_ms)]
    if not plays.knows_end.all():
        by_begin = np.lexsort((plays.begins, plays.listeners))
        found = _near(plays, by_begin, plays.begins, rule.most_begin_skew_ms)
        pairs.append(found.where(~(plays.knows_end[found.kept] & plays.knows_end[found.merged])))
    both = _Pairs(*(np.concatenate([getattr(one, name) for one in pairs]) for name in ("kept", "merged", "skews")))
    # What knows the beginning only knows the least that was heard.
    more = plays.heard[both.merged] - plays.heard[both.kept]
    least = ~plays.knows_end
    fits = (np.abs(more) <= rule.most_difference_ms) | (least[both.merged] & (more <= rule.most_difference_ms))
    fits |= least[both.kept] & (-more <= rule.most_difference_ms)
    same_source = plays.sources[both.kept] == plays.sources[both.merged]
    # Of one source only two known devices are surely not one.
    devices = np.minimum(plays.devices[both.kept], plays.devices[both.merged]) >= 0
    allowed = np.where(same_source, devices & (DEVICE in rule.reasons), SOURCE in rule.reasons)
    return both.where(fits & allowed)


def _near(plays: _Plays, order: Ints, moments: Ints, most_skew_ms: int) -> _Pairs:
    """Pairs among the plays in that order (by listener and moment) whose moments can be so close."""
    listeners, at = plays.listeners[order], moments[order]
    window = most_skew_ms + (int(plays.rounded.max()) if len(plays.rounded) else 0)
    first, second = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for step in range(1, min(NEIGHBOURS, len(order) - 1) + 1):
        near = np.flatnonzero((listeners[step:] == listeners[:-step]) & (at[step:] - at[:-step] <= window))
        if not len(near):
            break
        first.append(order[near])
        second.append(order[near + step])
    one, other = np.concatenate(first), np.concatenate(second)
    swapped = plays.lines[one] > plays.lines[other]
    kept, merged = np.where(swapped, other, one), np.where(swapped, one, other)
    told = moments[merged] - moments[kept]
    # Each may be later than told by what it was rounded to: the least that is left for clocks to explain.
    least, most = told - plays.rounded[kept], told + plays.rounded[merged]
    skews = np.where(least > 0, least, np.where(most < 0, most, 0))
    pairs = _Pairs(kept, merged, skews)
    return pairs.where((plays.lines[kept] != plays.lines[merged]) & (np.abs(skews) <= most_skew_ms))


def _same_track(plays: _Plays, pairs: _Pairs) -> _Pairs:
    """Those pairs whose ids are the same, or whose names are."""
    if not len(pairs.kept):
        return pairs
    asked, places = np.unique(np.concatenate([pairs.kept, pairs.merged]), return_inverse=True)
    rows = plays.table.take(pa.array(asked)).combine_chunks()
    artists, titles = (_array(rows[name]) for name in ("artist_name", "track_title"))
    named = resolve_track_id(pa.nulls(len(asked), pa.string()), artists, titles)
    one, other = (pa.array(places[: len(pairs.kept)]), pa.array(places[len(pairs.kept) :]))
    same = [pc.fill_null(pc.equal(ids.take(one), ids.take(other)), False) for ids in (_array(rows["track_id"]), named)]
    return pairs.where(pc.or_(*same).to_numpy(zero_copy_only=False))


def _matched(plays: _Plays, pairs: _Pairs) -> _Pairs:
    """The pairs that stand: by source and device those first that say most, of each the nearest pairs first.

    What is merged keeps nothing, and what is kept takes one play of each source and device.
    """
    differences = np.abs(plays.heard[pairs.merged] - plays.heard[pairs.kept])
    order = np.lexsort((pairs.merged, pairs.kept, differences, np.abs(pairs.skews), plays.lines[pairs.merged]))
    stands = np.zeros(len(pairs.kept), np.bool_)
    merged: set[int] = set()
    taken: set[tuple[int, int]] = set()
    for place in order.tolist():
        kept, other = int(pairs.kept[place]), int(pairs.merged[place])
        pair = (kept, int(plays.lines[other]))
        if kept not in merged and other not in merged and pair not in taken:
            stands[place] = True
            merged.add(other)
            taken.add(pair)
    return pairs.where(stands)


def _rows(plays: _Plays, pairs: _Pairs, day: date, rule: MergeRule) -> pa.Table:
    kept, merged = pa.array(pairs.kept), pa.array(pairs.merged)
    same_source = plays.sources[pairs.kept] == plays.sources[pairs.merged]
    ids = _array(plays.table["event_id"])
    columns = {
        "event_id": ids.take(merged),
        "event_date": pa.repeat(pa.scalar(day, pa.date32()), len(merged)),
        "user_id": _array(plays.table["user_id"]).take(merged),
        "kept_event_id": ids.take(kept),
        "reason": pa.array([SOURCE, DEVICE], pa.string()).take(pa.array(same_source.astype(np.int8))),
        "overlap_ms": pa.array(np.minimum(plays.heard[pairs.kept], plays.heard[pairs.merged])),
        "skew_ms": pa.array(pairs.skews),
        "merge_version": pa.repeat(rule.version, len(merged)),
    }
    return pa.table(columns, schema=MERGED)


def by_date(plays: pa.Table, rules: Sequence[MergeRule] = RULES) -> Iterator[pa.Table]:
    """What `merge` says of each date of plays that have `event_date` too."""
    for day in pc.unique(plays["event_date"]).to_pylist():
        yield merge(plays.filter(pc.equal(plays["event_date"], pa.scalar(day, pa.date32()))), day, rules)


def _numbers(column: pa.ChunkedArray) -> Ints:
    numbers: Ints = column.fill_null(0).to_numpy().astype(np.int64)
    return numbers


def _codes(column: pa.ChunkedArray) -> Ints:
    """A number for each value, the same for the same; -1 for null."""
    codes: Ints = _array(column).dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return codes.astype(np.int64)


def _array(column: pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
