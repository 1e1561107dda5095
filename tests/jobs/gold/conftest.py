"""The rows that gold.event_balance makes of literal inputs."""

import pytest

from jobs.gold.event_balance import transform
from schemas.bronze import DEAD_LETTERS, MANIFESTS, PLAYBACK_EVENTS
from schemas.gold import EVENT_BALANCE, FATES
from schemas.silver import DUPLICATES, PLAYS
from tests.jobs.gold.balance_rows import verdict


@pytest.fixture
def balance(frame):
    """Rows of the balance of literal inputs; of records that are no mark those without a verdict given are accepted."""

    def compute(records=(), manifests=(), plays=None, duplicates=(), dead_letters=()):
        if plays is None:
            plays = [
                verdict(_client_of(one), one["appended_at"], topic_id=one["topic_id"])
                for one in records
                if not _is_mark(one)
            ]
        rows = transform(
            frame(PLAYBACK_EVENTS, *records),
            frame(MANIFESTS, *manifests),
            frame(PLAYS, *plays),
            frame(DUPLICATES, *duplicates),
            frame(DEAD_LETTERS, *dead_letters),
        )
        assert rows.columns == [field.name for field in EVENT_BALANCE.fields]
        found = [row.asDict() for row in rows.collect()]
        for row in found:
            assert row["unaccounted"] == row["sent"] - sum(row[fate] for fate in FATES)
        return found

    return compute


def _is_mark(one):
    return one.get("high_water") is not None and one["payload"] is None and one["sequence"] is None


def _client_of(one):
    if one["install_id"] is not None and one["sequence"] is not None:
        return one["install_id"]
    return f"manifest:{one['manifest_id']}" if one.get("manifest_id") else "unknown"
