"""The simulated past: the same for the same seed, complete, and like a service."""

from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from playback.simulator.catalogue import make_catalogue
from playback.simulator.delivery import number_in_install
from playback.simulator.events import World, history, make_world
from playback.simulator.parameters import Parameters
from schemas.errors import InputError

ANCHOR = datetime(2026, 11, 23, tzinfo=UTC)
SMALL = Parameters(seed=7, listeners=300, events=20_000, days=30)


def world(parameters: Parameters) -> World:
    return make_world(parameters, ANCHOR, [f"{number:032x}" for number in range(parameters.listeners)])


@cache
def played(parameters: Parameters = SMALL) -> pa.Table:
    return pa.Table.from_batches(history(world(parameters)))


def share(table: pa.Table, column: str, value: str) -> float:
    found: float = pc.mean(pc.equal(table[column], value).cast(pa.int8())).as_py()
    return found


def test_the_same_seed_gives_the_same_events() -> None:
    assert pa.Table.from_batches(history(world(SMALL))).equals(played())


def test_another_seed_gives_other_events() -> None:
    other = played(Parameters(seed=8, listeners=300, events=20_000, days=30))
    assert not set(other["event_id"].to_pylist()) & set(played()["event_id"].to_pylist())


def test_exactly_as_many_playbacks_as_asked_for_each_with_an_id_of_its_own() -> None:
    assert played().num_rows == len(pc.unique(played()["event_id"])) == SMALL.events


def test_the_history_fills_its_days_and_none_beyond() -> None:
    first, last = (pc.min_max(played()["occurred_at"])[end].as_py() for end in ("min", "max"))
    assert ANCHOR - timedelta(days=30) <= first < ANCHOR - timedelta(days=29)
    assert ANCHOR - timedelta(days=1) <= last < ANCHOR


def test_sequences_of_an_installation_rise_with_time_from_0_without_a_gap() -> None:
    by_install: dict[str, list[int]] = {}
    for install, sequence in zip(played()["install_id"].to_pylist(), played()["sequence"].to_pylist(), strict=True):
        by_install.setdefault(install, []).append(sequence)
    assert np.all(np.diff(played()["occurred_at"].cast(pa.int64()).to_numpy()) >= 0)
    assert all(sequences == list(range(len(sequences))) for sequences in by_install.values())


def test_an_installation_belongs_to_one_listener_and_one_device() -> None:
    owners = played().group_by("install_id").aggregate([("user_id", "count_distinct"), ("device_id", "count_distinct")])
    assert pc.max(owners["user_id_count_distinct"]).as_py() == 1
    assert pc.max(owners["device_id_count_distinct"]).as_py() == 1


def test_a_listener_plays_one_thing_at_a_time() -> None:
    table = played().sort_by([("user_id", "ascending"), ("occurred_at", "ascending")])
    ended = table["occurred_at"].cast(pa.int64()).to_numpy() // 1000
    began = ended - table["ms_played"].to_numpy() - table["paused_ms"].to_numpy()
    users = table["user_id"].to_numpy()
    same = users[1:] == users[:-1]
    assert np.all(began[1:][same] >= ended[:-1][same])


def test_nobody_hears_more_than_there_is() -> None:
    assert pc.all(pc.less_equal(played()["ms_played"], played()["track_ms"])).as_py()


def test_what_is_skipped_says_so_and_is_short() -> None:
    skips = played().filter(pc.equal(played()["outcome"], "skip"))
    assert set(pc.unique(skips["reason_end"]).to_pylist()) == {"fwdbtn", "backbtn"}
    assert 0.2 < skips.num_rows / SMALL.events < 0.45
    assert pc.mean(pc.less(skips["ms_played"], 30_000).cast(pa.int8())).as_py() > 0.6


def test_few_countries_have_most_listeners() -> None:
    countries = pc.unique(played()["country"].drop_null())
    assert 15 <= len(countries) <= 20
    assert share(played(), "country", "US") > 5 * share(played(), "country", "NO")


def test_few_tracks_have_most_plays() -> None:
    counts = np.sort(pc.value_counts(played()["track_id"]).field("counts").to_numpy())[::-1]
    assert counts[:100].sum() > 0.15 * SMALL.events
    assert len(counts) > 4_000


def test_evenings_are_loud_and_nights_are_quiet() -> None:
    offset = pc.multiply(played()["utc_offset_minutes"].cast(pa.int64()), 60_000_000)
    local = pc.add(played()["occurred_at"].cast(pa.int64()), offset).cast(pa.timestamp("us"))
    hours = np.bincount(pc.hour(local).to_numpy(), minlength=24)
    assert hours[19:22].sum() > 4 * hours[3:6].sum()


def test_the_usual_size_has_more_than_a_thousand_listeners() -> None:
    table = played(Parameters())
    assert table.num_rows == 200_000
    assert len(pc.unique(table["user_id"])) > 1_000


@pytest.mark.parametrize("events", [1, 2, 13])
def test_the_smallest_histories_are_whole_too(events: int) -> None:
    assert played(Parameters(events=events, listeners=1, days=1)).num_rows == events


def test_more_than_there_is_time_for_is_refused_before_the_first_event() -> None:
    with pytest.raises(InputError, match="1 listeners cannot play 10000 tracks in 1 days: ask for fewer events"):
        history(world(Parameters(events=10_000, listeners=1, days=1)))


def test_numbers_count_the_earlier_playbacks_of_the_same_installation() -> None:
    assert number_in_install(np.array([5, 3, 5, 5, 3, 9])).tolist() == [0, 0, 1, 2, 1, 0]
    assert number_in_install(np.array([], np.int64)).tolist() == []


def test_a_genre_gives_tracks_of_that_genre_up_to_the_end_of_chance() -> None:
    catalogue = make_catalogue(1, 30)
    genres = np.repeat(np.arange(12), 3)
    chance = np.tile([0.0, 0.5, np.nextafter(1.0, 0.0)], 12)
    assert catalogue.genres[catalogue.pick(genres, chance)].tolist() == genres.tolist()
