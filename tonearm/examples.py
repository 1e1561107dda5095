"""Three questions a newcomer would ask, with the command that asks them and the answer of the stores."""

import shlex
from collections.abc import Sequence
from typing import Any

from infra.identity import Identities
from infra.local.stack import Endpoints
from infra.serving_store.reads import read
from infra.settings import Settings
from infra.warehouse.queries import Answer, ask
from schemas import catalog
from schemas.errors import InputError
from schemas.gold import COUNTRY_CHARTS, DAILY_USER_PLAYS
from tonearm.answers import json_value

_TOP_TRACKS = """\
SELECT t.artist_name, t.track_title,
  SUM(d.play_count) AS plays, SUM(d.skip_count) AS skips
FROM {prefix}gold.daily_track_plays d
JOIN {prefix}silver.tracks t ON t.track_id = d.track_id AND t.is_current
GROUP BY 1, 2 ORDER BY plays DESC, 1, 2 LIMIT 5"""
_ANY_CHART = "SELECT country FROM {prefix}gold.country_charts GROUP BY 1 ORDER BY SUM(play_count) DESC, 1 LIMIT 1"
_ANY_LISTENER = (
    "SELECT user_id FROM {prefix}gold.daily_user_plays GROUP BY 1 ORDER BY SUM(playback_count) DESC, 1 LIMIT 1"
)
_CHART_COLUMNS = ("position", "artist_name", "track_title", "play_count")
_DAY_COLUMNS = ("event_date", "playback_count", "play_count", "skip_count", "track_count")
_ROWS = 5

Example = dict[str, Any]


def answered_examples(settings: Settings, endpoints: Endpoints, listener: str) -> list[Example]:
    """Each example as its title, the command and the answer; an example that has nothing to show is left out.

    `listener` is the account name whose days are shown; empty: the listener with the most playbacks.
    """
    prefix = settings.bigquery_dataset_prefix
    statement = _TOP_TRACKS.format(prefix=prefix)
    top = ask(settings, endpoints, statement)
    examples = [_example("The most played tracks (BigQuery)", f'tonearm sql "{statement}"', top.columns, top.rows)]
    country = _first(ask(settings, endpoints, _ANY_CHART.format(prefix=prefix)))
    if country:
        place = "playbacks without a country" if country == "ZZ" else country
        title = f"The chart of {place}, last 28 days (Cassandra)"
        key = {"country": country, "window_days": "28"}
        examples.append(_read(settings, endpoints, title, COUNTRY_CHARTS.full_name, key, _CHART_COLUMNS, ""))
    name = listener or _name_of(settings, _first(ask(settings, endpoints, _ANY_LISTENER.format(prefix=prefix))))
    if name:
        key = {"user_id": Identities(settings.home).find(name)}
        title = f"The latest days of {name} (Cassandra)"
        examples.append(_read(settings, endpoints, title, DAILY_USER_PLAYS.full_name, key, _DAY_COLUMNS, name))
    return [example for example in examples if example["rows"]]


def _read(
    settings: Settings,
    endpoints: Endpoints,
    title: str,
    table: str,
    key: dict[str, str],
    columns: Sequence[str],
    listener: str,
) -> Example:
    rows = read(settings, endpoints, catalog.table(table), key, _ROWS)
    words = (
        f"--user {shlex.quote(listener)}" if listener else " ".join(f"{name}={value}" for name, value in key.items())
    )
    command = f"tonearm get {table} {words} --limit {_ROWS}"
    return _example(title, command, columns, [[row[name] for name in columns] for row in rows])


def _example(title: str, command: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Example:
    plain = [
        [value if isinstance(value, str | int | float | None) else json_value(value) for value in row] for row in rows
    ]
    return {"title": title, "command": command, "columns": list(columns), "rows": plain}


def _first(answer: Answer) -> str:
    return str(answer.rows[0][0]) if answer.rows else ""


def _name_of(settings: Settings, user_id: str) -> str:
    """The listener's account name; empty where this home does not know it (events of another client, say)."""
    try:
        return Identities(settings.home).name_of(user_id) if user_id else ""
    except InputError:
        return ""
