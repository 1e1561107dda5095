"""Imports point one way, our package names are ours alone, and no module is a drawer for everything."""

import ast
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
OURS = ("schemas", "playback", "jobs", "pipelines", "serving", "infra", "truth", "tonearm")
CODECS = {"pyarrow", "numpy", "fastavro", "pyruhvro", "orjson"}
DRAWERS = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}

# the room a module belongs to -> the rooms of this repository that it may import from, beside its own
MAY_IMPORT = {
    "schemas": set(),
    "playback": {"schemas"},
    "jobs/layer": {"schemas", "playback"},
    "pipelines/transforms": {"schemas", "playback"},
    "infra": {"schemas", "playback"},
    "jobs/edge": {"schemas", "playback", "infra", "jobs/layer"},
    "pipelines/edge": {"schemas", "playback", "infra", "pipelines/transforms"},
    "serving": {"schemas", "playback", "infra"},
    "truth": {"schemas"},
    "tonearm": {
        "schemas", "playback", "infra", "jobs/layer", "jobs/edge", "pipelines/transforms", "pipelines/edge", "serving",
        "truth",
    },
    "dags": {"schemas"},
}  # fmt: skip
# directly under jobs/, but written for the transforms and bound like them
COLUMN_EXPRESSIONS = {("columns",), ("statistics",), ("genres",)}
STANDARD_LIBRARY_ONLY = {"schemas": set(), "playback": CODECS, "truth": {"duckdb", "pyarrow"}}
# what set-up runs before anything is installed
BARE_MODULES = (
    "infra/local/setup/*.py",
    "infra/local/java.py",
    "infra/local/launch.py",
    "infra/__init__.py",
    "infra/local/__init__.py",
)


def modules() -> list[Path]:
    folders = [*OURS, "dags"]
    return sorted(path.relative_to(ROOT) for folder in folders for path in (ROOT / folder).rglob("*.py"))


def room(parts: tuple[str, ...]) -> str:
    """The room of a module path such as `("jobs", "gold", "daily_track_plays")`."""
    package = parts[0]
    if package == "jobs":
        is_layer = (ROOT / "jobs" / Path(*parts[1:2])).is_dir() or parts[1:2] in COLUMN_EXPRESSIONS
        return "jobs/layer" if is_layer else "jobs/edge"
    if package == "pipelines":
        return "pipelines/transforms" if parts[1:2] == ("transforms",) else "pipelines/edge"
    return package


def imported(path: Path) -> Iterator[tuple[str, ...]]:
    """Every dotted name that a module imports, wherever in the module, as parts."""
    package = path.parent.parts
    for node in ast.walk(ast.parse((ROOT / path).read_text(), str(path))):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield tuple(alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            base += tuple(node.module.split(".")) if node.module else ()
            for alias in node.names:
                yield (*base, alias.name) if (ROOT / Path(*base)).is_dir() else base


def own_room(path: Path) -> str:
    return room(path.with_suffix("").parts)


@pytest.mark.parametrize("path", modules(), ids=str)
def test_imports_point_one_way(path: Path) -> None:
    home = own_room(path)
    wrong = {
        ".".join(name)
        for name in imported(path)
        if name[0] in (*OURS, "dags") and (there := room(name)) != home and there not in MAY_IMPORT[home]
    }
    assert not wrong, f"{path} ({home}) may not import {sorted(wrong)}"


@pytest.mark.parametrize("path", [path for path in modules() if own_room(path) in STANDARD_LIBRARY_ONLY], ids=str)
def test_the_inner_rooms_need_no_engine(path: Path) -> None:
    allowed = STANDARD_LIBRARY_ONLY[own_room(path)] | set(OURS) | sys.stdlib_module_names
    assert not {name[0] for name in imported(path)} - allowed


@pytest.mark.parametrize("path", [path for glob in BARE_MODULES for path in sorted(ROOT.glob(glob))], ids=str)
def test_set_up_runs_on_bare_python(path: Path) -> None:
    allowed = {"schemas", "infra"} | sys.stdlib_module_names
    assert not {name[0] for name in imported(path.relative_to(ROOT))} - allowed


@pytest.mark.parametrize("path", [path for path in modules() if own_room(path) == "truth"], ids=str)
def test_the_answer_key_shares_nothing_but_the_event_schema(path: Path) -> None:
    ours = {name for name in imported(path) if name[0] in OURS and name[0] != "truth"}
    assert ours <= {("schemas", "events")}


@pytest.mark.parametrize("path", modules(), ids=str)
def test_nothing_needs_the_benchmarks(path: Path) -> None:
    assert "bench" not in {name[0] for name in imported(path)}


def test_no_other_distribution_owns_the_names_of_our_packages() -> None:
    owners = packages_distributions()
    assert {name: owners.get(name, []) for name in OURS if set(owners.get(name, [])) - {"tonearm"}} == {}


def test_no_module_is_a_drawer_for_everything() -> None:
    folders = [*OURS, "dags", "tests", "bench"]
    names = {path for folder in folders for path in (ROOT / folder).rglob("*") if path.stem in DRAWERS}
    assert not names
