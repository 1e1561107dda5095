"""Writes the site: an index with the whole graph, a page and a contract for each table, without scripts or servers."""

from datetime import date, datetime
from pathlib import Path
from typing import Any, get_args

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from infra.replace_file import replace_file
from schemas import catalog
from schemas.model import Layer, Ledger, Live
from schemas.render.odcs import contract
from schemas.views import VIEWS, views_over
from tonearm.site import bars, graph
from tonearm.site.examples import examples
from tonearm.site.facts import Facts, Site
from tonearm.site.validations import rendered

_SOURCE = "Kafka"
_STORES = ("BigQuery", "Cassandra")


def build(site: Site, folder: Path) -> int:
    """Write all pages into `folder`, each as a whole; returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = _environment()
    shared = {"site": site, "layers": _layers(site)}
    index = environment.get_template("index.html")
    replace_file(folder / "index.html", index.render(**shared, graph=_whole_graph(site), views=VIEWS, current=""))
    page = environment.get_template("table.html")
    for name, facts in site.tables.items():
        shown = {"facts": facts, "graph": _own_graph(site, name), "picture": _picture(facts), "current": name}
        more = {"examples": examples(facts.table), "views": views_over(facts.table)}
        replace_file(folder / f"{name}.html", page.render(**shared, **shown, **more))
        if facts.validation:
            validation = environment.get_template("validation.html")
            text = validation.render(**shared, **shown, validation=rendered(facts.validation))
            replace_file(folder / f"{name}.validation.html", text)
        text = yaml.safe_dump(contract(facts.table), sort_keys=False, allow_unicode=True, width=120)
        replace_file(folder / f"{name}.odcs.yaml", text)
    return 1 + len(site.tables) + sum(facts.validation is not None for facts in site.tables.values())


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tonearm.site"),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"count": _count, "size": _size, "moment": _moment}
    return environment


def _layers(site: Site) -> dict[str, list[Facts]]:
    tables = site.tables.values()
    layers = {layer: [facts for facts in tables if facts.table.layer == layer] for layer in get_args(Layer)}
    return {layer: found for layer, found in layers.items() if found}


def _whole_graph(site: Site) -> Markup:
    return _drawn(site, set(site.tables), "")


def _own_graph(site: Site, name: str) -> Markup:
    """What the table is computed from, and what is computed from it."""
    near = {name, *catalog.downstream(name)}
    near |= {one for one in site.tables if name in catalog.downstream(one)}
    return _drawn(site, near, name)


def _drawn(site: Site, names: set[str], current: str) -> Markup:
    tables = {name: facts for name, facts in site.tables.items() if name in names}
    nodes = [
        graph.Node(name, facts.table.layer, "live" if facts.table.is_live else facts.extent_in_words, f"{name}.html")
        for name, facts in tables.items()
    ]
    edges = [(read, name) for name, facts in tables.items() for read in facts.table.inputs]
    from_topic = [name for name, facts in tables.items() if isinstance(facts.table.refresh, Ledger | Live)]
    if from_topic:
        nodes.insert(0, graph.Node(_SOURCE, "store", "playback events"))
        edges += [(_SOURCE, name) for name in from_topic if not tables[name].table.inputs]
    for store in _STORES:
        published = [
            name for name, facts in tables.items() if store in facts.stores and (not current or name == current)
        ]
        if published:
            nodes.append(graph.Node(store, "store", "analysts" if store == "BigQuery" else "the application"))
            edges += [(name, store) for name in published]
    return Markup(graph.svg(nodes, edges, current))  # noqa: S704 - made here, of escaped words


def _picture(facts: Facts) -> dict[str, Any] | None:
    """Rows by date where the table has dates, else after each run; None where there is nothing to see yet."""
    if facts.by_date:
        word, shown = bars.by_time(facts.by_date)
        title = f"Rows by {word}" + (f" of {facts.table.partition_by}" if facts.table.partition_by else "")
    else:
        shown = [bars.Bar(f"{one.at:%m-%d %H:%M}", one.rows) for one in facts.history if one.passed][-60:]
        title = "Rows of the table after each run that changed it"
    if not any(bar.rows for bar in shown):
        return None
    return {"title": title, "svg": Markup(bars.svg(shown, title))}  # noqa: S704 - made here, of numbers and dates


def _count(value: int) -> str:
    return f"{value:,}"


def _size(value: int) -> str:
    """Bytes for a person."""
    for digits, unit in ((9, "GB"), (6, "MB"), (3, "KB")):
        if value >= 10**digits:
            return f"{value / 10**digits:.1f} {unit}"
    return f"{value} bytes"


def _moment(value: datetime | date) -> str:
    return f"{value:%Y-%m-%d %H:%M} UTC" if isinstance(value, datetime) else value.isoformat()
