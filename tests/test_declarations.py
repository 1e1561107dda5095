"""Every declared table has its transform, and a transform takes what is declared: found at lint, without an engine."""

import ast
from pathlib import Path

import pytest

from schemas import catalog

ROOT = Path(__file__).resolve().parent.parent
DERIVED = [name for name, one in catalog.tables().items() if one.is_derived]


def parameters(module: Path) -> list[str]:
    """Names that the module's `transform` takes."""
    functions = [node for node in ast.parse(module.read_text()).body if isinstance(node, ast.FunctionDef)]
    (transform,) = [one for one in functions if one.name == "transform"]
    return [argument.arg for argument in transform.args.args]


@pytest.mark.parametrize("name", DERIVED)
def test_a_transform_takes_the_declared_inputs(name: str) -> None:
    table = catalog.table(name)
    module = ROOT / "jobs" / table.layer / f"{table.name}.py"
    assert module.exists(), f"{name} is declared and {module} does not exist"
    assert sorted(parameters(module)) == sorted(catalog.table(one).name for one in table.inputs)


def test_every_transform_is_of_a_declared_table() -> None:
    layers = {catalog.table(name).layer for name in DERIVED}
    modules = {f"{layer}.{file.stem}" for layer in layers for file in (ROOT / "jobs" / layer).glob("*.py")}
    assert {name for name in modules if not name.endswith("__init__")} == set(DERIVED)
