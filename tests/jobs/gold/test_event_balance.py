"""gold.event_balance: what was sent, what came, and what is missing, pending or lost."""

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.gold import LOSS_HORIZON_HOURS
from tests.jobs.gold.balance_rows import JUST_NOW, LONG_AGO, NOON, NOW, announced, line, mark, missing, record


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
