"""Quality: what checks found."""

from schemas.checks import InSet
from schemas.model import Field, Snapshot, Table

CHECK_RESULTS = Table(
    layer="quality",
    name="check_results",
    description="What each check found in each version of a table that was checked: the last verdict and when it was "
    "first given.",
    grain="one row per table, version and check",
    key=("checked_table", "table_id", "table_version", "check_name"),
    refresh=Snapshot(),
    partition_by="checked_date",
    fields=(
        Field("checked_table", "string", "Full name of the table."),
        Field("table_id", "string", "Delta's own id of the table: one that was made anew is another one."),
        Field("table_version", "long", "Delta version that was checked."),
        Field("check_name", "string", "What was asked, in words."),
        Field("severity", "string", "What becomes of it: stop (nothing after it is run or published) or warn."),
        Field("is_met", "boolean", "Whether it holds."),
        Field("row_count", "long", "Rows it was asked of: those of the dates that had changed.", nullable=True),
        Field("unexpected_count", "long", "Rows for which it does not hold.", nullable=True),
        Field("message", "string", "What a person reads where it does not hold, without personal values; else empty."),
        Field("checked_at", "timestamp", "UTC moment at which this verdict was given first."),
        Field("checked_date", "date", "UTC date of checked_at."),
    ),
    checks=(InSet("severity", ("stop", "warn")),),
)

TABLES = (CHECK_RESULTS,)
