"""Twenty things that happen every day and are no loss: the auditor keeps quiet."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable, write_deltalake

from infra.delta_writer import DeltaWriter
from infra.kafka.manifests import Journal
from jobs.ingest import playback_topic
from playback.arrow import arrow_schema
from schemas import catalog
from schemas.bronze import PLAYBACK_EVENTS
from tests.end_to_end.auditing import CELLS, LEDGER, PLAYS, Auditor, Phones, event, one_of, record_of


def compacted(name: str) -> Callable[[Auditor], None]:
    return lambda auditor: DeltaTable(auditor.made.lake.path(catalog.table(name))).optimize.compact() and None


def rewritten(auditor: Auditor) -> None:
    table = catalog.table("silver.duplicates")
    rows = auditor.made.lake.rows(table).sort_by([("offset", "descending")])
    write_deltalake(auditor.made.lake.path(table), rows, mode="overwrite")


def refreshed_twice(auditor: Auditor) -> None:
    auditor.runner.refresh_all()
    assert not [one for one in auditor.runner.refresh_all() if one.changed]


HOUSEKEEPING = {
    **{f"compacted {name}": compacted(name) for name in (LEDGER, PLAYS, "bronze.dead_letters", *CELLS)},
    "rewritten in another order": rewritten,
    "refreshed twice": refreshed_twice,
}


@pytest.mark.parametrize("change", HOUSEKEEPING.values(), ids=HOUSEKEEPING.keys())
def test_housekeeping_raises_no_alarm(auditor: Auditor, change: Callable[[Auditor], None]) -> None:
    change(auditor)
    assert not auditor.finds_something()


def again(auditor: Auditor, phones: Phones) -> None:
    """A phone sends again what was not acknowledged to it."""
    (row,) = record_of(auditor, random.Random("again")).to_pylist()
    phones.send(row["install_id"], row["sequence"], row["payload"])


def late(auditor: Auditor, phones: Phones) -> None:
    """One of the seven comes after all."""
    phones.send(*auditor.dropped[0], event("late"))


def new_client(auditor: Auditor, phones: Phones) -> None:
    for sequence in (1, 0, 2):
        phones.send("new", sequence, event(f"new {sequence}"))


def mark(auditor: Auditor, phones: Phones) -> None:
    phones.send("new", None, None, high_water=3)


def earlier_mark(auditor: Auditor, phones: Phones) -> None:
    phones.send("closed", None, None, high_water=1)


def only_a_mark(auditor: Auditor, phones: Phones) -> None:
    phones.send("silent", None, None, high_water=5)


def dead_letter(auditor: Auditor, phones: Phones) -> None:
    phones.send("spoilt", 0, b"\xff")
    phones.send(None, None, b"")


def unknown_sender(auditor: Auditor, phones: Phones) -> None:
    phones.send(None, None, event("unknown sender"))


def hostile_headers(auditor: Auditor, phones: Phones) -> None:
    for number, (install_id, sequence) in enumerate(
        [("a", -1), ("a:b", 0), ("", 3), ("a", 2**63), ("a", "x"), ("a", 2**31)]
    ):
        phones.send(install_id, sequence, event(f"hostile {number}"))  # type: ignore[arg-type]
    for used in (-1, 2**31 + 1, 2**70, "many"):
        phones.send("a", None, None, high_water=used)
    phones.send(None, None, event("of no manifest"), manifest_id="no such: manifest", replay_of="T/0/' OR 1=1")


def conflict(auditor: Auditor, phones: Phones) -> None:
    phones.send("new", 3, event("new 0", ms_played=1))


def no_music(auditor: Auditor, phones: Phones) -> None:
    phones.send("new", 4, event("episode", content_type="episode", track_id="test:episode:1"))


def replay(auditor: Auditor, phones: Phones) -> None:
    """Two records bring one dead letter back."""
    letter = one_of(auditor, "bronze.dead_letters", random.Random("replay")).to_pylist()[0]
    for number in range(2):
        phones.send(None, None, event(f"back {number}"), replay_of="{topic_id}/{partition}/{offset}".format(**letter))


def doubt(came: int) -> Callable[[Auditor, Phones], None]:
    """A producer of ours died before it was answered, and so many of its three messages had come."""

    def die(auditor: Auditor, phones: Phones) -> None:
        settings = auditor.made.settings
        own = playback_topic(settings, auditor.made.endpoints)
        journal = Journal(settings.home, "import", own.name, own.topic_id)
        journal.plan(events=3, rejects=0)
        journal.close()
        for number in range(came):
            phones.send(None, None, event(f"doubt {came} {number}"), manifest_id=journal.manifest_id)

    return die


def later(hours: int) -> Callable[[Auditor, Phones], None]:
    """Records of another partition, appended in other hours; after the horizon what was pending is lost."""

    def append(auditor: Auditor, phones: Phones) -> None:
        own = playback_topic(auditor.made.settings, auditor.made.endpoints)
        at = datetime.now(UTC) + timedelta(hours=hours)
        known = {"topic_id": own.topic_id, "topic": own.name, "partition": 900 + hours, "ingested_at": at}
        rows = [
            dict.fromkeys(PLAYBACK_EVENTS_COLUMNS)
            | known
            | {
                "offset": n,
                "appended_at": at + n * timedelta(hours=1),
                "install_id": f"later-{hours}",
                "sequence": 2 * n,
            }
            | {"payload": event(f"later {hours} {n}")}
            for n in range(2)
        ]
        frame = auditor.session.createDataFrame(pa.Table.from_pylist(rows, arrow_schema(PLAYBACK_EVENTS.fields)))
        version = auditor.made.lake.version(PLAYBACK_EVENTS)
        writer = DeltaWriter(auditor.session, auditor.made.lake)
        writer.append_ledger(PLAYBACK_EVENTS, frame, own.topic_id, {900 + hours: 0}, version)

    return append


PLAYBACK_EVENTS_COLUMNS = [field.name for field in PLAYBACK_EVENTS.fields]
ARRIVING = [
    [again, late, new_client, mark, earlier_mark, only_a_mark, dead_letter],
    [unknown_sender, hostile_headers, conflict, no_music, replay, doubt(0), doubt(3)],
    [later(1), later(80)],
]


@pytest.mark.parametrize("changes", ARRIVING, ids=["phones", "strangers", "hours"])
def test_what_arrives_raises_no_alarm(
    auditor: Auditor, phones: Phones, changes: list[Callable[[Auditor, Phones], None]]
) -> None:
    """Several changes a run, none of which another would make up for."""
    for change in changes:
        change(auditor, phones)
    phones.flush()
    assert auditor.take_in().adds_up


def test_an_import_twice_raises_no_alarm(auditor: Auditor, export: Path) -> None:
    for _ in range(2):
        auditor.made.send(export)
    assert auditor.take_in().adds_up


def test_the_changes_that_raise_no_alarm_are_twenty_and_more() -> None:
    assert len(HOUSEKEEPING) + sum(map(len, ARRIVING)) >= 20
