"""Markdown: the kinds of drift and their verdicts, as docs/evolution.md shows them."""

from schemas.drift_kinds import KINDS, Kind, Place

PLACES: tuple[Place, ...] = ("event", "lake", "bigquery", "cassandra")


def kinds_table() -> str:
    """One row a kind: the verdict in each place (a dash where it cannot be), why, and what to do instead."""
    heading = "| kind | event | lake | BigQuery | Cassandra | because | instead |\n|---|---|---|---|---|---|---|\n"
    return heading + "".join(_row(kind) for kind in KINDS)


def _row(kind: Kind) -> str:
    verdicts = (kind.verdicts.get(place, "-") for place in PLACES)
    return f"| {' | '.join((kind.name, *verdicts, kind.because, kind.instead))} |\n".replace("|  |", "| |")
