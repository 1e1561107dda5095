"""`tonearm recount`: what another version of the play rules would move."""

import json
import sys
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from tonearm.dates import day

if TYPE_CHECKING:
    from jobs.recount import Counts, Place, Recount
    from playback.rules import PlayRule

_COUNTED = ("playbacks", "plays", "would be", "moved", "skips", "would be", "moved")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("recount")(recount)


def recount(
    rule: Annotated[str, typer.Option(help="Version of the play rules, as playback/rules.py names it.")],
    since: Annotated[
        date | None,
        typer.Option(
            metavar="DATE", parser=day, help="As if it were in force from this UTC date on; else, all the time."
        ),
    ] = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show tracks and places of charts that would move, too.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="Tracks to show, and places.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print all of it as JSON and nothing else.")] = False,
) -> None:
    """Show what a version of the play rules would move, before anything is changed; no table is written."""
    from infra.engine import BATCH_ROWS, open_session
    from infra.lake import Lake
    from infra.settings import Settings
    from jobs import recount as job
    from jobs.declarations import require_migrated
    from playback.rules import rule_named

    settings, named = Settings(), rule_named(rule)
    first = since or job.ALWAYS
    require_migrated(settings)
    with open_session(settings, BATCH_ROWS) as session:
        found = job.recount(session, Lake(settings.lake), named, first, limit)
    if as_json:
        sys.stdout.write(json.dumps(_as_json(named, since, found)) + "\n")
        return
    _show(named, since, found, limit if diff else 0)


def _as_json(rule: "PlayRule", since: date | None, found: "Recount") -> dict[str, object]:
    return {
        "rule": asdict(rule) | {"valid_from": rule.valid_from.isoformat()},
        "since": since.isoformat() if since else None,
        "total": asdict(found.total),
        **asdict(found),
    }


def _show(rule: "PlayRule", since: date | None, found: "Recount", limit: int) -> None:
    from tonearm.answers import print_rows

    when = f"from {since} on" if since else "all the time"
    typer.echo(f"As if {rule.version} had been in force {when}; nothing is changed.")
    countries = [("all", *_counted(found.total)), *((name, *_counted(one)) for name, one in found.countries.items())]
    print_rows(("country", *_COUNTED), countries)
    typer.echo(f"{found.moved_tracks:,} track(s) and {len(found.places):,} place(s) of charts would move.")
    if not limit:
        typer.echo("`--diff` shows them.")
        return
    typer.echo("\nTracks, by what they would win or lose")
    print_rows(("track_id", *_COUNTED), [(name, *_counted(one)) for name, one in found.tracks.items()])
    typer.echo("\nCharts")
    places = ("country", "window_days", "artist_name", "track_title", "position", "would be", "plays", "would be")
    print_rows(places, [_place(one) for one in found.places[:limit]])
    if len(found.places) > limit:
        typer.echo(f"{len(found.places) - limit:,} more: `--limit` or `--json` shows them.")


def _counted(counts: "Counts") -> tuple[int, ...]:
    plays, skips = (counts.plays_before, counts.plays_after), (counts.skips_before, counts.skips_after)
    return counts.playback_count, *plays, plays[1] - plays[0], *skips, skips[1] - skips[0]


def _place(one: "Place") -> tuple[object, ...]:
    names = (one.country, one.window_days, one.artist_name, one.track_title)
    return (*names, one.position_before, one.position_after, one.plays_before, one.plays_after)
