"""Dead letters of several kinds come back once, whatever was refused before, and the sheet adds up."""

import io
import json
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from infra.kafka.producer import PlaybackProducer
from playback.messages import MESSAGES
from playback.wire import HEADER_BYTES
from schemas.events import PLAYBACK_V1
from tests.end_to_end.letters import RULES, USER, as_json, avro, send, topic_ends
from tonearm.app import run

BODIES = [
    avro("accepted"),
    as_json("json", country="de"),
    avro("avro", country="fr"),
    as_json("accepted", country="de"),
    as_json("other source", source="web", country="de"),
    avro("long", ms_played=90_000_000),
    avro("longer than its datum") + b"\x00",
    b"\xc3\x01" + b"\x07" * 8 + avro("unknown", PLAYBACK_V1)[HEADER_BYTES:],
    b"hello",
]
"""One good playback and eight letters: one repeats the playback, one is from another source, one nobody can read."""


def state(made: Any) -> tuple[object, ...]:
    """All that a replay could change."""
    return made.digests(), made.versions(), topic_ends(made), made.served_chart("DE"), made.served_chart("FR")


def line(reason: str, rule: str, letters: int, plays: int = 0, duplicates: int = 0, invalid: int = 0) -> dict[str, Any]:
    counts = {"letters": letters, "plays": plays, "duplicates": duplicates, "still_invalid": invalid}
    return {"reason": reason, "rule": rule, **counts}


LINES = [
    line("absurd_duration", "microseconds", 1, plays=1),
    line("bad_country", "country codes in lower case", 3, plays=2, duplicates=1),
    line("trailing_bytes", "one byte too many", 1, plays=1),
    line("unknown_fingerprint", "a fingerprint that was never released", 1, plays=1),
]


@dataclass(frozen=True)
class Replayer:
    """The command on one deployment, and a file for its rules."""

    made: Any
    folder: Path

    def rules(self, text: str) -> list[str]:
        """The option that names a file of these rules."""
        (self.folder / "rules.toml").write_text(text)
        return ["--rules", str(self.folder / "rules.toml")]

    def answer(self, *arguments: str) -> tuple[int, str, str]:
        """Status, standard output, and the last line on standard error."""
        out, err = io.StringIO(), io.StringIO()
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in self.made.environment().items():
                patch.setenv(name, value)
            status = run(["replay", "--json", *arguments])
        return status, out.getvalue(), err.getvalue().splitlines()[-1]

    def done(self, *arguments: str) -> dict[str, Any]:
        """What a replay that came to its end has told."""
        status, told, said = self.answer(*arguments)
        assert status == 0, said
        found: dict[str, Any] = json.loads(told)
        return found

    def refused(self, *arguments: str) -> str:
        """The sentence of one that was refused."""
        status, told, said = self.answer(*arguments)
        assert (status, told) == (1, "")
        return said


@pytest.fixture(scope="module")
def replayer(deployment: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Replayer:
    """A deployment with the letters, after a run."""
    made = deployment()
    send(made, BODIES, "phone-1")
    assert made.run().sheet.adds_up
    return Replayer(made, tmp_path_factory.mktemp("rules"))


@dataclass(frozen=True)
class Seen:
    """What was told, and what was there, at each step: looked, refused, replayed, replayed again."""

    looked: list[dict[str, Any]]
    refused: list[str]
    done: list[dict[str, Any]]
    states: list[tuple[object, ...]]


@pytest.fixture(scope="module")
def seen(replayer: Replayer) -> Seen:
    at_first = state(replayer.made)
    looked = [replayer.done(*replayer.rules(RULES), "--dry-run"), replayer.done("--reason", "all", "--dry-run")]
    clash = "[[rule]]" + RULES.split("[[rule]]")[2].replace("microseconds", "again")
    refused = [
        replayer.refused("--reason", "bad_country", "--reason", "unknown_format"),
        replayer.refused(*replayer.rules(RULES.replace('"phone"', '"fridge"'))),
        replayer.refused(*replayer.rules(RULES + clash)),
        replayer.refused("--reason", "clock_skew"),
    ]
    untouched = state(replayer.made)
    first = replayer.done(*replayer.rules(RULES))
    replayed = state(replayer.made)
    again = replayer.done(*replayer.rules(RULES))
    return Seen(looked, refused, [first, again], [at_first, untouched, replayed, state(replayer.made)])


def test_a_dry_run_says_what_would_become_of_each_letter(seen: Seen) -> None:
    with_rules, as_they_are = seen.looked
    assert (with_rules["lines"], with_rules["without_rule"], with_rules["sent"]) == (LINES, 1, 0)
    shapes = {(one["field"], one["before"], one["after"], one["letters"]) for one in with_rules["changes"]}
    assert shapes == {("country", '"aa"', '"AA"', 3), ("ms_played", "99999999", "99999", 1)}
    letters = {
        "absurd_duration": 1,
        "bad_country": 4,
        "trailing_bytes": 1,
        "unknown_fingerprint": 1,
        "unknown_format": 1,
    }
    assert as_they_are["lines"] == [line(reason, "", count, invalid=count) for reason, count in letters.items()]


def test_all_or_none_are_sent(seen: Seen) -> None:
    assert seen.refused[0] == (
        "5 of 5 dead letters would still be no events (4 bad_country in country, 1 unknown_format), so nothing was "
        "sent: correct or narrow the rules, or give --only-valid to leave these."
    )


def test_a_rule_for_no_letter_two_for_one_and_a_reason_without_any_are_said(seen: Seen) -> None:
    _, unmatched, clash, unseen = seen.refused
    assert unmatched.startswith("The rule 'country codes in lower case' is for no dead letter: correct its reason")
    assert clash.startswith("The rules 'microseconds' and 'again' are for the same dead letter: narrow one")
    assert unseen.startswith("There is no dead letter of reason clock_skew: there are of absurd_duration, bad_country")


def test_looking_and_being_refused_change_nothing(seen: Seen) -> None:
    assert seen.states[0] == seen.states[1] != seen.states[2]


def test_a_replay_makes_playbacks_of_letters_and_the_sheet_adds_up(seen: Seen, replayer: Replayer) -> None:
    done = seen.done[0]
    assert (done["lines"], done["sent"], done["adds_up"]) == (LINES, 6, True)
    assert done["became"] == {"accepted": 5, "duplicate": 1, "dead_letter": 0}
    plays = {row["event_id"]: (row["country"], row["ms_played"]) for row in replayer.made.rows("silver.plays")}
    assert {name: plays[name] for name in ("accepted", "json", "avro", "long", "longer than its datum", "unknown")} == {
        "accepted": ("DE", 60_000),
        "json": ("DE", 60_000),
        "avro": ("FR", 60_000),
        "long": ("DE", 90_000),
        "longer than its datum": ("DE", 60_000),
        "unknown": ("DE", 60_000),
    }


def test_what_comes_back_has_the_key_and_headers_of_the_letter_that_it_names(seen: Seen, replayer: Replayer) -> None:
    ledger = [row for row in replayer.made.rows("bronze.playback_events") if row["install_id"] == "phone-1"]
    letters = {f"{row['topic_id']}/{row['partition']}/{row['offset']}": row for row in ledger}
    back = [(row, letters[row["replay_of"]]) for row in ledger if row["replay_of"]]
    assert sorted(letter["sequence"] for _, letter in back) == [1, 2, 3, 5, 6, 7]
    for name in ("key", "install_id", "sequence"):
        assert [row[name] for row, _ in back] == [letter[name] for _, letter in back]


def test_replaying_twice_changes_nothing(seen: Seen) -> None:
    again = seen.done[1]
    assert (again["lines"], again["sent"], again["replayed_before"], again["adds_up"]) == ([], 0, 6, True)
    assert seen.states[2] == seen.states[3]


def test_what_would_be_no_event_can_be_left_and_what_comes_back_bad_can_come_back_again(
    seen: Seen, replayer: Replayer
) -> None:
    """Of another installation's letters one is repaired and one is not; sent back as it is, it is another letter."""
    made = replayer.made
    send(made, [as_json("half", source="tv", country="us"), as_json("worse", source="tv", country="xyz")], "tv-1")
    rule = '[[rule]]\nname = "tv"\nreason = "bad_country"\nwhere = {source = "tv"}\npatch = {upper = ["country"]}'
    first = replayer.done(*replayer.rules(rule), "--only-valid")
    assert first["lines"] == [line("bad_country", "tv", 2, plays=1, invalid=1)]
    assert (first["sent"], first["became"]["accepted"], first["adds_up"]) == (1, 1, True)

    (letter,) = [row for row in made.rows("bronze.dead_letters") if b"worse" in row["payload"]]
    place = f"{letter['topic_id']}/{letter['partition']}/{letter['offset']}"
    row = {"key": USER.encode(), "payload": letter["payload"], "install_id": "tv-1", "sequence": 1, "replay_of": place}
    with PlaybackProducer(made.settings, made.endpoints.kafka_bootstrap, "replay") as producer:
        producer.send_messages(pa.RecordBatch.from_pylist([row], schema=MESSAGES))
    second = replayer.done(*replayer.rules(rule.replace('upper = ["country"]', 'set = {country = "US"}')))
    assert second["lines"] == [line("bad_country", "tv", 1, plays=1)]
    assert (second["sent"], second["became"]["accepted"], second["adds_up"]) == (1, 1, True)
