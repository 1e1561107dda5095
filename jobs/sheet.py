"""What gold.event_balance says, by topic and hour and by client, read without an engine."""

from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from infra.lake import Lake
from schemas.gold import EVENT_BALANCE, FATES

COLUMNS = ("sent", *FATES)


@dataclass(frozen=True)
class HourLine:
    """One UTC hour (`2026-11-23T03`) of one topic, in records: what was sent and which fates it had.

    `clients_missing` counts the clients of which something is pending or lost, `clients_wrong` those whose own numbers
    do not add up; two of these could make up for each other in the sums.
    """

    topic: str
    topic_id: str
    hour: str
    sent: int
    accepted: int
    duplicate: int
    dead_letter: int
    replayed: int
    pending: int
    lost: int
    clients_missing: int
    clients_wrong: int

    @property
    def adds_up(self) -> bool:
        """Whether everything that each client sent has exactly one fate."""
        return self.clients_wrong == 0


@dataclass
class Sheet:
    """All lines, and of how many clients something is pending or lost."""

    hours: list[HourLine] = field(default_factory=list)
    clients_missing: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether every line does."""
        return all(line.adds_up for line in self.hours)

    def total(self, name: str) -> int:
        """Sum of one column over all hours."""
        return sum(getattr(line, name) for line in self.hours)

    def as_dict(self) -> dict[str, Any]:
        """For JSON; no client is named."""
        hours = [asdict(line) | {"adds_up": line.adds_up} for line in self.hours]
        sums = {name: self.total(name) for name in COLUMNS}
        return sums | {"adds_up": self.adds_up, "clients_missing": self.clients_missing, "hours": hours}


def balance_rows(lake: Lake) -> pa.Table:
    """Rows of `EVENT_BALANCE` as they are in the lake, checked or not; raises MissingInputError before the first run.

    `missing` is pending and lost together, `wrong` 1 where the row does not add up.
    """
    rows = lake.rows(EVENT_BALANCE).select([field.name for field in EVENT_BALANCE.fields])
    missing = pc.add(rows["pending"], rows["lost"])
    wrong = pc.not_equal(rows["unaccounted"], 0).cast(pa.int64())
    return rows.append_column("missing", missing).append_column("wrong", wrong)


def sheet_of(rows: pa.Table) -> Sheet:
    """One line for each topic and hour, of all clients together, by hour."""
    silver = _silver(rows)
    misses = pc.not_equal(silver["missing"], 0)
    counted = silver.append_column("clients_missing", misses.cast(pa.int64()))
    sums = (*COLUMNS, "clients_missing", "clients_wrong")
    found = _summed(counted.append_column("clients_wrong", silver["wrong"]), ("topic_id", "topic", "hour"), sums)
    ordered = found.sort_by([("hour", "ascending"), ("topic", "ascending"), ("topic_id", "ascending")])
    lines = [HourLine(**(row | {"hour": f"{row['hour']:%Y-%m-%dT%H}"})) for row in ordered.to_pylist()]
    return Sheet(lines, len(pc.unique(silver.filter(misses)["client_id"])))


def missing_by_client(rows: pa.Table, by_hour: bool = False) -> list[dict[str, Any]]:
    """Who misses how many: client_id, missing, lost, pending and sent, most first; `by_hour` with topic and hour."""
    keys = ("client_id", *(("topic", "topic_id", "hour") if by_hour else ()))
    found = _summed(_silver(rows), keys, ("missing", "lost", "pending", "sent"))
    found = found.filter(pc.not_equal(found["missing"], 0))
    order = [("missing", "descending"), *((name, "ascending") for name in keys)]
    return list(found.sort_by(order).to_pylist())


def client_lines(rows: pa.Table, client_id: str, by_hour: bool = False) -> list[dict[str, Any]]:
    """One client's counts by stage and topic, `by_hour` by hour as well; empty for a client that nothing came of."""
    own = rows.filter(pc.equal(rows["client_id"], client_id))
    keys = ("stage", "topic", "topic_id", *(("hour",) if by_hour else ()))
    return list(_summed(own, keys, (*COLUMNS, "unaccounted")).sort_by([(k, "ascending") for k in keys]).to_pylist())


def _silver(rows: pa.Table) -> pa.Table:
    return rows.filter(pc.equal(rows["stage"], "silver"))


def _summed(rows: pa.Table, keys: tuple[str, ...], names: tuple[str, ...]) -> pa.Table:
    summed = rows.group_by(list(keys)).aggregate([(name, "sum") for name in names])
    return summed.select([*keys, *(f"{name}_sum" for name in names)]).rename_columns([*keys, *names])
