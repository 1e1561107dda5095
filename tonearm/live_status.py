"""What the live pipeline is at."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from infra.kafka.connection import client_properties
from infra.kafka.offsets import offset_bounds
from infra.local.stack import Endpoints
from infra.serving_store.rows import every_row
from infra.serving_store.session import serving_session
from infra.settings import Settings
from pipelines.progress import read_progress
from schemas.errors import RetryableError
from schemas.live import FATES, MINUTE_RECORDS
from schemas.render.cassandra import table_name


@dataclass(frozen=True)
class LiveStatus:
    """The state of the live pipeline; `lag_records` is None where Kafka does not say how much there is.

    `delay_seconds`: how far the time that the log is read up to is behind the clock. Rates are of the last half minute.
    """

    run_number: int
    state: str
    lag_records: int | None
    delay_seconds: float
    records_a_second: float
    dead_letter_rate: float

    @property
    def sentence(self) -> str:
        """The same for people."""
        lag = "" if self.lag_records is None else f"{self.lag_records:,} records behind, "
        return (
            f"live pipeline {self.state} (run {self.run_number}): {lag}{self.delay_seconds:.1f} s behind the clock, "
            f"{self.records_a_second:,.0f} records a second, {self.dead_letter_rate:.1%} dead letters"
        )


def live_status(settings: Settings, endpoints: Endpoints) -> LiveStatus | None:
    """What the last run said last, and what has come since; None where none ever ran in this home."""
    said = read_progress(settings.home)
    if said is None:
        return None
    state = ("running" if said.caught_up else "catching up") if said.is_recent else "stopped"
    return LiveStatus(
        said.run_number,
        state,
        _lag(settings, endpoints, said.offsets),
        round(said.delay_seconds, 1),
        round(said.records / said.seconds, 1) if said.seconds else 0.0,
        round(said.dead_letters / said.records, 4) if said.records else 0.0,
    )


def live_report(settings: Settings, endpoints: Endpoints) -> dict[str, object] | None:
    """The same for JSON."""
    found = live_status(settings, endpoints)
    return asdict(found) if found else None


def _lag(settings: Settings, endpoints: Endpoints, offsets: dict[int, int]) -> int | None:
    if not endpoints.kafka_bootstrap:
        return None
    try:
        bounds = offset_bounds(client_properties(settings, endpoints.kafka_bootstrap), settings.playback_topic)
    except RetryableError:
        return None
    return sum(lag_by_partition(bounds, offsets).values())


def lag_by_partition(bounds: Mapping[int, tuple[int, int]], read: Mapping[int, int]) -> dict[int, int]:
    """Offsets that are left of each partition, `read` being the next one that is to be read."""
    return {partition: max(0, end - read.get(partition, first)) for partition, (first, end) in bounds.items()}


def live_fates(settings: Settings, endpoints: Endpoints) -> dict[str, int]:
    """What became of the records that the live pipeline has read, as far back as `live.minute_records` is kept."""
    sums = dict.fromkeys(FATES, 0)
    with serving_session(settings, endpoints) as serving:
        if serving.columns(table_name(MINUTE_RECORDS)):
            for row in every_row(serving, MINUTE_RECORDS, FATES):
                for fate in FATES:
                    sums[fate] += row[fate]
    return sums
