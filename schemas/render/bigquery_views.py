"""BigQuery: the views of `schemas.views`, as SQL over the unversioned views of their tables."""

from schemas.periods import PeriodKind
from schemas.render.bigquery import quoted, quoted_text
from schemas.views import KINDS, View

_TODAY = "CURRENT_DATE('UTC')"
_STARTS: dict[PeriodKind, str] = {
    # Not DATE_TRUNC(…, ISOWEEK), which says the same: the stand-in takes it of literals only, and has another Monday
    # for WEEK(MONDAY). DAYOFWEEK is 1 on Sunday in both.
    "week": f"DATE_SUB({_TODAY}, INTERVAL MOD(EXTRACT(DAYOFWEEK FROM {_TODAY}) + 5, 7) DAY)",
    "month": f"DATE_TRUNC({_TODAY}, MONTH)",
    "quarter": f"DATE_TRUNC({_TODAY}, QUARTER)",
    # There is no such part of a date.
    "half_year": f"DATE(EXTRACT(YEAR FROM {_TODAY}), IF(EXTRACT(MONTH FROM {_TODAY}) <= 6, 1, 7), 1)",
    "year": f"DATE_TRUNC({_TODAY}, YEAR)",
}
_LENGTHS: dict[PeriodKind, str] = {
    "week": "7 DAY",
    "month": "1 MONTH",
    "quarter": "3 MONTH",
    "half_year": "6 MONTH",
    "year": "1 YEAR",
}


def period_view_query(view: View, project: str, dataset: str) -> str:
    """SELECT of the view: each cell of its periods, with the name of the range, and names where it has some."""
    columns = ["ranges.`period_range`"]
    columns += [f"cells.`{field.name}`" for field in view.cell_fields]
    columns += [f"names.`{field.name}`" for field in view.name_fields]
    cells, *names = (quoted(project, dataset, table.name) for table in view.reads)
    lines = [
        "SELECT",
        ",\n".join(f"  {column}" for column in columns),
        f"FROM {cells} AS cells",
        f"JOIN (\n{period_ranges()}\n) AS ranges",
        "  ON ranges.period_kind = cells.period_kind AND ranges.period_start = cells.period_start",
    ]
    for name in names:
        lines += [
            f"LEFT JOIN {name} AS names",
            "  ON names.entity_type = cells.entity_type AND names.entity_id = cells.entity_id",
        ]
    return "\n".join(lines)


def period_view_sql(view: View, project: str, dataset: str) -> str:
    """Statement that makes the view, or makes it anew."""
    made = quoted(project, dataset, view.name)
    options = f"OPTIONS (description = {quoted_text(f'{view.description} Grain: {view.grain}.')})"
    return f"CREATE OR REPLACE VIEW {made}\n{options} AS\n{period_view_query(view, project, dataset)}"


def period_ranges() -> str:
    """SELECT of `period_range`, `period_kind` and `period_start` of today: ten rows."""
    rows = []
    for kind in KINDS:
        start = _STARTS[kind]
        rows.append((f"this_{kind}", kind, start))
        rows.append((f"last_{kind}", kind, f"DATE_SUB({start}, INTERVAL {_LENGTHS[kind]})"))
    return "\n  UNION ALL\n".join(
        f"  SELECT '{name}' AS period_range, '{kind}' AS period_kind, {start} AS period_start"
        for name, kind, start in rows
    )
