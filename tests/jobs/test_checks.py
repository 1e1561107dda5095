"""Quality checks on both engines: what was committed is validated, and what fails is named and remembered."""

import shutil
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from deltalake import write_deltalake

from infra.checks import Checker
from playback.arrow import arrow_schema
from schemas.errors import CheckFailedError
from schemas.silver import TRACKS
from schemas.statistics import LISTENER_DISCOVERIES

SEEN = datetime(2026, 11, 19, tzinfo=UTC)


@pytest.fixture
def commit(lake):
    """Write rows past the guarded writer, as a faulty engine would; returns the version."""

    def write(*rows):
        lake.create(TRACKS)
        names = {"artist_name": "a", "track_title": "t", "album_title": "", "first_seen_at": SEEN, "last_seen_at": SEEN}
        usual = names | {"content_type": "track", "is_current": True, "input_positions": "{}"}
        table = pa.Table.from_pylist([usual | row for row in rows], schema=arrow_schema(TRACKS.stored_fields))
        write_deltalake(lake.path(TRACKS), table, mode="overwrite")
        return lake.version(TRACKS)

    return write


def test_rows_that_meet_the_declaration_pass_and_are_remembered(session, lake, commit, tmp_path):
    version = commit({"track_id": "x"}, {"track_id": "y"})
    checker = Checker(tmp_path)

    checker.verify(session, lake, TRACKS, version)

    assert checker.passed_version(TRACKS) == version


def test_rows_that_break_it_are_named_and_the_version_does_not_pass(session, lake, commit, tmp_path):
    checker = Checker(tmp_path)
    good = commit({"track_id": "x"})
    checker.verify(session, lake, TRACKS, good)
    bad = commit({"track_id": "twice"}, {"track_id": "twice"}, {"track_id": "odd", "content_type": "noise"})

    with pytest.raises(CheckFailedError, match=r"silver\.tracks version \d+ failed 2 check") as failure:
        checker.verify(session, lake, TRACKS, bad)

    assert "track_id=odd" in str(failure.value)
    assert "track_id=twice" in str(failure.value)
    assert checker.passed_version(TRACKS) == good


@pytest.mark.parametrize("session", ["sail"], indirect=True)
def test_a_table_that_was_made_anew_is_checked_again_at_the_same_version(session, lake, commit, tmp_path):
    checker = Checker(tmp_path)
    checker.verify(session, lake, TRACKS, commit({"track_id": "x"}))
    shutil.rmtree(lake.path(TRACKS))
    same = commit({"track_id": "odd", "content_type": "noise"})

    assert same == checker.passed_version(TRACKS)
    with pytest.raises(CheckFailedError, match="track_id=odd"):
        checker.verify(session, lake, TRACKS, same)


@pytest.mark.parametrize("session", ["sail"], indirect=True)
def test_slices_that_are_checked_in_parts_are_found_as_at_once(session, lake, tmp_path):
    rows = [
        {"slice": f"month.2026-{month:02}-01.08", "entity_type": "track", "entity_id": entity, "user_id": "0a"}
        for month, entity in ((9, "once"), (10, "twice"), (10, "twice"), (11, "third"), (11, "other"))
    ]
    counted = {"first_date": SEEN.date(), "as_known_at": SEEN, "input_positions": "{}"}
    lake.create(LISTENER_DISCOVERIES)
    stored = arrow_schema(LISTENER_DISCOVERIES.stored_fields)
    write_deltalake(
        lake.path(LISTENER_DISCOVERIES), pa.Table.from_pylist([one | counted for one in rows], stored), mode="append"
    )
    said = []
    for name, part_rows in (("at once", 1_000), ("in parts", 2)):
        checker = Checker(tmp_path / name, part_rows)
        with pytest.raises(CheckFailedError) as failure:
            checker.verify(session, lake, LISTENER_DISCOVERIES, lake.version(LISTENER_DISCOVERIES))
        said.append(
            (
                str(failure.value),
                [(one.check_name, one.row_count, one.unexpected_count) for one in checker.results.kept()],
            )
        )

    assert said[0] == said[1]
    assert "entity_id=twice" in said[0][0]


@pytest.mark.parametrize("session", ["sail"], indirect=True)
def test_a_slice_that_has_lost_its_rows_is_checked_like_any_other(session, lake, tmp_path):
    row = {"entity_type": "track", "entity_id": "t", "user_id": "0a", "first_date": SEEN.date(), "as_known_at": SEEN}
    rows = [row | {"slice": f"all_time.1970-01-01.{share}", "input_positions": "{}"} for share in ("00", "08")]
    lake.create(LISTENER_DISCOVERIES)
    stored = arrow_schema(LISTENER_DISCOVERIES.stored_fields)
    checker = Checker(tmp_path)
    for left in (rows[:1], rows[1:]):
        write_deltalake(lake.path(LISTENER_DISCOVERIES), pa.Table.from_pylist(left, stored), mode="overwrite")
        checker.verify(session, lake, LISTENER_DISCOVERIES, lake.version(LISTENER_DISCOVERIES))

    assert checker.passed_version(LISTENER_DISCOVERIES) == lake.version(LISTENER_DISCOVERIES)
