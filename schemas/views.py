"""Views that analysts read beside the tables: cells of the periods that today is in, and of those before.

Cells belong to absolute periods, so that what is over stays as it is. Who asks for "this week" asks for another cell
every Monday: that is what these views say, with the names of what they count.
"""

from dataclasses import dataclass, replace

from schemas.area_statistics import AREA_PERIODS, AREA_TOPS
from schemas.model import Field, Layer, Table
from schemas.periods import PeriodKind
from schemas.statistics import ENTITY_NAMES, LISTENER_PERIODS, LISTENER_TOPS, LISTENING_HOURS

KINDS: tuple[PeriodKind, ...] = ("week", "month", "quarter", "half_year", "year")
"""Of the periods that end: of all time there is one cell only."""

PERIOD_RANGE = Field(
    "period_range",
    "string",
    "this_week, this_month, this_quarter, this_half_year or this_year: the period that the current date (UTC) is in; "
    "last_week to last_year: the one before it.",
)
_NOT_SHOWN = ("slice",)


@dataclass(frozen=True)
class View:
    """The cells of the table `of` that belong to a period of now, or to the one before.

    It lies beside the table. `is_named`: the table counts entities, and the view has their names too.
    """

    of: Table
    description: str
    is_named: bool = False

    @property
    def layer(self) -> Layer:
        """The layer of its table."""
        return self.of.layer

    @property
    def name(self) -> str:
        """`this_` and the table's name."""
        return f"this_{self.of.name}"

    @property
    def full_name(self) -> str:
        """`layer.name`, as that of a table."""
        return f"{self.layer}.{self.name}"

    @property
    def grain(self) -> str:
        """What a row is: that of the table, of the periods that the view has."""
        return f"{self.of.grain}, of the periods that the current date is in and of those before them"

    @property
    def reads(self) -> tuple[Table, ...]:
        """The tables it is made of; it is there when all of them are."""
        return (self.of, ENTITY_NAMES) if self.is_named else (self.of,)

    @property
    def cell_fields(self) -> tuple[Field, ...]:
        """The columns that are the table's."""
        return tuple(one for one in self.of.shown_fields if one.name not in _NOT_SHOWN)

    @property
    def name_fields(self) -> tuple[Field, ...]:
        """The columns that are names; null where a name is not known yet."""
        names = ("entity_name", "artist_name") if self.is_named else ()
        return tuple(replace(ENTITY_NAMES.field(name), nullable=True) for name in names)

    @property
    def fields(self) -> tuple[Field, ...]:
        """All columns, in order."""
        return (PERIOD_RANGE, *self.cell_fields, *self.name_fields)


VIEWS = (
    View(LISTENER_TOPS, "What each listener plays most now: this week to this year, and the periods before.", True),
    View(LISTENER_PERIODS, "What each listener hears now, all together: this week to this year, and before."),
    View(LISTENING_HOURS, "When each listener listens now: this month and year, and the ones before."),
    View(AREA_TOPS, "What each country plays most now: this week to this year, and the periods before.", True),
    View(AREA_PERIODS, "What each country hears now: this week to this year, and the periods before."),
)


def views_over(table: Table) -> tuple[View, ...]:
    """The views that read this table."""
    return tuple(view for view in VIEWS if table in view.reads)
