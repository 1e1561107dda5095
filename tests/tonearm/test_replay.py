"""`tonearm replay`: what it refuses before it starts anything."""

from pathlib import Path

import pytest

from tonearm.app import run


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Say what to replay: give a --reason"),
        (["--reason", "sad_country"], "'sad_country' is no reason: give one of missing_payload"),
        (["--rules", "gone.toml"], "The fix rules gone.toml cannot be read (No such file or directory)"),
        (["--rules", "rules.toml"], "rules.toml: rule 'r': patch.upper may not name ms_played"),
    ],
)
def test_a_wrong_question_starts_nothing(
    arguments: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TONEARM_HOME", str(tmp_path / "home"))
    (tmp_path / "rules.toml").write_text(
        '[[rule]]\nname = "r"\nreason = "bad_country"\npatch = {upper = ["ms_played"]}\n'
    )
    assert run(["replay", *arguments]) == 1
    told = capsys.readouterr()
    assert told.err.startswith(said)
    assert told.err.count("\n") == 1
    assert told.out == ""
    assert not (tmp_path / "home").exists()
