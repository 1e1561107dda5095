"""Fix rules as they are written, and every way in which they are written wrongly."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from playback.fix_rules import Change, Rule, fingerprint, read_rules
from playback.reasons import Reason
from schemas.errors import InputError

GOOD = """
[[rule]]
name = "countries"
reason = "bad_country"
field = "country"
appended_from = 2026-11-20T13:00:00+01:00
appended_until = 2026-11-21T00:00:00Z
where = {source = "simulator", offline = false, bitrate_kbps = 320}
[rule.patch]
upper = ["country"]
trim = ["country", "platform"]
set = {content_type = "track", occurred_at = 1970-01-01T00:00:01Z}
clear = ["network", "session_id"]

[[rule]]
name = "microseconds"
reason = "absurd_duration"
patch = {divide = {ms_played = 1000, paused_ms = 1000}, cut = {context = 9}, shift_seconds = {occurred_at = -3600}}

[[rule]]
name = "another fingerprint"
reason = "unknown_fingerprint"
patch = {schema_version = 1, drop_trailing = true}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Callable[[str], Path]:
    """A file with that content."""

    def written(text: str, name: str = "rules.toml") -> Path:
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return written


def test_rules_say_which_letters_and_what_changes_in_the_order_in_which_it_is_done(
    rules: Callable[[str], Path],
) -> None:
    assert read_rules(rules(GOOD)) == (
        Rule(
            name="countries",
            reason=Reason.BAD_COUNTRY,
            field="country",
            appended_from=datetime(2026, 11, 20, 12, tzinfo=UTC),
            appended_until=datetime(2026, 11, 21, tzinfo=UTC),
            where=(("source", "simulator"), ("offline", False), ("bitrate_kbps", 320)),
            changes=(
                Change("clear", "network"),
                Change("clear", "session_id"),
                Change("set", "content_type", "track"),
                Change("set", "occurred_at", 1_000_000),
                Change("trim", "country"),
                Change("trim", "platform"),
                Change("upper", "country"),
            ),
        ),
        Rule(
            name="microseconds",
            reason=Reason.ABSURD_DURATION,
            changes=(
                Change("cut", "context", 9),
                Change("divide", "ms_played", 1000),
                Change("divide", "paused_ms", 1000),
                Change("shift_seconds", "occurred_at", -3600),
            ),
        ),
        Rule("another fingerprint", Reason.UNKNOWN_FINGERPRINT, schema_version=1, drop_trailing=True),
    )


def test_a_folder_is_all_its_files_by_name(rules: Callable[..., Path], tmp_path: Path) -> None:
    one = '[[rule]]\nname = "{}"\nreason = "bad_country"\npatch = {{clear = ["country"]}}\n'
    rules(one.format("second"), "b.toml")
    rules(one.format("first"), "a.toml")
    rules("not a rule", "notes.txt")
    assert [rule.name for rule in read_rules(tmp_path)] == ["first", "second"]


def rule(patch: str = '{upper = ["country"]}', head: str = 'reason = "bad_country"', name: str = '"r"') -> str:
    return f"[[rule]]\nname = {name}\n{head}\npatch = {patch}\n"


BAD = {
    "no TOML": ("[[rule", "is no TOML file"),
    "another table": ("[rules]\n", r"must hold \[\[rule\]\] tables and nothing else"),
    "nothing": ("", r"must hold \[\[rule\]\] tables and nothing else"),
    "no list": ("rule = 5", r"must hold \[\[rule\]\] tables and nothing else"),
    "a list of numbers": ("rule = [5]", r"must hold \[\[rule\]\] tables and nothing else"),
    "no name": ('[[rule]]\nreason = "bad_country"', "rule number 1: name must be a text"),
    "a blank name": (rule(name='" "'), "name must be a text that is not empty"),
    "a name that is a number": (rule(name="5"), "rule number 1: name must be a text"),
    "a name twice": (rule() + rule(), "Two rules in .* have the name 'r'"),
    "an unknown key": (rule(head='reason = "bad_country"\ncolour = 1'), "rule 'r': colour is no key"),
    "an unknown reason": (rule(head='reason = "sad_country"'), "reason must be one of missing_payload, "),
    "no reason": (rule(head=""), "reason must be one of"),
    "a reason that is a list": (rule(head="reason = []"), "reason must be one of"),
    "an unknown field": (rule(head='reason = "bad_country"\nfield = "land"'), "field must name a field of the event"),
    "a time without a zone": (
        rule(head='reason = "bad_country"\nappended_from = 2026-11-20T12:00:00'),
        "appended_from must be a time with its zone",
    ),
    "a time in quotes": (
        rule(head='reason = "bad_country"\nappended_until = "2026-11-20T12:00:00Z"'),
        "appended_until must be a time with its zone and without quotes",
    ),
    "an empty span": (
        rule(
            head='reason = "bad_country"\nappended_from = 2026-11-20T12:00:00Z\nappended_until = 2026-11-20T12:00:00Z'
        ),
        "appended_from must be before appended_until",
    ),
    "where is no table": (rule(head='reason = "bad_country"\nwhere = "x"'), "where must be a table"),
    "where by an unknown field": (rule(head='reason = "bad_country"\nwhere = {x = 1}'), "where must name a field"),
    "where by a listener": (
        rule(head='reason = "bad_country"\nwhere = {user_id = "x"}'),
        "where may not choose by user_id",
    ),
    "where by an event": (rule(head='reason = "bad_country"\nwhere = {event_id = "x"}'), "where may not choose by"),
    "where by a time": (
        rule(head='reason = "bad_country"\nwhere = {occurred_at = 2026-11-20T12:00:00Z}'),
        "where may not choose by occurred_at: choose by appended_from",
    ),
    "where of another type": (
        rule(head='reason = "bad_country"\nwhere = {offline = 1}'),
        "where: the value for offline must be of type boolean",
    ),
    "no patch": ('[[rule]]\nname = "r"\nreason = "bad_country"', "patch must be a table that changes something"),
    "an empty patch": (rule("{}"), "patch must be a table that changes something"),
    "a patch that says no": (rule("{drop_trailing = false}"), "patch changes nothing"),
    "an unknown operation": (rule("{rot13 = ['country']}"), "patch.rot13 is no key; there are clear, cut, divide"),
    "a version that is none": (rule("{schema_version = 9}"), "patch.schema_version must be a released version: 1"),
    "a version that is true": (rule("{schema_version = true}"), "patch.schema_version must be a released version"),
    "drop_trailing = 1": (rule("{drop_trailing = 1}"), "patch.drop_trailing must be true or false"),
    "upper of one field without a list": (rule('{upper = "country"}'), "patch.upper must be a list of fields"),
    "upper of nothing": (rule("{upper = []}"), "patch.upper must be a list of fields"),
    "upper of a number": (rule("{upper = ['ms_played']}"), "may not name ms_played: it is for fields of type string"),
    "upper of a number's name": (rule("{upper = [5]}"), "patch.upper must name a field of the event"),
    "divide by 0": (rule("{divide = {ms_played = 0}}"), "the value for ms_played must be 2 or more"),
    "divide by a half": (rule("{divide = {ms_played = 0.5}}"), "the value for ms_played must be a whole number"),
    "divide by true": (rule("{divide = {ms_played = true}}"), "the value for ms_played must be a whole number"),
    "divide a text": (rule("{divide = {country = 2}}"), "it is for fields of type int or long"),
    "cut to nothing": (rule("{cut = {country = 0}}"), "the value for country must be 1 or more"),
    "cut without a table": (rule("{cut = ['country']}"), "patch.cut must be a table of fields and values"),
    "shift a number": (rule("{shift_seconds = {ms_played = 1}}"), "it is for fields of type timestamp"),
    "shift by 0": (rule("{shift_seconds = {occurred_at = 0}}"), "must not be 0, and at most a hundred years"),
    "shift by a million years": (rule("{shift_seconds = {occurred_at = 31557600000000}}"), "at most a hundred years"),
    "set a text to a number": (rule("{set = {country = 5}}"), "the value for country must be of type string"),
    "set a number to a text": (rule("{set = {ms_played = '5'}}"), "the value for ms_played must be of type long"),
    "set a number past 64 bits": (rule(f"{{set = {{ms_played = {2**63}}}}}"), "must fit 64 bits"),
    "set a time without a zone": (rule("{set = {occurred_at = 2026-11-20T12:00:00}}"), "must have a zone"),
    "set the listener": (rule("{set = {user_id = 'x'}}"), "patch.set may not name user_id: it says which playback"),
    "set the event": (rule("{set = {event_id = 'x'}}"), "patch.set may not name event_id"),
    "set the sequence": (rule("{set = {sequence = 5}}"), "patch.set may not name sequence"),
    "set the installation": (rule("{set = {install_id = 'x'}}"), "patch.set may not name install_id"),
    "cut the event": (rule("{cut = {event_id = 128}}"), "patch.cut may not name event_id"),
    "lower the listener": (rule("{lower = ['user_id']}"), "patch.lower may not name user_id"),
    "clear what must be there": (rule("{clear = ['ms_played']}"), "may not name ms_played: every event must have it"),
    "upper and lower": (rule("{upper = ['country'], lower = ['country']}"), "does upper and lower to country"),
    "set and trim": (rule("{set = {country = 'DE'}, trim = ['country']}"), "does set and trim to country"),
    "twice the same": (rule("{upper = ['country', 'country']}"), "does upper and upper to country"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_wrong_rule_is_refused_with_what_to_correct(case: str, rules: Callable[[str], Path]) -> None:
    text, said = BAD[case]
    with pytest.raises(InputError, match=said) as error:
        read_rules(rules(text))
    assert "rules.toml" in str(error.value)


def test_what_is_no_file_of_rules_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"gone\.toml cannot be read \(No such file or directory\)"):
        read_rules(tmp_path / "gone.toml")
    with pytest.raises(InputError, match=r"holds no \*\.toml file"):
        read_rules(tmp_path)
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match=r"binary\.toml is no TOML file"):
        read_rules(tmp_path)


def test_a_fingerprint_names_what_is_asked_whatever_its_order(rules: Callable[[str], Path]) -> None:
    first, second, third = read_rules(rules(GOOD))
    whole = fingerprint(["bad_country", "clock_skew"], [first, second])
    assert whole == fingerprint(["clock_skew", "bad_country"], [second, first])
    assert len({whole, fingerprint(["bad_country"], [first]), fingerprint([], [first, third])}) == 3
