"""A pytest plugin (`-p`): one guard is switched off before the tests it names are run, on a stack that runs already.

Each guard is what keeps one property; with it off, the test that holds the property has to fail.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any

GUARD = "SWITCHED_OFF"
STACK = "SWITCHED_OFF_STACK"
"""Variables of this plugin: the name of a guard, or nothing; the home of the stack to use."""


@dataclass(frozen=True)
class Guard:
    """What is switched off, and the test that has to fail then."""

    test: str
    off: Callable[[], None]


def no_run_lock() -> None:
    from jobs import run_lock

    run_lock.fcntl.flock = lambda *_: None


def no_compare_and_set() -> None:
    from infra.lake import Lake

    Lake.same_rows = lambda *_: True


def no_bounds() -> None:
    from pyspark.sql import functions as F

    from infra.delta_writer import DeltaWriter

    conform = DeltaWriter._conform
    DeltaWriter._conform = lambda self, table, rows, _inside: conform(self, table, rows, F.lit(True))


def no_winner() -> None:
    """The checks are off too: they would find the id twice and stop the run."""
    from infra.delta_writer import DeltaWriter

    def append(self: Any, table: Any, rows: Any, _version: Any = None) -> None:
        self.stage(table.full_name, rows.select(*(field.name for field in table.stored_fields)))
        staged = self.staged(table.full_name, table.stored_fields)
        staged.write.format("delta").mode("append").save(str(self._lake.path(table)))

    DeltaWriter.merge = append
    no_check()


def no_topic_id() -> None:
    from pyspark.sql import functions as F

    from jobs import ingest

    def ends(session: Any, lake: Any, topic: Any, _version: int) -> dict[int, int]:
        rows = session.read.format("delta").load(str(lake.path(ingest.PLAYBACK_EVENTS)))
        last = rows.where(F.col("topic") == topic.name).groupBy("partition").agg(F.max("offset").alias("last"))
        return {row["partition"]: row["last"] + 1 for row in last.collect()}

    ingest._ledger_ends = ends


def no_earliest_offset() -> None:
    from jobs import ingest

    following = ingest._next_ranges

    def following_what_is_there(topic: Any, watermarks: Any, ends: Any, read: Any) -> Any:
        there = {one: max(end, watermarks[one][0]) for one, end in ends.items()}
        return following(topic, watermarks, there, read)

    ingest._next_ranges = following_what_is_there


def no_check() -> None:
    from infra import checks

    checks._failures = lambda *_: []


def no_fence_in_cassandra() -> None:
    from infra.serving_store import sending

    write, delete = sending.write_rows, sending.delete_rows

    def now(number: int, table: Any) -> int:
        return number if table.serving.mode == "snapshot" else time.time_ns() // 1000

    sending.write_rows = lambda serving, table, rows, number: write(serving, table, rows, now(number, table))
    sending.delete_rows = lambda serving, table, keys, number: delete(serving, table, keys, now(number, table))


def no_fence_in_bigquery() -> None:
    from infra.warehouse import merge

    statement = merge.merge_sql

    def unfenced(*arguments: Any, **named: Any) -> str:
        text = re.sub(r"WHERE \(SELECT MAX.*?\) = @publish_number", "", statement(*arguments, **named))
        return re.sub(r"(target|stored)\.`publish_number` < @publish_number", "@publish_number > 0", text)

    merge.merge_sql = unfenced
    merge._refuse_overtaken = lambda *_: None


def no_pointer_compare_and_set() -> None:
    from infra.serving_store import sending

    def move(serving: Any, table_name: str, to: Any) -> bool:
        made = serving.prepare(
            f'UPDATE "{serving.keyspace}".serving_pointers '
            "SET publish_number = ?, generation = ?, delta_version = ?, moved_at = ? WHERE table_name = ?"
        )
        values = (to.publish_number, to.generation, to.delta_version, datetime.now(UTC), table_name)
        serving.session.execute(made.bind(values))
        return True

    sending.move_pointer = move


def no_repair() -> None:
    from infra.serving_store import plan
    from jobs import publish

    plan.unfinished = publish.unfinished = lambda _entries: []


def no_order_of_versions() -> None:
    from infra.serving_store.ledger import Entry
    from jobs import publish

    publish.plan_publish = lambda _entries, name, store, mode, version, _is_missing=False: Entry(
        name, store, 1, mode, version
    )


def no_doubt() -> None:
    from infra.kafka.manifests import Journal

    def plan(self: Any, events: int, rejects: int) -> None:
        self._batch += 1

    Journal.plan = plan


def no_whole_lines() -> None:
    import json

    from infra.kafka.manifests import Journal

    def write(self: Any, line: Any) -> None:
        os.write(self._file, json.dumps(line).encode() + b"\n")
        os.fsync(self._file)

    Journal._write = write


def no_memory_of_replays() -> None:
    from pyspark.sql import functions as F

    from jobs.replay_letters import ReplayLetters

    letters = ReplayLetters._letters
    ReplayLetters._letters = lambda self: letters(self).withColumn("is_replayed", F.lit(False))


def no_identity() -> None:
    from playback.importers import rows

    numbers = count()
    digest = rows.blake2b
    rows.blake2b = lambda data=b"", **named: digest(data + str((time.time_ns(), next(numbers))).encode(), **named)


PUBLISH, INTERRUPTED = "tests/jobs/test_publish.py", "tests/jobs/test_publish_interrupted.py"
RUNNER, INGEST = "tests/jobs/test_runner.py", "tests/jobs/test_ingest.py"
WRITER, KAFKA = "tests/jobs/test_delta_writer.py", "tests/infra/kafka"
GUARDS = {
    "one run at a time": Guard("tests/jobs/test_batch.py::test_a_stopped_run_keeps_its_lock", no_run_lock),
    "the ledger's compare-and-set": Guard(
        f"{RUNNER}::test_an_ingest_that_read_its_offsets_before_another_committed_is_refused[sail]", no_compare_and_set
    ),
    "compare-and-set of derived tables": Guard(
        f"{WRITER}::test_rows_that_were_computed_before_another_writer_committed_are_refused[sail-replace_partitions]",
        no_compare_and_set,
    ),
    "rows lie in the set that is replaced": Guard(
        f"{WRITER}::test_a_row_outside_the_dates_that_are_replaced_is_refused[sail]", no_bounds
    ),
    "of several records of an event one wins": Guard(
        f"{RUNNER}::test_every_record_becomes_a_play_a_duplicate_or_a_dead_letter[sail]", no_winner
    ),
    "a topic made again is another": Guard(
        f"{INGEST}::test_a_topic_that_was_made_again_stops_with_its_sentence", no_topic_id
    ),
    "records deleted unread stop the ingest": Guard(
        f"{INGEST}::test_records_deleted_before_they_were_ingested_stop_with_their_sentence", no_earliest_offset
    ),
    "what fails a check is not published": Guard(
        "tests/end_to_end/test_tampering.py::test_a_value_that_a_check_refuses_is_not_published[gold.country_charts]",
        no_check,
    ),
    "the publish number is the timestamp in Cassandra": Guard(
        f"{INTERRUPTED}::test_rows_of_an_overtaken_publisher_lose_in_both_stores[publish.before_rows]",
        no_fence_in_cassandra,
    ),
    "the fence in BigQuery": Guard(
        "tests/infra/warehouse/test_merge.py"
        "::test_a_publisher_that_is_overtaken_before_its_merge_changes_and_deletes_nothing[None]",
        no_fence_in_bigquery,
    ),
    "the pointer's compare-and-set": Guard(
        f"{INTERRUPTED}::test_an_overtaken_publisher_cannot_move_the_pointer_back", no_pointer_compare_and_set
    ),
    "a publication that did not end is repaired": Guard(
        f"{INTERRUPTED}::test_a_serving_table_that_was_lost_made_again_and_not_filled_is_filled", no_repair
    ),
    "an older version is not published": Guard(f"{PUBLISH}::test_an_older_version_is_refused", no_order_of_versions),
    "what is in doubt is in the manifest": Guard(
        f"{KAFKA}/test_producer.py::test_messages_that_are_given_up_are_an_error_and_stay_in_doubt", no_doubt
    ),
    "a line of a manifest is whole": Guard(
        f"{KAFKA}/test_manifests.py::test_a_line_for_which_there_is_no_space_is_not_there_at_all", no_whole_lines
    ),
    "a letter comes back once": Guard(
        "tests/jobs/test_replay.py::test_letters_are_those_that_no_record_names_with_their_key_and_headers[sail]",
        no_memory_of_replays,
    ),
    "an imported playback has the same id each time": Guard(
        "tests/end_to_end/test_imported_again.py::test_the_same_export_again_changes_no_row_and_commits_none",
        no_identity,
    ),
}


def use_running_stack(home: Path) -> None:
    """Give `tests/conftest.py`, which is imported after this, the stack of that home."""
    from infra.local import stack

    started_or_attached = stack.local_stack

    @contextmanager
    def attached(settings: Any, *arguments: Any, **named: Any) -> Iterator[Any]:
        if not (settings.home / "stack").exists():
            (settings.home / "stack").symlink_to(home / "stack")
        with started_or_attached(settings, *arguments, **named) as endpoints:
            yield endpoints

    stack.local_stack = attached


if os.environ.get(STACK):
    use_running_stack(Path(os.environ[STACK]))
if os.environ.get(GUARD):
    GUARDS[os.environ[GUARD]].off()
