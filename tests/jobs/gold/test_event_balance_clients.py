"""gold.event_balance: whose a record is, and that it has one verdict of that client."""

from tests.jobs.gold.balance_rows import line, mark, missing, record, verdict


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
