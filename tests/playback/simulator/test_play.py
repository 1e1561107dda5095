"""Messages and log as a stream: they agree row by row, block after block, and leave nothing behind."""

import resource
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from playback.datums import avro_fingerprint
from playback.messages import MESSAGES
from playback.simulator.audience import VERSIONS
from playback.simulator.events import World, make_world, sequences_after_history
from playback.simulator.log import LOG
from playback.simulator.parameters import TYPICAL, Parameters
from playback.simulator.play import Played, play
from schemas.errors import ConfigurationError, InputError
from schemas.events import PLAYBACK_V1, PLAYBACK_V2

MakeWorld = Callable[..., World]
Play = Callable[..., Played]
Classify = Callable[[pa.RecordBatch], pa.RecordBatch]

ANCHOR = datetime(2026, 11, 23, tzinfo=UTC)
FAULTS = vars(TYPICAL) | {"lost": 0.02, "cross_device": 0.05}
SMALL_BLOCKS = 2_000


@pytest.fixture(params=[SMALL_BLOCKS, 500_000], ids=["several blocks", "one block"])
def batches(request: pytest.FixtureRequest, world: MakeWorld) -> list[Played]:
    return list(play(world(**FAULTS), block_events=request.param))


def log_of(batches: list[Played]) -> pa.Table:
    return pa.Table.from_batches([batch.log for batch in batches])


def messages_of(batches: list[Played]) -> pa.Table:
    return pa.Table.from_batches([batch.messages for batch in batches])


def test_messages_and_log_agree_row_by_row(batches: list[Played]) -> None:
    log, messages = log_of(batches), messages_of(batches)
    assert (log.schema, messages.schema) == (LOG, MESSAGES)
    sent = log.filter(log["message_number"].is_valid())
    assert sent["message_number"].to_pylist() == list(range(messages.num_rows))
    for name in ("install_id", "sequence", "high_water"):
        assert messages[name].to_pylist() == sent[name].to_pylist()
    reports = messages.filter(messages["high_water"].is_null())
    assert [key.decode() for key in reports["key"].to_pylist()] == sent["user_id"].drop_null().to_pylist()


def test_what_is_valid_says_what_the_log_says(batches: list[Played], classified: Classify) -> None:
    log = log_of(batches)
    sent = log.filter(pc.and_(log["message_number"].is_valid(), log["high_water"].is_null()))
    found = pa.Table.from_batches([classified(batch.messages) for batch in batches])
    assert found["reason"].to_pylist() == sent["reason"].to_pylist()
    valid = pc.is_null(sent["reason"])
    spelled = ("track_title", "artist_name", "album_title")
    for name in ("user_id", "occurred_at", "utc_offset_minutes", "outcome", "ms_played", *spelled):
        assert found[name].filter(valid).equals(sent[name].filter(valid)), name
    countries = sent["country"].filter(valid).fill_null("ZZ")
    assert found["country"].filter(valid).equals(countries)


def test_the_log_names_what_a_listener_may_have_ended_at_the_same_moment(played: Play, classified: Classify) -> None:
    sent = played(clock_skew=0.3)
    log = sent.log.filter(pc.is_null(sent.log["high_water"]))
    named = pc.is_valid(log["event_id"])
    valid = pc.and_(named, pc.is_null(log["reason"]))
    assert log["event_id"].filter(valid).equals(classified(sent.messages)["event_id"].filter(valid))
    unnamed = pa.table(log.filter(pc.invert(named)))
    assert len(unnamed) == len(unnamed.group_by(["user_id", "occurred_at"]).aggregate([]))
    assert 0.1 < pc.mean(named.cast(pa.int8())).as_py() < 0.9


def test_numbers_of_an_installation_are_gap_free_and_its_mark_counts_them(batches: list[Played]) -> None:
    log = log_of(batches)
    by_install: dict[str, set[int]] = {}
    marks: dict[str, int] = {}
    rows = zip(*(log[name].to_pylist() for name in ("install_id", "sequence", "high_water")), strict=True)
    for install, sequence, high_water in rows:
        if high_water is None:
            assert install not in marks
            by_install.setdefault(install, set()).add(sequence)
        else:
            marks[install] = high_water
    assert all(numbers == set(range(len(numbers))) for numbers in by_install.values())
    assert 0.8 * len(by_install) < len(marks) < len(by_install)
    assert marks == {install: len(by_install[install]) for install in marks}


def test_blocks_have_no_event_and_no_session_of_another_listener(batches: list[Played], classified: Classify) -> None:
    found = pa.Table.from_batches([classified(batch.messages) for batch in batches])
    users = found.group_by("event_id").aggregate([("user_id", "count_distinct")])
    assert pc.max(users["user_id_count_distinct"]).as_py() == 1
    users = found.group_by("session_id").aggregate([("user_id", "count_distinct")])
    assert pc.max(users["user_id_count_distinct"]).as_py() == 1


def test_several_blocks_are_whole_and_in_the_order_of_time(world: MakeWorld, classified: Classify) -> None:
    batches = list(play(world(), block_events=SMALL_BLOCKS))
    found = pa.Table.from_batches([classified(batch.messages) for batch in batches])
    assert found.num_rows == len(pc.unique(found["event_id"])) == world().parameters.events
    assert np.all(np.diff(found["occurred_at"].cast(pa.int64()).to_numpy()) >= 0)


@pytest.mark.parametrize("block_events", [SMALL_BLOCKS, 500_000])
def test_the_same_world_gives_the_same_bytes(block_events: int, world: MakeWorld) -> None:
    one, other = (list(play(world(**FAULTS), block_events)) for _ in range(2))
    assert messages_of(one).equals(messages_of(other))
    assert log_of(one).equals(log_of(other))


def test_batches_are_small_enough_and_marks_come_last(monkeypatch: pytest.MonkeyPatch, world: MakeWorld) -> None:
    whole = messages_of(list(play(world(**FAULTS), SMALL_BLOCKS)))
    monkeypatch.setattr("playback.simulator.sending.BATCH_MESSAGES", 500)
    monkeypatch.setattr("playback.simulator.play.BATCH_MESSAGES", 100)
    monkeypatch.setattr("playback.simulator.spool.SLICE_MESSAGES", 1_100)
    batches = list(play(world(**FAULTS), SMALL_BLOCKS))
    are_marks = [batch.messages["high_water"].null_count == 0 for batch in batches]
    assert max(batch.messages.num_rows for batch in batches) <= 500
    assert are_marks == sorted(are_marks)
    assert messages_of(batches).equals(whole)


def test_the_present_goes_on_where_the_numbers_of_the_history_end(played: Play, world: MakeWorld) -> None:
    log = played(cross_device=0.5, lost=0.5).log
    marks = log.filter(log["high_water"].is_valid())
    after = sequences_after_history(world(cross_device=0.5, lost=0.5))
    ids = world().audience.install_ids.to_pylist()
    expected = dict(zip(marks["install_id"].to_pylist(), marks["high_water"].to_pylist(), strict=True))
    assert {name: number for name, number in zip(ids, after.tolist(), strict=True) if number} == expected


def held(folder: Path) -> list[str]:
    """Files in the folder that this process has open, those without a name too."""
    return [one for one in map(str, open_paths()) if one.startswith(str(folder))]


def open_paths() -> list[Path]:
    return [link.readlink() for link in Path(f"/proc/{psutil.Process().pid}/fd").iterdir() if link.is_symlink()]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at open files as Linux shows them")
@pytest.mark.parametrize("taken", [0, 1, None])
def test_no_file_is_left_at_the_end_nor_when_the_reader_stops_early(
    taken: int | None, tmp_path: Path, world: MakeWorld
) -> None:
    stream = play(world(), SMALL_BLOCKS, tmp_path)
    assert (len(held(tmp_path)), list(tmp_path.iterdir())) == (1, [])
    for _ in range(taken or 0):
        next(stream)
    if taken is None:
        assert len(list(stream)) > 1
    del stream
    assert (held(tmp_path), list(tmp_path.iterdir())) == ([], [])


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="looks at open files as Linux shows them")
def test_what_cannot_be_played_is_refused_at_once_and_leaves_no_file(tmp_path: Path) -> None:
    crowded = make_world(Parameters(events=10_000, listeners=1, days=1), ANCHOR, ["0" * 32])
    with pytest.raises(InputError, match="1 listeners cannot play 10000 tracks in 1 days"):
        play(crowded, folder=tmp_path)
    assert held(tmp_path) == []


def test_a_history_from_before_there_was_streaming_is_refused(world: MakeWorld) -> None:
    early = replace(world(), anchor=datetime(2006, 1, 10, tzinfo=UTC))
    with pytest.raises(InputError, match="A history of 20 days begins before 2006: ask for fewer days"):
        play(early)


def test_no_folder_for_temporary_files_is_a_sentence(tmp_path: Path, world: MakeWorld) -> None:
    with pytest.raises(ConfigurationError, match="TMPDIR"):
        play(world(), folder=tmp_path / "missing")


def test_a_full_disk_is_a_sentence(tmp_path: Path, world: MakeWorld) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with pytest.raises(ConfigurationError, match="make room there, or name another folder in TMPDIR"):
            play(world(), folder=tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_nothing_to_play_is_nothing() -> None:
    silent = make_world(Parameters(events=0, listeners=2, days=1, faults=TYPICAL), ANCHOR, ["0" * 32, "1" * 32])
    assert list(play(silent)) == []


def test_old_and_new_clients_write_their_own_versions_side_by_side(played: Play, classified: Classify) -> None:
    """One topic, both versions in one batch: what an old client cannot say is null, what a new one says is there."""
    messages = played().messages
    messages = messages.filter(messages["high_water"].is_null())
    found = classified(messages)
    writers = [payload[2:10] for payload in messages["payload"].to_pylist()]
    assert set(writers) == {avro_fingerprint(PLAYBACK_V1), avro_fingerprint(PLAYBACK_V2)}
    is_new = pa.array([writer == avro_fingerprint(PLAYBACK_V2) for writer in writers])
    assert pc.equal(found["app_version"], VERSIONS[-1]).equals(is_new)
    for name, rate in (("shuffle", 0.3), ("private_session", 0.02)):
        assert found[name].is_valid().equals(is_new)
        assert 0 < pc.mean(found[name].cast(pa.int8())).as_py() < 2 * rate
