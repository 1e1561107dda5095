"""The catalogue holds the declared tables in order and refuses wrong declarations, each with its sentence."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from schemas.catalog import downstream, in_order, lake_tables, reads_payloads, table, tables
from schemas.checks import Between, References
from schemas.errors import ContractError, UnknownTableError
from schemas.model import Field, KeyedMerge, Ledger, Live, ReplaceDates, ReplaceSlices, Serving, Table, Warehouse
from schemas.statistics import TAG

LEDGER = Table(
    layer="bronze",
    name="records",
    description="Records.",
    grain="one row per record",
    key=("offset",),
    refresh=Ledger(),
    fields=(Field("offset", "long", "Offset."),),
)
DAYS = Table(
    layer="gold",
    name="days",
    description="Days.",
    grain="one row per date",
    key=("event_date",),
    refresh=ReplaceDates(),
    inputs=("bronze.records",),
    partition_by="event_date",
    fields=(Field("event_date", "date", "Date."), Field("note", "string", "Note.", nullable=True)),
)


def test_every_declared_table_comes_after_its_inputs() -> None:
    order = list(tables())
    for name, one in tables().items():
        for read in one.inputs:
            # a table that another one remembers for is written before it
            if not (isinstance(one.refresh, KeyedMerge) and one.refresh.remembered_by == read):
                assert order.index(read) < order.index(name)


def test_a_table_is_found_by_its_full_name() -> None:
    assert table("silver.plays").key == ("event_id",)


def test_an_unknown_table_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(UnknownTableError, match=r"There is no table gold\.nothing; declared are: .*silver\.plays"):
        table("gold.nothing")


def test_right_declarations_are_put_in_order() -> None:
    assert list(in_order([DAYS, LEDGER])) == ["bronze.records", "gold.days"]


WRONG: dict[str, Callable[[Table], Table]] = {
    "two fields share a name": lambda days: replace(days, fields=(*days.fields, days.fields[0])),
    "no input bronze.nothing": lambda days: replace(days, inputs=("bronze.nothing",)),
    "a table whose later slices are refreshed too reads first one that is partitioned by slice": lambda days: replace(
        days,
        partition_by="slice",
        fields=(*days.fields, Field("slice", "string", "Slice.")),
        refresh=ReplaceSlices(kinds=("year",), later=True),
    ),
    "no table silver.nothing": lambda days: replace(days, refresh=KeyedMerge(("event_date",), "silver.nothing")),
    "no field nothing": lambda days: replace(days, checks=(Between("nothing", 0),)),
    "no field colour": lambda days: replace(days, warehouse=Warehouse(cluster_by=("colour",))),
    "key field note is nullable": lambda days: replace(days, key=("note",)),
    "a derived table needs an input": lambda days: replace(days, inputs=()),
    "a table refreshed by date is partitioned by event_date": lambda days: replace(days, partition_by=None),
    "bronze.nothing is followed and is no input": lambda days: replace(
        days, refresh=ReplaceDates(also=("bronze.nothing",))
    ),
    "a retention is at least a day": lambda days: replace(days, refresh=Live(0), inputs=()),
    "a table with a retention is partitioned in BigQuery": lambda days: replace(
        days, refresh=Live(14), inputs=(), partition_by=None, warehouse=Warehouse()
    ),
    "the serving key differs from the key": lambda days: replace(
        days, serving=Serving("upsert", partition_key=("event_date",), clustering=("note",))
    ),
}


@pytest.mark.parametrize("sentence", WRONG)
def test_a_wrong_declaration_is_refused_with_its_sentence(sentence: str) -> None:
    with pytest.raises(ContractError) as refused:
        in_order([LEDGER, WRONG[sentence](DAYS)])
    assert str(refused.value) == f"The declaration of gold.days is wrong: {sentence}."


def test_one_name_is_declared_once() -> None:
    with pytest.raises(ContractError, match=r"^gold\.days is declared twice\.$"):
        in_order([LEDGER, DAYS, DAYS])


def test_tables_must_not_read_each_other_in_a_circle() -> None:
    back = replace(DAYS, name="back", inputs=("gold.days",))
    with pytest.raises(ContractError, match="Tables read each other in a circle: "):
        in_order([LEDGER, replace(DAYS, inputs=("gold.back",)), back])


def test_a_table_that_another_one_refers_to_comes_before_it() -> None:
    names = replace(DAYS, name="names")
    days = replace(DAYS, checks=(References("note", "gold.names", "note"),))
    assert list(in_order([LEDGER, days, names])) == ["bronze.records", "gold.names", "gold.days"]


def test_a_reference_to_what_is_not_declared_is_refused() -> None:
    with pytest.raises(ContractError, match=r"gold\.days is wrong: no field gold\.names\.note\.$"):
        in_order([LEDGER, replace(DAYS, checks=(References("note", "gold.names", "note"),))])


def test_downstream_of_a_table_is_what_reads_it_and_what_reads_that() -> None:
    read = [name for name, one in downstream("silver.tracks").items() if TAG not in one.tags]
    assert sorted(read) == ["gold.country_charts", "silver.track_facts"]
    assert "gold.country_charts" in downstream("bronze.playback_events")


def test_what_keeps_messages_as_they_came_and_what_is_computed_from_it_reads_payloads() -> None:
    found = {name for name, one in lake_tables().items() if reads_payloads(one)}
    assert found == {
        *("bronze.playback_events", "bronze.dead_letters", "silver.duplicates", "silver.plays", "gold.event_balance"),
    }


def test_a_column_that_nobody_described_is_refused() -> None:
    with pytest.raises(ContractError, match=r"gold\.days is wrong: field note has no description\.$"):
        in_order([LEDGER, replace(DAYS, fields=(DAYS.fields[0], replace(DAYS.fields[1], description=" ")))])
