"""gold.area_eras: what was heard in each country, and in all together, in a period, by year of release."""

import pytest

from schemas.eras import AREA_ERAS
from tests.jobs.gold.base_rows import BEN, cell, made_of

pytestmark = pytest.mark.slow_on_spark


@pytest.fixture
def eras(frame):
    def computed(*cells):
        rows = made_of(frame, AREA_ERAS, *cells)
        assert {row["period_kind"] for row in rows} == {"month", "year", "all_time"}
        return {(row["area"], row["release_year"]): row for row in rows if row["period_kind"] == "month"}

    return computed


def test_an_area_has_a_cell_for_each_year_of_release_and_one_for_those_unknown(eras):
    rows = eras(
        cell("t", 2, release_year=1999),
        cell("u", 3, release_year=1999, is_flagged=True),
        cell("v", 1, release_year=2001, country="SE"),
        cell("w", 4, user_id=BEN),
    )

    assert {key: (row["play_count"], row["clean_play_count"]) for key, row in rows.items()} == {
        ("DE", 1999): (5, 2),
        ("DE", 0): (4, 4),
        ("SE", 2001): (1, 1),
        ("**", 1999): (5, 2),
        ("**", 2001): (1, 1),
        ("**", 0): (4, 4),
    }
    assert rows["DE", 1999]["slice"] == "month.2026-11-01"


def test_a_listener_of_two_countries_is_one_of_all_together(eras):
    rows = eras(
        cell("t", release_year=1999),
        cell("u", release_year=1999, country="SE", is_flagged=True),
        cell("u", release_year=1999, country="SE", user_id=BEN, is_flagged=True),
    )

    counted = {area: (row["listener_count"], row["clean_listener_count"]) for (area, _), row in rows.items()}
    assert counted == {"DE": (1, 1), "SE": (2, 0), "**": (2, 1)}
