"""`python -m pipelines live [--runner=…] [OPTIONS]`."""

import os
import sys
from contextlib import ExitStack

from infra.settings import Settings
from schemas.errors import TonearmError

USAGE = "usage: python -m pipelines live [--runner=PrismRunner|FlinkRunner|DataflowRunner|…] [Beam's options]"


def main(words: list[str]) -> int:
    """Run the pipeline that the first word names; the exit status."""
    if words[:1] != ["live"]:
        print(USAGE, file=sys.stderr)
        return 2
    from pipelines.run import run_live

    with ExitStack() as runner:
        try:
            run_live(Settings(), words[1:], runner)
        except TonearmError as error:
            _say_last(str(error))
            return error.exit_status
        except KeyboardInterrupt:
            return 130
    return 0


def _say_last(sentence: str) -> None:
    """Threads of Beam that lose their runner complain at length: who reads the log's last line wants the reason."""
    print(sentence, file=sys.stderr, flush=True)
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 (a descriptor is wanted)
        for stream in (sys.stdout, sys.stderr):
            os.dup2(nowhere.fileno(), stream.fileno())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
