"""The picture of the graph: a column a step, lines that run under no box, words that are no markup."""

import re

from tonearm.site.graph import Node, svg

NODES = [Node(name, "gold", href=f"{name}.html") for name in ("a", "b", "c", "d")]
CHAIN = [("a", "b"), ("b", "c"), ("c", "d"), ("a", "d")]


def boxes(picture: str) -> dict[str, tuple[int, int]]:
    found = re.findall(r'<rect x="(\d+)" y="(\d+)" [^>]*/><rect class="edge"[^>]*/><text [^>]*>([^<]*)<', picture)
    return {name: (int(x), int(y)) for x, y, name in found}


def test_every_table_stands_right_of_what_it_is_computed_from() -> None:
    places = boxes(svg(NODES, CHAIN))
    assert places["a"][0] < places["b"][0] < places["c"][0] < places["d"][0]


def test_a_line_that_passes_columns_runs_under_no_box() -> None:
    picture = svg(NODES, CHAIN)
    (long,) = [path for path in re.findall(r'<path d="([^"]*)"/>', picture) if path.count("H") == 2]
    heights = [int(y) for y in re.findall(r"(\d+) H", long)]
    for name in ("b", "c"):
        top = boxes(picture)[name][1]
        assert not any(top <= height <= top + 44 for height in heights)


def test_each_edge_is_a_line_once_and_edges_to_nowhere_are_none() -> None:
    picture = svg(NODES, [*CHAIN, ("a", "b"), ("a", "gone"), ("a", "a")])
    assert picture.count("<path") == len(CHAIN)


def test_boxes_lead_to_their_pages_and_the_current_one_stands_out() -> None:
    picture = svg([Node("silver.a<b", "silver", "1 & 2", "x.html")], [], "silver.a<b")
    assert '<a href="x.html"><g class="box silver current">' in picture
    assert ">a&lt;b<" in picture
    assert ">1 &amp; 2<" in picture
