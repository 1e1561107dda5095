"""The balance sheet: does every message that was sent come out at the other end, exactly once?

Per topic and hour of append, `sent = accepted + duplicate + dead letter + replayed + pending + lost`. *Sent* comes from
the producers' manifests, never from what arrived; the manifests are read before Kafka is (everything acknowledged then
must be in the ledger) and after (nothing may be in the ledger that nobody planned to send). Records that no manifest
announces, of clients that keep none, are counted apart. Then the same events are followed through gold to the stores.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from infra.kafka.manifests import Manifest
from infra.lake import Lake
from jobs.columns import count_where
from schemas import catalog

Hour = tuple[str, str]
"""(topic id, UTC hour of the append time as `2026-11-23T03`)."""

_VERDICTS = {"accepted": "silver.plays", "duplicate": "silver.duplicates", "dead_letter": "bronze.dead_letters"}


@dataclass(frozen=True)
class HourLine:
    """One hour of one topic, in records.

    `pending` was planned and has not arrived; `lost` was acknowledged and has not.
    """

    topic: str
    topic_id: str
    hour: str
    sent: int
    unannounced: int
    accepted: int
    duplicate: int
    dead_letter: int
    replayed: int
    pending: int
    lost: int

    @property
    def adds_up(self) -> bool:
        """Whether everything that was sent or came unannounced has exactly one fate, and none is lost."""
        fates = self.accepted + self.duplicate + self.dead_letter + self.replayed + self.pending + self.lost
        return self.lost == 0 and self.sent + self.unannounced == fates


@dataclass(frozen=True)
class StageLine:
    """One stage: how many went in, and where they are. Records in the ledger, accepted playbacks after it."""

    stage: str
    expected: int
    counted: int
    left_out: int = 0

    @property
    def adds_up(self) -> bool:
        """Whether what is counted and what is left out on purpose are all that went in."""
        return self.expected == self.counted + self.left_out


@dataclass
class Balance:
    """The whole sheet."""

    hours: list[HourLine] = field(default_factory=list)
    stages: list[StageLine] = field(default_factory=list)

    @property
    def adds_up(self) -> bool:
        """Whether every line does."""
        return all(line.adds_up for line in self.hours) and all(line.adds_up for line in self.stages)

    def total(self, name: str) -> int:
        """Sum of one column over all hours."""
        return sum(getattr(line, name) for line in self.hours)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        hours = [asdict(line) | {"adds_up": line.adds_up} for line in self.hours]
        stages = [asdict(line) | {"adds_up": line.adds_up} for line in self.stages]
        return {"adds_up": self.adds_up, "hours": hours, "stages": stages}


def balance(
    session: SparkSession, lake: Lake, before: Iterable[Manifest], after: Iterable[Manifest], stores: dict[str, int]
) -> Balance:
    """The sheet of what is in the lake and in `stores` (name → playbacks counted there in a gold table).

    `before` and `after` are the manifests as read before and after the ingest.
    """
    hours = _hour_lines(session, lake, before, after)
    return Balance(hours, [_ledger_line(session, lake, hours), *_stage_lines(session, lake, stores)])


def _hour_lines(
    session: SparkSession, lake: Lake, before: Iterable[Manifest], after: Iterable[Manifest]
) -> list[HourLine]:
    ledger = _read(session, lake, "bronze.playback_events")
    topics = {row["topic_id"]: row["topic"] for row in ledger.select("topic_id", "topic").distinct().collect()}
    received = _received(ledger)
    account = _Account()
    acknowledged_before = {one.manifest_id: one.by_hour for one in before}
    for manifest in after:
        topics.setdefault(manifest.topic_id, manifest.topic)
        account.add(manifest, acknowledged_before.get(manifest.manifest_id, {}), received.pop(manifest.manifest_id, {}))
    for arrived in received.values():
        account.unannounced.update(arrived)
    fates = {fate: _by_hour(_read(session, lake, name)) for fate, name in _VERDICTS.items()}
    counters = (account.sent, account.unannounced, account.pending, account.lost, *fates.values())
    return [
        HourLine(
            topic=topics[hour[0]],
            topic_id=hour[0],
            hour=hour[1],
            sent=account.sent[hour],
            unannounced=account.unannounced[hour],
            replayed=0,
            pending=account.pending[hour],
            lost=account.lost[hour],
            **{fate: counts[hour] for fate, counts in fates.items()},
        )
        for hour in sorted({hour for counter in counters for hour in counter})
    ]


class _Account:
    """What the manifests say of each hour, settled against what arrived of each."""

    def __init__(self) -> None:
        self.sent: Counter[Hour] = Counter()
        self.unannounced: Counter[Hour] = Counter()
        self.pending: Counter[Hour] = Counter()
        self.lost: Counter[Hour] = Counter()

    def add(self, manifest: Manifest, before: Mapping[str, int], arrived: Mapping[Hour, int]) -> None:
        """Settle one manifest.

        A message in doubt (planned, never acknowledged) counts in the hour it arrived in, or as pending in the hour
        it was planned in. More arrivals than were planned are left without a sender: the line does not add up.
        """
        doubt = manifest.in_doubt
        topic_id = manifest.topic_id
        for hour in sorted({*manifest.by_hour, *(hour for _, hour in arrived)}):
            where = (topic_id, hour)
            acknowledged, came = manifest.by_hour.get(hour, 0), arrived.get(where, 0)
            unanswered = min(max(0, came - acknowledged), doubt)
            doubt -= unanswered
            lost = max(0, before.get(hour, 0) - came)
            self.sent[where] += acknowledged + unanswered
            self.lost[where] += lost
            self.pending[where] += max(0, acknowledged - came - lost)
        if doubt:
            where = (topic_id, max(manifest.in_doubt_by_hour))
            self.sent[where] += doubt
            self.pending[where] += doubt


def _ledger_line(session: SparkSession, lake: Lake, hours: Iterable[HourLine]) -> StageLine:
    """Every record in the ledger has one fate: also of a record that stands there twice, or no more."""
    fates = sum(line.accepted + line.duplicate + line.dead_letter for line in hours)
    return StageLine("bronze.playback_events", _read(session, lake, "bronze.playback_events").count(), fates)


def _stage_lines(session: SparkSession, lake: Lake, stores: dict[str, int]) -> list[StageLine]:
    """From accepted playbacks to gold, and from gold to each store."""
    plays = _read(session, lake, "silver.plays")
    seen = plays.agg(F.count(F.lit(1)), count_where(F.col("content_type") != "track")).collect()[0]
    expected, left_out = int(seen[0]), int(seen[1])
    lines = []
    for name in ("gold.daily_track_plays", "gold.daily_user_plays"):
        counted = int(_read(session, lake, name).agg(F.sum("playback_count")).collect()[0][0] or 0)
        lines.append(StageLine(name, expected, counted, left_out))
    lines += [StageLine(store, expected - left_out, counted) for store, counted in stores.items()]
    return lines


def _read(session: SparkSession, lake: Lake, name: str) -> DataFrame:
    return session.read.format("delta").load(str(lake.path(catalog.table(name))))


def _hour() -> Column:
    return F.date_format("appended_at", "yyyy-MM-dd'T'HH").alias("hour")


def _received(ledger: DataFrame) -> dict[str | None, dict[Hour, int]]:
    """Records in the ledger by manifest (None: of no manifest), topic id and hour."""
    received: dict[str | None, dict[Hour, int]] = {}
    for row in ledger.groupBy("manifest_id", "topic_id", _hour()).count().collect():
        received.setdefault(row["manifest_id"], {})[(row["topic_id"], row["hour"])] = row["count"]
    return received


def _by_hour(rows: DataFrame) -> Counter[Hour]:
    counted = rows.groupBy("topic_id", _hour()).count().collect()
    return Counter({(row["topic_id"], row["hour"]): row["count"] for row in counted})
