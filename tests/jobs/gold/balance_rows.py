"""Records, marks, verdicts and announcements that the balance is made of, and what its rows say."""

from datetime import UTC, datetime, timedelta
from typing import Any

from schemas.gold import FATES, LOSS_HORIZON_HOURS

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
NOW = NOON + timedelta(hours=2)
LONG_AGO = NOW - timedelta(hours=LOSS_HORIZON_HOURS, microseconds=1)
JUST_NOW = NOW - timedelta(hours=LOSS_HORIZON_HOURS)


def record(client: str | None, sequence: int | None = None, at: datetime = NOW, **fields: Any) -> dict[str, Any]:
    usual = {"topic_id": "T", "topic": "events", "appended_at": at, "payload": b"?"}
    return usual | {"install_id": client, "sequence": sequence} | fields


def mark(client: str | None, used: int, at: datetime = NOW, **fields: Any) -> dict[str, Any]:
    return record(client, None, at, high_water=used, payload=None, **fields)


def verdict(client: str, at: datetime = NOW, **fields: Any) -> dict[str, Any]:
    return {"topic_id": "T", "topic": "events", "appended_at": at, "client_id": client} | fields


def announced(name: str, acknowledged: int, in_doubt: int = 0, hour: datetime = NOON, **fields: Any) -> dict[str, Any]:
    usual = {"manifest_id": name, "source": "import", "topic_id": "T", "topic": "events", "hour": hour}
    return usual | {"acknowledged": acknowledged, "in_doubt": in_doubt} | fields


def missing(rows, stage="silver"):
    """(client, hours after noon) -> (pending, lost) where anything is missing."""
    return {
        (row["client_id"], (row["hour"].replace(tzinfo=UTC) - NOON) / timedelta(hours=1)): (row["pending"], row["lost"])
        for row in rows
        if row["stage"] == stage and row["pending"] + row["lost"]
    }


def line(rows, client, stage="silver"):
    """The counts that are not 0 of the only row of a client."""
    (found,) = [row for row in rows if row["client_id"] == client and row["stage"] == stage]
    return {name: found[name] for name in ("sent", *FATES, "unaccounted") if found[name]}
