"""What the report of a run says for a person."""

from typing import Any

import pytest

from jobs.sheet import COLUMNS
from tonearm.report_text import print_report

SHEET = {"hours": [], "stages": [], "clients_missing": 0, "adds_up": True, **dict.fromkeys(COLUMNS, 0)}
REPORT: dict[str, Any] = {"balance": SHEET, "tables": [], "publications": [], "examples": []}


@pytest.mark.parametrize(
    ("catalogue", "said"),
    [
        (
            {"rows": 15_085, "refused": {"bad_text": 2, "bad_release": 1}},
            "Catalogue: 15,085 rows, of which 3 are no entries (bad_text 2, bad_release 1). See bronze.catalogue_rows.",
        ),
        ({"rows": 2, "refused": {}}, "Catalogue: 2 rows, of which 0 are no entries."),
    ],
)
def test_rows_of_the_catalogue_that_are_no_entries_are_told_with_their_reasons(
    capsys: pytest.CaptureFixture[str], catalogue: dict[str, Any], said: str
) -> None:
    print_report(REPORT | {"catalogue": catalogue})
    assert said in capsys.readouterr().out.splitlines()


def test_without_a_catalogue_nothing_is_said_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    print_report(REPORT | {"catalogue": {"rows": 0, "refused": {}}})
    print_report(REPORT)
    assert "Catalogue" not in capsys.readouterr().out
