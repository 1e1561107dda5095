"""A declaration and a transform that do not fit are one sentence when the table is computed."""

from dataclasses import replace

import pytest

from jobs.transforms import transform_of
from schemas import catalog
from schemas.errors import ContractError

CHARTS = catalog.table("gold.country_charts")


def test_a_table_without_a_module() -> None:
    with pytest.raises(
        ContractError, match=r"^gold\.top_tracks is declared and jobs\.gold\.top_tracks does not exist: "
    ):
        transform_of(replace(CHARTS, name="top_tracks"))


def test_a_transform_that_takes_something_else() -> None:
    sentence = (
        r"^The transform of gold\.country_charts takes daily_track_plays, tracks, and its declared inputs are plays: "
    )
    with pytest.raises(ContractError, match=sentence):
        transform_of(replace(CHARTS, inputs=("silver.plays",)))
