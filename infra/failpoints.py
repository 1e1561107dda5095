"""Points at which a test can kill the process, to show that nothing is lost or doubled by dying there.

`TONEARM_FAILPOINT=name` makes the process send itself SIGKILL when it first reaches that point, `name@place` when it
reaches it for that place: a table, or a table and a store (`publish.entered@gold.country_charts/cassandra`). With
`stop:` before the name it is stopped there, as by SIGSTOP, and goes on at SIGCONT. Unset (always, outside tests) a
point costs one dictionary look-up. Nothing is cleaned up: that is the purpose.

`POINTS` names them all; `docs/faults.md` says what dying there has shown.
"""

import os
import signal
from collections.abc import Mapping

VARIABLE = "TONEARM_FAILPOINT"
STOP = "stop:"

POINTS: Mapping[str, str] = {
    # producers (import, simulate, produce, replay)
    "producer.begun": "the manifest has its first line; nothing is planned",
    "producer.planned": "a batch is in the manifest; none of it has left",
    "producer.queued": "the client library has the batch; the broker may have any part of it",
    "producer.delivered": "the broker has the batch; the manifest does not say so",
    "producer.acknowledged": "the manifest says that the broker has the batch; more may follow",
    "simulate.second-sent": "a second of the live simulation is sent; its state is not written",
    "replay.decided": "dead letters are repaired and staged; none is sent",
    "replay.batch_sent": "a batch of repaired letters is sent; more may follow",
    "replay.sent": "all repaired letters are sent; the replay has not ended",
    # the lake; each for a table
    "ingest.planned": "it is known which offsets come next; nothing is read",
    "ingest.committed": "the ledger has the batch; nothing is made of it",
    "runner.classified": "new records are decided and staged beside the tables",
    "merge.staged": "new rows of a keyed merge are staged; they are not yet compared with the stored ones",
    "write.prepared": "a commit is about to be computed and written",
    "write.committed": "the commit is made; it is not checked",
    "check.passed": "the version passed its checks; that is not written down",
    "file.written": "a small state file is whole under a temporary name; the old one is still in force",
    "check.recorded": "it is written down that the version passed",
    "slices.round": "one of several rounds of a table is committed; nothing says yet that anything is consumed",
    # the stores; each for a table and a store
    "publish.entered": "the publication has its number in the ledger; nothing is made or written",
    "publish.after_create": "the store's table fits the declaration; it may be empty",
    "publish.fenced": "BigQuery lets no lower number in; nothing is staged",
    "publish.before_merge": "the rows are staged in BigQuery",
    "publish.after_merge": "BigQuery has the rows; the staging table is still there",
    "publish.merged": "BigQuery has the rows and is cleaned up; the view may be missing or old",
    "publish.before_rows": "rows are read from the lake; none is in Cassandra",
    "publish.after_rows": "Cassandra has all rows that are; of an upsert those that are no more too",
    "publish.after_deletes": "Cassandra has the rows of an upsert and no others; the ledger does not say so",
    "publish.before_pointer": "a whole generation is written; readers are sent to the one before",
    "publish.after_pointer": "readers are sent to the new generation; the ledger does not say so",
    "publish.before_cleanup": "the ledger says that the generation is in force; old ones are still there",
    "publish.generation_forgotten": "the ledger no longer offers old generations; their rows are still there",
    "publish.completed": "the ledger says that the publication is complete",
    # a migration
    "migrate.marked": "a table is marked to be computed anew; it has no new column yet",
    "migrate.widened": "a table of the lake has its new columns; others may not",
    "migrate.after_lake": "the lake is as declared; no store is touched",
    "migrate.before_view": "a table in BigQuery is as declared; its view is as before",
    "migrate.before_serving": "a table in Cassandra is about to be changed",
    "migrate.after_stores": "everything is as declared; the command has not said so",
    # the live pipeline
    "live.before_rows": "changes are known; no store has any of them",
    "live.table_written": "Cassandra has the changes of a table; it may not have those of others",
    "live.after_rows": "Cassandra has the changes; the marker does not stand behind them",
    "live.after_bigquery": "BigQuery has a micro-batch; the marker does not stand behind it",
    "live.before_marker": "both stores have all of a window that has closed; the marker is before it",
    "live.after_marker": "the marker stands behind a window that has closed",
    # the end of a run
    "restatements.written": "what was restated is written down; that it was compared is not",
    "balance.counted": "the stores are counted; the sheet is not made",
    "report.made": "the report is made; it is not saved",
}
"""Each point and what is true when the process dies there."""


def reach(name: str, place: str = "") -> None:
    """Die (or stop) here, uncatchably, if the environment asks for the failpoint `name` (of this place)."""
    wanted = os.environ.get(VARIABLE)
    if wanted and wanted.removeprefix(STOP) in (name, f"{name}@{place}"):
        os.kill(os.getpid(), signal.SIGSTOP if wanted.startswith(STOP) else signal.SIGKILL)
