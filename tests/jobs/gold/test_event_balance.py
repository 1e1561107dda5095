"""gold.event_balance: what was sent, what came, what is missing and whose it is."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.gold.event_balance import transform
from schemas.bronze import DEAD_LETTERS, MANIFESTS, PLAYBACK_EVENTS
from schemas.gold import EVENT_BALANCE, FATES, LOSS_HORIZON_HOURS
from schemas.silver import DUPLICATES, PLAYS

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


def test_what_is_missing_and_whose_it_is(balance):
    """Each client shows one thing; the clock is the newest append of all."""
    hour = timedelta(hours=1)
    records = [
        *(record("all-there", n) for n in (0, 1, 2)),
        record("starts-late", 2),
        *(record("gap", n, NOON + n * hour) for n in (0, 2)),
        *(record("filled-later", n, at) for n, at in ((0, NOON), (2, NOON), (1, NOW))),
        *(record("old-gap", n, LONG_AGO) for n in (0, 3)),
        *(record("just-not-old", n, JUST_NOW) for n in (0, 3)),
        *(record("repeated", n, at) for n, at in ((0, NOON), (2, LONG_AGO), (2, NOW))),
        *(record("tail", n, NOON) for n in (0, 1)),
        mark("tail", 4, NOON + hour),
        mark("tail", 5, NOW),
        mark("tail", 3, NOW),
        mark("only-marks", 2),
        mark("none-used", 0),
        record("no-mark", 0),
        *(record("straddled", n) for n in (0, 6)),
        mark("straddled", 4),
        *(record("went-on", n) for n in (0, 1, 2)),
        mark("went-on", 2),
        record("two-topics", 0),
        record("two-topics", 1, topic_id="U", topic="others"),
        record("edge", 0),
        mark("edge", 2**31),
    ]

    rows = balance(records)

    assert all(row["unaccounted"] == 0 for row in rows)
    days = (LONG_AGO.replace(minute=0, second=0, microsecond=0) - NOON) / hour
    assert missing(rows) == {
        ("starts-late", 2): (2, 0),
        ("gap", 2): (1, 0),
        ("old-gap", days): (0, 2),
        ("just-not-old", days + 1): (2, 0),
        ("repeated", days): (0, 1),
        ("tail", 2): (0, 3),
        ("only-marks", 2): (0, 2),
        ("straddled", 2): (2, 3),
        ("edge", 2): (0, 2**31 - 1),
    }
    assert missing(rows, "bronze") == missing(rows)
    assert line(rows, "all-there", "bronze") == {"sent": 3, "accepted": 3}
    assert sorted(row["topic_id"] for row in rows if row["client_id"] == "two-topics") == ["T", "T", "U", "U"]
    assert not [row for row in rows if row["client_id"] == "none-used"]
    assert {row["topic"] for row in rows if row["client_id"] == "only-marks"} == {"events"}


def test_headers_that_nobody_can_believe_count_for_nobody(balance):
    bodiless = record("bodiless", 0, payload=None)
    records = [
        record("unreadable-body", 0, payload=b"\xff"),
        bodiless,
        record(None, 5),
        record("", 5),
        record("with:colon", 5),
        record("x" * 129, 5),
        record("line\n", 5),
        record("negative", -1),
        record("huge", 2**31),
        record("largest", 0),
        record("no-sequence", None),
        record(None, None, manifest_id="a manifest of spaces"),
        mark("hostile", 2**31 + 1),
        mark("negative-mark", -5),
        mark(None, 3),
        mark("with:colon", 3),
    ]
    plays = [
        *(verdict(name) for name in ("unreadable-body", "bodiless", "largest")),
        *(verdict("unknown") for _ in range(9)),
    ]

    rows = balance(records, plays=plays)

    assert {row["client_id"] for row in rows} == {"unreadable-body", "bodiless", "largest", "unknown"}
    assert line(rows, "unknown") == {"sent": 9, "accepted": 9}
    assert missing(rows) == {}


def test_a_record_with_a_body_is_no_mark_whatever_its_headers_say(balance):
    rows = balance([record("with-body", 0), record("with-body", None, high_water=9)], plays=[verdict("with-body")])

    assert line(rows, "with-body") == {"sent": 1, "accepted": 1}
    assert line(rows, "unknown") == {"sent": 1, "unaccounted": 1}


def test_manifests_say_what_importers_and_replays_sent(balance):
    """Each manifest shows one thing."""
    records = [
        *(record(None, None, NOON, manifest_id="whole") for _ in range(2)),
        *(record(None, None, NOON, manifest_id="lost-two") for _ in range(1)),
        *(record(None, None, NOW, manifest_id="other-hour") for _ in range(1)),
        *(record(None, None, NOON, manifest_id="doubt") for _ in range(2)),
        *(record(None, None, NOON, manifest_id="settled") for _ in range(3)),
        *(record(None, None, NOW, manifest_id="settled-next-hour") for _ in range(3)),
        *(record(None, None, NOW, manifest_id="two-doubts") for _ in range(2)),
        record(None, None, NOON, manifest_id="other-topic", topic_id="U"),
        record("phone", 0, NOON, manifest_id="replay"),
        record(None, None, NOON, manifest_id="nobody-knows"),
        record(None, None, NOW),
    ]
    manifests = [
        announced("whole", 2),
        announced("lost-two", 3),
        announced("other-hour", 1),
        announced("doubt", 1, 3),
        announced("settled", 1, 2),
        announced("settled-next-hour", 0, 3),
        announced("two-doubts", 0, 3),
        announced("two-doubts", 0, 4, NOON + timedelta(hours=1)),
        announced("other-topic", 1),
        announced("replay", 2, source="replay"),
        announced("played", 7, 7, source="simulate"),
        announced("silent", 2),
    ]

    rows = balance(records, manifests)

    assert all(row["unaccounted"] == 0 for row in rows)
    assert missing(rows) == {
        ("manifest:lost-two", 0): (0, 2),
        ("manifest:other-hour", 0): (0, 1),
        ("manifest:doubt", 0): (2, 0),
        ("manifest:two-doubts", 0): (1, 0),
        ("manifest:two-doubts", 1): (4, 0),
        ("manifest:other-topic", 0): (0, 1),
        ("manifest:replay", 0): (0, 1),
        ("manifest:silent", 0): (0, 2),
    }
    assert line(rows, "manifest:whole", "bronze") == {"sent": 2, "accepted": 2}
    assert line(rows, "manifest:nobody-knows") == {"sent": 1, "accepted": 1}


def test_every_record_has_one_verdict_of_its_own_client(balance):
    records = [record("fine", n) for n in range(5)] + [record("no-verdict", 0), record("twice", 0)]
    records += [record("replay", n, replay_of=of) for n, of in enumerate(["T/0/7", "T/0/7", "T/0/8/", "'; --", ""])]
    plays = [verdict("fine") for _ in range(2)]
    plays += [verdict("orphan"), *(verdict("twice") for _ in range(2)), *(verdict("replay") for _ in range(5))]
    duplicates = [verdict("fine", partition=0, offset=3)]
    dead_letters = [
        verdict("fine", partition=0, offset=7),
        verdict("fine", partition=0, offset=8),
    ]

    rows = balance(records, plays=plays, duplicates=duplicates, dead_letters=dead_letters)

    assert line(rows, "fine", "bronze") == {"sent": 5, "accepted": 5}
    assert line(rows, "fine") == {"sent": 5, "accepted": 2, "duplicate": 1, "dead_letter": 1, "replayed": 1}
    assert line(rows, "replay") == {"sent": 5, "accepted": 5}
    assert line(rows, "no-verdict") == {"sent": 1, "unaccounted": 1}
    assert line(rows, "twice") == {"sent": 1, "accepted": 2, "unaccounted": -1}
    assert line(rows, "orphan") == {"accepted": 1, "unaccounted": -1}
    assert not [row for row in rows if row["client_id"] == "orphan" and row["stage"] == "bronze"]


def test_nothing_sent_is_no_line(balance):
    assert balance() == []


CLIENTS = ("a", "b", "c")
sends = st.tuples(st.sampled_from(CLIENTS), st.integers(0, 7), st.integers(-100, 100))
marks = st.tuples(st.sampled_from(CLIENTS), st.integers(0, 9), st.integers(-100, 100))


@pytest.mark.parametrize("session", ["sail"], indirect=True)
@given(sends=st.lists(sends, max_size=14), marks=st.lists(marks, max_size=4))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_order_of_sends_repeats_and_marks_gives_the_naive_count(balance, sends, marks):
    records = [record(client, number, NOON + timedelta(hours=at)) for client, number, at in sends]
    used = [mark(client, number, NOON + timedelta(hours=at)) for client, number, at in marks]

    rows = balance([*records, *used])

    assert all(row["unaccounted"] == 0 for row in rows)
    totals: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row["stage"] == "silver":
            totals.update({(row["client_id"], name): row[name] for name in ("sent", "pending", "lost")})
    assert +totals == +_naive(sends, marks)


def _naive(sends, marks):
    newest = max([at for _, _, at in (*sends, *marks)], default=0)
    totals: Counter[tuple[str, str]] = Counter()
    for client in CLIENTS:
        came: dict[int, int] = {}
        for _, number, at in sorted((one for one in sends if one[0] == client), key=lambda one: one[2]):
            came.setdefault(number, at)
        used = max([number for name, number, _ in marks if name == client], default=0)
        for number in range(max([used, *(n + 1 for n in came)])):
            if number not in came:
                above = [at for higher, at in sorted(came.items()) if higher > number]
                is_lost = number < used or newest - above[0] > LOSS_HORIZON_HOURS
                totals[client, "lost" if is_lost else "pending"] += 1
        totals[client, "sent"] = totals[client, "lost"] + totals[client, "pending"]
        totals[client, "sent"] += sum(1 for name, _, _ in sends if name == client)
    return totals
