"""What the writer refuses, on both engines, and that a refused write leaves the table as it was."""

from datetime import date

import pytest
from pyspark.sql import functions as F
from pyspark.sql.datasource import DataSource, DataSourceReader

from infra.delta_writer import DeltaWriter
from schemas.errors import ContractError, StoreUnavailableError, SupersededError
from schemas.gold import DAILY_USER_PLAYS


class SilentSource(DataSource):
    """What `infra.kafka.records` does when the broker is gone."""

    @classmethod
    def name(cls):
        return "silent"

    def schema(self):
        return "user_id string"

    def reader(self, schema):
        return SilentReader()


class SilentReader(DataSourceReader):
    def read(self, partition):
        raise StoreUnavailableError("Kafka sent nothing of events/3 for 30 s: run again.")
        yield


DAY, NEXT = date(2026, 11, 19), date(2026, 11, 20)


@pytest.fixture
def days(frame):
    """Rows of gold.daily_user_plays, one listener a day."""

    def build(*counts):
        known = {"event_date": DAY, "user_id": "a", "playback_count": 1}
        rows = frame(DAILY_USER_PLAYS, *({**known, **one} for one in counts))
        return rows.withColumn("input_positions", F.lit("{}"))

    return build


@pytest.fixture
def written(session, lake, days):
    """A table with two days, its writer, and what it holds."""
    lake.create(DAILY_USER_PLAYS)
    writer = DeltaWriter(session, lake)
    writer.replace_all(DAILY_USER_PLAYS, days({}, {"event_date": NEXT}))
    return writer


def stored(lake):
    rows = lake.rows(DAILY_USER_PLAYS).to_pylist()
    return sorted((row["event_date"].day, row["user_id"], row["playback_count"]) for row in rows)


BEFORE = [(19, "a", 1), (20, "a", 1)]


def test_the_dates_that_are_given_are_replaced_and_no_others(written, lake, days):
    written.replace_partitions(DAILY_USER_PLAYS, days({"user_id": "b"}, {"user_id": "c"}), {DAY})
    assert stored(lake) == [(19, "b", 1), (19, "c", 1), (20, "a", 1)]


def test_a_row_outside_the_dates_that_are_replaced_is_refused(written, lake, days):
    """It would stand beside the one that is there already."""
    with pytest.raises(ContractError, match=r"gold\.daily_user_plays: a row lies outside the set that is replaced"):
        written.replace_partitions(DAILY_USER_PLAYS, days({}, {"event_date": NEXT}), {DAY})
    assert stored(lake) == BEFORE


def test_a_null_where_none_may_be_is_refused(written, lake, days):
    with pytest.raises(ContractError, match=r"gold\.daily_user_plays\.play_count: null where none may be"):
        written.replace_all(DAILY_USER_PLAYS, days({}).withColumn("play_count", F.lit(None).cast("bigint")))
    assert stored(lake) == BEFORE


@pytest.mark.parametrize("columns", ["missing", "extra"])
def test_other_columns_than_the_declared_ones_are_refused(written, lake, days, columns):
    rows = days({}).drop("play_count") if columns == "missing" else days({}).withColumn("more", F.lit(1))
    with pytest.raises(ContractError, match=r"differ from the declaration \(.*(play_count|more)"):
        written.replace_all(DAILY_USER_PLAYS, rows)
    assert stored(lake) == BEFORE


@pytest.mark.parametrize("way", ["replace_partitions", "replace_all"])
def test_rows_that_were_computed_before_another_writer_committed_are_refused(written, lake, days, way):
    """A process that was stopped and goes on must not put old rows over new ones."""
    seen = lake.version(DAILY_USER_PLAYS)
    written.replace_partitions(DAILY_USER_PLAYS, days({"playback_count": 2}), {DAY}, seen)
    old = (days({}), {DAY}, seen) if way == "replace_partitions" else (days({}), seen)
    with pytest.raises(SupersededError, match="another writer committed first; nothing was written here, run again"):
        getattr(written, way)(DAILY_USER_PLAYS, *old)
    assert stored(lake) == [(19, "a", 2), (20, "a", 1)]


def test_a_source_that_goes_away_while_the_engine_reads_it_is_said_in_its_own_sentence(session, written, lake, days):
    session.dataSource.register(SilentSource)
    silent = session.read.format("silent").load()
    rows = days({}).join(silent, on="user_id", how="left")
    with pytest.raises(StoreUnavailableError, match=r"^Kafka sent nothing of events/3 for 30 s: run again\.$"):
        written.replace_all(DAILY_USER_PLAYS, rows)
    assert stored(lake) == BEFORE
