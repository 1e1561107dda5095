"""What is killed, where, and how it is seen that nothing came of it."""

import json
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from jobs import ingest as ingest_module
from schemas.bronze import PLAYBACK_EVENTS, RECORD_KEY
from schemas.errors import InputError, MissingInputError, StoreUnavailableError
from schemas.gold import COUNTRY_CHARTS, EVENT_BALANCE
from schemas.silver import PLAYS

COUNTRIES = ("ZZ", "DE")
"""Of which charts are looked at; music of the small export is mostly of nowhere."""

PRODUCING = (
    "producer.begun",
    "producer.planned",
    "producer.queued",
    "producer.delivered",
    "producer.acknowledged",
)
COMPUTING = (
    "ingest.planned",
    "write.prepared@bronze.playback_events",
    "ingest.committed",
    "write.committed@bronze.manifests",
    "runner.classified",
    "merge.staged@bronze.dead_letters",
    "write.committed@bronze.dead_letters",
    "write.committed@silver.duplicates",
    "merge.staged@silver.plays",
    "write.prepared@silver.plays",
    "write.committed@silver.plays",
    "check.passed@silver.plays",
    "write.committed@silver.tracks",
    "write.committed@silver.merged_plays",
    "write.prepared@gold.daily_track_plays",
    "file.written@gold.daily_track_plays",
    "check.recorded@gold.daily_user_plays",
    "write.committed@gold.country_charts",
    "check.passed@gold.event_balance",
)
PUBLISHING = (
    "publish.entered@gold.daily_track_plays/bigquery",
    "publish.after_create@gold.daily_track_plays/bigquery",
    "publish.fenced@gold.country_charts/bigquery",
    "publish.before_merge@gold.country_charts/bigquery",
    "publish.after_merge@gold.country_charts/bigquery",
    "publish.merged@gold.country_charts/bigquery",
    "publish.completed@gold.country_charts/bigquery",
    "publish.before_rows@gold.daily_user_plays/cassandra",
    "publish.after_rows@gold.daily_user_plays/cassandra",
    "publish.after_deletes@gold.daily_user_plays/cassandra",
    "publish.completed@gold.daily_user_plays/cassandra",
    "publish.before_rows@gold.country_charts/cassandra",
    "publish.after_rows@gold.country_charts/cassandra",
    "publish.before_pointer@gold.country_charts/cassandra",
    "publish.after_pointer@gold.country_charts/cassandra",
    "publish.before_cleanup@gold.country_charts/cassandra",
    "publish.generation_forgotten@gold.country_charts/cassandra",
)
ENDING = ("balance.counted", "report.made")

MUSIC = ("silver.tracks", "gold.daily_track_plays", "gold.daily_user_plays", "gold.country_charts")
"""Tables that say the same of the same playbacks on whatever topic, at whatever place, and however often they came."""


@dataclass(frozen=True)
class State:
    """All that a kill could have spoilt: the content of every computed table, and what readers see of each store."""

    digests: dict[str, str]
    served: dict[str, Any]
    records: Counter[tuple[Any, ...]]
    playbacks: Counter[str]

    @classmethod
    def of(cls, made: Any) -> "State":
        keys = made.lake.rows(PLAYBACK_EVENTS).select(RECORD_KEY)
        records = Counter(zip(*(column.to_pylist() for column in keys.columns), strict=True))
        playbacks = Counter(made.lake.rows(PLAYS)["event_id"].to_pylist())
        digests = made.digests() | {EVENT_BALANCE.full_name: made.lake.digest(EVENT_BALANCE)}
        return cls(digests, made.served() | {"charts": charts(made)}, records, playbacks)

    def lost(self, undisturbed: "State") -> int:
        """Records of the ledger and playbacks that an undisturbed run has and this one has not."""
        return (undisturbed.records - self.records).total() + (undisturbed.playbacks - self.playbacks).total()

    def doubled(self, undisturbed: "State") -> int:
        """Those that this one has and an undisturbed run has not, or not so often."""
        return (self.records - undisturbed.records).total() + (self.playbacks - undisturbed.playbacks).total()


@dataclass
class Tally:
    """Counts over many kills, printed at the end."""

    what: str
    kills: int = 0
    reruns: int = 0
    lost: int = 0
    doubled: int = 0
    different: list[str] = field(default_factory=list)

    def add(self, where: str, kills: int, found: State, undisturbed: State) -> None:
        self.kills += kills
        self.reruns += 1
        self.lost += found.lost(undisturbed)
        self.doubled += found.doubled(undisturbed)
        if found != undisturbed:
            self.different.append(where)

    def __str__(self) -> str:
        return (
            f"{self.what}: {self.kills} kills, {self.reruns} reruns to the end, lost {self.lost}, doubled "
            f"{self.doubled}, different from an undisturbed run {len(self.different)}"
        )


def charts(made: Any) -> list[Any]:
    """The charts that are served: whole generations, as the application reads them."""
    return [made.served_chart(country) for country in COUNTRIES]


def view(made: Any) -> list[str]:
    """The charts as analysts read them."""
    return sorted(map(repr, made.analysed(COUNTRY_CHARTS.full_name)))


@dataclass(frozen=True)
class Twice:
    """A topic to which two exports were sent, and what an undisturbed deployment made of the first and of both."""

    made: Any
    first: State
    second: State
    ends: dict[int, tuple[int, int]]
    later_manifests: list[Path]
    make: Callable[..., Any]
    views: list[list[str]]

    def twin(self) -> Any:
        """A deployment that reads the same topic and has run when only the first export was there."""
        made = self.unbegun()
        hidden = [made.settings.home / "manifests" / path.name for path in self.later_manifests]
        for path in hidden:
            path.unlink()
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(ingest_module, "offset_bounds", lambda *_: self.ends)
            assert made.run().sheet.adds_up
        for path in self.later_manifests:
            (made.settings.home / "manifests" / path.name).write_bytes(path.read_bytes())
        return made

    def unbegun(self) -> Any:
        """A deployment that reads the same topic and has not run."""
        return self.make(like=self.made, own_topic=False)

    def finish(self, made: Any) -> State:
        """Run to the end and say what came of it; the sheet has to add up."""
        assert made.run().sheet.adds_up
        return State.of(made)


def ended(process: subprocess.Popen[str], seconds: float = 250) -> tuple[int, str]:
    """Exit status of the process (-9: killed) and what it said to people."""
    _, said = process.communicate(timeout=seconds)
    return process.returncode, said


def last_line(said: str) -> str:
    return next((line for line in reversed(said.splitlines()) if line.strip()), "")


def killed(process: subprocess.Popen[str]) -> bool:
    """Whether the process died by SIGKILL; it may have come to its end, but not failed otherwise."""
    status, said = ended(process)
    assert status in (0, -signal.SIGKILL), said
    return status == -signal.SIGKILL


def killed_at(made: Any, export: Path, place: str) -> None:
    """Run the command in another process, which must die at that place."""
    assert killed(made.start(export, failpoint=place)), f"{place} was not reached"


def wait_until_stopped(process: subprocess.Popen[str], seconds: float = 250) -> None:
    """Wait until the process has stopped itself at its failpoint."""
    deadline = time.monotonic() + seconds
    while _state(process.pid) != "T":
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, "the process did not come to its failpoint"
        time.sleep(0.02)


def _state(pid: int) -> str:
    """The kernel's letter for the state of the process's main thread."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


@dataclass
class Readers:
    """What readers of the serving store and of the warehouse have seen, each answer once, as JSON text."""

    charts: dict[str, int] = field(default_factory=dict)
    views: dict[str, int] = field(default_factory=dict)
    unanswered: int = 0

    @property
    def looks(self) -> int:
        return sum(self.charts.values()) + sum(self.views.values())

    def mixtures(self, twice: Twice) -> list[str]:
        """Answers that are neither what the first nor what the second generation says.

        Each chart is an answer: between two of them the pointer may have moved.
        """
        whole = {as_text(chart) for state in (twice.first, twice.second) for chart in state.served["charts"]}
        charts = {as_text(chart) for look in self.charts for chart in json.loads(look)}
        return [*charts - whole, *self.views.keys() - set(map(as_text, twice.views))]


def as_text(answer: object) -> str:
    return json.dumps(answer, default=str)


@contextmanager
def reading(made: Any, pause: float = 1.0) -> Iterator[Readers]:
    """Readers that look again and again from threads of their own; what they saw is complete when this is left."""
    seen, done = Readers(), threading.Event()

    def look(answer: Callable[[Any], Any], into: dict[str, int]) -> None:
        while not done.wait(pause):
            try:
                text = as_text(answer(made))
            except (StoreUnavailableError, MissingInputError):
                seen.unanswered += 1
                continue
            except InputError as error:
                assert "Not found" in str(error), error  # before the first publication
                seen.unanswered += 1
                continue
            into[text] = into.get(text, 0) + 1

    threads = [threading.Thread(target=look, args=one) for one in ((charts, seen.charts), (view, seen.views))]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        done.set()
        for thread in threads:
            thread.join()


def names(places: tuple[str, ...]) -> set[str]:
    """The failpoints of these places."""
    return {place.partition("@")[0] for place in places}
