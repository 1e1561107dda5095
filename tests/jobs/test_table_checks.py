"""Checks of a table as a whole, and what becomes of every check's result."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from infra.checks import Checker
from infra.table_checks import Asked, Finding, finding
from jobs.check_results import record_check_results
from playback.arrow import arrow_schema
from schemas.checks import Fresh, References, Volume
from schemas.errors import CheckFailedError, MissingInputError
from schemas.gold import DAILY_TRACK_PLAYS
from schemas.quality import CHECK_RESULTS
from schemas.silver import PLAYS, TRACKS

pytestmark = pytest.mark.parametrize("session", ["sail"], indirect=True)

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
YESTERDAY = date(2026, 11, 19)
WEEKS_BEFORE = [YESTERDAY - timedelta(weeks=week) for week in range(1, 5)]
VOLUME = Volume(at_least_rows=10)


@pytest.fixture
def written(lake):
    """Write rows of a table past the writer, `given` with stand-ins for what is not said; returns the version."""

    def write(table, *given):
        lake.create(table)
        usual = {"string": "x", "long": 1, "int": 1, "boolean": True, "timestamp": NOW, "date": YESTERDAY}
        rows = [{field.name: usual[field.type] for field in table.stored_fields} | row for row in given]
        arrow = pa.Table.from_pylist(rows, schema=arrow_schema(table.stored_fields))
        write_deltalake(lake.path(table), arrow, mode="overwrite")
        return lake.version(table)

    return write


@pytest.fixture
def volume(session, lake, written):
    """What a volume check finds of so many rows on days."""

    def find(check, counts):
        rows = [{"event_date": day, "track_id": str(n)} for day, count in counts.items() for n in range(count)]
        written(DAILY_TRACK_PLAYS, *rows)
        return finding(check, Asked(session, lake, DAILY_TRACK_PLAYS, None, NOW))

    return find


def test_a_day_like_its_weekday_before_is_as_usual(volume):
    assert volume(VOLUME, dict.fromkeys(WEEKS_BEFORE, 20) | {YESTERDAY: 10}) == Finding(10)


@pytest.mark.parametrize("count", [0, 9, 41])
def test_a_day_of_too_few_or_too_many_rows_is_named(volume, count):
    found = volume(VOLUME, dict.fromkeys(WEEKS_BEFORE, 20) | {YESTERDAY: count})
    assert found.message == f"2026-11-19 has {count} row(s), and such a day usually 20"


def test_other_weekdays_few_weeks_and_small_tables_are_not_judged(volume):
    other = {YESTERDAY - timedelta(days=day): 20 for day in (1, 2, 3, 8)}
    assert volume(VOLUME, other).message == ""
    assert volume(VOLUME, {WEEKS_BEFORE[0]: 20}).message == ""
    assert volume(VOLUME, dict.fromkeys(WEEKS_BEFORE, 9)).message == ""


def test_a_table_that_is_referred_to_and_does_not_exist_is_one_sentence(session, lake, frame):
    asked = Asked(session, lake, DAILY_TRACK_PLAYS, frame(DAILY_TRACK_PLAYS), NOW)
    with pytest.raises(MissingInputError, match=r"^gold\.daily_track_plays refers to silver\.tracks, which does not "):
        finding(References("track_id", "silver.tracks", "track_id"), asked)


def test_the_latest_moment_may_be_so_many_hours_ago(session, lake, frame):
    rows = frame(PLAYS, {"appended_at": NOW - timedelta(hours=26)}, {"appended_at": NOW - timedelta(hours=90)})
    asked = Asked(session, lake, PLAYS, rows, NOW)

    assert finding(Fresh("appended_at", 26), asked).message == ""
    assert finding(Fresh("appended_at", 25), asked).message == (
        "the latest appended_at is 2026-11-19 07:00 UTC, over 25 hours ago"
    )
    assert finding(Fresh("appended_at", 25), Asked(session, lake, PLAYS, frame(PLAYS), NOW)).message == (
        "there is no appended_at yet"
    )


def test_rows_that_refer_to_nothing_are_counted_and_named(session, lake, frame, written):
    written(TRACKS, {"track_id": "a"}, {"track_id": "b"})
    rows = frame(DAILY_TRACK_PLAYS, {"track_id": "a"}, {"track_id": "lost"}, {"track_id": "lost"}, {"track_id": "gone"})
    check = References("track_id", "silver.tracks", "track_id")

    found = finding(check, Asked(session, lake, DAILY_TRACK_PLAYS, rows, NOW))

    assert found.unexpected_count == 3
    assert found.message == "track_id of 3 row(s) is no track_id of silver.tracks, first gone | lost"


def test_values_of_a_personal_column_are_not_named(session, lake, frame, written):
    written(TRACKS, {"track_id": "a"})
    check = References("user_id", "silver.tracks", "track_id")

    found = finding(check, Asked(session, lake, PLAYS, frame(PLAYS, {"user_id": "secret"}), NOW))

    assert found.message == "user_id of 1 row(s) is no track_id of silver.tracks"


def _results(lake):
    return {row["check_name"]: row for row in lake.rows(CHECK_RESULTS).to_pylist()}


def test_what_was_found_is_in_the_table_once(session, lake, written, tmp_path):
    checker = Checker(tmp_path)
    version = written(TRACKS, {"track_id": "a", "content_type": "track"})
    checker.verify(session, lake, TRACKS, version)

    done, warnings = record_check_results(session, lake, checker)
    again, _ = record_check_results(session, lake, checker)

    found = _results(lake)["content_type is one of track, episode"]
    assert (found["checked_table"], found["table_version"], found["severity"]) == ("silver.tracks", version, "stop")
    assert (found["is_met"], found["row_count"], found["unexpected_count"], found["message"]) == (True, 1, 0, "")
    assert (done.changed, warnings, again.changed, again.version) == (True, [], False, done.version)


def test_a_failure_is_in_the_table_too_and_repeating_it_commits_nothing(session, lake, written, tmp_path):
    checker = Checker(tmp_path)
    version = written(TRACKS, {"track_id": "a", "content_type": "noise"})
    for _ in range(2):
        with pytest.raises(CheckFailedError):
            checker.verify(session, lake, TRACKS, version)
        record_check_results(session, lake, checker)

    found = _results(lake)["content_type is one of track, episode"]
    assert (found["is_met"], found["unexpected_count"]) == (False, 1)
    assert "track_id=a" in found["message"]
    assert lake.version(CHECK_RESULTS) == 1


def test_a_warning_stops_nothing_is_told_and_is_asked_again_of_the_same_version(
    session, lake, written, tmp_path, monkeypatch
):
    from dataclasses import replace

    from schemas.checks import Fresh

    stale = replace(TRACKS, checks=(Fresh("last_seen_at", 1),))
    checker = Checker(tmp_path)
    version = written(TRACKS, {"last_seen_at": NOW - timedelta(days=9)})
    for _ in range(2):
        checker.verify(session, lake, stale, version)
        _, (warning,) = record_check_results(session, lake, checker)
        assert warning.message.startswith("the latest last_seen_at is 2026-11-11 09:00 UTC")

    assert checker.passed_version(TRACKS) == version
