"""The graph of tables as inline SVG, laid out as Sugiyama has it.

A column for each step from the source; a line that passes columns keeps a lane free in each of them, so that it runs
under no box; boxes and lanes are ordered so that few lines cross.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from statistics import mean

_WIDTH, _HEIGHT, _LANE = 164, 44, 10
_GAP_X, _GAP_Y = 46, 14
_MARGIN = 4
_SWEEPS = 8

Line = tuple[str, str]
Place = tuple[int, int]
"""Left end and middle height."""
Column = list[str]
"""Names of boxes, and of lanes: `from → to`."""


@dataclass(frozen=True)
class Node:
    """A box: its name, the layer that colours it, a second line, and the page that it leads to (empty: none)."""

    name: str
    layer: str
    note: str = ""
    href: str = ""


def svg(nodes: Iterable[Node], edges: Iterable[Line], current: str = "") -> str:
    """The picture; `current` is the box that stands out. Edges between boxes that are not there are left out."""
    boxes = {node.name: node for node in nodes}
    lines = sorted({(one, two) for one, two in edges if one in boxes and two in boxes and one != two})
    depth = _depths(boxes, lines)
    columns = _ordered(_columns(depth, lines), _steps(depth, lines))
    tallest = max(_tall(column, boxes) for column in columns)
    places = _places(columns, boxes, tallest)
    width = len(columns) * (_WIDTH + _GAP_X) - _GAP_X + 2 * _MARGIN
    height = tallest + 2 * _MARGIN
    drawn = [
        _line(places[one][0], places.get(f"{one} → {two}", []), places[two][0], current in (one, two))
        for one, two in lines
    ]
    drawn += [
        _box(boxes[name], places[name], name == current) for column in columns for name in column if name in boxes
    ]
    return (
        f'<svg class="graph" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" '
        f'aria-label="Which table is computed from which">{"".join(drawn)}</svg>'
    )


def _depths(boxes: dict[str, Node], lines: list[Line]) -> dict[str, int]:
    """Column of each box: the length of the longest way to it. The catalogue has no circles."""
    depth = dict.fromkeys(boxes, 0)
    for _ in boxes:
        for one, two in lines:
            depth[two] = max(depth[two], depth[one] + 1)
    return depth


def _way(depth: dict[str, int], line: Line) -> list[str]:
    """From box to box, by the lanes in between."""
    one, two = line
    return [one, *(f"{one} → {two}" for _ in range(depth[one] + 1, depth[two])), two]


def _columns(depth: dict[str, int], lines: list[Line]) -> list[Column]:
    columns: list[Column] = [[] for _ in range(max(depth.values()) + 1)]
    for name, level in depth.items():
        columns[level].append(name)
    for one, two in lines:
        for level in range(depth[one] + 1, depth[two]):
            columns[level].append(f"{one} → {two}")
    return columns


def _steps(depth: dict[str, int], lines: list[Line]) -> list[tuple[tuple[int, str], tuple[int, str]]]:
    """Every step of every line, from (column, name) to the next one."""
    found = []
    for line in lines:
        way = list(enumerate(_way(depth, line), start=depth[line[0]]))
        found += list(pairwise(way))
    return found


def _ordered(columns: list[Column], steps: list[tuple[tuple[int, str], tuple[int, str]]]) -> list[Column]:
    """Each name at the mean height of its neighbours on the one side, then on the other, and so on."""
    for sweep in range(_SWEEPS):
        levels = range(len(columns)) if sweep % 2 == 0 else range(len(columns) - 1, -1, -1)
        for level in levels:
            rows = {
                (at, name): row - len(column) / 2
                for at, column in enumerate(columns)
                for row, name in enumerate(column)
            }
            near: dict[str, list[float]] = {}
            for one, two in steps if sweep % 2 == 0 else [(two, one) for one, two in steps]:
                if two[0] == level:
                    near.setdefault(two[1], []).append(rows[one])
            own = {name: mean(near.get(name, [rows[level, name]])) for name in columns[level]}
            columns[level] = sorted(columns[level], key=own.__getitem__)
    return columns


def _tall(column: Column, boxes: dict[str, Node]) -> int:
    return sum(_HEIGHT if name in boxes else _LANE for name in column) + _GAP_Y * (len(column) - 1)


def _places(columns: list[Column], boxes: dict[str, Node], tallest: int) -> dict[str, list[Place]]:
    """Left end and middle height of each box, and of each lane in each column that it passes."""
    places: dict[str, list[Place]] = {}
    for number, column in enumerate(columns):
        y = _MARGIN + (tallest - _tall(column, boxes)) // 2
        for name in column:
            room = _HEIGHT if name in boxes else _LANE
            places.setdefault(name, []).append((_MARGIN + number * (_WIDTH + _GAP_X), y + room // 2))
            y += room + _GAP_Y
    return places


def _line(start: Place, lanes: list[Place], end: Place, stands_out: bool) -> str:
    """A curve from the right side of the first box, through the lanes, to the left side of the last one."""
    x, y = start[0] + _WIDTH, start[1]
    path = f"M{x} {y}"
    for to_x, to_y in [*lanes, end]:
        middle = (x + to_x) // 2
        path += f" C{middle} {y} {middle} {to_y} {to_x} {to_y}"
        x, y = to_x, to_y
        if (to_x, to_y) != end:
            x += _WIDTH
            path += f" H{x}"
    kind = ' class="near"' if stands_out else ""
    return f'<path{kind} d="{path}"/>'


def _box(node: Node, place: list[Place], is_current: bool) -> str:
    x, y = place[0][0], place[0][1] - _HEIGHT // 2
    shown = node.name.partition(".")[2] or node.name
    note = f'<text class="note" x="{x + 14}" y="{y + 34}">{escape(node.note)}</text>' if node.note else ""
    drawn = (
        f'<g class="box {escape(node.layer)}{" current" if is_current else ""}">'
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="7"/>'
        f'<rect class="edge" x="{x}" y="{y + 6}" width="4" height="{_HEIGHT - 12}" rx="2"/>'
        f'<text x="{x + 14}" y="{y + (19 if node.note else 27)}">{escape(shown)}</text>{note}</g>'
    )
    return f'<a href="{escape(node.href)}">{drawn}</a>' if node.href else drawn
