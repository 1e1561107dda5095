"""What is too much at once is computed in rounds: each slice in one of them, and the outcome is the same."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.delta_writer import DeltaWriter
from jobs import rounds
from jobs.runner import Runner
from schemas.area_statistics import AREA_PERIODS
from schemas.periods import RANGES, SHARES, Slice, slice_of
from schemas.statistics import LISTENER_PERIODS, LISTENER_TRACK_DAYS
from tests.jobs.shelf import ANNA, BEN, Shelf, play
from tests.jobs.unchecked import Unchecked

MONTHS = st.builds(
    lambda year, month, share: f"month.{date(year, month, 1)}.{share}",
    st.integers(2020, 2026),
    st.integers(1, 12),
    st.sampled_from(SHARES),
)


@given(rows=st.dictionaries(MONTHS, st.integers(0, 1000), max_size=20), limit=st.integers(1, 5000))
def test_each_slice_is_in_one_round_and_no_round_of_several_is_heavier_than_the_limit(rows, limit):
    weighed = rounds.weights(rows, RANGES)
    found = rounds.packed(weighed, limit)

    assert sorted(one for part in found for one in part) == sorted(weighed)
    assert all(sum(weighed[one] for one in part) <= limit + 1e-6 for part in found if len(part) > 1)


@given(rows=st.dictionaries(MONTHS, st.integers(0, 1000), max_size=20))
def test_every_row_weighs_in_each_kind_once(rows):
    for by_share in (True, False):
        weighed = rounds.weights(rows, RANGES, by_share)
        for kind in RANGES:
            of_kind = sum(weight for one, weight in weighed.items() if one.kind == kind)
            assert of_kind == pytest.approx(sum(rows.values()))


def test_rows_of_a_date_are_shared_out_to_all_shares():
    weighed = rounds.weights({date(2026, 11, 19): 320}, ["month"])

    assert weighed == {Slice("month", date(2026, 11, 1), share): 10 for share in SHARES}


def test_rounds_stay_within_a_share_or_within_a_month():
    months = {f"month.2026-{month:02}-01.{share}": 10 for month in (10, 11) for share in ("00", "08")}
    by_share = rounds.packed(rounds.weights(months, ["month"]), 20)
    by_period = rounds.packed(rounds.weights(months, ["month"]), 20, by_period=True)

    assert sorted(sorted({one.share for one in part}) for part in by_share) == [["00"], ["08"]]
    assert sorted(sorted({one.start.month for one in part}) for part in by_period) == [[10], [11]]


def test_the_heaviest_round_is_the_last_one():
    weighed = {Slice("year", date(2026, 1, 1), "00"): 50.0, Slice("year", date(2026, 1, 1), "08"): 1.0}

    assert rounds.packed(weighed, 10)[-1] == {slice_of("year.2026-01-01.00")}


@pytest.mark.slow_on_spark
class TestInRounds:
    """Statistics of a lake of a few playbacks, a round for every few rows."""

    TABLES = (LISTENER_TRACK_DAYS, LISTENER_PERIODS, AREA_PERIODS)

    @pytest.fixture
    def small(self, session, tmp_path, frame):
        return Shelf(session, tmp_path / "rounds", frame, round_rows=20)

    @pytest.fixture
    def at_once(self, session, tmp_path, frame):
        """What statistics of these plays say that are computed in one commit."""

        def digests(plays):
            whole = Shelf(session, tmp_path / "whole", frame)
            whole.write(*plays)
            whole.refresh(self.TABLES)
            return whole.digests(self.TABLES)

        return digests

    @pytest.fixture
    def plays(self):
        days = (date(2026, 10, 30), date(2026, 11, 19))
        return [
            play(f"{user_id[:2]}{day}{number}", user_id, day, hour=number, track_id=f"t{number % 2}", country=country)
            for user_id in (ANNA, BEN)
            for day in days
            for number, country in ((1, "DE"), (2, "DE"), (3, "FR"))
        ]

    def test_a_full_recompute_is_that_of_one_commit(self, small, at_once, plays, monkeypatch):
        """Periods of all listeners that are more than a round by themselves are put together from their shares."""
        staged, stage = [], DeltaWriter.stage
        monkeypatch.setattr(
            DeltaWriter, "stage", lambda self, name, rows: staged.append(name) or stage(self, name, rows)
        )
        small.write(*plays)
        small.runner = Runner(small.session, small.lake, Unchecked(small.lake.root), round_rows=11)
        small.refresh(self.TABLES)

        assert {name.split("/")[0] for name in staged} == {"gold.area_periods"}

        assert small.digests(self.TABLES) == at_once(plays)
        assert all(small.lake.version(table) > 1 for table in self.TABLES)
        assert not list((small.lake.root / "_staging").glob("gold.*"))
        assert not any(one.changed for one in small.refresh(self.TABLES).values())

    @pytest.mark.parametrize("table", [LISTENER_PERIODS, AREA_PERIODS], ids=lambda one: one.name)
    def test_who_dies_between_two_rounds_of_a_restatement_has_consumed_nothing(
        self, small, at_once, plays, table, monkeypatch
    ):
        small.write(*plays)
        small.refresh(self.TABLES)
        later = [*plays[2:], play("late", BEN, date(2026, 10, 30))]
        small.write(*later)
        with monkeypatch.context() as dying:
            dying.setattr("infra.failpoints.reach", dies_at("slices.round", table.full_name))
            with pytest.raises(DiedError):
                small.refresh(self.TABLES)
        small.refresh(self.TABLES)

        assert small.digests(self.TABLES) == at_once(later)


class DiedError(Exception):
    """The process would be gone."""


def dies_at(wanted, of):
    def reach(name, place=""):
        if (name, place) == (wanted, of):
            raise DiedError

    return reach
