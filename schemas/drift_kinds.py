"""Kinds of differences between what is stored and what is declared, and what becomes of each: one list, `KINDS`.

docs/evolution.md shows it.
"""

from dataclasses import dataclass
from typing import Literal

Place = Literal["event", "lake", "bigquery", "cassandra"]
Verdict = Literal["accepted", "automatic", "migrate", "refused"]
"""Nothing is to be done; the next run does it; `tonearm migrate` does it; nothing does it, and nothing runs."""


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of difference: its verdict in each place where it can be, why, and, where refused, what to do instead."""

    name: str
    verdicts: dict[Place, Verdict]
    because: str
    instead: str = ""


_OTHER_TABLE = "declare a table of another name beside it"
_BUMP = "raise the `version` of its Warehouse or Serving, so that the next run makes a new table beside it and fills it"

ADDED_NULLABLE = Kind(
    "field added, nullable",
    {"event": "accepted", "lake": "migrate", "bigquery": "migrate", "cassandra": "migrate"},
    "rows that are there have no value of it; a table that is computed from others is computed anew by the next run",
)
ADDED_REQUIRED = Kind(
    "field added, required",
    {"event": "refused", "lake": "refused", "bigquery": "migrate", "cassandra": "migrate"},
    "records and rows that are there have no value of it (the stores take it as nullable: the lake holds it)",
    "declare it nullable",
)
REMOVED = Kind(
    "field removed",
    {"event": "accepted", "lake": "refused"},
    "its values would be lost with the next rewrite of a date",
    "put it back into the declaration, nullable",
)
RENAMED = Kind(
    "field renamed",
    {"event": "accepted", "lake": "refused"},
    "a rename is a removal and an addition, so that values so far would stay under the old name",
    "keep the old name, or add the new one as a nullable field beside it",
)
WIDENED = Kind(
    "type widened (int to long)",
    {"event": "accepted", "lake": "refused", "cassandra": "refused"},
    "readers of Delta's protocol 1 and Cassandra know no widening (to BigQuery both are INTEGER)",
    "add a nullable long under another name",
)
NARROWED = Kind(
    "type narrowed (long to int)",
    {"event": "refused", "lake": "refused", "cassandra": "refused"},
    "values that are there may not fit",
    "leave the type, and declare a check of the range",
)
TYPE_CHANGED = Kind(
    "type changed",
    {"event": "refused", "lake": "refused", "bigquery": "refused", "cassandra": "refused"},
    "what is stored cannot be read as the new type",
    f"add a nullable field under another name; of a store alone, {_BUMP}",
)
BECAME_REQUIRED = Kind(
    "nullable to required",
    {"event": "refused", "lake": "refused", "bigquery": "accepted"},
    "records and rows that are there may have no value (a store may stay laxer than the lake)",
    "leave it nullable",
)
BECAME_NULLABLE = Kind(
    "required to nullable",
    {"event": "accepted", "lake": "migrate", "bigquery": "migrate"},
    "what is there fits",
)
REORDERED = Kind(
    "fields reordered",
    {"event": "accepted", "lake": "accepted", "bigquery": "accepted", "cassandra": "accepted"},
    "everything goes by name",
)
KEY_CHANGED = Kind(
    "key changed",
    {"lake": "refused"},
    "rows that are there are of another grain",
    _OTHER_TABLE,
)
PARTITION_CHANGED = Kind(
    "partition changed",
    {"lake": "refused", "bigquery": "refused"},
    "files and partitions that are there lie by the old column",
    f"in the lake, {_OTHER_TABLE}; of BigQuery alone, {_BUMP}",
)
CLUSTERING_CHANGED = Kind(
    "clustering changed",
    {"bigquery": "migrate"},
    "what is written from then on lies in the new order; in the lake `tonearm maintain` follows it anyway",
)
SERVING_KEY_CHANGED = Kind(
    "serving key or order changed",
    {"cassandra": "refused"},
    "Cassandra never changes a primary key",
    _BUMP,
)
SERVING_MODE_CHANGED = Kind(
    "serving mode changed",
    {"cassandra": "refused"},
    "a snapshot has the generation in its primary key and an upsert has not",
    _BUMP,
)
RETENTION_CHANGED = Kind(
    "retention changed",
    {"bigquery": "migrate", "cassandra": "migrate"},
    "BigQuery drops what is older at once; in Cassandra a row keeps the retention that it was written with",
)
CHECKS_CHANGED = Kind(
    "checks tightened or loosened",
    {"lake": "automatic"},
    "the next run validates the whole table by them before it publishes anything",
)
DESCRIBED = Kind(
    "description only",
    {"lake": "accepted", "bigquery": "automatic", "cassandra": "accepted"},
    "no row changes; BigQuery, where analysts read it, has it with the next publication",
)
NEW_TABLE = Kind(
    "new table",
    {"lake": "automatic", "bigquery": "automatic", "cassandra": "automatic"},
    "the next run makes it, of all there is",
)
DROPPED_TABLE = Kind(
    "table no longer declared",
    {"lake": "accepted"},
    "nothing reads, writes or tidies it any more; who wants the room removes its folder",
)
UNKNOWN_NULLABLE = Kind(
    "column that the declaration lacks, nullable",
    {"bigquery": "accepted", "cassandra": "accepted"},
    "publications leave it alone, and the view and `tonearm get` do not show it",
)
UNKNOWN_REQUIRED = Kind(
    "column that the declaration lacks, required",
    {"bigquery": "refused"},
    "no row could be inserted any more",
    f"make it nullable in BigQuery, or {_BUMP}",
)
WAREHOUSE_VERSION = Kind(
    "warehouse version raised",
    {"bigquery": "automatic"},
    "the next run makes and fills the new table, then points the view at it; the old one stays",
)
SERVING_VERSION = Kind(
    "serving version raised",
    {"cassandra": "automatic"},
    "the next run makes and fills the new table; the old one stays for readers of the version before",
)
EVENT_ADDED = Kind("event version released", {"event": "accepted"}, "older versions stay readable beside it")
EVENT_REMOVED = Kind(
    "event version removed",
    {"event": "refused"},
    "clients that were released go on writing it, and all they say would be dead letters",
    "put it back into RELEASED",
)
EVENT_EDITED = Kind(
    "released event version edited",
    {"event": "refused"},
    "clients have it compiled in as it was",
    "undo it, and add a version",
)
EVENT_COLLISION = Kind(
    "fingerprint of two event versions the same",
    {"event": "refused"},
    "a message names its version by the fingerprint alone, which descriptions and defaults are no part of",
    "let the later version differ by a field, or do without it",
)

KINDS: tuple[Kind, ...] = tuple(one for one in dict(globals()).values() if isinstance(one, Kind))
"""Every kind of difference, in the order of this file."""
