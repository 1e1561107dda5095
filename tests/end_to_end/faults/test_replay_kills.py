"""A replay that is killed and run again: each letter comes back once, and the sheet adds up."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.settings import REPOSITORY
from tests.end_to_end.letters import RULES, as_json, avro, send, topic_ends

POINTS = (("replay.decided", 0), ("producer.delivered", 2), ("replay.batch_sent", 4), ("replay.sent", 5))
"""Where a replay dies one time after the other, and how many letters have come back by then."""

SMALL_BATCHES = (
    "import sys, jobs.replay, tonearm.app; jobs.replay.SEND_BATCH = 2; sys.exit(tonearm.app.run(sys.argv[1:]))"
)


def test_killed_at_one_point_after_the_other_each_letter_comes_back_once(
    deployment: Callable[..., Any], tmp_path: Path
) -> None:
    """Three letters of one rule come before the two of another, which is thus for none that is left at some point."""
    made = deployment()
    bodies = [as_json(f"e{number}", country="de") for number in range(3)]
    send(made, [*bodies, *(avro(f"e{number}") + b"!" for number in (3, 4))], "phone-1")
    _, country, _, trailing, _ = RULES.split("[[rule]]")
    (tmp_path / "rules.toml").write_text(f"[[rule]]{country}[[rule]]{trailing}")

    def replayed(failpoint: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", SMALL_BATCHES, "replay", "--json", "--rules", str(tmp_path / "rules.toml")]
        environment = made.environment(failpoint)
        return subprocess.run(command, cwd=REPOSITORY, env=environment, check=False, capture_output=True, text=True)

    for point, come_back in POINTS:
        died = replayed(point)
        assert died.returncode == -signal.SIGKILL, died.stderr
        assert sum(end for _, end in topic_ends(made)) == 5 + come_back, point
    again = replayed()
    assert again.returncode == 0, again.stderr
    done = json.loads(again.stdout)
    assert (done["sent"], done["replayed_before"], done["adds_up"]) == (0, 5, True)
    assert sorted(row["event_id"] for row in made.rows("silver.plays")) == [f"e{number}" for number in range(5)]
    assert made.rows("silver.duplicates") == []
