"""Statements become batches for the same nodes; what there is of a statement here is what is asked of one."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from cassandra.query import BatchStatement
from hypothesis import given
from hypothesis import strategies as st

from infra.serving_store import batches
from infra.serving_store.batches import BATCH_BYTES, BATCH_PARTITIONS, BATCH_ROWS, batched


@dataclass
class Statement:
    routing_key: bytes
    values: list[bytes] = field(default_factory=lambda: [b"value"])


class Nodes:
    """Partitions lie on a node by their first letter."""

    def nodes(self, routing_key: bytes) -> frozenset[object]:
        return frozenset(routing_key[:1])


@pytest.fixture(autouse=True)
def _as_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "_batch", list)


def made(*statements: Statement) -> list[list[Any]]:
    return [list(one) for one in batched(Nodes(), statements)]  # type: ignore[arg-type]


def keys(found: list[list[Statement]]) -> list[list[bytes]]:
    return [[one.routing_key for one in batch] for batch in found]


def test_partitions_of_the_same_nodes_share_a_batch() -> None:
    found = keys(made(*map(Statement, (b"a1", b"b1", b"a2", b"b2"))))
    assert found == [[b"a1", b"a2"], [b"b1", b"b2"]]


def test_a_batch_has_so_many_partitions_and_of_the_last_one_all_rows_that_have_room() -> None:
    one_each = [Statement(b"a%d" % number) for number in range(BATCH_PARTITIONS)]
    last = one_each[-1].routing_key
    found = keys(made(*one_each, Statement(last), Statement(b"a-next")))
    assert found == [[*(one.routing_key for one in one_each), last], [b"a-next"]]


def test_a_row_larger_than_a_batch_goes_alone() -> None:
    found = keys(made(Statement(b"a1"), Statement(b"a2", [bytes(BATCH_BYTES + 1)]), Statement(b"a3")))
    assert found == [[b"a1"], [b"a2"], [b"a3"]]


statements = st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 30), st.integers(0, 2_000)), max_size=200)


@given(statements)
def test_every_statement_is_in_one_batch_and_none_is_too_large(rows: list[tuple[str, int, int]]) -> None:
    sent = [Statement(f"{node}{key}".encode(), [bytes(size)]) for node, key, size in sorted(rows)]
    found = made(*sent)
    assert sorted(map(id, sent)) == sorted(id(one) for batch in found for one in batch)
    for batch in found:
        assert len({one.routing_key[:1] for one in batch}) == 1
        assert len({one.routing_key for one in batch}) <= BATCH_PARTITIONS
        assert len(batch) <= BATCH_ROWS
        assert len(batch) == 1 or sum(len(one.values[0]) for one in batch) <= BATCH_BYTES


def test_a_statement_alone_is_no_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    (alone,) = batched(Nodes(), [Statement(b"a")])  # type: ignore[arg-type, list-item]
    assert not isinstance(alone, BatchStatement)
