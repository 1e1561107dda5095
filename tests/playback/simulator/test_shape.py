"""What makes a simulated service look like one: releases, churn, files without a URI, podcasts, and what is missing."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from playback.identity import resolve_track_id
from playback.simulator.catalogue import make_catalogue
from playback.simulator.events import World, history, make_world
from playback.simulator.parameters import Parameters

ANCHOR = datetime(2026, 11, 23, tzinfo=UTC)
PARAMETERS = Parameters(seed=5, listeners=400, events=40_000, days=40)


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(PARAMETERS, ANCHOR, [f"{number:032x}" for number in range(PARAMETERS.listeners)])


@pytest.fixture(scope="module")
def events(world: World) -> pa.Table:
    return pa.Table.from_batches(history(world))


def share(condition: pa.ChunkedArray) -> float:
    found: float = pc.mean(condition.cast(pa.int8())).as_py()
    return found


def test_nobody_plays_what_is_not_out_yet(world: World, events: pa.Table) -> None:
    catalogue = world.catalogue
    released = dict(zip(catalogue.uris.to_pylist(), catalogue.released_ms.tolist(), strict=True))
    began = ANCHOR - timedelta(days=PARAMETERS.days)
    played = pc.subtract(events["occurred_at"].cast(pa.int64()), pc.multiply(events["ms_played"], 1000)).to_pylist()
    new = 0
    for track, moment in zip(events["track_id"].to_pylist(), played, strict=True):
        if track and released[track]:
            new += 1
            assert moment >= int((began + timedelta(milliseconds=released[track])).timestamp()) * 1_000_000
    assert 0.005 * events.num_rows < new < 0.06 * events.num_rows
    assert 0.02 < np.mean(catalogue.released_ms > 0) < 0.06


def test_a_stand_in_is_out_from_the_start_and_of_the_same_genre() -> None:
    catalogue = make_catalogue(5, 40)
    tracks = np.arange(len(catalogue))
    before = catalogue.out_by(tracks, 0)
    assert np.all(catalogue.released_ms[before] == 0)
    assert np.all(catalogue.genres[before] == catalogue.genres)
    assert np.all(catalogue.out_by(tracks, 40 * 86_400_000) == tracks)


def test_some_join_and_some_leave_and_listen_only_between(world: World, events: pa.Table) -> None:
    audience, began = world.audience, ANCHOR - timedelta(days=PARAMETERS.days)
    assert 0.1 < np.mean(audience.joined_days > 0) < 0.2
    assert 0.05 < np.mean(audience.left_days < PARAMETERS.days) < 0.15
    numbers = {user: number for number, user in enumerate(world.user_ids.to_pylist())}
    seen = events.group_by("user_id").aggregate([("occurred_at", "min"), ("occurred_at", "max")])
    over = 0
    for user, first, last in zip(*(column.to_pylist() for column in seen.columns), strict=True):
        assert first >= began + timedelta(days=int(audience.joined_days[numbers[user]]))
        over += last > began + timedelta(days=int(audience.left_days[numbers[user]]))
    # only what was begun in time is heard to its end
    assert over < 0.05 * PARAMETERS.listeners


def test_a_local_file_has_no_uri_and_is_one_track_however_it_is_spelled(events: pa.Table) -> None:
    local = events.filter(pc.and_(pc.is_null(events["track_id"]), pc.is_valid(events["track_title"])))
    assert 0.003 * events.num_rows < local.num_rows < 0.03 * events.num_rows
    spelled = {}
    columns = [local[name].combine_chunks() for name in ("track_id", "artist_name", "track_title")]
    for track, title in zip(resolve_track_id(*columns).to_pylist(), local["track_title"].to_pylist(), strict=True):
        spelled.setdefault(track, set()).add(title)
    assert max(map(len, spelled.values())) == 3


def test_some_of_it_is_talk(events: pa.Table) -> None:
    talk = events.filter(pc.equal(events["content_type"], "episode"))
    assert 0.005 * events.num_rows < talk.num_rows < 0.05 * events.num_rows
    assert pc.all(pc.starts_with(talk["track_id"].drop_null(), "tonearm:episode:")).as_py()
    assert pc.mean(talk["track_ms"]).as_py() > 1_000_000


def test_of_some_playbacks_nothing_is_known(events: pa.Table) -> None:
    blank = events.filter(pc.and_(pc.is_null(events["track_id"]), pc.is_null(events["track_title"])))
    assert 0 < blank.num_rows < 0.01 * events.num_rows
    assert blank["artist_name"].null_count == blank["album_title"].null_count == blank.num_rows
    assert set(blank["content_type"].to_pylist()) == {"track", "unknown"}


@pytest.mark.parametrize("column", ["outcome", "country"])
def test_some_clients_never_tell(column: str, events: pa.Table) -> None:
    silent = events.filter(pc.is_null(events[column]))
    assert 0 < silent.num_rows < 0.1 * events.num_rows
    others = events.filter(pc.is_valid(events[column]))
    assert not set(silent["install_id"].to_pylist()) & set(others["install_id"].to_pylist())


def test_one_listener_of_a_single_day_stays() -> None:
    alone = make_world(Parameters(events=50, listeners=1, days=1), ANCHOR, ["0" * 32])
    assert (alone.audience.joined_days.tolist(), alone.audience.left_days.tolist()) == ([0], [1])
