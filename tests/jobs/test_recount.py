"""What another version of the play rules would move: totals, tracks and places of charts, and nothing is written."""

from datetime import date

import pytest

from jobs.recount import Counts, Place, recount
from playback.rules import RULES, PlayRule
from schemas.errors import MissingInputError
from schemas.gold import DAILY_TRACK_PLAYS, DAILY_USER_PLAYS
from schemas.silver import MERGED_PLAYS, PLAYS, TRACKS

SHORTER = PlayRule("x", date(2030, 1, 1), 10_000)

pytestmark = pytest.mark.slow_on_spark


@pytest.fixture
def played(runner, append, records, event):
    """What is read of these playbacks, each a dict of what is not ordinary."""

    def play(*playbacks):
        rows = [event(f"{number:032x}", outcome="play", **one) for number, one in enumerate(playbacks)]
        append(records(*rows))
        for table in (PLAYS, TRACKS, MERGED_PLAYS, DAILY_USER_PLAYS):
            runner.refresh(table)

    return play


def track(name, **fields):
    return {"track_id": f"test:track:{name}", "track_title": f"Track {name}", **fields}


def test_a_lower_minimum_moves_totals_tracks_and_places(session, lake, played):
    played(track("a"), track("b", ms_played=20_000), track("b", ms_played=20_000), track("c", ms_played=5_000))

    found = recount(session, lake, SHORTER)

    assert found.countries == {"DE": Counts(4, 1, 3, 0, 0)}
    assert found.total == found.countries["DE"]
    assert found.moved_tracks == 1
    assert found.tracks == {"test:track:b": Counts(2, 0, 2, 0, 0)}
    assert found.places == [
        place
        for days in (7, 28)
        for place in (
            Place("DE", days, "test:track:b", "Artist", "Track b", None, 1, None, 2),
            Place("DE", days, "test:track:a", "Artist", "Track a", 1, 2, 1, 1),
        )
    ]


def test_only_from_the_date_on_and_by_the_version_in_force_before(session, lake, played):
    short = {"ms_played": 20_000}
    played(track("a", **short), track("b", **short, occurred_at="2026-11-18T10:00:00Z"))

    found = recount(session, lake, SHORTER, date(2026, 11, 19))

    assert list(found.tracks) == ["test:track:a"]


def test_the_version_in_force_moves_nothing_and_no_table_is_written(session, lake, played):
    played(track("a"), track("b", ms_played=20_000))
    versions = [lake.version(table) for table in (PLAYS, TRACKS, DAILY_TRACK_PLAYS)]

    found = recount(session, lake, RULES[-1])

    assert (found.moved_tracks, found.tracks, found.places) == (0, {}, [])
    assert found.total == Counts(2, 1, 1, 0, 0)
    assert [lake.version(table) for table in (PLAYS, TRACKS, DAILY_TRACK_PLAYS)] == versions


def test_the_version_in_force_again_from_a_date_on_moves_nothing(session, lake, played):
    played(track("a"), track("b", ms_played=20_000))

    assert recount(session, lake, RULES[-1], date(2026, 11, 19)).moved_tracks == 0


def test_the_tracks_that_move_most_come_first_and_the_others_are_counted(session, lake, played):
    played(*[track(name, ms_played=20_000) for name in "abbccc"])

    found = recount(session, lake, SHORTER, most_tracks=2)

    assert found.moved_tracks == 3
    assert list(found.tracks) == ["test:track:c", "test:track:b"]


def test_a_playback_that_is_told_of_twice_is_counted_once(session, lake, played):
    short = {"ms_played": 20_000}
    played(track("a", source="spotify-extended", **short), track("a", source="spotify-basic", **short))

    assert recount(session, lake, SHORTER).countries == {"DE": Counts(1, 0, 1, 0, 0)}


def test_before_the_first_run_it_is_one_sentence(session, lake):
    with pytest.raises(
        MissingInputError, match=r"^There is no silver.plays yet: run `tonearm run`, then this again\.$"
    ):
        recount(session, lake, SHORTER)


def test_where_the_first_run_was_cut_off_it_is_one_sentence(session, lake):
    for table in (PLAYS, TRACKS, MERGED_PLAYS):
        lake.create(table)
    with pytest.raises(MissingInputError, match=r"^There is no gold.daily_user_plays yet: run `tonearm run`, then "):
        recount(session, lake, SHORTER)


def test_playbacks_of_a_flagged_listener_are_counted_too(session, lake, played):
    played(track("a", ms_played=86_400_000), track("b", ms_played=20_000))

    assert recount(session, lake, SHORTER).countries == {"DE": Counts(2, 1, 2, 0, 0)}
