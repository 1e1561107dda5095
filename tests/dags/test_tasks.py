"""The batch as tasks: every derived table once, after what it depends on, published after it passed."""

from dataclasses import replace

import pytest

from schemas import catalog
from schemas.model import KeyedMerge
from schemas.render.tasks import Task, daily_tasks, ingest_task, page, statistics_tasks
from schemas.statistics import TAG

TASKS = {task.task_id: task for task in daily_tasks()}
STATISTICS = {task.task_id: task for task in statistics_tasks()}
DERIVED = {name: one for name, one in catalog.tables().items() if one.is_derived}


def reached(task_id: str) -> set[str]:
    """Tasks that end before this one begins."""
    before = set((TASKS | STATISTICS)[task_id].after)
    return before | {far for near in before for far in reached(near)}


def test_every_derived_table_has_a_refresh_and_every_published_one_a_publication() -> None:
    published = {name for name, one in DERIVED.items() if one.is_published} | {"gold.restatements"}
    expected = {f"refresh.{name}" for name in DERIVED} | {f"publish.{name}" for name in published}
    assert {*TASKS, *STATISTICS} == expected | {"ingest", "compare", "docs"}
    assert not TASKS.keys() & STATISTICS.keys()


@pytest.mark.parametrize("name", DERIVED)
def test_a_table_is_refreshed_after_what_it_is_computed_from(name: str) -> None:
    table = catalog.table(name)
    memory = table.refresh.remembered_by if isinstance(table.refresh, KeyedMerge) else ""
    with_it = [one for one in table.inputs if one in DERIVED and (TAG in DERIVED[one].tags) == (TAG in table.tags)]
    inputs = {f"refresh.{one}" for one in with_it if one != memory}
    # Statistics have a DAG of their own, an hour after the one that ingests.
    first = set() if TAG in table.tags else {"ingest"}
    assert inputs | first <= reached(f"refresh.{name}")


def test_a_table_that_another_one_remembers_for_comes_before_it() -> None:
    assert {"refresh.bronze.dead_letters", "refresh.silver.duplicates"} <= set(TASKS["refresh.silver.plays"].after)


def test_a_publication_follows_the_refresh_alone_and_the_site_comes_last() -> None:
    assert TASKS["publish.gold.country_charts"].after == ("refresh.gold.country_charts",)
    assert reached("docs") == set(TASKS) - {"docs"}
    assert TASKS["docs"].runs_always


def test_gold_is_held_against_live_once_it_is_there_and_nothing_waits_for_that() -> None:
    assert TASKS["compare"].after == ("refresh.gold.daily_track_plays",)
    assert [name for name, one in TASKS.items() if "compare" in one.after] == ["docs"]
    assert not TASKS["compare"].uses_engine


def test_commands_are_the_command_lines_own() -> None:
    from typer.main import get_command

    from tonearm.app import build_app

    commands = get_command(build_app()).commands  # type: ignore[attr-defined]
    assert {task.words[0] for task in TASKS.values()} <= set(commands)


def test_ingest_writes_the_ledger_the_manifests_and_the_catalogue() -> None:
    assert set(ingest_task().writes) == {"bronze.playback_events", "bronze.manifests", "bronze.catalogue_rows"}


def test_a_table_that_nothing_depends_on_is_a_task_too() -> None:
    alone = replace(catalog.table("silver.tracks"), name="more_tracks", warehouse=None)
    tasks = {task.task_id: task for task in daily_tasks(catalog.tables() | {"silver.more_tracks": alone})}
    assert tasks["refresh.silver.more_tracks"] == Task(
        "refresh.silver.more_tracks",
        ("refresh", "silver.more_tracks"),
        ("refresh.silver.plays",),
        "data-platform",
        page(alone),
        ("silver.more_tracks",),
    )
    assert "refresh.silver.more_tracks" in tasks["docs"].after
