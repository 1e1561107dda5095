"""Dead letters that come back: chosen, repaired, decided, and sent to the playback topic again, all or none.

Under the lock of batch runs the ledger is first brought up to the end of the topic. What has been sent back is
therefore known, whatever became of the replay that sent it, and nothing is sent twice (ADR 0010).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pyarrow.parquet as pq

from infra import failpoints, run_log
from infra.checks import Checker
from infra.engine import open_session
from infra.kafka.manifests import Manifest
from infra.kafka.producer import PlaybackProducer
from infra.lake import Lake
from infra.local.stack import Endpoints
from infra.schema_registry import schema_registry
from infra.settings import Settings
from jobs.declarations import require_migrated
from jobs.ingest import ingest, playback_topic
from jobs.replay_letters import ReplayLetters, Seen
from jobs.run_lock import run_lock
from jobs.runner import Progress, Runner
from playback.fix_rules import Rule, fingerprint
from playback.messages import MESSAGES
from playback.reasons import Reason
from playback.replay import DECIDED, Outcome
from schemas import catalog
from schemas.bronze import DEAD_LETTERS, PLAYBACK_EVENTS
from schemas.errors import InputError
from schemas.model import KeyedMerge
from schemas.silver import DUPLICATES, PLAYS

SEND_BATCH = 20_000
"""Messages between two acknowledged batches, at most."""

ALL = "all"
"""Instead of a reason: every one."""

Bar = Callable[[str], AbstractContextManager[Callable[[int, int], None]]]
"""Shows progress under a label while it is entered; what it yields takes what is done and what there is in all."""


@dataclass(frozen=True)
class Request:
    """What is to be replayed: letters of these reasons; with rules only those that one of them is for."""

    reasons: tuple[str, ...]
    rules: tuple[Rule, ...] = ()
    only_valid: bool = False
    dry_run: bool = False


@dataclass
class Replay:
    """What a replay found and did.

    `seen`: letters of the reasons asked for. `fates`: new playbacks and duplicates among the valid ones, by reason and
    rule. `sent`: messages; their manifest is None when there was nothing to send, or only to look.
    """

    seen: dict[str, Seen] = field(default_factory=dict)
    outcome: Outcome = field(default_factory=Outcome)
    fates: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    manifest: Manifest | None = None

    @property
    def replayed_before(self) -> int:
        """Letters of the reasons asked for that an earlier replay has sent back."""
        return sum(one.replayed for one in self.seen.values())

    @property
    def left(self) -> int:
        """Letters of the reasons asked for that nothing has sent back before."""
        return sum(one.letters for one in self.seen.values()) - self.replayed_before

    @property
    def sent(self) -> int:
        """Messages that were sent, all of them acknowledged."""
        return self.manifest.acknowledged if self.manifest else 0


@contextmanager
def no_bar(_label: str) -> Iterator[Callable[[int, int], None]]:
    """Show nothing."""
    yield lambda _done, _total: None


def request(reasons: Sequence[str], rules: Sequence[Rule], only_valid: bool = False, dry_run: bool = False) -> Request:
    """The request once it is checked. Without reasons those of the rules are meant; raises InputError."""
    known = list(map(str, Reason))
    asked = known if ALL in reasons else sorted({*reasons} or {str(rule.reason) for rule in rules})
    if not asked:
        raise InputError(f"Say what to replay: give a --reason ({', '.join(known)}, or {ALL}), or --rules.")
    for one in asked:
        if one not in known:
            raise InputError(f"{one!r} is no reason: give one of {', '.join(known)}, or {ALL}.")
    for rule in rules:
        if rule.reason not in asked:
            raise InputError(f"The rule {rule.name!r} is for {rule.reason}: give that --reason too, or leave it out.")
    return Request(tuple(asked), tuple(rules), only_valid, dry_run)


def replay(
    settings: Settings, endpoints: Endpoints, asked: Request, say: Progress | None = None, bar: Bar = no_bar
) -> Replay:
    """Do what is asked; what was sent is on the topic then, and the next batch run takes it in.

    Raises InputError when there never was such a letter, a rule is for none or two are for the same, or a letter would
    still be no event (unless `only_valid`): nothing has been sent then. SupersededError when a run is at work.
    """
    say = say or (lambda _what, _step: None)
    lake = Lake(settings.lake)
    with run_lock(settings.home), open_session(settings) as session:
        require_migrated(settings)
        say("bronze.playback_events", "ingest")
        with run_log.writing(lake, PLAYBACK_EVENTS):
            ingest(session, lake, playback_topic(settings, endpoints))
        runner = Runner(session, lake, Checker(settings.home), schema_registry(settings), settings.round_rows)
        for table in catalog.tables().values():
            if isinstance(table.refresh, KeyedMerge):
                say(table.full_name, "refresh")
                with run_log.writing(lake, table):
                    runner.refresh(table)
        say("bronze.dead_letters", "choose")
        letters = ReplayLetters(session, lake)
        try:
            return _Replaying(settings, endpoints, asked, letters, bar).replay(say)
        finally:
            letters.clear()


def came_of(lake: Lake, manifest: Manifest) -> dict[str, int]:
    """What became of the records of one manifest, once a batch run has taken them in."""
    fates = {"accepted": PLAYS, "duplicate": DUPLICATES, "dead_letter": DEAD_LETTERS}
    return {fate: lake.count(table, "manifest_id", manifest.manifest_id) for fate, table in fates.items()}


class _Replaying:
    """One replay under way, on a ledger that is up to date."""

    def __init__(
        self, settings: Settings, endpoints: Endpoints, asked: Request, letters: ReplayLetters, bar: Bar
    ) -> None:
        self._settings = settings
        self._endpoints = endpoints
        self._asked = asked
        self._letters = letters
        self._bar = bar

    def replay(self, say: Progress) -> Replay:
        seen = self._letters.seen()
        _refuse_unseen(self._asked, seen)
        wanted = {reason: one for reason, one in seen.items() if reason in self._asked.reasons}
        done = Replay(wanted, outcome=Outcome(schemas=schema_registry(self._settings)))
        say("", "")  # From here on bars are drawn.
        if done.left:
            self._decide(done)
        self._refuse_unmatched(done.outcome.rules)
        if not self._asked.dry_run:
            if not self._asked.only_valid:
                _refuse_still_invalid(done.outcome)
            self._send(done)
        return done

    def _decide(self, done: Replay) -> None:
        """Decide every letter before the first is sent; what would be an event is staged."""
        now, file = datetime.now(UTC), self._letters.messages
        file.parent.mkdir(parents=True, exist_ok=True)
        with self._bar("Repairing") as progress, pq.ParquetWriter(file, DECIDED, compression="zstd") as writer:
            for batch in self._letters.of(self._asked.reasons, replayed=False):
                writer.write_batch(done.outcome.add(batch, self._asked.rules, now))
                progress(done.outcome.letters, done.left)
        done.fates = self._letters.fates()

    def _refuse_unmatched(self, used: set[str]) -> None:
        """Raise InputError for a rule that is for no letter, not even for one that was sent back before."""
        unused = [rule for rule in self._asked.rules if rule.name not in used]
        if not unused:
            return
        before, now = Outcome(), datetime.now(UTC)
        for batch in self._letters.of(self._asked.reasons, replayed=True):
            for rule in unused:  # one at a time: two that were for the same letter one after the other are no clash
                before.add(batch, [rule], now)
        for rule in unused:
            if rule.name not in before.rules:
                raise InputError(
                    f"The rule {rule.name!r} is for no dead letter: correct its reason, field, where or times, or "
                    "leave it out."
                )

    def _send(self, done: Replay) -> None:
        """Send what is staged."""
        failpoints.reach("replay.decided")
        total = done.outcome.chosen.total() - done.outcome.refused.total()
        if not total:
            return
        subject, sent = fingerprint(self._asked.reasons, self._asked.rules), 0
        with (
            self._bar("Sending") as progress,
            PlaybackProducer(self._settings, self._endpoints.kafka_bootstrap, "replay", subject) as producer,
        ):
            for batch in pq.ParquetFile(self._letters.messages).iter_batches(SEND_BATCH, columns=MESSAGES.names):
                producer.send_messages(batch.cast(MESSAGES))
                sent += batch.num_rows
                progress(sent, total)
                failpoints.reach("replay.batch_sent")
        done.manifest = producer.manifest
        failpoints.reach("replay.sent")


def _refuse_unseen(asked: Request, seen: Mapping[str, Seen]) -> None:
    """Raise InputError for a reason of which there never was a letter; of rules each says so itself."""
    there_are = f"there are of {', '.join(seen)}" if seen else "there are none at all"
    missing = [reason for reason in asked.reasons if reason not in seen]
    if not asked.rules and missing and (not seen or len(asked.reasons) < len(Reason)):
        raise InputError(f"There is no dead letter of reason {' or '.join(missing)}: {there_are}.")


def _refuse_still_invalid(outcome: Outcome) -> None:
    refused = outcome.refused.total()
    if refused:
        why = ", ".join(
            f"{count:,} {reason}{' in ' + field if field else ''}"
            for (reason, field), count in sorted(outcome.still_invalid.items())
        )
        raise InputError(
            f"{refused:,} of {outcome.chosen.total():,} dead letters would still be no events ({why}), so nothing was "
            "sent: correct or narrow the rules, or give --only-valid to leave these."
        )
