"""Alerts, runbooks and dashboard: each alert has a runbook, and nothing is asked that is not measured."""

import json
import re
from typing import Any

import pytest
import yaml

from infra.settings import REPOSITORY
from tonearm.metrics.declared import METRICS

FOLDER = REPOSITORY / "infra" / "monitoring"
ALERTS: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"] for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((FOLDER / "dashboard.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
RUNBOOKS = (REPOSITORY / "docs" / "runbooks.md").read_text()

LABELS = {metric.name: {*metric.labels, "job", "instance"} for metric in METRICS}
"""Of each metric; the last two are Prometheus' own."""
FUNCTIONS = {"absent", "delta", "increase", "max", "min", "rate", "sum", "time"}
WORDS = {"and", "bool", "by", "ignoring"}

_TOKEN = re.compile(
    r"\s+|(?P<selector>(?P<metric>tonearm_\w+)(?:\{(?P<labels>[^}]*)\})?(?:\[\d+[smhd]\])?)|(?P<word>[a-z_]+)"
    r"|\d+(?:\.\d+)?|[=!<>]=|[-+*/<>(),]"
)
_MATCHER = re.compile(r"(?P<name>\w+)(?:=|!=|=~|!~)\"[^\"]*\"(?:, |$)")


EXPRESSIONS = [
    *((alert["alert"], alert["expr"]) for alert in ALERTS),
    *((panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]),
]
"""Each with where it is."""


def metrics_of(expression: str) -> set[str]:
    """Metrics that are asked for; AssertionError for what is no word of the language, and for unbalanced brackets."""
    at, depth, found = 0, 0, set()
    while at < len(expression):
        token = _TOKEN.match(expression, at)
        assert token, f"{expression[at:]!r} is not understood"
        depth += (token[0] == "(") - (token[0] == ")")
        assert depth >= 0
        if metric := token["metric"]:
            found.add(metric)
            asked = _MATCHER.findall(token["labels"] or "")
            assert "".join(one[0] for one in _MATCHER.finditer(token["labels"] or "")) == (token["labels"] or "")
            assert set(asked) <= LABELS.get(metric, set()), f"{metric} has no such label"
        elif word := token["word"]:
            assert word in FUNCTIONS | WORDS | set().union(*LABELS.values()), word
        at = token.end()
    assert depth == 0
    return found


@pytest.mark.parametrize(("where", "expression"), EXPRESSIONS, ids=lambda one: one[:40])
def test_what_is_asked_is_measured(where: str, expression: str) -> None:
    found = metrics_of(expression)
    assert found
    assert found <= LABELS.keys(), where


@pytest.mark.parametrize(
    "wrong",
    [
        "tonearm_no_such == 0",
        "sum(tonearm_info",
        "median(tonearm_info)",
        'tonearm_info{colour="red"}',
        "tonearm_info ; 1",
    ],
)
def test_a_wrong_expression_is_found(wrong: str) -> None:
    with pytest.raises(AssertionError):
        assert metrics_of(wrong) <= LABELS.keys()


def test_every_metric_of_a_fault_is_alerted_on() -> None:
    """Whatever else is only looked at, these say that something is wrong."""
    alerted = set().union(*(metrics_of(alert["expr"]) for alert in ALERTS))
    faults = {
        name for name in LABELS if re.search(r"(?<!caught)_up$|_failures$|_behind$|_unfinished$|_exit_status$", name)
    }
    assert faults <= alerted


@pytest.mark.parametrize("alert", ALERTS, ids=lambda one: one["alert"])
def test_an_alert_has_a_severity_a_sentence_and_its_own_runbook(alert: dict[str, Any]) -> None:
    assert alert["labels"]["severity"] in ("page", "ticket")
    assert alert["annotations"]["summary"].endswith((".", "records."))
    assert alert["annotations"]["runbook_url"] == f"docs/runbooks.md#{alert['alert'].lower()}"
    known = set().union(*(LABELS[name] for name in metrics_of(alert["expr"])))
    assert set(re.findall(r"\$labels\.(\w+)", alert["annotations"]["summary"])) <= known


def test_every_runbook_is_of_an_alert_and_every_alert_has_one() -> None:
    assert re.findall(r"^## (.+)$", RUNBOOKS, re.MULTILINE) == [alert["alert"] for alert in ALERTS]


def test_panels_have_words_a_place_of_their_own_and_legends_of_labels_that_exist() -> None:
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(set(ids)) == len(ids)
    cells: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        own = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not own & cells, panel["title"]
        assert max(x for x, _ in own) < 24
        cells |= own
    for panel in PANELS:
        assert panel["title"]
        assert panel["description"].endswith(".")
        for target in panel["targets"]:
            known = set().union(*(LABELS[name] for name in metrics_of(target["expr"])))
            assert set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", ""))) <= known


def test_prometheus_is_told_the_port_that_is_served_by_default() -> None:
    from tonearm.commands.metrics import LOOPBACK, PORT

    config = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
    (job,) = config["scrape_configs"]
    assert job["static_configs"] == [{"targets": [f"{LOOPBACK}:{PORT}"]}]
    assert [(FOLDER / name).exists() for name in config["rule_files"]] == [True]
