"""The site: a page and a contract for every table, also of a home in which nothing has run."""

import json
import re
from datetime import UTC, date, datetime
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest
import yaml
from deltalake import write_deltalake

from infra.lake import Lake
from infra.settings import Settings
from infra.validations import Evaluated, Validations
from playback.arrow import arrow_schema
from schemas import catalog
from schemas.gold import DAILY_TRACK_PLAYS
from schemas.model import Table
from schemas.quality import CHECK_RESULTS
from schemas.render.expectations import expectations
from schemas.views import VIEWS, View
from tonearm.app import run
from tonearm.site.build import build
from tonearm.site.facts import gather

SEEN = datetime(2026, 11, 20, 8, tzinfo=UTC)
VALIDATION = [
    Evaluated(one, 36, 3 if one["kwargs"] == {"column": "play_count", "min_value": 0, "max_value": None} else 0)
    for one in expectations(DAILY_TRACK_PLAYS)
]


class Links(HTMLParser):
    """Every place that a page leads to, and whether it loads anything from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: set[str] = set()
        self.loaded: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        if tag == "a" and given.get("href"):
            self.targets.add(str(given["href"]))
        if given.get("src") or tag in ("script", "link", "iframe"):
            self.loaded.add(tag)


def links(page: Path) -> Links:
    found = Links()
    found.feed(page.read_text())
    return found


def write(lake: Lake, table: Table, *given: dict[str, object]) -> None:
    usual = {"string": "x", "long": 1, "int": 1, "boolean": True, "timestamp": SEEN, "date": SEEN.date()}
    rows = [{field.name: usual[field.type] for field in table.stored_fields} | row for row in given]
    lake.create(table)
    arrow = pa.Table.from_pylist(rows, schema=arrow_schema(table.stored_fields))
    write_deltalake(lake.path(table), arrow, mode="overwrite")


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    build(gather(Settings(home=tmp_path_factory.mktemp("home"))), folder)
    return folder


@pytest.fixture
def filled(settings: Settings, tmp_path: Path) -> Path:
    """A home in which one table has rows and a check of it did not hold."""
    lake = Lake(settings.lake)
    days = [{"event_date": date(2026, 11, day), "track_id": f"{n}"} for day in (17, 19) for n in range(day)]
    write(lake, DAILY_TRACK_PLAYS, *days)
    result = {
        "checked_table": "gold.daily_track_plays",
        "check_name": "play_count is at most playback_count",
        "severity": "warn",
        "is_met": False,
        "message": "3 <b>rows</b> do not",
        "table_version": 1,
    }
    older = result | {
        "is_met": True,
        "message": "",
        "checked_at": datetime(2026, 11, 19, tzinfo=UTC),
        "table_version": 0,
    }
    write(lake, CHECK_RESULTS, result, older)
    Validations(settings.home).keep("gold.daily_track_plays", 1, VALIDATION)
    build(gather(settings), tmp_path)
    return tmp_path


def test_every_table_has_a_page_and_a_contract(empty: Path) -> None:
    expected = {"index.html"} | {f"{name}{end}" for name in catalog.tables() for end in (".html", ".odcs.yaml")}
    assert {file.name for file in empty.iterdir()} == expected


def test_every_link_leads_somewhere_and_nothing_is_loaded(empty: Path) -> None:
    for page in empty.glob("*.html"):
        found = links(page)
        assert not [target for target in found.targets if not (empty / target).exists()], page.name
        assert found.loaded == set()


@pytest.mark.parametrize("name", catalog.tables())
def test_a_page_says_what_the_declaration_says(empty: Path, name: str) -> None:
    text = (empty / f"{name}.html").read_text()
    table = catalog.tables()[name]
    for field in table.fields:
        assert f"<code>{field.name}</code>" in text
    assert table.owner in text
    if table.is_live:
        assert "in the stores, as events come in" in text
    else:
        assert f"{table.schedule}, at most {table.promised_hours} hours old" in text
        assert "not computed yet" in text


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.full_name)
def test_views_are_listed_and_named_where_their_tables_are(empty: Path, view: View) -> None:
    index = (empty / "index.html").read_text()
    assert f"<code>{view.full_name}</code>" in index
    assert ", ".join(field.name for field in view.fields) in index
    for table in view.reads:
        assert f"<code>{view.full_name}</code>" in (empty / f"{table.full_name}.html").read_text()


def test_every_contract_is_of_its_table(empty: Path) -> None:
    for name, table in catalog.tables().items():
        contract = yaml.safe_load((empty / f"{name}.odcs.yaml").read_text())
        (described,) = contract["schema"]
        assert [one["name"] for one in described["properties"]] == [field.name for field in table.fields]
        assert [one["name"] for one in described["properties"] if one.get("primaryKey")] == [
            field.name for field in table.fields if field.name in table.key
        ]


def test_rows_by_date_and_the_last_verdict_of_a_check_are_shown(filled: Path) -> None:
    text = (filled / "gold.daily_track_plays.html").read_text()
    assert "<title>2026-11-18: 0 rows</title>" in text
    assert "<title>2026-11-19: 19 rows</title>" in text
    assert re.search(
        r'play_count is at most playback_count</td><td>stop</td>\s*<td[^>]*><span class="verdict stop">', text
    )


def test_a_message_is_no_markup_and_the_index_counts_what_does_not_hold(filled: Path) -> None:
    assert "3 &lt;b&gt;rows&lt;/b&gt; do not" in (filled / "gold.daily_track_plays.html").read_text()
    assert re.search(r"Checks that do not hold</dt><dd>1</dd>", (filled / "index.html").read_text())


def test_the_command_says_where_the_site_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    monkeypatch.setenv("TONEARM_HOME", str(tmp_path))
    assert run(["docs", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert Path(answer["index"]) == (tmp_path / "docs" / "index.html").resolve()
    assert answer["pages"] == len(catalog.tables()) + 1


def test_the_last_validation_is_shown_in_the_words_of_great_expectations(filled: Path) -> None:
    assert "gold.daily_track_plays.validation.html" in links(filled / "gold.daily_track_plays.html").targets
    page = filled / "gold.daily_track_plays.validation.html"
    text = " ".join(page.read_text().split())
    assert "28 of 29 expectations hold" in text
    assert "values must be greater than or equal to" in text
    assert "3 unexpected values found" in text
    found = links(page)
    assert found.loaded == set()
    assert all((filled / target).exists() for target in found.targets)
