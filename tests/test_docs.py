"""What the documentation says exists does: targets, commands, options, variables, links, tables, decisions."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from infra.failpoints import VARIABLE as FAILPOINT_VARIABLE
from infra.settings import REPOSITORY, Settings
from schemas import catalog
from schemas.views import VIEWS
from tonearm.app import build_app

PAGES = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/**/*.md")])
README = (REPOSITORY / "README.md").read_text()
FIELDS = {f"TONEARM_{name.upper()}" for name in Settings.model_fields}
# read by set-up, by tests and in Airflow, where no settings object exists
OF_DAGS = {
    name for path in (REPOSITORY / "dags").rglob("*.py") for name in re.findall(r"TONEARM_\w+", path.read_text())
}
OF_BENCH = {
    name
    for module in (REPOSITORY / "bench").glob("*.py")
    for name in re.findall(r'"(TONEARM_BENCH_[A-Z_]+)"', module.read_text())
}
OTHER_VARIABLES = {FAILPOINT_VARIABLE, "TONEARM_IVY_SETTINGS"} | OF_DAGS | OF_BENCH

_FENCE = re.compile(r"^ *```(?P<language>\w*)\n(?P<code>.*?)^ *```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_TONEARM = re.compile(r"(?:^|[\s/])tonearm +(?P<command>[a-z]+(?:-[a-z]+)*)\b(?P<rest>[^\n;|#]*)")
_LINK = re.compile(r"\[[^\]]*\]\((?P<target>[^)\s]+)\)")


def snippets(page: str) -> Iterator[str]:
    """Each line of the shell and text blocks, and each inline piece of code."""
    for fence in _FENCE.finditer(page):
        if fence["language"] in ("sh", "text"):
            yield from fence["code"].splitlines()
    yield from _INLINE.findall(_FENCE.sub("", page))


def targets(page: str) -> set[str]:
    """Targets of make that a page calls; settings (`ONCE=1`) and what follows them are none."""
    called: set[str] = set()
    for snippet in snippets(page):
        for words in re.findall(r"(?:^|\s)make((?: +[a-z-]+(?![\w=/.]))+)", snippet.split("#")[0]):
            called |= set(words.split())
    return called


def commands() -> dict[str, set[str]]:
    """Every command of the command line with its options."""
    group = typer.main.get_command(build_app())
    found: dict[str, set[str]] = {}
    for name, command in getattr(group, "commands").items():  # noqa: B009 - typer's own group has no public type
        options = {option for one in command.params for option in getattr(one, "opts", ()) if option.startswith("--")}
        found[name] = options | {"--help"}
    return found


def called(page: str) -> Iterator[tuple[str, set[str]]]:
    """Each command of tonearm that a page shows, with the options beside it."""
    for snippet in snippets(page):
        for match in _TONEARM.finditer(snippet):
            yield match["command"], set(re.findall(r"(?<!\S)--[a-z-]+", match["rest"]))


def anchors(page: str) -> set[str]:
    """Anchors that a page's headings have, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+)$", _FENCE.sub("", page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def name(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_target_of_make_that_is_named_exists(page: Path) -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    assert targets(page.read_text()) <= set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_and_option_that_is_shown_exists(page: Path) -> None:
    known = commands()
    wrong = {
        (command, *options) for command, options in called(page.read_text()) if options - known.get(command, set())
    }
    wrong |= {(command,) for command, _ in called(page.read_text()) if command not in known and command != "COMMAND"}
    assert not wrong


def test_every_command_is_in_the_readme_with_its_options() -> None:
    rows = [line for line in README.splitlines() if line.startswith("| `tonearm ")]
    missing = [
        (command, option)
        for command, options in commands().items()
        for option in options - {"--help"}
        if not any(re.search(rf"`tonearm {command}\b", row) and f"`{option}" in row for row in rows)
    ]
    assert not missing
    assert all(any(f"`tonearm {command}" in row for row in rows) for command in commands())


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_variable_that_is_named_is_read(page: Path) -> None:
    assert set(re.findall(r"TONEARM_[A-Z_]*[A-Z]", page.read_text())) <= FIELDS | OTHER_VARIABLES


def test_every_setting_has_a_row_in_the_readme_with_its_default() -> None:
    rows = dict(re.findall(r"^\| `(TONEARM_\w+)` \| ([^|]*)\|", README, re.MULTILINE))
    assert rows.keys() == FIELDS
    for field, setting in Settings.model_fields.items():
        shown = rows[f"TONEARM_{field.upper()}"].strip()
        if field == "toolchain":
            assert shown == "`.tonearm/toolchain` of the clone"
        elif setting.default in ("", None):
            assert shown == ""
        else:
            assert shown.startswith(f"`{setting.default}`")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    text = page.read_text()
    broken = []
    for link in _LINK.finditer(_FENCE.sub("", text)):
        target, _, anchor = link["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        there = (page.parent / target) if target else page
        if not there.exists() or (anchor and anchor not in anchors(there.read_text())):
            broken.append(link["target"])
    assert not broken


def test_every_table_is_named() -> None:
    text = "".join(page.read_text() for page in PAGES)
    assert [table for table in catalog.tables() if f"`{table}`" not in text] == []


def test_the_readme_says_where_each_table_is_published() -> None:
    for full_name, table in catalog.tables().items():
        stores = [
            store for store, declared in (("BigQuery", table.warehouse), ("Cassandra", table.serving)) if declared
        ]
        assert re.search(rf"^\| `{re.escape(full_name)}` \|[^|]*\| *{', '.join(stores)} *\|$", README, re.MULTILINE)


def test_the_page_on_live_says_for_how_long_each_table_is_kept() -> None:
    page = (REPOSITORY / "docs" / "live.md").read_text()
    kept = dict(re.findall(r"^\| `(live\.\w+)` \|.*\| (\d+) \|$", page, re.MULTILINE))
    assert kept == {name: str(one.retention_days) for name, one in catalog.tables().items() if one.is_live}


def test_the_readme_says_over_what_each_view_is() -> None:
    for view in VIEWS:
        over = ", ".join(f"`{table.full_name}`" for table in view.reads)
        assert f"| `{view.full_name}` | {over} |" in README


def test_every_decision_is_in_the_index() -> None:
    folder = REPOSITORY / "docs" / "adr"
    index = (folder / "README.md").read_text()
    assert [one.name for one in sorted(folder.glob("[0-9]*.md")) if f"]({one.name})" not in index] == []


def test_what_the_readme_says_of_the_sheet_is_what_the_report_prints() -> None:
    from jobs.sheet import COLUMNS

    heading = next(line for line in README.splitlines() if line.startswith("topic, hour (UTC)"))
    assert [word for word in re.split(r" {2,}", heading)[1:] if word] == [
        column.replace("_", " ") for column in COLUMNS
    ]


def test_the_page_on_faults_names_every_guard_with_its_test_and_counts_the_poison() -> None:
    from playback.reasons import Reason
    from tests.end_to_end.faults.switched_off import GUARDS
    from tests.poison.corpus import CORPUS
    from tests.poison.kinds import Group

    page = (REPOSITORY / "docs" / "faults.md").read_text()
    for guard, what in GUARDS.items():
        path, _, test = what.test.partition("::")
        assert f"| {guard} | `{test}` in [{Path(path).name}](../{path}) |" in page
        assert f"def {test.partition('[')[0]}(" in (REPOSITORY / path).read_text(), guard
    for group in Group:
        kinds = [poison for poison in CORPUS if poison.group == group]
        dead = sum(isinstance(poison.fate, Reason) for poison in kinds)
        assert f"| {group} | {len(kinds)} | {dead} |" in page
    assert f"has {len(CORPUS)} kinds of record in {len(Group)} groups" in page
