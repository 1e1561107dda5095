"""What `tonearm recount` prints."""

import json
from dataclasses import replace

import pytest

from infra.lake import Lake
from jobs.recount import Counts, Place, Recount
from playback.rules import PlayRule
from schemas.gold import DAILY_USER_PLAYS
from tonearm.app import run

FOUND = Recount(
    {"DE": Counts(4, 1, 3, 1, 0), "SE": Counts(2, 1, 1, 0, 0)},
    1,
    {"t:b": Counts(2, 0, 2, 1, 0)},
    [
        Place("DE", 7, "t:b", "Artist", "Track b", None, 1, None, 2),
        Place("DE", 7, "t:a", "Artist", "Track a", 1, 2, 1, 1),
    ],
)


@pytest.fixture
def found(monkeypatch, tmp_path):
    monkeypatch.setenv("TONEARM_HOME", str(tmp_path))
    monkeypatch.setattr("jobs.recount.recount", lambda *_: FOUND)


def lines(text):
    return [" ".join(line.split()) for line in text.splitlines()]


def test_totals_and_how_much_would_move(found, capsys):
    assert run(["recount", "--rule", "v2"]) == 0
    told = lines(capsys.readouterr().out)
    assert told[0] == "As if v2 had been in force all the time; nothing is changed."
    assert "all 6 2 4 2 1 0 -1" in told
    assert "SE 2 1 1 0 0 0 0" in told
    assert "1 track(s) and 2 place(s) of charts would move." in told


def test_with_diff_tracks_and_places_up_to_a_limit(found, capsys):
    assert run(["recount", "--rule", "v2", "--diff", "--limit", "1", "--since", "2026-01-01"]) == 0
    told = lines(capsys.readouterr().out)
    assert told[0] == "As if v2 had been in force from 2026-01-01 on; nothing is changed."
    assert "t:b 2 0 2 2 1 0 -1" in told
    assert "DE 7 Artist Track b null 1 null 2" in told
    assert "1 more: `--limit` or `--json` shows them." in told


def test_json_has_all_of_it(found, capsys):
    assert run(["recount", "--rule", "v2", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rule"]["version"] == "v2"
    assert told["total"]["plays_after"] == 4
    assert [one["position_after"] for one in told["places"]] == [1, 2]


def test_a_version_that_nobody_wrote_down_is_one_sentence(found, capsys):
    assert run(["recount", "--rule", "v9"]) == 1
    assert "There is no version 'v9' of the play rules" in capsys.readouterr().err


def test_a_version_without_a_date_is_one_sentence(found, capsys, monkeypatch):
    monkeypatch.setattr("playback.rules.PROPOSED", (PlayRule("v2", None, 10_000),))

    assert run(["recount", "--rule", "v2"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Version 'v2' of the play rules has no date: give it the UTC date")
    assert said.err.count("\n") == 1


def test_a_lake_of_earlier_declarations_is_to_be_migrated_first(found, tmp_path, capsys):
    older = tuple(one for one in DAILY_USER_PLAYS.fields if not one.name.startswith("clean_"))
    Lake(tmp_path / "lake").create(replace(DAILY_USER_PLAYS, fields=older))
    assert run(["recount", "--rule", "v2"]) == 1
    assert "run `tonearm migrate`, then the same command again." in capsys.readouterr().err
