"""What our own producers announced, against what of it is in the ledger: by topic, settled hour by hour."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from infra.kafka.manifests import Manifest
from jobs.gold.event_balance import arrivals
from jobs.stage_line import StageLine

Hour = tuple[str, str]
"""(topic id, UTC hour of the append time as `2026-11-23T03`)."""


@dataclass(frozen=True)
class Arrivals:
    """Records in the ledger, without marks: all of them, and those of each manifest by topic and hour."""

    records: int
    by_manifest: Mapping[str, Mapping[Hour, int]]
    topics: Mapping[str, str]
    """Topic id → name."""


def arrived(records: DataFrame, announced: Iterable[Manifest]) -> Arrivals:
    """Count the records; what comes under a manifest that is not among the announced is of nobody's manifest."""
    known = [one.manifest_id for one in announced]
    # Kept to those we know, because a client can write anything into that header, and something else each time.
    ours = records.withColumn("manifest_id", F.when(F.col("manifest_id").isin(known), F.col("manifest_id")))
    hour = F.date_format("hour", "yyyy-MM-dd'T'HH").alias("hour")
    by_manifest: dict[str, dict[Hour, int]] = {}
    topics, total = {}, 0
    for row in arrivals(ours).select("manifest_id", "topic_id", "topic", "arrived", hour).collect():
        total += row["arrived"]
        topics[row["topic_id"]] = row["topic"]
        if row["manifest_id"] is not None:
            by_manifest.setdefault(row["manifest_id"], {})[(row["topic_id"], row["hour"])] = row["arrived"]
    return Arrivals(total, by_manifest, topics)


def announced_lines(before: Iterable[Manifest], after: Iterable[Manifest], came: Arrivals) -> list[StageLine]:
    """One line a topic: what was sent to it, what of that is in the ledger, and (left out) what may still come.

    Wrong are hours in which something is lost (acknowledged before the ingest, and not there) or in which more came
    under a manifest than its producer planned.
    """
    account = _Account()
    topics = dict(came.topics)
    acknowledged_before = {one.manifest_id: one.by_hour for one in before}
    for manifest in after:
        topics[manifest.topic_id] = manifest.topic
        known = acknowledged_before.get(manifest.manifest_id, {})
        account.add(manifest, known, came.by_manifest.get(manifest.manifest_id, {}))
    return [
        StageLine(
            f"announced for {topics[topic_id]}",
            account.sent[topic_id],
            account.arrived[topic_id],
            account.pending[topic_id],
            len({hour for hour in account.wrong if hour[0] == topic_id}),
        )
        for topic_id in sorted({*account.sent, *account.arrived}, key=lambda one: (topics[one], one))
    ]


@dataclass
class _Account:
    """What the manifests say of each topic, settled against what arrived of each."""

    sent: Counter[str] = field(default_factory=Counter)
    arrived: Counter[str] = field(default_factory=Counter)
    pending: Counter[str] = field(default_factory=Counter)
    wrong: set[Hour] = field(default_factory=set)

    def add(self, manifest: Manifest, before: Mapping[str, int], arrived: Mapping[Hour, int]) -> None:
        """Settle one manifest.

        A message in doubt (planned, never acknowledged) settles with what came beyond the acknowledged, in any hour.
        """
        doubt, topic_id = manifest.in_doubt, manifest.topic_id
        for hour in sorted({*manifest.by_hour, *(hour for _, hour in arrived)}):
            where = (topic_id, hour)
            acknowledged, came = manifest.by_hour.get(hour, 0), arrived.get(where, 0)
            unanswered = min(max(0, came - acknowledged), doubt)
            doubt -= unanswered
            lost = max(0, before.get(hour, 0) - came)
            if lost or came > acknowledged + unanswered:
                self.wrong.add(where)
            self.sent[topic_id] += acknowledged + unanswered
            self.pending[topic_id] += max(0, acknowledged - came - lost)
        self.sent[topic_id] += doubt
        self.pending[topic_id] += doubt
        for where, came in arrived.items():
            self.arrived[where[0]] += came
            if where[0] != topic_id:
                self.wrong.add(where)
